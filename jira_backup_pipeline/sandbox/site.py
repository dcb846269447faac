"""The state of a site: who and what exists, how it is found, and who may see it.

What belongs here: the collections, ids never used twice, finding by id and key (former ones too),
permissions, and when rendered answers are forgotten. Handlers are called with ``site.lock`` held; every other
use takes it.

What stays out: changes to issues (``changes``, ``creation``), Jira's JSON (``rendering``,
``reference_rendering``), and how issues are kept (``issue_table``).
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.clock import SiteClock
from jira_backup_pipeline.sandbox.http import ApiError, Json, JsonObject
from jira_backup_pipeline.sandbox.issue_table import IssueTable
from jira_backup_pipeline.sandbox.model import (
    Account,
    Attachment,
    Board,
    Component,
    Field,
    FieldOption,
    Group,
    Issue,
    IssueBody,
    IssueLink,
    IssueType,
    LinkType,
    Named,
    Project,
    ProjectState,
    RoleActor,
    Sprint,
    Status,
    Task,
    Token,
    Version,
    Visibility,
    Workflow,
)
from jira_backup_pipeline.sandbox.settings import Settings
from jira_backup_pipeline.sandbox.setup.made import Made
from jira_backup_pipeline.sandbox.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jira_backup_pipeline.sandbox.search_index import SearchIndex


@dataclass(slots=True)
class AnswerCache:
    """Rendered issues; ``generation`` grows when something many issues show has changed."""

    generation: int = 0
    entries: dict[object, Json] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget everything that was rendered."""
        self.generation += 1
        self.entries.clear()


