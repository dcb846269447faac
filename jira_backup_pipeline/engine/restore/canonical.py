"""Two values that mean the same, made equal.

What belongs here: the form in which a target's present value is compared with the value a restore would send, and rich text
without the marks that Jira adds on its own.

What stays out: which differences a report excuses (`compare`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import is_document
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.engine.restore.matching import SPRINT_FIELD

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.engine.restore.target import TargetField

# Jira gives these to nodes of its own accord.
_ADDED_ATTRIBUTES = frozenset({"localId", "occurrenceKey"})
_SECONDS_PER_MINUTE = 60


def is_settled(field: TargetField, wanted: object, present: object) -> bool:
    """Tell whether a field of the target has the value already that a restore would send."""
    settled, found = _settle(field, wanted), _settle(field, present)
    if field.type == "timetracking" and isinstance(settled, dict) and isinstance(found, dict):
        # An estimate that is not sent cannot be emptied: Jira fills the remaining one with the original.
        found = {name: found.get(name) for name in settled}
    return _key(settled) == _key(found)


def _settle(field: TargetField, value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if value in (None, "", [], {}):
        return None
    if field.custom == SPRINT_FIELD:
        return _open_sprint(value)
    if field.type == "array" and isinstance(value, list):
        return sorted((_item(item) for item in value), key=_key)
    if is_document(value):
        return plain_form(value)
    by_type = {"timetracking": _minutes, "datetime": _instant, "team": _team}
    return by_type.get(field.type, _item)(value)


def _item(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """Reduce an object to what names it: the account, an option's words, a group's name, else the id."""
    if isinstance(value, bool) or not isinstance(value, dict | int | float):
        return value
    if not isinstance(value, dict):
        return float(value)
    if "accountId" in value:
        return {"accountId": value["accountId"]}
    if "value" in value:
        child = value.get("child")
        return {"value": value["value"], "child": child.get("value") if isinstance(child, dict) else None}
    if "groupId" in value or set(value) == {"name"}:
        return {"name": value.get("name")}
    return {"id": str(value["id"])} if "id" in value else value


def _open_sprint(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if isinstance(value, list):
        found = [item.get("id") for item in value if isinstance(item, dict) and item.get("state") != "closed"]
        return found[-1] if found else None
    return value


def _minutes(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if not isinstance(value, dict):
        return value
    found = {}
    for name in ("originalEstimate", "remainingEstimate"):
        seconds, text = value.get(f"{name}Seconds"), value.get(name)
        if isinstance(seconds, int):
            found[name] = seconds // _SECONDS_PER_MINUTE
        elif isinstance(text, str) and text[:-1].isdigit() and text.endswith("m"):
            found[name] = int(text[:-1])
    return found


def _team(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    return value.get("id") if isinstance(value, dict) else value


def _instant(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    try:
        return parse_instant(value).isoformat()
    except (ValueError, TypeError):
        return value


def _key(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def plain_form(document: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """Copy a document without what Jira adds: local ids, empty members, neighbours that are one text."""
    return transform(document, _without_additions)


def transform(document: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:  # noqa: ANN401 - decoded JSON
    """Copy a document with every node changed; walks without recursion, so depth does not matter."""
    result: list[Any] = []
    stack: list[tuple[Any, list[Any]]] = [(document, result)]
    while stack:
        node, out = stack.pop()
        if not isinstance(node, dict):
            out.append(node)
            continue
        copy = change({name: member for name, member in node.items() if name != "content"})
        out.append(copy)
        children = node.get("content")
        if isinstance(children, list) and children:
            inside: list[Any] = []
            copy["content"] = inside
            stack.extend((child, inside) for child in reversed(_joined(children)))
    return result[0]


def _joined(children: list[Any]) -> list[Any]:
    """Join texts that stand beside each other with the same marks: an editor may split and join them freely."""
    joined: list[Any] = []
    for child in children:
        before = joined[-1] if joined else {}
        if _is_text(child) and _is_text(before) and child.get("marks") == before.get("marks"):
            joined[-1] = {**before, "text": before["text"] + child["text"]}
        else:
            joined.append(child)
    return joined


def _is_text(node: object) -> bool:
    return isinstance(node, dict) and node.get("type") == "text" and isinstance(node.get("text"), str)


def _without_additions(node: dict[str, Any]) -> dict[str, Any]:
    attributes = node.get("attrs")
    if isinstance(attributes, dict):
        kept = {name: member for name, member in attributes.items() if name not in _ADDED_ATTRIBUTES}
        node = {**node, "attrs": kept}
    return {name: member for name, member in node.items() if member not in (None, [], {})}
