"""Comments and worklogs: one call each, in their old order within an issue, marked so that they are known again.

What belongs here: their bodies, and looking for marks after a crash or a lost answer.

What stays out: pacing and the journal (`stages`), the head line's wording (`texts`), plainer forms (`refusals`).
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.domain.references import is_document
from jira_backup_pipeline.engine.restore.calls import item_reason, list_of
from jira_backup_pipeline.engine.restore.canonical import plain_form
from jira_backup_pipeline.engine.restore.degrade import plain_document
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.properties import (
    INTERNAL_PROPERTY,
    repair_child_properties,
    writable_properties,
)
from jira_backup_pipeline.engine.restore.refusals import find_taken
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage
from jira_backup_pipeline.engine.restore.target import ORIGIN_PROPERTY
from jira_backup_pipeline.engine.restore.texts import TEXT_MEMBER, head_line, with_head_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_API = "/rest/api/3"
_INTERNAL_COMMENT = {"key": INTERNAL_PROPERTY, "value": {"internal": True}}
_IDS_PER_LIST = 1000


def restore_comments(restoration: Restoration) -> None:
    """Write every comment of the written issues that the target does not have."""
    _Children(restoration, "comment").run("comments")


def restore_worklogs(restoration: Restoration) -> None:
    """Write every worklog of the written issues that the target does not have."""
    _Children(restoration, "worklog").run("worklogs")


class _Children:
    def __init__(self, restoration: Restoration, kind: str) -> None:
        self._restoration = restoration
        self._kind = kind
        self._present: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._is_silence_refused = False
        self._lock = threading.Lock()

    def run(self, stage: str) -> None:
        run_stage(self._restoration, stage, self._tasks(), self._restore)

    def _tasks(self) -> Iterator[Task]:
        """Give the tasks in the order of creation: Jira gives ids in that order, and files need not keep it."""
        rows = self._restoration.view.rows(self._kind, self._restoration.written_issues)
        ordered = sorted(rows, key=lambda row: (int(row.id) if row.id.isdigit() else 0, row.id))
        for row in ordered:
            yield Task(self._kind, row.id, str(row.issue_id), row)

    def _restore(self, task: Task, must_look: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        issue = self._restoration.id_map.issue(task.issue_id)
        if issue is None:
            return None
        source = members_of(task.record).get(TEXT_MEMBER[self._kind])
        text = self._restoration.texts.final(source, knows_comments=False)
        if must_look or not self._restoration.is_new(task.issue_id):
            present = self._present_on(issue.id, task.issue_id, again=must_look).get(task.source_id)
            if present is not None:
                # Also on a new issue: a run that died may have left the text plainer than it needs to be.
                self._repair(issue.id, task, present, text)
                return str(present["id"])
        try:
            return self._post(issue.id, task, text)
        except WriteRefused as refusal:
            bare = self._post_without_properties(issue.id, task, text, refusal)
            if bare is not None:
                return bare
            # A refusal that names something else (who may read it) is not about the text.
            if not is_document(text) or not _is_about_text(refusal):
                raise
            return self._post_plainer(issue.id, task, text, refusal)

    def _post_without_properties(
        self,
        target_issue: str,
        task: Task,
        text: Any,  # noqa: ANN401 - decoded JSON
        refusal: WriteRefused,
    ) -> str | None:
        """Leave out the properties where only they were refused: an app's key must not cost the comment."""
        if not writable_properties(task.record):
            return None
        try:
            target_id = self._post(target_issue, replace(task, record=replace(task.record, extra={})), text)
        except WriteRefused:
            return None
        reason = f"the target refused them ({item_reason(refusal)})"
        self._restoration.findings.adjust(Adjustment(self._kind, task.source_id, "properties", reason))
        return target_id

    def _repair(self, target_issue: str, task: Task, present: Mapping[str, Any], text: Any) -> None:  # noqa: ANN401
        """Write the snapshot's words and times over what was changed since; a second time changes nothing."""
        source = members_of(task.record)
        own = f"{_API}/comment" if self._kind == "comment" else f"{_API}/issue/{target_issue}/worklog"
        repair_child_properties(self._restoration, task.record, f"{own}/{present['id']}", present)
        member = TEXT_MEMBER[self._kind]
        is_copy = _mark_of(present) is not None
        wanted: dict[str, Any] = {member: self._with_head(source, text) if is_copy else text}
        if self._kind == "worklog":
            wanted |= {name: source.get(name) for name in ("started", "timeSpentSeconds")}
        is_same = all(plain_form(present.get(name)) == plain_form(value) for name, value in wanted.items())
        if is_same or not is_document(wanted[member]):
            return
        target_id = str(present["id"])
        try:
            self._put(target_issue, task, target_id, wanted)
        except WriteRefused as refusal:
            if not _is_about_text(refusal):
                raise

            def accepts(form: dict[str, Any]) -> bool:
                with_head = self._with_head(source, form) if is_copy else form
                return _is_taken(
                    lambda: self._put(target_issue, task, target_id, {**wanted, member: with_head})
                )

            self._degrade(task, text, refusal, accepts)

    def _put(self, target_issue: str, task: Task, target_id: str, wanted: Mapping[str, Any]) -> None:
        """Edit what is there, keeping its circle of readers."""
        path = f"{_API}/issue/{target_issue}/{self._kind}/{target_id}"
        estimate = {"adjustEstimate": "leave"} if self._kind == "worklog" else {}
        query = {**self._restoration.notify, **estimate}
        body = {**wanted, **self._visibility(members_of(task.record))}
        self._restoration.calls.send("PUT", path, body, query or None)

    def _post_plainer(
        self, target_issue: str, task: Task, text: dict[str, Any], refusal: WriteRefused
    ) -> str:
        """Write a refused text without the nodes that are refused: the first form taken makes it, later ones edit it.

        A refusal is an answer, so nothing was made and trying again is safe.
        """
        source, member = members_of(task.record), TEXT_MEMBER[self._kind]
        made: list[str] = []

        def accepts(form: dict[str, Any]) -> bool:
            if made:
                wanted = {member: self._with_head(source, form)}
                return _is_taken(lambda: self._put(target_issue, task, made[0], wanted))
            return _is_taken(lambda: made.append(self._post(target_issue, task, form)))

        self._degrade(task, text, refusal, accepts)
        return made[0]

    def _degrade(
        self,
        task: Task,
        text: dict[str, Any],
        refusal: WriteRefused,
        accepts: Callable[[dict[str, Any]], bool],
    ) -> None:
        """Find the form of a refused text that is taken, and say what became of it.

        Raises:
            WriteRefused: no form of it is taken.
        """
        plainer = find_taken(text, accepts, self._restoration.refused_nodes)
        if plainer is None:
            raise refusal
        reason = f"the target refused the text as it was ({item_reason(refusal)}): {plainer.words}"
        found = Adjustment(self._kind, task.source_id, TEXT_MEMBER[self._kind], reason, nodes=plainer.places)
        self._restoration.findings.adjust(found)

    def _post(self, target_issue: str, task: Task, text: Any) -> str:  # noqa: ANN401 - decoded JSON
        source = members_of(task.record)
        if self._kind == "comment":
            path, body = f"{_API}/issue/{target_issue}/comment", self._comment(task, source, text)
            answer = self._restoration.calls.send("POST", path, body)
        else:
            answer = self._send_worklog(target_issue, self._worklog(task, source, text))
        return str(answer["id"]) if isinstance(answer, dict) else ""

    def _send_worklog(self, target_issue: str, body: dict[str, Any]) -> object:
        """Log work without mail; where Jira refuses an account that administers nothing this, with mail rather than not at all."""
        path = f"{_API}/issue/{target_issue}/worklog"
        query = {"adjustEstimate": "leave"}
        if self._is_silence_refused:
            return self._restoration.calls.send("POST", path, body, query)
        try:
            return self._restoration.calls.send("POST", path, body, {**query, "notifyUsers": "false"})
        except WriteRefused:
            if self._restoration.notify:
                raise
            answer = self._restoration.calls.send("POST", path, body, query)
            self._is_silence_refused = True
            return answer

    def _comment(self, task: Task, source: Mapping[str, Any], text: Any) -> dict[str, Any]:  # noqa: ANN401
        document = self._with_head(source, text if is_document(text) else plain_document(str(text or "")))
        properties = [self._mark(task, source), *writable_properties(task.record)]
        if source.get("jsdPublic") is False:
            properties.append(_INTERNAL_COMMENT)
        return {"body": document, "properties": properties, **self._visibility(source)}

    def _with_head(self, source: Mapping[str, Any], document: Any) -> Any:  # noqa: ANN401 - decoded JSON
        """Put author and date at the head of a comment, where that is wanted."""
        if (
            self._kind != "comment"
            or not self._restoration.options.has_head_line
            or not is_document(document)
        ):
            return document
        author = source.get("author")
        name = str(author.get("displayName", "")) if isinstance(author, dict) else ""
        return with_head_line(document, head_line(name, str(source.get("created", ""))))

    def _worklog(self, task: Task, source: Mapping[str, Any], text: Any) -> dict[str, Any]:  # noqa: ANN401
        body = {
            "started": source.get("started"),
            "timeSpentSeconds": source.get("timeSpentSeconds"),
            "properties": [self._mark(task, source), *writable_properties(task.record)],
            **self._visibility(source),
        }
        return {**body, "comment": text} if is_document(text) else body

    def _visibility(self, source: Mapping[str, Any]) -> dict[str, Any]:
        """Keep the circle of readers; where the target lacks it the write is refused rather than shown to all."""
        found = source.get("visibility")
        if not isinstance(found, dict):
            return {}
        if self._restoration.matches.is_same_site and found.get("identifier"):
            return {"visibility": {"type": found.get("type"), "identifier": found["identifier"]}}
        return {"visibility": {"type": found.get("type"), "value": found.get("value")}}

    def _mark(self, task: Task, source: Mapping[str, Any]) -> dict[str, Any]:
        author = source.get("author")
        return {
            "key": ORIGIN_PROPERTY,
            "value": {
                "repository": self._restoration.plan.repository_id,
                "scope": self._restoration.plan.scope,
                "restore": self._restoration.journal.restore,
                "id": task.source_id,
                "issue_id": task.issue_id,
                "author": author.get("accountId") if isinstance(author, dict) else None,
                "created": source.get("created"),
                "updated": source.get("updated"),
            },
        }

    def _present_on(
        self, target_issue: str, source_issue: str, *, again: bool
    ) -> dict[str, Mapping[str, Any]]:
        """Give what an issue holds by the snapshot's ids: its own records where it was never gone, else by mark."""
        with self._lock:
            known = self._present.get(target_issue)
        if known is not None and not again:
            return known
        is_same_issue = self._restoration.matches.is_same_site and target_issue == source_issue
        present: dict[str, Mapping[str, Any]] = {}
        for item in self._list(target_issue):
            mark = _mark_of(item)
            if mark is not None and self._is_ours(mark):
                present[str(mark.get("id"))] = item
            elif is_same_issue:
                present[str(item["id"])] = item
        with self._lock:
            self._present[target_issue] = present
        return present

    def _is_ours(self, mark: Mapping[str, Any]) -> bool:
        plan = self._restoration.plan
        return (mark.get("repository"), mark.get("scope")) == (plan.repository_id, plan.scope)

    def _list(self, target_issue: str) -> list[Mapping[str, Any]]:
        path = f"{_API}/issue/{target_issue}/{self._kind}"
        if self._kind == "worklog":
            return list(self._restoration.calls.get_all(path, "worklogs", {"expand": "properties"}))
        # Comments show their properties only where they are asked for by id.
        ids = [int(str(item["id"])) for item in self._restoration.calls.get_all(path, "comments")]
        found: list[Mapping[str, Any]] = []
        for start in range(0, len(ids), _IDS_PER_LIST):
            body = {"ids": ids[start : start + _IDS_PER_LIST]}
            answer = self._restoration.calls.read(f"{_API}/comment/list", body, {"expand": "properties"})
            found.extend(list_of(answer, "values"))
        return found


def _is_taken(write: Callable[[], object]) -> bool:
    try:
        write()
    except WriteRefused:
        return False
    return True


def _is_about_text(refusal: WriteRefused) -> bool:
    named = set(refusal.field_errors)
    return not named or bool(named & {"comment", "body"})


def _mark_of(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for found in item.get("properties") or []:
        if (
            isinstance(found, dict)
            and found.get("key") == ORIGIN_PROPERTY
            and isinstance(found.get("value"), dict)
        ):
            value: Mapping[str, Any] = found["value"]
            return value
    return None
