"""The configuration in a snapshot: the records of its site, and which schemes a project follows.

What belongs here: reading each kind once, and the ways from a project to its schemes and back to their parts.

What stays out: what of it a restore wants (`need`), and everything about the target.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME
from jira_backup_pipeline.engine.restore.configuration.conversion import Conversion
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.team_managed import scope_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView

# Which scheme a project follows: the noun, the kind that tells it, and the member that holds the scheme.
_GROUPED = (
    ("issue_type_scheme", "issue_type_scheme_project", "issueTypeScheme"),
    ("workflow_scheme", "workflow_scheme_project", "workflowScheme"),
    ("issue_type_screen_scheme", "issue_type_screen_scheme_project", "issueTypeScreenScheme"),
    ("field_configuration_scheme", "field_configuration_scheme_project", "fieldConfigurationScheme"),
)
_PAIRED = (
    ("notification_scheme", "notification_scheme_project", "notificationSchemeId"),
    ("security_scheme", "security_scheme_project", "issueSecuritySchemeId"),
    ("field_scheme", "field_scheme_project", "schemeId"),
)


class ConfigurationSource:
    """Reads the site snapshot that a project's snapshot names; a kind that was not captured has no rows."""

    def __init__(self, view: SnapshotView) -> None:
        self._view = view
        self._rows: dict[str, tuple[Record, ...]] = {}
        self._converted: dict[str, tuple[Record, ...]] = {}
        self._conversion = Conversion.of(view, self._captured)

    def rows(self, kind: str) -> tuple[Record, ...]:
        """Give the records of a site kind, without what belongs to another project alone: nothing here stands on that."""
        if self._conversion is None:
            return self._captured(kind)
        if kind not in self._converted:
            self._converted[kind] = self._conversion.applied(kind, self._captured(kind))
        return self._converted[kind]

    def _captured(self, kind: str) -> tuple[Record, ...]:
        """Give the records of a site kind as they were captured."""
        if kind not in self._rows:
            known = kind in BY_NAME
            rows = self._view.site_rows(kind) if known else ()
            self._rows[kind] = tuple(row for row in rows if scope_of(members_of(row)) in {"", self._home()})
        return self._rows[kind]

    def _home(self) -> str:
        """Give the id of the team-managed project that the snapshot is of; a company-managed one is no scope of anything."""
        return self._conversion.project_id if self._conversion is not None else ""

    def by_id(self, kind: str) -> dict[str, Record]:
        """Give the records of a site kind by their own id, without that of a parent."""
        return {own_id(row): row for row in self.rows(kind)}

    def conversion_line(self) -> str | None:
        """Say in one line what a team-managed project becomes where it is made anew; None for a company-managed one."""
        return self._conversion.words() if self._conversion is not None else None

    def project_rows(self, kind: str) -> tuple[Record, ...]:
        """Give the records of a kind of the project itself."""
        return tuple(self._view.rows(kind))

    def first_project(self) -> str | None:
        """Give the id of the site's oldest project, which speaks for what is about no project; None where none is told."""
        ids = {row.id for row in self.rows("site_project")}
        return min(ids, key=lambda one: (len(one), one), default=None)

    def schemes_of(self, project_id: str) -> dict[str, str]:
        """Give the ids of the schemes that a project follows, by noun, as far as the snapshot tells.

        Those of a team-managed project are the ones that it will follow once it is converted.
        """
        if self._conversion is not None and project_id == self._conversion.project_id:
            return self._conversion.schemes()
        return self._captured_schemes(project_id)

    def _captured_schemes(self, project_id: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for noun, kind, member in _GROUPED:
            for row in self.rows(kind):
                scheme = members_of(row).get(member)
                listed = members_of(row).get("projectIds") or []
                if isinstance(scheme, dict) and project_id in {str(item) for item in listed}:
                    found[noun] = str(scheme.get("id"))
        for noun, kind, member in _PAIRED:
            for row in self.rows(kind):
                if str(members_of(row).get("projectId")) == project_id:
                    found[noun] = str(members_of(row).get(member))
        for row in self.rows("project_permission_scheme"):
            if row.id.split("/")[0] == project_id:
                found["permission_scheme"] = str(members_of(row).get("id"))
        self._settle_field_rules(found)
        priorities = self._priority_scheme(project_id)
        if priorities is not None:
            found["priority_scheme"] = priorities
        return found | {
            noun: scheme_id
            for noun, scheme_id in self._told_by_parts().items()
            if noun not in found and scheme_id is not None
        }

    def _settle_field_rules(self, found: dict[str, str]) -> None:
        """Keep one of the two models of rules about fields: the new one where the project was given a scheme of it."""
        scheme = self.by_id("field_scheme").get(found.get("field_scheme", ""))
        is_given = scheme is not None and members_of(scheme).get("isDefault") is not True
        # Every project that was given no other follows the default one.
        found.pop("field_configuration_scheme" if is_given else "field_scheme", None)

    def follows_default_rules(self, noun: str, project_id: str) -> bool:
        """Tell whether a project is known to follow the default scheme of rules about fields, of either model."""
        if noun == "field_configuration_scheme":
            groups = [members_of(row) for row in self.rows("field_configuration_scheme_project")]
            return any(
                not group.get("fieldConfigurationScheme")
                and project_id in texts(group.get("projectIds") or [])
                for group in groups
            )
        schemes = self.by_id("field_scheme")
        followed = [
            schemes.get(str(members_of(row).get("schemeId")))
            for row in self.rows("field_scheme_project")
            if str(members_of(row).get("projectId")) == project_id
        ]
        return any(row is not None and members_of(row).get("isDefault") is True for row in followed)

    def _priority_scheme(self, project_id: str) -> str | None:
        """Find the priority scheme of a project; every one that was given no other follows the default one."""
        for row in self.rows("priority_scheme"):
            if members_of(row).get("isDefault") is not True and project_id in self._projects_of(row):
                return own_id(row)
        return None

    def priorities_of(self, scheme: Record) -> tuple[str, ...]:
        """Give the ids of the priorities of a scheme in order, also of one whose list was cut."""
        return self._of_scheme(scheme, "priorities", "priority_scheme_priority")

    def _projects_of(self, scheme: Record) -> tuple[str, ...]:
        return self._of_scheme(scheme, "projects", "priority_scheme_project")

    def _of_scheme(self, scheme: Record, member: str, kind: str) -> tuple[str, ...]:
        shown = members_of(scheme).get(member)
        values = shown.get("values") if isinstance(shown, dict) else None
        more = [members_of(row).get("id") for row in self.rows(kind) if row.id.split("/")[0] == scheme.id]
        return texts([*(item.get("id") for item in values or []), *more])

    def _told_by_parts(self) -> dict[str, str | None]:
        """Find the schemes whose parts are exactly those that the project has: older snapshots tell no more."""
        return {"issue_type_scheme": self._alike_types(), "workflow_scheme": self._alike_workflows()}

    def _alike_types(self) -> str | None:
        wanted = set(self.type_ids())
        items: dict[str, set[str]] = {}
        for row in self.rows("issue_type_scheme_item"):
            members = members_of(row)
            items.setdefault(str(members.get("issueTypeSchemeId")), set()).add(
                str(members.get("issueTypeId"))
            )
        alike = [own_id(row) for row in self.rows("issue_type_scheme") if items.get(own_id(row)) == wanted]
        return self._named_after_project("issue_type_scheme", alike)

    def _alike_workflows(self) -> str | None:
        statuses = {
            str(members_of(row).get("name")): {
                str(reference.get("statusReference")) for reference in members_of(row).get("statuses") or []
            }
            for row in self.rows("workflow")
        }
        wanted = {
            own_id(row): {str(status.get("id")) for status in members_of(row).get("statuses") or []}
            for row in self.project_rows("project_status")
        }
        alike = [
            own_id(row)
            for row in self.rows("workflow_scheme")
            if wanted
            and all(
                statuses.get(workflow_of(members_of(row), type_id)) == listed
                for type_id, listed in wanted.items()
            )
        ]
        return self._named_after_project("workflow_scheme", alike)

    def _named_after_project(self, kind: str, alike: list[str]) -> str | None:
        """Choose among schemes that are alike: the one that carries the project's key, as Jira names them."""
        project = next(iter(self.project_rows("project")), None)
        key = str(members_of(project).get("key")) if project is not None else ""
        names = {own_id(row): str(members_of(row).get("name")) for row in self.rows(kind)}
        own = [scheme_id for scheme_id in alike if key in names[scheme_id].replace(":", " ").split()]
        return next(iter([*own, *alike]), None)

    def type_ids(self) -> tuple[str, ...]:
        """Give the ids of the issue types that the project has."""
        project = next(iter(self.project_rows("project")), None)
        listed = members_of(project).get("issueTypes") if project is not None else None
        return tuple(str(item.get("id")) for item in listed or [] if isinstance(item, dict))


def own_id(row: Record) -> str:
    """Give a record's id without that of its parent."""
    return row.id.rpartition("/")[2]


def workflow_of(scheme: Mapping[str, Any], type_id: str) -> str:
    """Give the name of the workflow that a scheme has for a type."""
    mappings = scheme.get("issueTypeMappings")
    named = mappings.get(type_id) if isinstance(mappings, dict) else None
    return str(named or scheme.get("defaultWorkflow") or "jira")


def texts(values: Iterable[object]) -> tuple[str, ...]:
    """Give values as texts, each once, in order."""
    return tuple(dict.fromkeys(str(value) for value in values))
