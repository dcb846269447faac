"""Edits of a sandbox that a random test chooses from: each takes an issue and a number, and changes something or nothing.

What belongs here: `EDITS`, by name: what people and apps do to issues through the API, and what an administrator does to
what issues show. Some move `updated` and write history, some do neither; the tests do not ask which but look.

What stays out: captures, time, and the laws that must hold (the tests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.sandbox.changes import begin
from jira_backup_pipeline.sandbox.http import UploadedFile
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline_tests.unit.sandbox_calls import TEXT, Calls

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.http import Response
    from jira_backup_pipeline.sandbox.model import Issue

HOSTILE_NAMES = (
    "../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "nul\x00byte.txt",
    "n" * 296 + ".txt",
    "\u202etxt.exe",
    "CON",
    "a/b/c",
    "",
    "-rf",
    "$(id)`id`.txt",
    "line\nbreak\r\n.txt",
)
_KEYS = ("sandbox.flag", "app.state", "x" * 200, "späte.eigenschaft")


def _done(answer: Response) -> Response:
    assert answer.status < 300, (answer.status, answer.body[:300])
    return answer


def _text(number: int) -> dict[str, Any]:
    return {
        **TEXT,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": f"text {number}"}]}],
    }


def _pick(items: list[Any], number: int) -> Any:
    return items[number % len(items)] if items else None


def edit_fields(calls: Calls, issue: Issue, number: int) -> None:
    fields: dict[str, Any] = {"summary": f"summary {number}", "labels": [f"l{number % 3}"]}
    _done(calls.send("PUT", f"/issue/{issue.issue_id}", {"fields": fields}))


def move_through_workflow(calls: Calls, issue: Issue, number: int) -> None:
    steps = calls.site.workflow_of(issue).transitions
    open_steps = [step for step in steps if step.sources is None or issue.status_id in step.sources]
    step = _pick(open_steps, number)
    if step is not None:
        body = {"transition": {"id": step.transition_id}}
        _done(calls.send("POST", f"/issue/{issue.issue_id}/transitions", body))


def add_comment(calls: Calls, issue: Issue, number: int) -> None:
    body: dict[str, Any] = {"body": _text(number)}
    if number % 3 == 0:
        body["visibility"] = {"type": "group", "value": "developers"}
    if number % 2 == 0:
        body["properties"] = [{"key": "app.note", "value": {"n": number}}]
    _done(calls.send("POST", f"/issue/{issue.issue_id}/comment", body))


def add_many_comments(calls: Calls, issue: Issue, number: int) -> None:
    calls.edits.add_comment(str(issue.issue_id), f"one of many {number}", count=25)


def _seen_comment(calls: Calls, issue: Issue, number: int) -> Any:
    account, project = calls.site.backup_account, calls.site.project_of(issue)
    seen = [c for c in calls.site.body(issue).comments if calls.site.sees(account, project, c.visibility)]
    return _pick(seen, number)


def edit_comment(calls: Calls, issue: Issue, number: int) -> None:
    comment = _seen_comment(calls, issue, number)
    if comment is not None:
        path = f"/issue/{issue.issue_id}/comment/{comment.comment_id}"
        _done(calls.send("PUT", path, {"body": _text(number)}))


def delete_comment(calls: Calls, issue: Issue, number: int) -> None:
    comment = _seen_comment(calls, issue, number)
    if comment is not None:
        _done(calls.send("DELETE", f"/issue/{issue.issue_id}/comment/{comment.comment_id}"))


def set_comment_property(calls: Calls, issue: Issue, number: int) -> None:
    comment = _seen_comment(calls, issue, number)
    if comment is not None:
        _done(calls.send("PUT", f"/comment/{comment.comment_id}/properties/app.note", {"n": number}))


def add_worklog(calls: Calls, issue: Issue, number: int) -> None:
    body = {"timeSpentSeconds": 60 + number, "comment": _text(number)}
    for _ in range(22 if number % 5 == 0 else 1):
        _done(calls.send("POST", f"/issue/{issue.issue_id}/worklog", body))


def _seen_worklog(calls: Calls, issue: Issue, number: int) -> Any:
    account, project = calls.site.backup_account, calls.site.project_of(issue)
    seen = [w for w in calls.site.body(issue).worklogs if calls.site.sees(account, project, w.visibility)]
    return _pick(seen, number)


def edit_worklog(calls: Calls, issue: Issue, number: int) -> None:
    worklog = _seen_worklog(calls, issue, number)
    if worklog is not None:
        path = f"/issue/{issue.issue_id}/worklog/{worklog.worklog_id}"
        _done(calls.send("PUT", path, {"timeSpentSeconds": 3600 + number}))


def delete_worklog(calls: Calls, issue: Issue, number: int) -> None:
    worklog = _seen_worklog(calls, issue, number)
    if worklog is not None:
        _done(calls.send("DELETE", f"/issue/{issue.issue_id}/worklog/{worklog.worklog_id}"))


def link(calls: Calls, issue: Issue, number: int) -> None:
    account = calls.site.backup_account
    others = [i for i in calls.site.issues if i is not issue and calls.site.can_see(account, i)]
    other, kind = _pick(others, number), _pick(list(calls.site.link_types.values()), number)
    if other is not None:
        ends = {"inwardIssue": {"id": str(issue.issue_id)}, "outwardIssue": {"id": str(other.issue_id)}}
        _done(calls.send("POST", "/issueLink", {"type": {"id": kind.type_id}, **ends}))


def unlink(calls: Calls, issue: Issue, number: int) -> None:
    account, issues = calls.site.backup_account, calls.site.issues.by_id
    links = [
        item
        for item in calls.site.links_of_issue(issue.issue_id)
        if all(calls.site.can_see(account, issues[end]) for end in (item.source_id, item.destination_id))
    ]
    found = _pick(links, number)
    if found is not None:
        _done(calls.send("DELETE", f"/issueLink/{found.link_id}"))


def set_remote_link(calls: Calls, issue: Issue, number: int) -> None:
    target = {"url": f"https://example.org/{number}", "title": f"page {number}"}
    body = {"globalId": f"g{number % 2}", "object": target}
    _done(calls.send("POST", f"/issue/{issue.issue_id}/remotelink", body))


def retitle_remote_link(calls: Calls, issue: Issue, number: int) -> None:
    """An app changes a link without a word in the history."""
    links = calls.site.body(issue).remote_links
    if links:
        with calls.site.lock:
            link = _pick(begin(calls.site, issue).remote_links, number)
            link.target = {**link.target, "title": f"title {number}"}


def delete_remote_link(calls: Calls, issue: Issue, number: int) -> None:
    found = _pick(calls.site.body(issue).remote_links, number)
    if found is not None:
        _done(calls.send("DELETE", f"/issue/{issue.issue_id}/remotelink/{found.link_id}"))


def watch_or_not(calls: Calls, issue: Issue, number: int) -> None:
    people = [item.account_id for item in calls.site.accounts.values() if item.active]
    person = _pick(people, number)
    path = f"/issue/{issue.issue_id}/watchers"
    if person in issue.watchers:
        _done(calls.send("DELETE", f"{path}?accountId={person}"))
    else:
        _done(calls.send("POST", path, person))


def swap_watchers(calls: Calls, issue: Issue, number: int) -> None:
    """One watcher goes and another comes: their number stays."""
    others = [a.account_id for a in calls.site.accounts.values() if a.account_id not in issue.watchers]
    if issue.watchers and others:
        with calls.site.lock:
            begin(calls.site, issue)
            issue.watchers[number % len(issue.watchers)] = _pick(others, number)
            calls.site.changed(issue.issue_id)


def vote_or_not(calls: Calls, issue: Issue, number: int) -> None:
    """Somebody else's vote: the API gives nobody but the caller one."""
    with calls.site.lock:
        person = _pick(list(calls.site.accounts), number)
        begin(calls.site, issue)
        if person in issue.voters:
            issue.voters.remove(person)
        else:
            issue.voters.append(person)
        calls.site.changed(issue.issue_id)


