"""Asks what the account may do in a project, and where single issues are: the evidence when issues are listed no more.

What belongs here: permissions, the levels of issue security that the account knows, whether the project is listed as browsable,
and looking issues up one by one. Only asked on runs that miss something.

What stays out: what follows from it (`engine.capture.disappearance`), and looking up many issues at once (`bodies`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.readings import Access, Located
from jira_backup_pipeline.jira.site import read_object
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.jira.client import JiraClient

_BROWSE: Final = "BROWSE_PROJECTS"
_SET_SECURITY: Final = "SET_ISSUE_SECURITY"
_PERMISSIONS: Final = (_BROWSE, _SET_SECURITY, "ADMINISTER_PROJECTS", "ADMINISTER")
_GONE: Final = frozenset({404, 410})
_SEARCH = "/rest/api/3/project/search"
_LEVELS = "/rest/api/3/project/{project_id}/securitylevel"
_ISSUE = "/rest/api/3/issue/{issue_id}"


def ask_access(client: JiraClient, project_id: str) -> Access:
    """Ask what the account may do in a project and see of it; what Jira refuses to tell is None."""
    answer = _ask_permissions(client, project_id)
    held = None if isinstance(answer, Refusal) else _held(answer)
    may_browse = (
        answer.status not in _GONE if isinstance(answer, Refusal) else held is None or _BROWSE in held
    )
    return Access(
        is_browsable=may_browse and _is_listed(client, project_id) is not False,
        permissions=held,
        # Without that permission Jira shows an empty list whatever the levels are.
        security_levels=_levels(client, project_id) if held and _SET_SECURITY in held else None,
    )


def locate_singly(client: JiraClient, issue_ids: Sequence[str]) -> dict[str, Located]:
    """Look issues up one by one, one request each; those that Jira does not know (404, 410) are left out.

    One that is refused otherwise exists all the same: it has no project here, like one that the bulk fetch cannot give.
    """
    places = client.map_ordered(partial(_locate, client), issue_ids)
    return {issue_id: place for issue_id, place in zip(issue_ids, places, strict=True) if place is not None}


def _locate(client: JiraClient, issue_id: str) -> Located | None:
    found = client.try_ask(Request.get(_ISSUE, {"issue_id": issue_id}, fields="project"), read_object)
    if isinstance(found, Refusal):
        return None if found.status in _GONE else Located("", "")
    fields = found.get("fields")
    project = fields.get("project") if isinstance(fields, Mapping) else None
    return Located(
        key=str(found.get("key", "")),
        project_id=str(project.get("id", "")) if isinstance(project, Mapping) else "",
    )


def _ask_permissions(client: JiraClient, project_id: str) -> Mapping[str, object] | Refusal:
    request = Request.get(
        "/rest/api/3/mypermissions", projectId=project_id, permissions=",".join(_PERMISSIONS)
    )
    return client.try_ask(request, read_object)


def _held(answer: Mapping[str, object]) -> tuple[str, ...] | None:
    permissions = answer.get("permissions")
    if not isinstance(permissions, Mapping):
        return None
    return tuple(
        name
        for name in _PERMISSIONS
        if isinstance(permissions.get(name), Mapping) and permissions[name].get("havePermission") is True
    )


def _is_listed(client: JiraClient, project_id: str) -> bool | None:
    request = Request.get(_SEARCH, id=project_id, action="browse")
    answer = client.try_ask(request, partial(Page.read, items="values"))
    if isinstance(answer, Refusal):
        # "No projects match" is a 404 here.
        return False if answer.status in _GONE else None
    return bool(answer.items)


def _levels(client: JiraClient, project_id: str) -> tuple[str, ...] | None:
    answer = client.try_ask(
        Request.get(_LEVELS, {"project_id": project_id}), partial(Page.read, items="levels")
    )
    if isinstance(answer, Refusal):
        return None
    levels = [read_value(item) for item in answer.items]
    return tuple(sorted(str(level.get("name", "")) for level in levels if isinstance(level, Mapping)))
