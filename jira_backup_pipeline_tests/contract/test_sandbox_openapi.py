"""Every answer of the sandbox has the shape that the official OpenAPI documents give it.

The test visits every route that is implemented; a route that is not visited fails the test.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import requests

from jira_backup_pipeline.sandbox.core import all_routes
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline_tests.contract.sandbox_visit import visit_everything

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.shared

# Where the documents contradict the service or themselves: (schema, property, what is added, reason).
RELAXED: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    ("ChangeDetails", "from", {"type": "null"}, "recorded real answers have null for an empty side"),
    ("ChangeDetails", "fromString", {"type": "null"}, "recorded real answers have null for an empty side"),
    ("ChangeDetails", "to", {"type": "null"}, "recorded real answers have null for an empty side"),
    ("ChangeDetails", "toString", {"type": "null"}, "recorded real answers have null for an empty side"),
    (
        "Changelog",
        "created",
        {"type": "integer"},
        "the bulk answer's own example, and field reports, have a number",
    ),
    *(
        (
            "CustomFieldContextDefaultValue",
            name,
            {},
            "the closed schema names no member, but its variants do",
        )
        for name in ("contextId", "optionId", "optionIds", "type")
    ),
    (
        "FieldConfigurationDetails",
        "id",
        {"type": "integer"},
        "a closed schema for creating, given for the list too",
    ),
    (
        "FieldConfigurationDetails",
        "isDefault",
        {"type": "boolean"},
        "a closed schema for creating, given for the list too",
    ),
    ("Project", "projectKeys", {"type": "array"}, "a documented expansion that the closed schema forgot"),
)
# Statuses newer than the documents.
RELAXED_STATUSES = {
    ("GET", "/rest/api/3/search", 410): "removed after the documents were written",
    ("POST", "/rest/api/3/search", 410): "removed after the documents were written",
}
# Paths that the documents at hand do not describe: the tenant's page, administrators' webhooks, and two APIs with documents
# of their own.
UNDOCUMENTED = (
    "/_edge/tenant_info",
    "/rest/webhooks/1.0/webhook",
    "/gateway/api/automation/",
    "/rest/servicedeskapi/",
)
# A redirect has no body; the document gives the body of the address it leads to.
REDIRECT = 303


def _with_relaxations(schemas: dict[str, Any]) -> dict[str, Any]:
    for schema, name, addition, _ in RELAXED:
        if schema in schemas:
            properties = schemas[schema].setdefault("properties", {})
            properties[name] = {"anyOf": [properties[name], addition]} if name in properties else addition
    return schemas


def _relaxed(schema: Any) -> Any:
    """OpenAPI 3.0 to JSON Schema: ``nullable`` becomes a type, and what is known to be wrong is taken out.

    Of several forms that a discriminator tells apart, an answer may fit more than one by its members alone.
    """
    if isinstance(schema, list):
        return [_relaxed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: _relaxed(value)
        for key, value in schema.items()
        if key not in {"example", "xml", "format", "readOnly"}
    }
    if made.pop("discriminator", None) and "oneOf" in made:
        made["anyOf"] = made.pop("oneOf")
    if made.pop("nullable", False):
        made = {"anyOf": [made, {"type": "null"}]}
    return made


class Documents:
    """Response schemas of both documents by method and path template."""

    def __init__(self, folder: Path) -> None:
        self._documents = [
            json.loads((folder / name).read_text()) for name in ("platform-v3.json", "software.json")
        ]
        self._components = [
            {"components": {"schemas": _with_relaxations(_relaxed(document["components"]["schemas"]))}}
            for document in self._documents
        ]

    def operation(self, method: str, template: str) -> tuple[int, dict[str, Any]] | None:
        """The operation and the number of its document."""
        for number, document in enumerate(self._documents):
            found = document["paths"].get(template, {}).get(method.lower())
            if found is not None:
                return number, found
        return None

    def problems(self, method: str, template: str, status: int, value: Any) -> list[str]:
        """What is wrong with an answer."""
        found = self.operation(method, template)
        if found is None:
            return [f"{method} {template} is not in the documents"]
        number, operation = found
        response = operation["responses"].get(str(status))
        if response is None:
            return [f"{method} {template} answers {status}, documented: {sorted(operation['responses'])}"]
        offered = response.get("content") or {}
        if value is None and any(name.startswith("image/") for name in offered):
            # A picture, for which the documents also describe a body of JSON that nobody sends.
            return []
        content = offered.get("application/json")
        if content is None or "schema" not in content or status == REDIRECT:
            return []
        schema = {**_relaxed(copy.deepcopy(content["schema"])), **self._components[number]}
        validator = jsonschema.Draft7Validator(schema)
        return [
            f"{method} {template} {status}: {'/'.join(str(p) for p in error.absolute_path)}: {error.message[:300]}"
            for error in validator.iter_errors(value)
        ]


@pytest.fixture(scope="module")
def documents(shared_folder: Path) -> Documents:
    """The official documents."""
    return Documents(shared_folder / "jira-openapi")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    """A small site."""
    with start_sandbox(projects=3, issues=90, seed=11) as running:
        yield running


def test_every_route_is_visited_and_answers_as_documented(
    documents: Documents, sandbox: RunningSandbox
) -> None:
    visits = visit_everything(sandbox)
    problems: list[str] = []
    for visit in visits:
        if visit.template.startswith(UNDOCUMENTED):
            continue
        if (visit.method, visit.template, visit.status) in RELAXED_STATUSES:
            continue
        problems.extend(documents.problems(visit.method, visit.template, visit.status, visit.value))
    assert sorted(set(problems)) == []
    wanted = {(route.method, route.template) for route in all_routes().routes}
    assert set() == wanted - {(visit.method, visit.template) for visit in visits}


def test_every_route_is_a_documented_operation(documents: Documents) -> None:
    unknown = [
        (route.method, route.template)
        for route in all_routes().routes
        if not route.template.startswith(UNDOCUMENTED)
        and documents.operation(route.method, route.template) is None
    ]
    assert unknown == []


def test_a_wrong_answer_is_noticed(documents: Documents) -> None:
    assert documents.problems("GET", "/rest/api/3/field", 200, {"not": "a list"}) != []
    assert documents.problems("GET", "/rest/api/3/field", 299, []) != []


def test_error_answers_have_the_documented_statuses(documents: Documents, sandbox: RunningSandbox) -> None:
    base = f"{sandbox.url}/rest/api/3"
    auth = (sandbox.email, sandbox.token)
    for method, template, path, body in (
        ("GET", "/rest/api/3/issue/{issueIdOrKey}", "/issue/APP-99999", None),
        ("POST", "/rest/api/3/issue", "/issue", {"fields": {}}),
        ("POST", "/rest/api/3/issue/bulk", "/issue/bulk", {"issueUpdates": [{"fields": {}}]}),
        ("POST", "/rest/api/3/search/jql", "/search/jql", {"jql": "order by id"}),
        ("GET", "/rest/api/3/project/{projectIdOrKey}", "/project/NOPE", None),
        ("POST", "/rest/api/3/project", "/project", {"key": "bad key"}),
        ("GET", "/rest/api/3/attachment/{id}", "/attachment/1", None),
    ):
        answer = requests.request(method, base + path, json=body, auth=auth, timeout=10)
        assert answer.status_code >= 400
        assert documents.operation(method, template) is not None
        found = documents.operation(method, template)
        assert found is not None
        assert str(answer.status_code) in found[1]["responses"], (method, path, answer.status_code)
