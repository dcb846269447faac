"""Field schemes: which fields a project has, for which types, which of them are required and how they are described.

What belongs here: the noun, bringing one that is there to the snapshot's state, and who follows which.

What stays out: what is compared (`field_facts`), the older model (`field_configurations`), and the default scheme: every
project that was given no other follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.configuration.field_configurations import (
    field_on_target,
    note_lacking,
    note_refused,
    own_words,
)
from jira_backup_pipeline.engine.restore.configuration.field_facts import overridden, scheme_rule_words
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    listed,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.configuration.source import own_id
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record

_PATH = f"{API}/config/fieldschemes"
_OWN = frozenset({"name", "description"})
# No limit is documented; answers stay small.
_BATCH = 100
_PLAIN = {"isRequired": False, "description": ""}


def _present(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(_PATH, "values"))


def _make(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", _PATH, text_of(row, "name", "description")))


def _fill(bench: Bench, row: Record, target_id: str) -> None:
    """Let a scheme that was made have the fields of the snapshot's, and no others that it may have come with."""
    wanted, present = _wanted(bench, row), _listed(bench, target_id)
    _bring(bench, row, target_id, wanted=wanted, present=present)
    surplus = {field_id: {"schemeIds": [int(target_id)]} for field_id in present if field_id not in wanted}
    _send(bench, row, "DELETE", "/fields", surplus)


def _listed(bench: Bench, target_id: str) -> dict[str, Mapping[str, Any]]:
    items = bench.calls.get_all(f"{_PATH}/{target_id}/fields", "values")
    return {str(item.get("fieldId")): item for item in items}


def _wanted(bench: Bench, row: Record) -> dict[str, Mapping[str, Any]]:
    """Give the fields of the snapshot's scheme by the target's ids, with the types as they are there."""
    found: dict[str, Mapping[str, Any]] = {}
    lacking = set()
    for item in bench.source.rows("field_scheme_item"):
        if item.id.split("/")[0] != own_id(row):
            continue
        field_id = field_on_target(bench, own_id(item))
        members = members_of(item)
        only = members.get("restrictedToWorkTypes") or []
        types = [moved for one in only if (moved := bench.mapped("issue_type", one)) is not None]
        # Without any of its types it would be there for all.
        if field_id is None or (only and not types):
            lacking.add(own_id(item))
            continue
        of_types = [
            {**one, "workTypeId": moved}
            for one in members.get("workTypeParameters") or []
            if (moved := bench.mapped("issue_type", one.get("workTypeId"))) is not None
        ]
        found[field_id] = {**members, "restrictedToWorkTypes": types, "workTypeParameters": of_types}
    note_lacking(bench, row, lacking)
    return found


def _bring(
    bench: Bench,
    row: Record,
    target_id: str,
    *,
    wanted: Mapping[str, Mapping[str, Any]],
    present: Mapping[str, Mapping[str, Any]],
) -> None:
    """Add the fields that a scheme lacks, and say of each what the snapshot says, where something else is said."""
    schemes = {"schemeIds": [int(target_id)]}
    joined, said = {}, {}
    for field_id, item in wanted.items():
        there = present.get(field_id)
        if there is None or _only(there) != _only(item):
            only = {"restrictedToWorkTypes": [int(one) for one in _only(item)]} if _only(item) else {}
            joined[field_id] = [{**schemes, **only}]
        if _rule(there or {}) != _rule(item):
            said[field_id] = [{**schemes, **_parameters(item, there or {})}]
    refused = _send(bench, row, "PUT", "/fields", joined)
    kept = {field_id: body for field_id, body in said.items() if field_id not in refused}
    _send(bench, row, "PUT", "/fields/parameters", kept)


def _only(item: Mapping[str, Any]) -> list[str]:
    return sorted(str(one) for one in item.get("restrictedToWorkTypes") or [])


def _rule(item: Mapping[str, Any]) -> str:
    return scheme_rule_words({**item, "restrictedToWorkTypes": []}, str)


def _parameters(item: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is said of a field as it is sent; a word on a type that the snapshot has none on becomes the common one."""
    common = overridden(_PLAIN, item.get("parameters") or {})
    by_type = {str(one.get("workTypeId")): common for one in there.get("workTypeParameters") or []}
    for one in item.get("workTypeParameters") or []:
        by_type[str(one["workTypeId"])] = overridden(common, one)
    of_types = [{**_said(rule), "workTypeId": int(type_id)} for type_id, rule in by_type.items()]
    return {"parameters": _said(common), **({"workTypeParameters": of_types} if of_types else {})}


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rule[name] for name in _PLAIN}


def _send(bench: Bench, row: Record, method: str, path: str, fields: Mapping[str, Any]) -> set[str]:
    """Send what is said of fields; gives those that Jira refused, each with a word."""
    refused: dict[str, str] = {}
    names = list(fields)
    for start in range(0, len(names), _BATCH):
        body = {name: fields[name] for name in names[start : start + _BATCH]}
        try:
            answer = bench.calls.send(method, f"{_PATH}{path}", body)
        except WriteRefused as error:
            answer = error.answer
            if not list_of(answer, "results"):
                raise
        for result in list_of(answer, "results"):
            if result.get("success") is False:
                reason = str(result.get("error") or "Jira does not say why")
                refused[str(result.get("fieldId"))] = reason
    for field_id, reason in refused.items():
        note_refused(bench, row, field_id, reason)
    return set(refused)


def amend_field_scheme(bench: Bench, row: Record, target: Record, fields: Collection[str]) -> None:
    """Bring name, description and fields to the snapshot's state; fields that it has besides stay."""
    if _OWN & set(fields):
        bench.calls.send("PUT", f"{_PATH}/{own_id(target)}", own_words(row))
    if set(fields) - _OWN:
        wanted, present = _wanted(bench, row), _listed(bench, own_id(target))
        _bring(bench, row, own_id(target), wanted=wanted, present=present)


def default_field_scheme(bench: Bench) -> str | None:
    """Give the id of the target's default scheme."""
    rows = bench.target.rows("field_scheme")
    return next((own_id(row) for row in rows if members_of(row).get("isDefault") is True), None)


def followed_field_scheme(bench: Bench) -> Mapping[str, Any]:
    """Give the scheme that the project follows, with its name."""
    wanted = str(bench.project_id)
    for item in bench.calls.get_all(f"{_PATH}/projects", "values", {"projectId": wanted}):
        if str(item.get("projectId")) == wanted:
            scheme = bench.target.find("field_scheme", str(item.get("schemeId")))
            name = members_of(scheme).get("name") if scheme is not None else None
            return {"id": item.get("schemeId"), "name": name}
    return {}


def follow_field_scheme(bench: Bench, scheme_id: str) -> None:
    """Let the project follow a scheme.

    Raises:
        WriteRefused: Jira said that it does not.
    """
    body = {scheme_id: {"projectIds": [int(bench.project_id or 0)]}}
    answer = bench.calls.send("PUT", f"{_PATH}/projects", body)
    for result in list_of(answer, "results"):
        if result.get("success") is False:
            message = str(result.get("error") or "Jira did not give the project the field scheme")
            raise WriteRefused(
                message, hint="Give it the scheme in Jira.", status=0, answer={"errorMessages": [message]}
            )


FIELD_SCHEMES = Noun("field_scheme", "field schemes", _present, _make, fill=_fill)
