"""What a value says, without what only its wrapping says: the form in which two sides are compared and shown.

What belongs here: reducing people, options and named things to what identifies them, and a short text for people.

What stays out: which values belong to a record (`records`).
"""

from __future__ import annotations

import json
from typing import Any

from jira_backup_pipeline.domain.references import is_document, walk

_SHOWN_CHARACTERS = 60
# Addresses and pictures change with the site's name and the person's taste, and say nothing about the thing.
_WRAPPING = frozenset({"self", "avatarUrls", "iconUrl", "expand", "avatarId"})
_NAMES = ("displayName", "value", "name", "key", "filename", "accountId", "id")


def reduced(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    """Give the comparable form: equal for values that say the same. Rich text is compared as it is."""
    if isinstance(value, dict):
        if is_document(value):
            return value
        if "accountId" in value:
            return {name: value[name] for name in ("accountId", "displayName") if name in value}
        if "key" in value and "fields" in value:
            # Another issue, shown with its summary and status: those are its own, and are compared there.
            return {name: value[name] for name in ("id", "key") if name in value}
        return {name: reduced(member) for name, member in value.items() if name not in _WRAPPING}
    if isinstance(value, list):
        return [reduced(member) for member in value]
    return value


def is_same(left: Any, right: Any) -> bool:  # noqa: ANN401 - decoded JSON
    """Tell whether two reduced values say the same; nothing is nothing, however it is written.

    A person is the account, whatever the name; a list of fields such as labels is compared in its order.
    """
    if is_nothing(left) and is_nothing(right):
        return True
    return bool(_identity(left) == _identity(right))


def is_nothing(value: object) -> bool:
    """Tell whether a value says nothing."""
    return value is None or value in ("", [], {})


def _identity(value: Any) -> Any:  # noqa: ANN401 - decoded JSON
    if isinstance(value, dict):
        if "accountId" in value:
            return {"accountId": value["accountId"]}
        return {name: _identity(member) for name, member in value.items() if not is_nothing(member)}
    if isinstance(value, list):
        return [_identity(member) for member in value]
    # JSON knows one kind of number, and true is none.
    return (type(value).__name__, value) if isinstance(value, bool) else value


def words(value: Any) -> str:  # noqa: ANN401 - decoded JSON
    """Say a value in a few words for a table."""
    text = _words(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"


def _words(value: Any) -> str:  # noqa: ANN401 - decoded JSON
    if is_nothing(value):
        return ""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return ", ".join(_words(member) for member in value)
    if isinstance(value, dict):
        if is_document(value):
            return " ".join(str(node["text"]) for node in walk(value) if isinstance(node.get("text"), str))
        named = next((str(value[name]) for name in _NAMES if value.get(name)), None)
        if named is not None:
            return named
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
