"""What of a snapshot is to be restored: all of it, some issues, only their attachments, only the configuration.

What belongs here: the selection as a value with what follows from it, and the issues of a snapshot that it names.

What stays out: what happens to a selected issue (`actions`), and running conditions (`repository.query`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from jira_backup_pipeline.domain.errors import ConfigurationError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.engine.restore.snapshot import IssueHead, SnapshotView

_NAMED_UNKNOWN = 10
_LOOK_FOR_KEYS = "Look with `jira-backup sql` which keys the snapshot has, or name an earlier one."


class Part(StrEnum):
    """Which part of what is selected: all of it, the attachments of issues that are there, or what surrounds issues."""

    EVERYTHING = "everything"
    ATTACHMENTS = "attachments"
    CONFIGURATION = "configuration"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which issues: those of these keys (or ids), for which the condition holds, and that are gone; all when nothing is said."""

    issue_keys: tuple[str, ...] = ()
    only_deleted: bool = False
    where: str = ""
    part: Part = Part.EVERYTHING
    # The project is one of a whole site: what the site has beside its projects comes along.
    is_site: bool = False

    @property
    def brings_shared(self) -> bool:
        """Tell whether filters and dashboards are asked for even where projects are still there."""
        return self.part is Part.CONFIGURATION or (self.is_site and self.is_whole_project)

    @property
    def is_whole_project(self) -> bool:
        """Tell whether the project as such is restored, not single issues."""
        return not self.names_issues and self.part is not Part.ATTACHMENTS

    @property
    def names_issues(self) -> bool:
        """Tell whether some issues are meant and others not."""
        return bool(self.issue_keys or self.only_deleted or self.where)

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ConfigurationError: issues are chosen where no issue will be touched, or gone ones where only present ones can.
        """
        if self.part is Part.CONFIGURATION and self.names_issues:
            message = "the configuration alone was asked for, and issues were chosen"
            raise ConfigurationError(message, hint="Leave out one of the two.")
        if self.part is Part.ATTACHMENTS and self.only_deleted:
            message = (
                "attachments alone can come back to issues that are there, and deleted issues were asked for"
            )
            raise ConfigurationError(
                message, hint="Restore the deleted issues whole: leave one of the two out."
            )

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild from the JSON form."""
        return cls(
            tuple(document["issue_keys"]),
            document["only_deleted"],
            document.get("where", ""),
            Part(document.get("part", Part.EVERYTHING)),
            document.get("is_site", False),
        )


def selected_heads(view: SnapshotView, selection: Selection) -> list[IssueHead]:
    """Give the issues that a selection names, in order of creation; `only_deleted` is for the target to say.

    Raises:
        UnknownName: the snapshot has no issue of a name.
        ConfigurationError: the condition is none.
    """
    selection.check()
    if selection.part is Part.CONFIGURATION:
        return []
    heads = view.heads()
    if selection.issue_keys:
        heads = _named(heads, selection.issue_keys)
    if selection.where:
        meant = view.matching(selection.where)
        heads = [head for head in heads if head.id in meant]
    if selection.part is Part.ATTACHMENTS:
        with_files = view.owners("attachment")
        heads = [head for head in heads if head.id in with_files]
    return heads


def _named(heads: list[IssueHead], names: tuple[str, ...]) -> list[IssueHead]:
    by_name = {name: head for head in heads for name in (head.id, head.key)}
    unknown = [name for name in names if name.upper() not in by_name]
    if unknown:
        message = f"the snapshot has no issue {', '.join(unknown[:_NAMED_UNKNOWN])}"
        raise UnknownName(message, hint=_LOOK_FOR_KEYS)
    chosen = {by_name[name.upper()].id for name in names}
    # Sub-tasks cannot exist without their parent: who wants the one wants the other.
    chosen |= {head.id for head in heads if head.level < 0 and head.parent_id in chosen}
    return [head for head in heads if head.id in chosen]