def set_property(calls: Calls, issue: Issue, number: int) -> None:
    key = _pick(list(_KEYS), number)
    _done(calls.send("PUT", f"/issue/{issue.issue_id}/properties/{key}", {"n": number}))


def delete_property(calls: Calls, issue: Issue, number: int) -> None:
    key = _pick(list(calls.site.body(issue).properties), number)
    if key is not None:
        _done(calls.send("DELETE", f"/issue/{issue.issue_id}/properties/{key}"))


def attach(calls: Calls, issue: Issue, number: int) -> None:
    name = HOSTILE_NAMES[number % len(HOSTILE_NAMES)]
    content = f"file {number % 4}".encode() * (1 + number % 4)
    file = UploadedFile("file", name, "application/octet-stream", content)
    headers = {"x-atlassian-token": "no-check"}
    _done(calls.send("POST", f"/issue/{issue.issue_id}/attachments", headers=headers, files=[file]))


def detach(calls: Calls, issue: Issue, number: int) -> None:
    found = _pick(calls.site.body(issue).attachments, number)
    if found is not None:
        _done(calls.send("DELETE", f"/attachment/{found.attachment_id}"))


def rename_person(calls: Calls, _: Issue, number: int) -> None:
    with calls.site.lock:
        _pick(list(calls.site.accounts.values()), number).display_name = f"Person {number}"
        calls.site.reference_changed()


