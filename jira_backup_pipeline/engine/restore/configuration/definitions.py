"""What issues name: link types, resolutions, priorities, project roles, issue types and statuses.

What belongs here: how each is listed, made, and what stands against making it.

What stays out: fields (`fields`), and which of these a restore wants (`need`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.calls import list_of
from jira_backup_pipeline.engine.restore.configuration.noun import (
    API,
    Bench,
    Noun,
    Present,
    listed,
    made_id,
    text_of,
)
from jira_backup_pipeline.engine.restore.snapshot import members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record

_COLOUR = "#707070"
# Icons that every Jira has; which one is told by the priority's own address.
_ICONS = "/images/icons/priorities/"
_ICON_NAMES = (
    "highest",
    "high",
    "medium",
    "lowest",
    "low",
    "blocker",
    "critical",
    "major",
    "minor",
    "trivial",
)
_TEAM_MANAGED = "PROJECT"
_CATEGORIES = frozenset({"TODO", "IN_PROGRESS", "DONE"})


def _link_types(bench: Bench) -> Iterable[Present]:
    return listed(list_of(bench.calls.get(f"{API}/issueLinkType"), "issueLinkTypes"))


def _make_link_type(bench: Bench, row: Record) -> str:
    body = text_of(row, "name", "inward", "outward")
    return made_id(bench.calls.send("POST", f"{API}/issueLinkType", body))


def _resolutions(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/resolution/search", "values"))


def _make_resolution(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", f"{API}/resolution", text_of(row, "name", "description")))


def _priorities(bench: Bench) -> Iterable[Present]:
    return listed(bench.calls.get_all(f"{API}/priority/search", "values"))


def _make_priority(bench: Bench, row: Record) -> str:
    """Make a priority with the picture it had where the target takes it, else with one that every Jira has."""
    body = {"statusColor": _COLOUR, **text_of(row, "name", "description", "statusColor")}
    avatar = members_of(row).get("avatarId")
    if isinstance(avatar, int):
        try:
            return made_id(bench.calls.send("POST", f"{API}/priority", {**body, "avatarId": avatar}))
        except WriteRefused:
            pass  # the picture is one of the other site's own; which else was wrong shows with the next
    body["iconUrl"] = _icon(str(members_of(row).get("iconUrl", "")))
    return made_id(bench.calls.send("POST", f"{API}/priority", body))


def _icon(address: str) -> str:
    name = address.rpartition("/")[2].partition(".")[0].removesuffix("_new")
    return f"{_ICONS}{name if name in _ICON_NAMES else 'medium'}.png"


def _roles(bench: Bench) -> Iterable[Present]:
    return listed(item for item in _array(bench.calls.get(f"{API}/role")) if not item.get("scope"))


def _make_role(bench: Bench, row: Record) -> str:
    return made_id(bench.calls.send("POST", f"{API}/role", text_of(row, "name", "description")))


def _issue_types(bench: Bench) -> Iterable[Present]:
    types = _array(bench.calls.get(f"{API}/issuetype"))
    return listed(item for item in types if not item.get("scope"))


def _make_issue_type(bench: Bench, row: Record) -> str:
    body = {**text_of(row, "name", "description"), "hierarchyLevel": level_of(members_of(row))}
    return made_id(bench.calls.send("POST", f"{API}/issuetype", body))


def _high_level(_: Bench, row: Record) -> str | None:
    level = level_of(members_of(row))
    return (
        f"REST makes issue types of the levels 0 and -1 only, this one has level {level}: a person must add it"
        if level > 0
        else None
    )


def level_of(value: Mapping[str, Any]) -> int:
    """Give the hierarchy level of an issue type."""
    level = value.get("hierarchyLevel")
    return level if isinstance(level, int) else -1 if value.get("subtask") else 0


def _statuses(bench: Bench) -> Iterable[Present]:
    items = bench.calls.get_all(f"{API}/statuses/search", "values", {"maxResults": "200"})
    return listed(item for item in items if not _is_of_a_project(item))


def _is_of_a_project(item: Mapping[str, object]) -> bool:
    scope = item.get("scope")
    return isinstance(scope, dict) and scope.get("type") == _TEAM_MANAGED


def _make_status(bench: Bench, row: Record) -> str:
    """Make a status for the whole site: those of a team-managed project come back with a company-managed one."""
    category = members_of(row).get("statusCategory")
    made = {
        "description": "",
        **text_of(row, "name", "description"),
        "statusCategory": category if category in _CATEGORIES else "TODO",
    }
    answer = bench.calls.send("POST", f"{API}/statuses", {"scope": {"type": "GLOBAL"}, "statuses": [made]})
    return made_id(next(iter(_array(answer)), {}))


def _array(value: object) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


LINK_TYPES = Noun("link_type", "issue link types", _link_types, _make_link_type)
RESOLUTIONS = Noun("resolution", "resolutions", _resolutions, _make_resolution)
PRIORITIES = Noun("priority", "priorities", _priorities, _make_priority)
ROLES = Noun("role", "project roles", _roles, _make_role)
ISSUE_TYPES = Noun("issue_type", "issue types", _issue_types, _make_issue_type, objection=_high_level)
STATUSES = Noun("status", "statuses", _statuses, _make_status)
