"""The one edit that an issue gets after its creation: everything that could not be in the create.

What belongs here: comparing what an issue has with what it should have, editing the difference quietly, and what to do when
a value is refused.

What stays out: the values (`fields`), equality (`canonical`), status and resolution (`statuses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import BackupPipelineError, WriteRefused
from jira_backup_pipeline.domain.references import is_document
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.canonical import is_settled
from jira_backup_pipeline.engine.restore.findings import Adjustment
from jira_backup_pipeline.engine.restore.refusals import find_taken
from jira_backup_pipeline.engine.restore.stages import Restoration, Task, run_stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.degrade import Place
    from jira_backup_pipeline.engine.restore.fields import Values

STAGE = "edits"
_READ_ISSUES = 100


def edit_issues(restoration: Restoration) -> None:
    """Give every written issue the values of the snapshot that it does not have yet."""
    _Edits(restoration).run()


class _Edits:
    def __init__(self, restoration: Restoration) -> None:
        self._restoration = restoration
        self._present: dict[str, Mapping[str, Any]] = {}

    def run(self) -> None:
        run_stage(self._restoration, STAGE, self._tasks(), self._edit)

    def _tasks(self) -> Iterator[Task]:
        pending: list[Record] = []
        done = self._restoration.journal.stage(STAGE).done
        for row in self._restoration.view.rows("issue", self._restoration.written_issues - set(done)):
            pending.append(row)
            if len(pending) == _READ_ISSUES:
                yield from self._read(pending)
                pending = []
        yield from self._read(pending)

    def _read(self, rows: list[Record]) -> Iterator[Task]:
        targets = {row.id: self._restoration.id_map.issue(row.id) for row in rows}
        ids = [target.id for target in targets.values() if target is not None]
        fields = ("*all", "-comment", "-worklog", "-attachment")
        found = {str(item["id"]): item for item in self._restoration.calls.fetch_issues(ids, fields=fields)}
        for row in rows:
            target = targets[row.id]
            present = found.get(target.id) if target is not None else None
            self._present[row.id] = present.get("fields", {}) if present is not None else {}  # type: ignore[assignment]
            yield Task("edit", row.id, row.id, row)

    def _edit(self, task: Task, _: bool) -> str | None:  # noqa: FBT001 - the shape of every act
        target = self._restoration.id_map.issue(task.source_id)
        present = self._present.pop(task.source_id, {})
        if target is None:
            return None
        values = self._restoration.values.final(task.record, with_empty=True)
        self._restoration.findings.adjust(*values.adjustments)
        site = self._restoration.matches.site
        wanted = {
            name: value
            for name, value in values.values.items()
            if not is_settled(site.fields[name], value, present.get(name))
            and not self._is_filled(task, name, value)
        }
        if wanted:
            self._put(target.id, task, wanted, values)
        return None

    def _is_filled(self, task: Task, name: str, value: object) -> bool:
        """Tell whether a required field got a filling at creation, which emptying would be refused."""
        is_empty = value is None or value == []
        return is_empty and self._restoration.findings.has_adjustment("issue", task.source_id, name)

    def _put(self, target_id: str, task: Task, wanted: dict[str, Any], values: Values) -> None:
        """Edit, leaving out what is refused until Jira takes the rest; refused rich text then goes alone, degraded."""
        documents: dict[str, str] = {}
        while wanted:
            try:
                self._send(target_id, wanted)
            except BackupPipelineError as error:
                reason = item_reason(error)
                if reason is None:
                    raise
                named = error.field_errors if isinstance(error, WriteRefused) else {}
                for name in _blamed(wanted, named):
                    said = named.get(name, reason)
                    if is_document(wanted[name]) and isinstance(error, WriteRefused):
                        documents[name] = said
                    else:
                        self._adjust(task, values, name, f"refused by the target ({said}): left out")
                wanted = {name: value for name, value in wanted.items() if name not in _blamed(wanted, named)}
            else:
                break
        for name, said in documents.items():
            self._put_document(target_id, task, values, name, said)

    def _put_document(self, target_id: str, task: Task, values: Values, name: str, said: str) -> None:
        """Give an issue a rich text that was refused, without the single nodes that the target does not take."""
        text = values.values[name]

        def accepts(form: object) -> bool:
            try:
                self._send(target_id, {name: form})
            except WriteRefused:
                return False
            return True

        # It may have been blamed for another field: where the refusal named none, it is asked for alone first.
        if accepts(text):
            return
        plainer = find_taken(text, accepts, self._restoration.refused_nodes)
        done, nodes = (plainer.words, plainer.places) if plainer is not None else ("left out", ())
        self._adjust(task, values, name, f"refused by the target ({said}): {done}", nodes)

    def _adjust(
        self, task: Task, values: Values, name: str, reason: str, nodes: tuple[Place, ...] = ()
    ) -> None:
        source = values.sources.get(name, name)
        self._restoration.findings.adjust(Adjustment("issue", task.source_id, source, reason, nodes=nodes))

    def _send(self, target_id: str, wanted: Mapping[str, Any]) -> None:
        path = f"/rest/api/3/issue/{target_id}"
        self._restoration.calls.send("PUT", path, {"fields": wanted}, self._restoration.notify or None)


def _blamed(wanted: Mapping[str, Any], named: Mapping[str, str]) -> list[str]:
    """Say which values a refusal is about: those it names, else rich text, else one by one from the last."""
    documents = [name for name in wanted if is_document(wanted[name])]
    return [name for name in wanted if name in named] or documents or list(wanted)[-1:]
