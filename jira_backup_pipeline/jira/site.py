"""Who we are, which site this is, and which projects it shows us.

What belongs here: the first questions of every run: account, site identity and clock, and project discovery.

What stays out: site-level kinds of the catalogue (`listing`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.errors import CredentialsRejected, UnexpectedAnswer
from jira_backup_pipeline.domain.manifest import ProjectIdentity
from jira_backup_pipeline.domain.readings import Account, ListedProject
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.jira.list_pages import OffsetList
from jira_backup_pipeline.jira.refusals import error_for
from jira_backup_pipeline.jira.wire.messages import Garbled, Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_answer, read_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from jira_backup_pipeline.jira.client import JiraClient

_PROJECT_EXPAND = "description,lead,issueTypes,url,projectKeys,insight"
_PROJECTS_PAGE = 100
_NOT_FOUND = 404


def read_object(body: bytes) -> Mapping[str, object]:
    """Decode an answer that must be an object.

    Raises:
        Garbled: it is something else, or cut off.
    """
    value = read_answer(body)
    if not isinstance(value, Mapping):
        raise Garbled("the answer is not a JSON object")
    return value


def ask_whoami(client: JiraClient) -> Account:
    """Ask who the credentials belong to, and bind the client to that account.

    Raises:
        CredentialsRejected: the token is not accepted, or the answer is made out to nobody or to a portal customer.
    """
    me = client.ask(Request.get("/rest/api/3/myself", expand="groups"), read_object)
    account_id = me.get("accountId")
    if not isinstance(account_id, str) or not account_id:
        raise CredentialsRejected(
            "jira answers as if nobody had signed in",
            hint="Check e-mail and API token: an anonymous reader sees an almost empty site, which is no backup.",
        )
    if me.get("accountType") == "customer" or me.get("active") is False:
        raise CredentialsRejected(
            "the account is a portal customer or has been deactivated",
            hint="Use an active account with product access to Jira and the permission to browse the projects.",
        )
    client.expect_account(account_id)
    info = client.try_ask(Request.get("/rest/api/3/serverInfo"), read_object)
    facts: Mapping[str, object] = {} if isinstance(info, Refusal) else info
    base_url = _text(facts, "baseUrl") or client.base_url
    return Account(
        account_id=account_id,
        display_name=_text(me, "displayName"),
        time_zone=_text(me, "timeZone"),
        cloud_id=cloud_id_of(client) or _derived_id(base_url),
        base_url=base_url,
        server_time=_server_time(client, facts),
        groups=_groups(me.get("groups")),
    )


def _groups(found: object) -> tuple[str, ...] | None:
    items = found.get("items") if isinstance(found, Mapping) else None
    if not isinstance(items, list):
        return None
    return tuple(sorted(_text(item, "name") for item in items if isinstance(item, Mapping)))


def list_projects(client: JiraClient) -> Iterator[ListedProject]:
    """Give every project that the account can browse: live ones, then archived ones where Jira lists those.

    Listing archived projects is experimental and refused on some plans; that refusal is not an error.
    """
    seen: set[str] = set()
    live = Request.get("/rest/api/3/project/search", expand=_PROJECT_EXPAND, action="browse", orderBy="key")
    for is_archived, request in ((False, live), (True, live.with_query([("status", "archived")]))):
        found = OffsetList(request, "values", _PROJECTS_PAGE)
        for item in found.read(client):
            project = _listed(read_value(item), is_archived=is_archived)
            if project.identity.id not in seen:
                seen.add(project.identity.id)
                yield project
        # "No projects match" is a 404 here.
        if found.refusal is not None and not is_archived and found.refusal.status != _NOT_FOUND:
            raise error_for(found.request, found.refusal)


def find_project(client: JiraClient, name: str) -> ListedProject | None:
    """Find a live project by its present key or numeric id in one request; None where it is not found so.

    Who lists everything to find one project pays a page for every hundred projects, with each project's capture.
    """
    condition = ("id", name) if name.isascii() and name.isdigit() else ("keys", name.upper())
    request = Request.get("/rest/api/3/project/search", expand=_PROJECT_EXPAND, action="browse")
    page = client.try_ask(request.with_query([condition]), partial(Page.read, items="values"))
    if isinstance(page, Refusal):
        return None
    found = [_listed(read_value(item), is_archived=False) for item in page.items]
    # A server that does not know the condition lists others too.
    return next((one for one in found if name.upper() in (one.identity.id, one.identity.key.upper())), None)


def _listed(value: object, *, is_archived: bool) -> ListedProject:
    if not isinstance(value, Mapping) or not isinstance(value.get("key"), str) or "id" not in value:
        raise UnexpectedAnswer(
            "jira listed a project without id or key",
            hint="Report the answer of /rest/api/3/project/search; projects are known by these two.",
        )
    former = value.get("projectKeys")
    insight = value.get("insight")
    count = insight.get("totalIssueCount") if isinstance(insight, Mapping) else None
    keys = tuple(key for key in former if isinstance(key, str)) if isinstance(former, list) else ()
    return ListedProject(
        identity=ProjectIdentity(
            id=str(value["id"]),
            key=value["key"],
            name=_text(value, "name"),
            former_keys=tuple(key for key in keys if key != value["key"]),
        ),
        is_archived=is_archived or value.get("archived") is True,
        is_deleted=value.get("deleted") is True,
        issue_count=count if isinstance(count, int) else None,
    )


def cloud_id_of(client: JiraClient) -> str | None:
    """Give the site's cloud id; it is asked for once, because a site never changes it."""
    if client.cloud_id is None:
        client.cloud_id = _tenant_of(client)
    return client.cloud_id


def _tenant_of(client: JiraClient) -> str | None:
    """Ask the site for its cloud id; a site behind a proxy that hides this page has none to tell."""
    try:
        found = client.try_ask(Request.get("/_edge/tenant_info"), read_object)
    except UnexpectedAnswer:
        return None
    return None if isinstance(found, Refusal) else _text(found, "cloudId") or None


def _derived_id(base_url: str) -> str:
    """Name a site that tells no cloud id: a UUID made of its base URL, the same at every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, base_url.rstrip("/").lower()))


def _server_time(client: JiraClient, facts: Mapping[str, object]) -> datetime:
    try:
        return parse_instant(_text(facts, "serverTime"))
    except ValueError:
        return client.server_date() or client.now()


def _text(value: Mapping[str, object], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
