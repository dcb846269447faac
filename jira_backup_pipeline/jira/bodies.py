"""Reads issue bodies in bulk and cuts them up, isolating the ones that Jira cannot hand out together.

What belongs here: the bulk fetch of up to 100 issues with the falling back to smaller batches, and `SlicedIssue`, an
issue cut into the exact bytes of itself and of what hangs in it.

What stays out: what is not in a body (`histories`, `overflow`, `remote_links`, `interest`, `properties`) and the order of work (`issues`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.errors import TransientError
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline.domain.readings import Located
from jira_backup_pipeline.jira.refusals import error_for, gap_for
from jira_backup_pipeline.jira.walk import updated_ms_of
from jira_backup_pipeline.jira.wire.messages import Garbled, Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_array, split_object, whole_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.jira.wire.slices import Slice

# The documented size of a request that names multi-value fields.
BATCH: Final = 100
_SMALLER = {BATCH: 10, 10: 1}
BULKFETCH: Final = "/rest/api/3/issue/bulkfetch"
_ISSUE = "/rest/api/3/issue/{issue_id}"
# What a batch can be refused for that a smaller one is not: its size, or one issue in it.
_SPLITTABLE = frozenset({400, 413, 414, 422, 501})
_GONE = frozenset({404, 410})
_REMEDY = "The next run tries again; if it stays, open the issue in Jira and report Jira's words."


@dataclass(frozen=True, slots=True)
class InlineList:
    """A list inside an issue: what came, and how many there are in all (None where Jira does not say)."""

    items: Sequence[Slice] = ()
    total: int | None = None

    @property
    def is_cut(self) -> bool:
        """Tell whether Jira has more than it sent; the list alone never tells."""
        return self.total is not None and self.total > len(self.items)


@dataclass(frozen=True, slots=True)
class SlicedIssue:
    """An issue as exact bytes, with what must be known of it before it is decoded.

    `interest` counts watchers and votes by kind; `properties` are those of the issue's own properties that were asked for.
    """

    id: str
    key: str
    project_id: str
    updated_ms: int
    raw: Slice
    comments: InlineList | None
    worklogs: InlineList | None
    attachments: Sequence[Slice]
    links: Sequence[Slice]
    interest: Mapping[str, int]
    properties: Mapping[str, Slice]


@dataclass(slots=True)
class Bodies:
    """The outcome of reading some issues: those that came, and a gap for each that exists and could not be read."""

    issues: dict[str, SlicedIssue] = field(default_factory=dict)
    unreadable: dict[str, Gap] = field(default_factory=dict)

    def add(self, other: Bodies) -> None:
        """Take in the outcome of a part."""
        self.issues.update(other.issues)
        self.unreadable.update(other.unreadable)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of every issue of a batch; Jira takes at most five property keys at once."""

    fields: tuple[str, ...] = ("*all",)
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Batch:
    issues: Sequence[SlicedIssue]
    errors: Mapping[str, str]


def fetch_bodies(client: JiraClient, ids: Sequence[str], question: Question) -> Bodies:
    """Read up to 100 issues with what is asked of them.

    Ids that Jira passes over in silence are in neither part of the outcome. Raises what `client.ask` raises.
    """
    return _fetch(client, ids, BATCH, question)


def _fetch(client: JiraClient, ids: Sequence[str], size: int, question: Question) -> Bodies:
    try:
        answer = client.try_ask(_bulk_request(ids, question), _read_batch)
    except TransientError as error:
        # One poisonous issue must not stop the other 99; but if nothing at all comes, Jira is down.
        return _after_failure(client, ids, size, error, question)
    if isinstance(answer, Refusal):
        if answer.status not in _SPLITTABLE:
            raise error_for(_bulk_request(ids, question), answer)
        return _in_parts(client, ids, size, answer.words, question)
    bodies = Bodies({issue.id: issue for issue in answer.issues})
    wanted = {issue_id: words for issue_id, words in answer.errors.items() if issue_id not in bodies.issues}
    for part in _cut(sorted(wanted), _SMALLER.get(size, 1)):
        bodies.add(_again(client, part, size, wanted[part[0]], question))
    return bodies


def _in_parts(client: JiraClient, ids: Sequence[str], size: int, words: str, question: Question) -> Bodies:
    bodies = Bodies()
    for part in _cut(ids, _SMALLER.get(size, 1)):
        bodies.add(_again(client, part, size, words, question))
    return bodies


def _again(
    client: JiraClient, ids: Sequence[str], refused_size: int, words: str, question: Question
) -> Bodies:
    smaller = _SMALLER.get(refused_size)
    if smaller is None or (refused_size == 1 and len(ids) == 1):
        return _fetch_single(client, ids[0], words, question)
    return _fetch(client, ids, smaller, question)


def _after_failure(
    client: JiraClient, ids: Sequence[str], size: int, error: TransientError, question: Question
) -> Bodies:
    smaller = _SMALLER.get(size)
    if smaller is None or len(ids) == 1:
        raise error
    bodies, failed = Bodies(), dict[str, str]()
    for part in _cut(ids, smaller):
        try:
            bodies.add(_fetch(client, part, smaller, question))
        except TransientError as failure:
            if failed and not bodies.issues:
                raise
            failed.update(dict.fromkeys(part, failure.message))
    if not bodies.issues:
        raise error
    bodies.unreadable |= {issue_id: _unreadable(issue_id, words) for issue_id, words in failed.items()}
    return bodies


