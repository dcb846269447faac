"""Reads remote links, which Jira gives only issue by issue, and decides which issues to ask.

What belongs here: the policy and the one request. Making, changing and removing a remote link writes a history entry, so
the history tells which issues have or had one; `RemoteLinkPolicy.EVERY` asks every issue instead, for sites where links were
brought in by an import that wrote no history.

What stays out: reading of history (`histories`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.jira.overflow import Found
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page

if TYPE_CHECKING:
    from jira_backup_pipeline.jira.client import JiraClient

_TEMPLATE = "/rest/api/3/issue/{issue_id}/remotelink"
_EVIDENCE = frozenset({"remoteissuelink", "remoteworkitemlink"})


class RemoteLinkPolicy(StrEnum):
    """Which issues are asked for remote links: those whose history names one, or every issue (one request each)."""

    HISTORY = "history"
    EVERY = "every"


def names_remote_link(entries: Iterable[object]) -> bool:
    """Tell whether decoded history entries name a remote link, by field name or by field id."""
    return any(
        isinstance(item.get(name), str) and item[name].replace(" ", "").lower() in _EVIDENCE
        for entry in entries
        if isinstance(entry, Mapping) and isinstance(entry.get("items"), list)
        for item in entry["items"]
        if isinstance(item, Mapping)
        for name in ("field", "fieldId")
    )


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
