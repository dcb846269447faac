"""What ties issues to each other, to the world and to people: links, remote links, watchers.

What belongs here: one call each; all three have natural keys, so a second call changes nothing. Remote links without a key are
known by what they say.

What stays out: parents (a field, see `fields`) and the text that mentions other issues (`texts`).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.engine.restore.compare import is_empty
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.people import NOT_ACTIVE
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.domain.records import Record

_API = "/rest/api/3"
REMOTE_LINK_PARTS: Final = ("object", "relationship", "application")


def restore_links(restoration: Restoration) -> None:
    """Link every written issue as the snapshot has it, each pair once."""

    def tasks() -> Iterator[Task]:
        seen: set[tuple[str, str, str]] = set()
        for row in restoration.view.rows("issue_link", restoration.written_issues):
            ends = link_ends(row)
            if ends is None or ends in seen:
                continue
            seen.add(ends)
            yield Task("issue_link", f"{row.id}", str(row.issue_id), row)

    def act(task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        ends = link_ends(task.record)
        if ends is None:
            return None
        source_id, destination_id = ends[1:]
        source, destination = restoration.find_issue(source_id), restoration.find_issue(destination_id)
        link_type = restoration.matches.link_type(members_of(task.record).get("type") or {})
        if source is None or destination is None:
            missing = source_id if source is None else destination_id
            reason = f"the issue at the other end (id {missing} in the snapshot) is not on the target"
            restoration.findings.adjust(
                Adjustment("issue_link", task.source_id, "link", reason, is_impossible=True)
            )
            return None
        if link_type is None:
            _fail(restoration, task, "the target has no link type of that name")
            return None
        # Jira reads "inward does something to outward": the inward issue of the request is the one that acts.
        body = {
            "type": {"id": link_type},
            "inwardIssue": {"id": source.id},
            "outwardIssue": {"id": destination.id},
        }
        restoration.calls.send("POST", f"{_API}/issueLink", body)
        return None

    run_stage(restoration, "links", tasks(), act)


def link_ends(row: Record) -> tuple[str, str, str] | None:
    """Give type, acting issue and other issue of a link, whichever end it was seen from; None without another end."""
    link = members_of(row)
    kind = link.get("type")
    name = str(kind.get("name", "")) if isinstance(kind, dict) else ""
    outward, inward = link.get("outwardIssue"), link.get("inwardIssue")
    if isinstance(outward, dict) and outward.get("id"):
        return name, str(row.issue_id), str(outward["id"])
    if isinstance(inward, dict) and inward.get("id"):
        return name, str(inward["id"]), str(row.issue_id)
    return None


def restore_remote_links(restoration: Restoration) -> None:
    """Write the remote links of every written issue."""
    standing = _KeylessLinks(restoration)

    def act(task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        target = restoration.id_map.issue(task.issue_id)
        if target is None:
            return None
        source, path = members_of(task.record), f"{_API}/issue/{target.id}/remotelink"
        body: dict[str, Any] = {"object": source.get("object") or {}}
        body |= {name: source[name] for name in ("application", "relationship") if source.get(name)}
        found = None if restoration.is_new(task.issue_id) else standing.take(target.id, task.record)
        if found is not None:
            if not is_same_remote_link(source, found):
                restoration.calls.send("PUT", f"{path}/{found['id']}", body)
            return str(found["id"])
        body["globalId"] = global_id(restoration.plan.repository_id, task.record)
        answer = restoration.calls.send("POST", path, body)
        return str(answer.get("id")) if isinstance(answer, dict) else None

    run_stage(restoration, "remote links", _hanging_on_issues(restoration, "remote_link"), act)


class _KeylessLinks:
    """The remote links without a key that issues of the target have: Jira takes what has no key for a new one each time."""

    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self._by_issue: dict[str, list[Mapping[str, Any]]] = {}
        self._lock = threading.Lock()

    def take(self, target_id: str, row: Record) -> Mapping[str, Any] | None:
        """Give the one that a link of the snapshot is, once; None where that has a key or the issue lacks it."""
        if members_of(row).get("globalId"):
            return None
        with self._lock:
            if target_id not in self._by_issue:
                answer = self._restoration.calls.get(f"{_API}/issue/{target_id}/remotelink")
                listed = answer if isinstance(answer, list) else []
                self._by_issue[target_id] = [
                    link for link in listed if isinstance(link, dict) and not link.get("globalId")
                ]
            present = self._by_issue[target_id]
            is_own = self._restoration.plan.target.is_same_site and target_id == row.issue_id
            found = find_keyless(row, present, is_same_issue=is_own)
            if found is not None:
                present.remove(found)
            return found


def find_keyless(
    row: Record, present: Sequence[Mapping[str, Any]], *, is_same_issue: bool
) -> Mapping[str, Any] | None:
    """Find what a link without a key is among others without one: by its id on its own issue, else by what it says."""
    source = members_of(row)
    by_id = (link for link in present if is_same_issue and str(link.get("id")) == row.id)
    return next(by_id, None) or next((link for link in present if is_same_remote_link(source, link)), None)


def is_same_remote_link(source: Mapping[str, Any], target: Mapping[str, Any]) -> bool:
    """Compare what two remote links say, whatever their ids and keys are."""
    return all(
        without_empty(source.get(name)) == without_empty(target.get(name))
        or (is_empty(source.get(name)) and is_empty(target.get(name)))
        for name in REMOTE_LINK_PARTS
    )


def without_empty(value: object) -> object:
    """Take empty members off a remote link's parts: Jira shows some of them as empty, some not at all."""
    if not isinstance(value, dict):
        return value
    return {name: found for name, member in value.items() if not is_empty(found := without_empty(member))}


def global_id(repository_id: str, row: Record) -> str:
    """Give the key of a remote link: its own, else one made of its origin, so that writing twice makes one."""
    return str(members_of(row).get("globalId") or f"jira-backup:{repository_id}:{row.id}")


def restore_watchers(restoration: Restoration) -> None:
    """Let the people watch again who are active on the target."""

    def act(task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        target = restoration.id_map.issue(task.issue_id)
        account_id = str(members_of(task.record).get("accountId", task.record.id))
        if target is None:
            return None
        account_id_on_target = restoration.matches.person(account_id)
        if account_id_on_target is None:
            restoration.findings.adjust(
                Adjustment("watcher", task.source_id, "accountId", NOT_ACTIVE, is_impossible=True)
            )
            return None
        restoration.calls.send("POST", f"{_API}/issue/{target.id}/watchers", account_id_on_target)
        return None

    run_stage(restoration, "watchers", _hanging_on_issues(restoration, "watcher"), act)


def watcher_name(row: Record) -> str:
    """Name a watcher record: the same person watches many issues."""
    return f"{row.issue_id}/{row.id}"


def _hanging_on_issues(restoration: Restoration, kind: str) -> Iterator[Task]:
    for row in restoration.view.rows(kind, restoration.written_issues):
        name = watcher_name(row) if kind == "watcher" else row.id
        yield Task(kind, name, str(row.issue_id), row)


def _fail(restoration: Restoration, task: Task, reason: str) -> None:
    restoration.findings.fail(Failure(task.kind, task.source_id, task.issue_id, reason, "left out"))


def watchers_of(rows: Mapping[str, list[Record]], issue_id: str) -> set[str]:
    """Give the account ids that watch an issue of the snapshot."""
    return {str(members_of(row).get("accountId", row.id)) for row in rows.get(issue_id, ())}