def _fetch_single(client: JiraClient, issue_id: str, words: str, question: Question) -> Bodies:
    request = _single_request(issue_id, question.fields)
    try:
        answer = client.try_ask(request, lambda body: slice_issue(whole_record(body)))
    except TransientError as error:
        return Bodies(unreadable={issue_id: _unreadable(issue_id, f"{words}; {error.message}")})
    if isinstance(answer, SlicedIssue):
        return Bodies({answer.id: answer})
    if answer.status in _GONE:
        return Bodies()
    gap = gap_for(answer, kind="issue", subject=f"issue {issue_id}", issue_id=issue_id)
    return Bodies(unreadable={issue_id: gap})


def fetch_properties(client: JiraClient, issue_id: str) -> Mapping[str, Slice] | Refusal:
    """Read every property of one issue, whatever its keys are: exact bytes of the values by key."""
    answer = client.try_ask(
        _single_request(issue_id, ("project",)), lambda body: slice_issue(whole_record(body))
    )
    return answer.properties if isinstance(answer, SlicedIssue) else answer


def locate(client: JiraClient, issue_ids: Sequence[str]) -> dict[str, Located]:
    """Tell the present key and project of issues by id; those that Jira passes over are left out."""
    found: dict[str, Located] = {}
    parts = list(_cut(issue_ids, BATCH))
    for batch in client.map_ordered(partial(_locate_batch, client), parts):
        found.update(batch)
    return found


def _locate_batch(client: JiraClient, ids: Sequence[str]) -> dict[str, Located]:
    answer = client.ask(_bulk_request(ids, Question(("project",))), _read_batch)
    located = {issue.id: Located(issue.key, issue.project_id) for issue in answer.issues}
    # An issue that Jira has but cannot hand out is no missing one.
    return located | {issue_id: Located("", "") for issue_id in answer.errors if issue_id not in located}


def slice_issue(raw: Slice) -> SlicedIssue:
    """Cut an issue into the exact bytes of itself and of what hangs in it.

    Raises:
        Garbled: it is not an issue: no id or key.
    """
    members = split_object(raw)
    issue_id, key = (read_value(members.get(name, b"null")) for name in ("id", "key"))
    if not isinstance(issue_id, str) or not isinstance(key, str):
        raise Garbled("an issue came without id or key")
    fields: Mapping[str, Slice] = _object_in(members, "fields")
    project = _object_in(fields, "project")
    return SlicedIssue(
        id=issue_id,
        key=key,
        project_id=str(read_value(project["id"])) if "id" in project else "",
        updated_ms=updated_ms_of(read_value(fields.get("updated", b"null"))),
        raw=raw,
        comments=_inline_list(fields, "comment", "comments"),
        worklogs=_inline_list(fields, "worklog", "worklogs"),
        attachments=_array_in(fields, "attachment"),
        links=_array_in(fields, "issuelinks"),
        interest={
            "watcher": _number_in(fields, "watches", "watchCount"),
            "vote": _number_in(fields, "votes", "votes"),
        },
        properties=_object_in(members, "properties"),
    )


def _inline_list(fields: Mapping[str, Slice], name: str, items: str) -> InlineList | None:
    """Give the list of a page object; None where the field itself is absent, so nothing is known of it."""
    if name not in fields or _starts(fields[name]) == b"n":
        return None
    if _starts(fields[name]) == b"[":
        elements = split_array(fields[name])
        return InlineList(elements, len(elements))
    page = split_object(fields[name])
    total = read_value(page.get("total", b"null"))
    return InlineList(_array_in(page, items), total if isinstance(total, int) else None)


def _object_in(members: Mapping[str, Slice], name: str) -> Mapping[str, Slice]:
    return split_object(members[name]) if name in members and _starts(members[name]) == b"{" else {}


def _array_in(members: Mapping[str, Slice], name: str) -> Sequence[Slice]:
    return split_array(members[name]) if name in members and _starts(members[name]) == b"[" else ()


def _number_in(fields: Mapping[str, Slice], name: str, member: str) -> int:
    value = read_value(_object_in(fields, name).get(member, b"0"))
    return value if isinstance(value, int) else 0


def _starts(item: Slice) -> bytes:
    return bytes(memoryview(item)[:1])


def _single_request(issue_id: str, fields: Sequence[str]) -> Request:
    # Only this call knows `*all` properties.
    return Request.get(_ISSUE, {"issue_id": issue_id}, fields=",".join(fields), properties="*all")


def _bulk_request(ids: Sequence[str], question: Question) -> Request:
    document: dict[str, object] = {
        "issueIdsOrKeys": list(ids),
        "fields": list(question.fields),
        "fieldsByKeys": False,
    }
    if question.properties:
        document["properties"] = list(question.properties)
    return Request.asking_by_post(BULKFETCH, document)


def _read_batch(body: bytes) -> _Batch:
    page = Page.read(body, "issues")
    errors = page.value("issueErrors")
    found: dict[str, str] = {}
    for entry in errors if isinstance(errors, list) else []:
        if isinstance(entry, Mapping) and entry.get("id") is not None:
            found[str(entry["id"])] = str(entry.get("errorMessage") or "no further words")
    return _Batch([slice_issue(item) for item in page.items], found)


def _unreadable(issue_id: str, reason: str) -> Gap:
    return Gap(kind="issue", subject=f"issue {issue_id}", reason=reason, remedy=_REMEDY, issue_id=issue_id)


def _cut(ids: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