class Site:
    """One Jira site."""

    def __init__(self, *, seed: int = 7, settings: Settings | None = None) -> None:
        self.seed = seed
        self.lock = RLock()
        self.clock = SiteClock()
        self.settings = settings or Settings()
        self.time_zone = "Etc/UTC"
        self.title = "Sandbox"
        self.cloud_id = str(uuid.UUID(int=random.Random(f"cloud/{seed}").getrandbits(128), version=4))
        self.url = "http://sandbox.invalid"
        self.gateway_url = f"{self.url}/ex/jira/{self.cloud_id}"
        self.media_url = "http://media.invalid"
        self.media_secret = uuid.uuid4().hex
        self.accounts: dict[str, Account] = {}
        self.backup_account_id = ""
        self.tokens: list[Token] = []
        self.groups: dict[str, Group] = {}
        self.fields: dict[str, Field] = {}
        self.options: dict[int, FieldOption] = {}
        self.issue_types: dict[str, IssueType] = {}
        self.statuses: dict[str, Status] = {}
        self.priorities: dict[str, Named] = {}
        self.resolutions: dict[str, Named] = {}
        self.roles: dict[str, Named] = {}
        self.link_types: dict[str, LinkType] = {}
        self.categories: dict[str, Named] = {}
        self.workflows: dict[str, Workflow] = {}
        self.projects: dict[int, Project] = {}
        self.components: dict[int, Component] = {}
        self.versions: dict[int, Version] = {}
        self.boards: dict[int, Board] = {}
        self.sprints: dict[int, Sprint] = {}
        self.made = Made()
        self.issues = IssueTable(cached_bodies=self.settings.body_cache_issues)
        self.uploads = Uploads()
        self.links: dict[int, IssueLink] = {}
        self.links_of: dict[int, list[int]] = {}
        self.deleted_worklogs: list[tuple[int, int]] = []
        self.tasks: dict[str, Task] = {}
        # Issues that bulk transitions fail on, with the reason that their task gives.
        self.refused_in_bulk: dict[int, str] = {}
        self.denied: set[tuple[str, str, int | None]] = set()
        self.hidden_issues: set[tuple[str, int]] = set()
        # Whether an account is in an issue's security level; without it levels are shown and hide nothing.
        self.clearance: Callable[[Site, Account, Issue], bool] | None = None
        self.refused_nodes: list[JsonObject] = []
        self.answers = AnswerCache()
        self.index: SearchIndex | None = None
        self._counters: dict[str, int] = {}

    # --- ids -----------------------------------------------------------------------------------------------------

    def next_id(self, noun: str) -> int:
        """The next id of a noun, never used before."""
        self._counters[noun] = self._counters.get(noun, 9_999) + 1
        return self._counters[noun]

    def reserve_ids(self, noun: str, last: int) -> None:
        """Make sure that ids up to ``last`` are never given out again."""
        self._counters[noun] = max(self._counters.get(noun, 9_999), last)

    def now(self) -> int:
        """The site's time in milliseconds."""
        return self.clock.now_ms()

    # --- finding -------------------------------------------------------------------------------------------------

    def find_project(self, id_or_key: str, *, any_state: bool = False) -> Project | None:
        """A project by numeric id, present key or former key; trashed ones only when asked."""
        found: Project | None = None
        if id_or_key.isdigit():
            found = self.projects.get(int(id_or_key))
        if found is None:
            wanted = id_or_key.upper()
            found = next((p for p in self.projects.values() if p.key.upper() == wanted), None)
            if found is None:
                found = next((p for p in self.projects.values() if wanted in p.old_keys), None)
        if found is not None and found.state is ProjectState.DELETED and not any_state:
            return None
        return found

    def project_of(self, issue: Issue) -> Project:
        """The project that an issue lies in."""
        return self.projects[issue.project_id]

    def key_of(self, issue: Issue) -> str:
        """The issue's present key."""
        return f"{self.projects[issue.project_id].key}-{issue.number}"

    def find_issue(self, id_or_key: str) -> Issue | None:
        """An issue by id, present key or former key, in any letter case; none in trashed projects."""
        found: Issue | None = None
        text = str(id_or_key).strip().upper()
        if text.isdigit():
            found = self.issues.by_id.get(int(text))
        else:
            prefix, _, number = text.rpartition("-")
            if prefix and number.isdigit():
                project = self.find_project(prefix) if not prefix.isdigit() else None
                if project is not None:
                    found_id = self.issues.by_number.get(project.project_id, {}).get(int(number))
                    found = self.issues.by_id.get(found_id) if found_id is not None else None
                if found is None:
                    moved = self.issues.moved_keys.get(text)
                    if moved is None and project is not None:
                        moved = self.issues.moved_keys.get(f"{project.key}-{number}")
                    found = self.issues.by_id.get(moved) if moved is not None else None
        if found is not None and self.projects[found.project_id].state is ProjectState.DELETED:
            return None
        return found

    def body(self, issue: Issue) -> IssueBody:
        """The issue's body for reading."""
        return self.issues.body(issue)

    def attachment(self, attachment_id: int) -> Attachment | None:
        """An attachment by id."""
        owner = self.issues.attachments.owner(attachment_id)
        issue = self.issues.by_id.get(owner) if owner is not None else None
        if issue is None or self.projects[issue.project_id].state is ProjectState.DELETED:
            return None
        return next(
            (item for item in self.body(issue).attachments if item.attachment_id == attachment_id), None
        )

    def links_of_issue(self, issue_id: int) -> list[IssueLink]:
        """The links of an issue, both directions, whose other end exists."""
        found = [self.links[link_id] for link_id in self.links_of.get(issue_id, ())]
        return [link for link in found if self._link_is_alive(link)]

    def _link_is_alive(self, link: IssueLink) -> bool:
        ends = (self.issues.by_id.get(link.source_id), self.issues.by_id.get(link.destination_id))
        return all(
            end is not None and self.projects[end.project_id].state is not ProjectState.DELETED
            for end in ends
        )

    def components_of(self, project_id: int) -> list[Component]:
        """The components of a project by id."""
        return [item for item in self.components.values() if item.project_id == project_id]

    def versions_of(self, project_id: int) -> list[Version]:
        """The versions of a project in order."""
        return [item for item in self.versions.values() if item.project_id == project_id]

    def roles_of(self, project: Project | None) -> list[Named]:
        """The roles that a project has: its own where it is team-managed, else (as without a project) those of the site."""
        own = project.project_id if project is not None and project.is_team_managed else None
        return [role for role in self.roles.values() if role.project_id == own]

    def shared_types(self) -> list[str]:
        """The ids of the issue types that belong to no team-managed project."""
        return [item.type_id for item in self.issue_types.values() if item.project_id is None]

    def workflow_of(self, issue: Issue) -> Workflow:
        """The workflow an issue of this type follows in its project."""
        return self.workflow_for(self.projects[issue.project_id], issue.type_id)

    def workflow_for(self, project: Project, type_id: str) -> Workflow:
        """The workflow of a type in a project, else the project's default one."""
        name = (
            project.workflows.get(type_id) or project.workflows.get("default") or next(iter(self.workflows))
        )
        return self.workflows[name]

    def options_of(self, field_id: str, parent_id: int | None = None) -> list[FieldOption]:
        """The options of a field at one level."""
        return [o for o in self.options.values() if o.field_id == field_id and o.parent_id == parent_id]

    # --- permissions ---------------------------------------------------------------------------------------------

    def may(self, account: Account | None, permission: str, project: Project | None = None) -> bool:
        """Whether an account has a permission; nobody anonymous has any."""
        if account is None or not account.active:
            return False
        if (account.account_id, permission, None) in self.denied:
            return False
        if project is None:
            return True
        if account.account_id in project.hidden_from:
            return False
        return (account.account_id, permission, project.project_id) not in self.denied

    def can_browse(self, account: Account | None, project: Project) -> bool:
        """Whether an account sees the issues of a project."""
        return project.state is not ProjectState.DELETED and self.may(account, "BROWSE_PROJECTS", project)

    def can_see(self, account: Account | None, issue: Issue) -> bool:
        """Whether an account sees an issue: its project, and no issue security in the way."""
        if not self.can_browse(account, self.projects[issue.project_id]):
            return False
        if account is None:
            return True
        if self.clearance is not None and not self.clearance(self, account, issue):
            return False
        return (account.account_id, issue.issue_id) not in self.hidden_issues

    def require(self, account: Account | None, permission: str, project: Project | None = None) -> None:
        """403 unless the permission is there (401 for nobody)."""
        if account is None:
            raise ApiError(401, "Client must be authenticated to access this resource.")
        if not self.may(account, permission, project):
            raise ApiError(403, "You do not have permission to perform this operation.")

    def readable_issue(self, account: Account | None, id_or_key: str) -> Issue:
        """The issue, or the 404 that Jira gives for absent and hidden ones alike."""
        issue = self.find_issue(id_or_key)
        if issue is None or not self.can_see(account, issue):
            raise ApiError(404, "Issue does not exist or you do not have permission to see it.")
        return issue

    def readable_project(self, account: Account | None, id_or_key: str) -> Project:
        """The project, or the 404 that Jira gives for absent and hidden ones alike."""
        project = self.find_project(id_or_key)
        if project is None or not (self.can_browse(account, project) or self.may(account, "ADMINISTER")):
            raise ApiError(404, f"No project could be found with key '{id_or_key}'.")
        return project

    def role_members(self, project: Project, role_id: str) -> set[str]:
        """The accounts in a role of a project, groups resolved."""
        found: set[str] = set()
        for actor in project.roles.get(role_id, []):
            if actor.account_id:
                found.add(actor.account_id)
            if actor.group_id in self.groups:
                found.update(self.groups[actor.group_id].members)
        return found

    def sees(self, account: Account | None, project: Project, visibility: Visibility | None) -> bool:
        """Whether an account may read a comment or worklog with a visibility."""
        if visibility is None:
            return True
        if account is None:
            return False
        if visibility.kind == "group":
            group = self.groups.get(visibility.identifier)
            return group is not None and account.account_id in group.members
        return account.account_id in self.role_members(project, visibility.identifier)

    def sees_everything(self, account: Account | None, project: Project) -> bool:
        """Whether no visibility of a project hides anything from the account (so cached answers may be used)."""
        if account is None:
            return False
        if any(account.account_id not in group.members for group in self.groups.values()):
            return False
        return all(
            account.account_id in self.role_members(project, role.item_id) for role in self.roles_of(project)
        )

    # --- people --------------------------------------------------------------------------------------------------

    @property
    def backup_account(self) -> Account:
        """The account whose token the sandbox prints."""
        return self.accounts[self.backup_account_id]

    def group_by_name(self, name: str) -> Group | None:
        """A group by its name."""
        return next((group for group in self.groups.values() if group.name == name), None)

    def add_role_actors(
        self, project: Project, role_id: str, users: Iterable[str], groups: Iterable[str]
    ) -> None:
        """Put accounts and groups (by id) into a role of a project."""
        actors = project.roles.setdefault(role_id, [])
        for account_id in users:
            if all(actor.account_id != account_id for actor in actors):
                actors.append(RoleActor(self.next_id("actor"), account_id=account_id))
        for group_id in groups:
            if all(actor.group_id != group_id for actor in actors):
                actors.append(RoleActor(self.next_id("actor"), group_id=group_id))

    # --- caches --------------------------------------------------------------------------------------------------

    def changed(self, issue_id: int) -> None:
        """An issue changed: forget its rendered form and that of those that show its summary."""
        entries = self.answers.entries
        entries.pop(issue_id, None)
        issue = self.issues.by_id.get(issue_id)
        if issue is not None and issue.parent_id is not None:
            entries.pop(issue.parent_id, None)
        for child in self.issues.children.get(issue_id, ()):
            entries.pop(child, None)
        for link_id in self.links_of.get(issue_id, ()):
            link = self.links[link_id]
            entries.pop(link.source_id, None)
            entries.pop(link.destination_id, None)

    def reference_changed(self) -> None:
        """Something that many issues show (a status, a person, a version) changed."""
        self.answers.clear()
