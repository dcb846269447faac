"""Reads remote links, which Jira gives only issue by issue, and finds in the history which issues have had one.

What belongs here: the one request, what its refusal means, and the evidence. Making, changing and removing a remote link writes a history entry, so
a delta asks the issues whose history names one in an entry that is not stored; an import may have written none, so a first
or full reading asks every issue.

What stays out: reading of history (`histories`) and the choice between the two (the caller of the reader).
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.history import names_remote_link
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.overflow import Found
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value, whole_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

_PART_OF_NAME = b"emote"
_TEMPLATE = "/rest/api/3/issue/{issue_id}/remotelink"
_CONFIGURATION = "/rest/api/3/configuration"
_FORBIDDEN = 403


def entries_naming_links(entries: Iterable[Slice]) -> set[str]:
    """Give the ids of the history entries that name a remote link."""
    # A look at the bytes first: hardly any entry has to be decoded for it.
    likely = (read_value(entry) for entry in entries if _PART_OF_NAME in bytes(entry))
    return {str(entry.get("id")) for entry in likely if isinstance(entry, dict) and _names_link(entry)}


def _names_link(entry: Mapping[str, object]) -> bool:
    items = entry.get("items")
    found = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return names_remote_link(name for item in found for name in (item.get("field"), item.get("fieldId")))


class RemoteLinks:
    """Reads the remote links of issues; shared by the threads of one reading.

    Jira answers 403 to everybody where issue linking is switched off. The site's configuration, which every account may read,
    tells that from a refusal of one issue: then one gap speaks for all issues, and nobody else is asked about.
    """

    def __init__(self, client: JiraClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._is_linking_on: bool | None = None
        self._gaps: list[Gap] = []

    def read(self, issue_id: str) -> Found:
        """Read those of one issue; a refusal is a gap."""
        if self._is_linking_on is False:
            return Found((), None)
        answer = self._client.try_ask(
            Request.get(_TEMPLATE, {"issue_id": issue_id}), partial(Page.read, items="")
        )
        if not isinstance(answer, Refusal):
            return Found(answer.items, len(answer.items))
        if answer.status == _FORBIDDEN:
            with self._lock:
                if self._is_linking_on is None:
                    self._is_linking_on = self._ask_whether_linking_is_on()
                    self._gaps += [] if self._is_linking_on else [_switched_off(answer)]
            if not self._is_linking_on:
                return Found((), None)
        gap = gap_for(answer, kind="remote_link", subject="remote links of an issue", issue_id=issue_id)
        return Found((), None, gap)

    def read_all(self, issue_ids: Sequence[str]) -> dict[str, Found]:
        """Read those of several issues, one after the other on the caller's thread."""
        return {issue_id: self.read(issue_id) for issue_id in issue_ids}

    def take_gaps(self) -> Sequence[Gap]:
        """Give the gap that speaks for all issues, once; whose unit tells it does not matter."""
        with self._lock:
            gaps, self._gaps = self._gaps, []
        return gaps

    def _ask_whether_linking_is_on(self) -> bool:
        answer = self._client.try_ask(Request.get(_CONFIGURATION), whole_record)
        told = {} if isinstance(answer, Refusal) else read_value(answer)
        return not isinstance(told, dict) or told.get("issueLinkingEnabled") is not False


def _switched_off(refusal: Refusal) -> Gap:
    return Gap(
        kind="remote_link",
        subject="remote links of all issues",
        reason=refusal.words,
        remedy="Issue linking is switched off in Jira: switch it on and run a full backup, or accept the gap.",
        status=refusal.status,
    )
