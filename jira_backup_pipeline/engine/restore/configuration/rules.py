"""Rules of workflows on their way to another site: ids exchanged, or the rule dropped with the reason.

What belongs here: which parameters of a rule hold ids of what, as the documents list them, and walking over the rules of a
transition.

What stays out: workflows as a whole (`workflows`), and looking ids up, which the caller does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    LookUp = Callable[[str, str], str | None]

_SYSTEM = "system:"
OF_AN_APP = "the rule belongs to an app, which must add it again"
# What the ids in a parameter belong to. Several ids are separated by commas.
_HOLDS = {
    "screenId": "screen",
    "statusIds": "status",
    "previousStatusIds": "status",
    "fromStatusId": "status",
    "toStatusId": "status",
    "roleIds": "role",
    "groupIds": "group",
    "groupsExemptFromValidation": "group",
}
_FIELD_ID = re.compile(r"customfield_[0-9]+")
# System fields whose new value is an id.
_VALUES = {"resolution": "resolution", "priority": "priority"}
_LISTS = ("actions", "validators", "triggers")


def with_rules_of_apps(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> dict[str, Any]:
    """Give a transition that is to be written with the rules that apps added to the one that is there.

    A group of conditions in which an app's stands stays whole: what it means depends on all of them.
    """
    merged = dict(wanted)
    for name in _LISTS:
        added = [rule for rule in present.get(name) or [] if _is_of_an_app(rule)]
        if added:
            merged[name] = [*(wanted.get(name) or []), *added]
    conditions = present.get("conditions")
    if isinstance(conditions, dict) and _has_app_condition(conditions):
        merged["conditions"] = conditions
    return merged


def _is_of_an_app(rule: Mapping[str, Any]) -> bool:
    return not str(rule.get("ruleKey", "")).startswith(_SYSTEM)


def _has_app_condition(group: Mapping[str, Any]) -> bool:
    return any(_is_of_an_app(rule) for rule in group.get("conditions") or []) or any(
        _has_app_condition(inner) for inner in group.get("conditionGroups") or []
    )


class Untranslatable(Exception):
    """A rule names something that the target lacks."""


def moved_transition(
    step: Mapping[str, Any], look_up: LookUp
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Give the rules of a transition with the target's ids, and for each rule that is dropped its key and the reason."""
    dropped: list[tuple[str, str]] = []
    moved: dict[str, Any] = {}
    for name in _LISTS:
        if step.get(name):
            moved[name] = _moved_rules(step[name], look_up, dropped)
    screen = step.get("transitionScreen")
    if isinstance(screen, dict):
        shown = _moved_rules([screen], look_up, dropped)
        if shown:
            moved["transitionScreen"] = shown[0]
    if isinstance(step.get("conditions"), dict):
        group = _moved_group(step["conditions"], look_up, dropped)
        if group["conditions"] or group["conditionGroups"]:
            moved["conditions"] = group
    return moved, dropped


def _moved_group(group: Mapping[str, Any], look_up: LookUp, dropped: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "operation": group.get("operation") or "ALL",
        "conditions": _moved_rules(group.get("conditions") or [], look_up, dropped),
        "conditionGroups": [
            _moved_group(inner, look_up, dropped) for inner in group.get("conditionGroups") or []
        ],
    }


def _moved_rules(
    rules: list[dict[str, Any]], look_up: LookUp, dropped: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    moved = []
    for rule in rules:
        key = str(rule.get("ruleKey", ""))
        if not key.startswith(_SYSTEM):
            dropped.append((key, OF_AN_APP))
            continue
        try:
            parameters = _moved_parameters(rule.get("parameters") or {}, look_up)
        except Untranslatable as problem:
            dropped.append((key, str(problem)))
            continue
        moved.append({"ruleKey": key, "parameters": parameters})
    return moved


def _moved_parameters(given: Mapping[str, Any], look_up: LookUp) -> dict[str, Any]:
    moved: dict[str, Any] = {}
    for name, value in given.items():
        text = str(value)
        kind = _HOLDS.get(name)
        if name == "value" and str(given.get("field")) in _VALUES:
            kind = _VALUES[str(given["field"])]
        if kind is not None:
            moved[name] = ",".join(_found(look_up, kind, part) for part in text.split(",") if part.strip())
        elif isinstance(value, str):
            moved[name] = _FIELD_ID.sub(lambda found: _found(look_up, "field", found.group()), text)
        else:
            moved[name] = value
    return moved


def _found(look_up: LookUp, kind: str, source_id: str) -> str:
    found = look_up(kind, source_id.strip())
    if found is None:
        message = f"the {kind.replace('_', ' ')} {source_id.strip()} it names is not on the target"
        raise Untranslatable(message)
    return found
