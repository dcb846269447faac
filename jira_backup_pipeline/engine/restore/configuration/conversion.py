"""What a team-managed project becomes where it is made anew: REST makes company-managed projects only, and these follow schemes.

What belongs here: the schemes, screens, workflows and contexts of fields that say of a company-managed project what the
team-managed one had by itself, as records like those that Jira sends, and the names under which its own things come back.

What stays out: reading the snapshot (`source`), and making any of it (`restoring`): to them these are records like all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.records import Record
from jira_backup_pipeline.engine.restore.snapshot import fields_of, members_of
from jira_backup_pipeline.engine.restore.team_managed import is_team_managed, scope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView

CONVERTED = "the project was team-managed; it comes back company-managed"
# What a screen of any project has, used or not; further fields come as the issues use them.
_ON_EVERY_SCREEN = (
    "summary",
    "issuetype",
    "reporter",
    "assignee",
    "priority",
    "description",
    "labels",
    "duedate",
    "components",
    "fixVersions",
    "attachment",
    "issuelinks",
)
# Jira shows these on screens of its own accord, or they are set by calls of their own.
_NOT_ON_SCREENS = frozenset({"project", "comment", "worklog", "security", "resolution"})
_OPTION_TYPES = frozenset({"option", "option-with-child"})


@dataclass(slots=True)
class Conversion:
    """The configuration of one team-managed project in the form of a company-managed one's.

    `listed` gives the records of a site kind as they were captured.
    """

    project_id: str
    key: str
    types: tuple[Mapping[str, Any], ...]
    view: SnapshotView
    listed: Callable[[str], Sequence[Record]]
    _more: dict[str, list[Record]] | None = field(default=None)

    @classmethod
    def of(cls, view: SnapshotView, listed: Callable[[str], Sequence[Record]]) -> Conversion | None:
        """Give the conversion of a snapshot's project; None where it is company-managed."""
        row = next(view.rows("project"), None)
        project = members_of(row) if row is not None else {}
        if not is_team_managed(project):
            return None
        types = tuple(item for item in project.get("issueTypes") or [] if isinstance(item, dict))
        return cls(str(project.get("id")), str(project.get("key")), types, view, listed)

    @property
    def scheme_id(self) -> str:
        """Give the id that each scheme of the converted project has in the snapshot: no captured one has it."""
        return f"converted-{self.project_id}"

    def words(self) -> str:
        """Say in one line what the project becomes, and which of its own things become the whole site's."""
        counts = (
            f"{len(self.types):,} issue types",
            f"{len(self._own('status')):,} statuses",
            f"{len(self._own('field')):,} fields",
            f"{len(self._own('role')):,} roles",
        )
        names = {row.id: members_of(row).get("name") for row in self._own("field")}
        renamed = [
            f"{names[row.id]} comes back as {members_of(row).get('name')}"
            for row in self.applied("field", self.listed("field"))
            if row.id in names and names[row.id] != members_of(row).get("name")
        ]
        own = f"{CONVERTED}; its own {', '.join(counts)} are matched with the site's by name and type, or made there"
        return "; ".join([own, *renamed])

    def schemes(self) -> dict[str, str]:
        """Give the schemes that the converted project follows, by noun."""
        nouns = ("issue_type_scheme", "workflow_scheme", "issue_type_screen_scheme")
        return {noun: self.scheme_id for noun in nouns if self._made().get(noun)}

    def applied(self, kind: str, rows: Sequence[Record]) -> tuple[Record, ...]:
        """Give the records of a site kind together with those that the conversion adds or gives another name."""
        if kind == "field":
            return tuple(self._named_apart(row, rows) for row in rows)
        if kind == "workflow":
            rows = [self._as_shared(row) for row in rows]
        elif kind == "field_context":
            rows = [self._of_one_project(row) for row in rows]
        return (*rows, *self._made().get(kind, ()))

    def _own(self, kind: str) -> list[Record]:
        return [row for row in self.listed(kind) if scope_of(members_of(row)) == self.project_id]

    def _named_apart(self, row: Record, rows: Sequence[Record]) -> Record:
        """Give a field of the project a name of its own where the site has one of that name and type: values must not mix."""
        members = members_of(row)
        if scope_of(members) != self.project_id:
            return row
        has_namesake = any(
            _likeness(other) == _likeness(row) for other in rows if not scope_of(members_of(other))
        )
        name = f"{members.get('name')} ({self.key})" if has_namesake else members.get("name")
        return replace(row, value={**members, "name": name})

    def _as_shared(self, row: Record) -> Record:
        """Give the workflow of the project a name that no project's own has: both may be on one site."""
        members = members_of(row)
        if scope_of(members) != self.project_id:
            return row
        return replace(row, value={**members, "name": f"{members.get('name')} (company-managed)"})

    def _of_one_project(self, row: Record) -> Record:
        """Let a context of the project's own field hold for this project only, whatever Jira says of it."""
        if row.id.split("/")[0] not in {found.id for found in self._own("field")}:
            return row
        return replace(row, value={**members_of(row), "isGlobalContext": False})

    def _made(self) -> dict[str, list[Record]]:
        if self._more is None:
            self._more = {}
            self._add_types()
            self._add_workflows()
            self._add_screens()
            self._add_contexts()
        return self._more

    def _add(self, kind: str, record_id: str, **members: Any) -> None:  # noqa: ANN401 - members of any record
        if self._more is not None:
            self._more.setdefault(kind, []).append(Record(kind, record_id, b"", members))

    def _add_scheme(self, kind: str, title: str, **members: Any) -> None:  # noqa: ANN401 - members of any record
        name = f"{self.key}: {title} (was team-managed)"
        described = f"What the team-managed project {self.key} had by itself"
        self._add(kind, self.scheme_id, id=self.scheme_id, name=name, description=described, **members)

    def _add_types(self) -> None:
        type_ids = [str(item.get("id")) for item in self.types]
        first = next((str(item.get("id")) for item in self.types if item.get("hierarchyLevel") == 0), None)
        self._add_scheme(
            "issue_type_scheme", "issue types", **({"defaultIssueTypeId": first} if first else {})
        )
        for type_id in type_ids:
            self._add(
                "issue_type_scheme_item",
                f"{self.scheme_id}/{type_id}",
                issueTypeSchemeId=self.scheme_id,
                issueTypeId=type_id,
            )

    def _add_workflows(self) -> None:
        """Map each type to the project's workflow that has its statuses; where none was captured, make one of steps to every status."""
        known: dict[frozenset[str], str] = {}
        for row in self._own("workflow"):
            members = members_of(self._as_shared(row))
            references = (str(item.get("statusReference")) for item in members.get("statuses") or [])
            known.setdefault(frozenset(references), str(members.get("name")))
        mappings: dict[str, str] = {}
        for row in self.view.rows("project_status"):
            statuses = {str(item.get("id")): item for item in members_of(row).get("statuses") or []}
            key = frozenset(statuses)
            if key and key not in known:
                known[key] = self._add_free_workflow(len(known) + 1, statuses)
            if key:
                mappings[str(members_of(row).get("id"))] = known[key]
        if mappings:
            self._add_scheme(
                "workflow_scheme",
                "workflows",
                defaultWorkflow=next(iter(mappings.values())),
                issueTypeMappings=mappings,
            )

    def _add_free_workflow(self, number: int, statuses: Mapping[str, Mapping[str, Any]]) -> str:
        name = f"{self.key}: workflow {number} (was team-managed)"
        first = next(iter(statuses))
        create = {"id": "1", "name": "Create", "type": "INITIAL", "toStatusReference": first, "links": []}
        steps = [
            {
                "id": str(10 * place + 1),
                "name": str(item.get("name")),
                "type": "GLOBAL",
                "toStatusReference": status_id,
                "links": [],
            }
            for place, (status_id, item) in enumerate(statuses.items(), 1)
        ]
        self._add(
            "workflow",
            f"{self.scheme_id}-{number}",
            id=f"{self.scheme_id}-{number}",
            name=name,
            description="",
            statuses=[{"statusReference": status_id} for status_id in statuses],
            transitions=[create, *steps],
        )
        return name

    def _add_screens(self) -> None:
        """Make one screen with every field that the project's issues use or that is its own."""
        same = self.scheme_id
        on_screen = {row.id for row in self.listed("field") if members_of(row).get("orderable") is True}
        used = {
            name
            for row in self.view.rows("issue")
            for name, value in fields_of(row).items()
            if value not in (None, "", [], {})
        }
        own = [row.id for row in self._own("field")]
        wanted = [
            name for name in (*_ON_EVERY_SCREEN, *sorted(used), *own) if name in on_screen or name in own
        ]
        self._add_scheme("screen", "screen")
        self._add("screen_tab", same, screenId=same, tabId=same, tabName="Fields")
        names = {row.id: members_of(row).get("name") for row in self.listed("field")}
        for name in dict.fromkeys(wanted):
            if name not in _NOT_ON_SCREENS:
                self._add("screen_field", f"{same}/{same}/{name}", id=name, name=names.get(name))
        self._add_scheme("screen_scheme", "screens", screens={"default": same})
        self._add_scheme("issue_type_screen_scheme", "screens by type")
        self._add(
            "issue_type_screen_scheme_item",
            f"{same}/default",
            issueTypeScreenSchemeId=same,
            issueTypeId="default",
            screenSchemeId=same,
        )

    def _add_contexts(self) -> None:
        """Let the options of the project's own fields be those that its issues use, where Jira keeps the contexts to itself."""
        captured = {row.id.split("/")[0]: row for row in self.listed("field_context")}
        told = {row.id.split("/")[0] for row in self.listed("field_context_project")}
        for row in self._own("field"):
            context = captured.get(row.id)
            if context is None:
                schema = members_of(row).get("schema") or {}
                if _OPTION_TYPES & {schema.get("type"), schema.get("items")}:
                    self._add_context(row)
            elif row.id not in told:
                context_id = context.id.rpartition("/")[2]
                self._add_home(row.id, context_id)

    def _add_home(self, field_id: str, context_id: str) -> None:
        self._add(
            "field_context_project",
            f"{field_id}/{context_id}/{self.project_id}",
            contextId=context_id,
            projectId=self.project_id,
        )

    def _add_context(self, row: Record) -> None:
        context_id = f"converted-{row.id}"
        self._add(
            "field_context",
            f"{row.id}/{context_id}",
            id=context_id,
            name=f"{members_of(row).get('name')} of {self.key}",
            description="",
            isGlobalContext=False,
            isAnyIssueType=True,
        )
        self._add_home(row.id, context_id)
        for option_id, (value, parent) in self._options(row.id).items():
            members = {"id": option_id, "value": value, "disabled": False}
            more = {"optionId": parent} if parent else {}
            self._add("field_option", f"{row.id}/{context_id}/{option_id}", **members, **more)

    def _options(self, field_id: str) -> dict[str, tuple[str, str]]:
        """Give value and parent of every option that issues have in a field, in the order in which the options were made."""
        found: dict[str, tuple[str, str]] = {}
        for row in self.view.rows("issue"):
            value = fields_of(row).get(field_id)
            for item in value if isinstance(value, list) else [value]:
                _note_option(found, item, "")
        return dict(sorted(found.items(), key=lambda pair: (len(pair[0]), pair[0])))


def _note_option(found: dict[str, tuple[str, str]], item: object, parent: str) -> None:
    if isinstance(item, dict) and item.get("id") is not None and item.get("value") is not None:
        found[str(item["id"])] = (str(item["value"]), parent)
        _note_option(found, item.get("child"), str(item["id"]))


def _likeness(row: Record) -> tuple[str, object, object]:
    members = members_of(row)
    schema = members.get("schema")
    known = schema if isinstance(schema, dict) else {}
    return str(members.get("name", "")).strip().casefold(), known.get("custom"), known.get("type")
