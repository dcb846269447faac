"""Reads remote links, which Jira gives only issue by issue, and finds in the history which issues have had one.

What belongs here: the one request, and the evidence. Making, changing and removing a remote link writes a history entry, so
a delta asks the issues whose history names one; an import may have written none, so a first or full reading asks every
issue.

What stays out: reading of history (`histories`) and the choice between the two (the caller of the reader).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.jira.overflow import Found
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jira_backup_pipeline.jira.client import JiraClient

_TEMPLATE = "/rest/api/3/issue/{issue_id}/remotelink"
_EVIDENCE = frozenset({"remoteissuelink", "remoteworkitemlink"})


def names_remote_link(entries: Iterable[object]) -> bool:
    """Tell whether decoded history entries name a remote link, by field name or by field id."""
    return any(
        _is_evidence(item.get("field")) or _is_evidence(item.get("fieldId"))
        for entry in entries
        if isinstance(entry, dict)
        for item in entry.get("items") or ()
        if isinstance(item, dict)
    )


def _is_evidence(name: object) -> bool:
    # Most names are told apart by this look; it spares the history of a large site a lot of text work.
    return isinstance(name, str) and "emote" in name and name.replace(" ", "").lower() in _EVIDENCE


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
