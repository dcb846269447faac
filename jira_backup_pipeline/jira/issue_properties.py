"""Reads issue properties, which apps hang on issues under keys of their own choosing.

What belongs here: finding out which keys there are, asking for them at the least cost, and knowing when asking each issue on
its own is cheaper.

What stays out: which issues are asked for everything (`engine`), properties of comments and worklogs (`child_properties`).

Jira lists no property keys, and only the call for a single issue gives properties without naming them. So the issues that the
caller chooses are asked singly, and the keys seen there, with those known from before, are named in the bulk fetch of all
others: five keys cost no request, every five more a bulk fetch of their own. What this misses: a key that is on none of the
issues asked singly and was never seen before; a property under such a key is found when its issue is asked singly in a later
reading, or when every issue is (a full capture, one request an issue). Setting a property does not touch `updated` either.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.jira.bodies import BATCH, Bodies, Question, fetch_bodies, fetch_properties
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jira_backup_pipeline.jira.assembly import UnitParts
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

KIND: Final = "issue_property"
# The documented greatest number of keys in one bulk fetch.
KEYS_A_REQUEST: Final = 5
_ENOUGH_FAILURES = 3
_WITHHELD = "jira gave the issue and, asked again for its properties, did not"


class IssueProperties:
    """The properties of the issues of one reading; `asked_singly` None means every issue."""

    def __init__(
        self, client: JiraClient, known_keys: Collection[str], asked_singly: Collection[str] | None
    ) -> None:
        self._client = client
        self._keys = set(known_keys)
        self._asked_singly = None if asked_singly is None else frozenset(asked_singly)
        self._answers: dict[str, Mapping[str, Slice] | Gap] = {}
        self._has_answered = False
        self._rounds: list[tuple[str, ...]] = []

    def prepare(self, issue_ids: Sequence[str]) -> Question:
        """Learn the keys from the issues that are asked singly; give the question for the bulk fetch of all."""
        if self._asked_singly is None:
            return Question()
        self._ask_singly([i for i in dict.fromkeys(issue_ids) if i in self._asked_singly])
        for answer in self._answers.values():
            if not isinstance(answer, Gap):
                self._keys.update(answer)
        keys = sorted(self._keys)
        first, *self._rounds = [
            tuple(keys[start : start + KEYS_A_REQUEST])
            for start in range(0, max(1, len(keys)), KEYS_A_REQUEST)
        ]
        if len(self._rounds) >= BATCH:
            # So many keys that naming them costs as much as asking every issue, which also misses nothing.
            self._asked_singly = None
            return Question()
        return Question(properties=first)

    def add_properties(self, parts: Mapping[str, UnitParts]) -> None:
        """Put the properties of a window's issues into its parts."""
        if self._asked_singly is None:
            self._ask_singly([issue_id for issue_id in parts if issue_id not in self._answers])
        named: dict[str, UnitParts] = {}
        for issue_id, part in parts.items():
            answer = self._answers.pop(issue_id, None)
            if answer is None:
                part.properties.update(part.issue.properties)
                named[issue_id] = part
            elif isinstance(answer, Gap):
                part.gaps.append(answer)
                part.properties.update(part.issue.properties)
            else:
                part.properties.update(answer)
        if named:
            self._add_further_keys(named)

    def _ask_singly(self, issue_ids: Sequence[str]) -> None:
        failures = 0
        answers = self._client.map_ordered(self._ask, issue_ids)
        for issue_id, answer in zip(issue_ids, answers, strict=True):
            if isinstance(answer, TransientError):
                failures += 1
                # One issue that Jira fails on must not stop all others; but if nothing at all comes, Jira is down.
                if not self._has_answered and failures >= _ENOUGH_FAILURES:
                    raise answer
                self._answers[issue_id] = _gap(issue_id, answer.message)
            elif isinstance(answer, Refusal):
                subject = "properties of an issue"
                self._answers[issue_id] = gap_for(answer, kind=KIND, subject=subject, issue_id=issue_id)
            else:
                self._has_answered = True
                self._answers[issue_id] = answer

    def _ask(self, issue_id: str) -> Mapping[str, Slice] | Refusal | TransientError:
        try:
            return fetch_properties(self._client, issue_id)
        except TransientError as error:
            return error

    def _add_further_keys(self, parts: Mapping[str, UnitParts]) -> None:
        ids = list(parts)
        batches = [
            (ids[start : start + BATCH], Question(("project",), keys))
            for keys in self._rounds
            for start in range(0, len(ids), BATCH)
        ]
        answers = self._client.map_ordered(self._read_batch, batches)
        for (batch, _), answer in zip(batches, answers, strict=True):
            for issue_id in batch:
                part = parts[issue_id]
                if issue_id in answer.issues:
                    part.properties.update(answer.issues[issue_id].properties)
                elif issue_id in answer.unreadable:
                    part.gaps.append(replace(answer.unreadable[issue_id], kind=KIND))
                else:
                    part.gaps.append(_gap(issue_id, _WITHHELD))

    def _read_batch(self, batch: tuple[Sequence[str], Question]) -> Bodies:
        return fetch_bodies(self._client, *batch)


def _gap(issue_id: str, reason: str) -> Gap:
    return Gap(
        kind=KIND,
        subject="properties of an issue",
        reason=reason,
        remedy="The next run looks again.",
        issue_id=issue_id,
    )
