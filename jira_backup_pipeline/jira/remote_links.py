"""Reads remote links, which Jira gives only issue by issue, and finds in the history which issues have had one.

What belongs here: the one request, and the evidence. Making, changing and removing a remote link writes a history entry, so
a delta asks the issues whose history names one in an entry that is not stored; an import may have written none, so a first
or full reading asks every issue.

What stays out: reading of history (`histories`) and the choice between the two (the caller of the reader).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.history import names_remote_link
from jira_backup_pipeline.jira.overflow import Found
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_PART_OF_NAME = b"emote"
_TEMPLATE = "/rest/api/3/issue/{issue_id}/remotelink"


def entries_naming_links(entries: Iterable[Slice]) -> set[str]:
    """Give the ids of the history entries that name a remote link."""
    # A look at the bytes first: hardly any entry has to be decoded for it.
    likely = (read_value(entry) for entry in entries if _PART_OF_NAME in bytes(entry))
    return {str(entry.get("id")) for entry in likely if isinstance(entry, dict) and _names_link(entry)}


def _names_link(entry: Mapping[str, object]) -> bool:
    items = entry.get("items")
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return names_remote_link(name for item in found for name in (item.get("field"), item.get("fieldId")))


def read_remote_links(client: JiraClient, issue_id: str) -> Found:
    """Read the remote links of one issue; a refusal is a gap."""
    answer = client.try_ask(Request.get(_TEMPLATE, {"issue_id": issue_id}), partial(Page.read, items=""))
    if isinstance(answer, Refusal):
        return Found(
            (),
            None,
            gap_for(answer, kind="remote_link", subject="remote links of an issue", issue_id=issue_id),
        )
    return Found(answer.items, len(answer.items))


def read_remote_links_of(client: JiraClient, issue_ids: Sequence[str]) -> dict[str, Found]:
    """Read the remote links of several issues, one after the other on the caller's thread."""
    return {issue_id: read_remote_links(client, issue_id) for issue_id in issue_ids}
