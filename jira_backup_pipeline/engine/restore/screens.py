"""Which fields a create of each issue type takes, and what a required field gets when the snapshot has no value.

What belongs here: reading the create screens and dividing values between the create and the edit that follows.

What stays out: the values themselves (`fields`) and the calls that create (`issues`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.snapshot import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.fields import Values

# Set by the restore itself, whatever the screen says.
ALWAYS_GIVEN = frozenset({"project", "issuetype", "summary", "parent"})
_FILLING = "not in the backup"


@dataclass(frozen=True, slots=True)
class ScreenField:
    """A field on a create screen. `example` is the first allowed value, None when values are free."""

    id: str
    type: str
    is_required: bool
    has_default: bool
    example: Mapping[str, Any] | None


class CreateScreens:
    """Create screens of one project, read once for each issue type."""

    def __init__(self, calls: Calls, project_id: str) -> None:
        self._calls = calls
        self._project_id = project_id
        self._screens: dict[str, dict[str, ScreenField]] = {}

    def of(self, type_id: str) -> dict[str, ScreenField]:
        """Give the fields of a type's create screen by id."""
        if type_id not in self._screens:
            path = f"/rest/api/3/issue/createmeta/{self._project_id}/issuetypes/{type_id}"
            items = self._calls.get_all(path, "fields", {"maxResults": "200"})
            self._screens[type_id] = {found.id: found for item in items for found in [_screen_field(item)]}
        return self._screens[type_id]

    def divide(self, type_id: str, source: Record, values: Values) -> tuple[dict[str, Any], list[Adjustment]]:
        """Give the values that the create takes, required fields filled, and a word on each that was filled."""
        created = str(fields_of(source).get("created", ""))
        screen = self.of(type_id)
        taken = {
            name: value for name, value in values.values.items() if name in screen or name in ALWAYS_GIVEN
        }
        filled = []
        for found in screen.values():
            if not found.is_required or found.has_default or found.id in taken or found.id in ALWAYS_GIVEN:
                continue
            filling = _filling(found, created)
            if filling is not None:
                taken[found.id] = filling
                reason = (
                    f"required on the target and without a value in the snapshot: filled with {filling!r}"
                )
                filled.append(Adjustment("issue", source.id, found.id, reason, is_impossible=True))
        return taken, filled


def _screen_field(item: Mapping[str, Any]) -> ScreenField:
    schema = item.get("schema")
    allowed = item.get("allowedValues")
    first = allowed[0] if isinstance(allowed, list) and allowed else None
    return ScreenField(
        id=str(item.get("fieldId") or item.get("key")),
        type=str(schema.get("type", "")) if isinstance(schema, dict) else "",
        is_required=item.get("required") is True,
        has_default=item.get("hasDefaultValue") is True,
        example=first if isinstance(first, dict) else None,
    )


def is_fillable(found: ScreenField) -> bool:
    """Tell whether a required field gets something where the snapshot has no value."""
    return _filling(found, "2026-01-31T00:00:00.000+0000") is not None


def _filling(found: ScreenField, created: str) -> Any:  # noqa: ANN401 - a value for Jira
    """Give something that Jira takes and a person recognises; None where only a person can decide."""
    if found.example is not None:
        named = {name: found.example[name] for name in ("id", "value", "name") if name in found.example}
        one = {"id": named["id"]} if "id" in named else named
        return [one] if found.type == "array" else one
    days = len("2026-01-31")
    free = {"string": _FILLING, "number": 0, "date": created[:days] or None, "datetime": created or None}
    return free.get(found.type)
