"""What ties issues to each other, to the world and to people: links, remote links, watchers.

What belongs here: one call each; all three have natural keys, so a second call changes nothing.

What stays out: parents (a field, see `fields`) and the text that mentions other issues (`texts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.people import NOT_ACTIVE
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record

_API = "/rest/api/3"


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

    def act(task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        target = restoration.id_map.issue(task.issue_id)
        if target is None:
            return None
        source = members_of(task.record)
        body: dict[str, Any] = {
            "globalId": global_id(restoration.plan.repository_id, task.record),
            "object": source.get("object") or {},
        }
        body |= {name: source[name] for name in ("application", "relationship") if source.get(name)}
        answer = restoration.calls.send("POST", f"{_API}/issue/{target.id}/remotelink", body)
        return str(answer.get("id")) if isinstance(answer, dict) else None

    run_stage(restoration, "remote links", _hanging_on_issues(restoration, "remote_link"), act)


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
