"""The made data has every node and mark of the published rich-text schema and every type of field that Jira documents."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from jira_backup_pipeline.sandbox.seed.make import make_site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jira_backup_pipeline.sandbox.site import Site

# Types of Jira Software and of the platform that the description of POST /field does not list, because they cannot be made.
LOCKED_TYPES = {
    "com.pyxis.greenhopper.jira:gh-sprint",
    "com.pyxis.greenhopper.jira:gh-lexo-rank",
    "com.pyxis.greenhopper.jira:gh-epic-label",
    "com.pyxis.greenhopper.jira:gh-epic-color",
    "com.pyxis.greenhopper.jira:gh-epic-status",
    "com.pyxis.greenhopper.jira:jsw-story-points",
    "com.atlassian.jira.plugin.system.customfieldtypes:atlassian-team",
}


@pytest.fixture(scope="module")
def site() -> Site:
    """The made data as the demo has it, but for its size."""
    return make_site(projects=1, issues=500, seed=7)


def nodes_of(document: Any) -> Iterator[dict[str, Any]]:
    stack = [document]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.get("content", ()))


def names_in(schema: dict[str, Any], suffix: str) -> set[str]:
    return {
        name
        for key, found in schema["definitions"].items()
        if key.endswith(suffix)
        for name in found.get("properties", {}).get("type", {}).get("enum", [])
    }


@pytest.mark.shared
def test_every_node_and_mark_of_the_published_schema_is_made_and_valid(
    site: Site, shared_folder: Path
) -> None:
    schema = json.loads((shared_folder / "adf" / "adf-full-schema-52.2.2.json").read_text())
    descriptions = [site.body(issue).values.get("description") for issue in site.issues]
    nodes = [node for text in descriptions if text for node in nodes_of(text)]
    special = [text for text in descriptions if text and len(text["content"]) > 20]

    assert names_in(schema, "_node") - {node["type"] for node in nodes} == set()
    assert names_in(schema, "_mark") - {mark["type"] for node in nodes for mark in node.get("marks", ())} == (
        set()
    )
    assert special
    for text in special:
        jsonschema.Draft4Validator(schema).validate(text)


@pytest.mark.shared
def test_every_documented_type_of_custom_field_is_there_and_holds_values(
    site: Site, shared_folder: Path
) -> None:
    document = json.loads((shared_folder / "jira-openapi" / "platform-v3.json").read_text())
    words = document["components"]["schemas"]["CustomFieldDefinitionJsonBean"]["properties"]["type"]
    documented = {
        f"com.atlassian.jira.plugin.system.customfieldtypes:{name}"
        for name in re.findall(r"^ \*  `([a-z]+)`: ", words["description"], re.MULTILINE)
    }
    used = {name for issue in site.issues for name, value in site.body(issue).values.items() if value}
    types = {site.fields[name].schema.get("custom") for name in used if name in site.fields}

    assert len(documented) > 20
    assert (documented | LOCKED_TYPES) - types == set()


def test_every_system_field_that_people_set_holds_values(site: Site) -> None:
    set_by_people = {
        *("assignee", "components", "description", "duedate", "environment", "fixVersions", "priority"),
        *(
            "reporter",
            "resolution",
            "security",
            "summary",
            "timeoriginalestimate",
            "timeestimate",
            "versions",
        ),
    }
    used = {name for issue in site.issues for name, value in site.body(issue).values.items() if value}

    assert set_by_people - used == set()
    assert any(issue.labels for issue in site.issues)
    assert {-1, 0, 1} == {site.issue_types[issue.type_id].level for issue in site.issues}
    assert any(issue.parent_id for issue in site.issues)