def rename_component(calls: Calls, issue: Issue, number: int) -> None:
    found = _pick(calls.site.components_of(issue.project_id), number)
    if found is not None:
        _done(calls.send("PUT", f"/component/{found.component_id}", {"name": f"component {number}"}))


def enter_or_leave_group(calls: Calls, _: Issue, __: int) -> None:
    """What is restricted to a group appears or disappears for the backup account."""
    site = calls.site
    with site.lock:
        group = site.group_by_name("developers")
        assert group is not None
        if site.backup_account_id in group.members:
            group.members.remove(site.backup_account_id)
        else:
            group.members.append(site.backup_account_id)
        site.reference_changed()


def create(calls: Calls, issue: Issue, number: int) -> None:
    project = calls.site.project_of(issue).key
    calls.edits.create_issue(project, f"made {number}", at=calls.site.now())


def delete(calls: Calls, issue: Issue, __: int) -> None:
    calls.edits.delete_issue(str(issue.issue_id))


def move(calls: Calls, issue: Issue, number: int) -> None:
    others = [p for p in calls.site.projects.values() if p.project_id != issue.project_id]
    calls.edits.move_issue(str(issue.issue_id), _pick(others, number).key)


def hide(calls: Calls, issue: Issue, __: int) -> None:
    calls.edits.hide_issue(str(issue.issue_id))


def show_all(calls: Calls, _: Issue, __: int) -> None:
    for _, issue_id in list(calls.site.hidden_issues):
        if issue_id in calls.site.issues.by_id:
            calls.edits.show_issue(str(issue_id))


def classify(calls: Calls, issue: Issue, number: int) -> None:
    """Give an issue a security level through the API, or take it away: it may vanish for the account, and come back."""
    if schemes.follows(calls.site, calls.site.project_of(issue), "security_scheme") is None:
        return
    chosen = _pick([None, *(level_id for level_id, _ in schemes.LEVELS)], number)
    body = {"fields": {"security": None if chosen is None else {"id": chosen}}}
    _done(calls.send("PUT", f"/issue/{issue.issue_id}", body))


def declassify_all(calls: Calls, _: Issue, __: int) -> None:
    """Somebody who is in every level takes all of them away."""
    for issue in list(calls.site.issues):
        if calls.site.body(issue).values.get("security") is not None:
            calls.edits.edit_issue(str(issue.issue_id), {"security": None}, at=calls.site.now())


def rename_project(calls: Calls, issue: Issue, number: int) -> None:
    project = calls.site.project_of(issue)
    taken = {key for p in calls.site.projects.values() for key in (p.key, *p.old_keys)}
    key = f"K{number % 50}"
    if key not in taken:
        calls.edits.rename_project(str(project.project_id), key)


EDITS: dict[str, Callable[[Calls, Issue, int], None]] = {
    function.__name__: function
    for function in (
        edit_fields,
        move_through_workflow,
        add_comment,
        add_many_comments,
        edit_comment,
        delete_comment,
        set_comment_property,
        add_worklog,
        edit_worklog,
        delete_worklog,
        link,
        unlink,
        set_remote_link,
        retitle_remote_link,
        delete_remote_link,
        watch_or_not,
        swap_watchers,
        vote_or_not,
        set_property,
        delete_property,
        attach,
        detach,
        rename_person,
        rename_component,
        enter_or_leave_group,
        create,
        delete,
        move,
        hide,
        show_all,
        classify,
        declassify_all,
        rename_project,
    )
}
