"""Where the issues go: the project with its components, versions and roles, each known by its name.

What belongs here: creating what is missing there, and mapping ids by name.

What stays out: making the schemes that a project is given (`configuration`), and the issues (`issues`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import AnswerLost, BackupPipelineError, RestoreConflict
from jira_backup_pipeline.engine.restore.calls import item_reason
from jira_backup_pipeline.engine.restore.configuration.noun import made_id
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.findings import Adjustment, Failure
from jira_backup_pipeline.engine.restore.matching import same_name
from jira_backup_pipeline.engine.restore.snapshot import members_of
from jira_backup_pipeline.engine.restore.target import ProjectState, read_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.engine.restore.calls import Calls
    from jira_backup_pipeline.engine.restore.findings import Findings
    from jira_backup_pipeline.engine.restore.idmap import IdMap
    from jira_backup_pipeline.engine.restore.matching import Matches
    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.engine.restore.snapshot import SnapshotView

_API = "/rest/api/3"
# Company-managed templates: their workflows can be reached and their fields be set by REST.
TEMPLATES = {
    "software": "com.pyxis.greenhopper.jira:gh-simplified-scrum-classic",
    "business": "com.atlassian.jira-core-project-templates:jira-core-simplified-project-management",
    "service_desk": "com.atlassian.servicedesk:company-managed-general-service-project",
}
_DEFAULT_TYPE = "business"
_WITHOUT_TEMPLATE = frozenset({"issueTypeScheme", "issueTypeScreenScheme", "workflowScheme"})
_LOOKS = 3


class Place:
    """Makes the target project ready. Everything here has a natural key, so doing it twice changes nothing."""

    def __init__(
        self, plan: RestorePlan, view: SnapshotView, calls: Calls, *, id_map: IdMap, findings: Findings
    ) -> None:
        self._plan = plan
        self._view = view
        self._calls = calls
        self._map = id_map
        self._findings = findings
        self._source = ConfigurationSource(view)

    def project(
        self, matches: Matches, *, is_resumed: bool, schemes: Mapping[str, int] | None = None
    ) -> ProjectState:
        """Give the target project, created with these schemes when it is planned and not there yet.

        Raises:
            RestoreConflict: a project of that key came or went since the plan was made.
        """
        target = self._plan.target
        found = read_project(self._calls, target.key)
        if found is None and target.project_id is not None:
            message = f"project {target.key} is gone since the plan was made"
            raise RestoreConflict(message, hint="Plan again; a plan is made for the target as it was read.")
        if found is not None and target.project_id not in {found.id, None}:
            message = f"project {target.key} is not the one the plan was made for"
            raise RestoreConflict(message, hint="Plan again; a plan is made for the target as it was read.")
        if found is not None and target.project_id is None and not is_resumed:
            message = f"a project {target.key} came into being since the plan was made"
            raise RestoreConflict(message, hint="Plan again; a plan is made for the target as it was read.")
        created = found or self._create_project(matches, schemes or {})
        self._map.put("project", self._plan.source.id, created.id)
        return created

    def _create_project(self, matches: Matches, schemes: Mapping[str, int]) -> ProjectState:
        source = next(self._view.rows("project"), None)
        body = self._project_body(members_of(source) if source is not None else {}, matches)
        if schemes:
            self._send_project(_with_schemes(body, schemes), fallback=body)
        else:
            self._send_project(body)
        created = read_project(self._calls, self._plan.target.key)
        if created is None:
            message = f"project {self._plan.target.key} was created but cannot be read"
            raise RestoreConflict(
                message, hint="Give the restoring account the permission to browse new projects, then resume."
            )
        return created

    def _send_project(self, body: Mapping[str, Any], *, fallback: Mapping[str, Any] | None = None) -> None:
        """Create the project; where Jira refuses its schemes, by the template, with a word."""
        try:
            self._calls.send("POST", f"{_API}/project", body)
        except AnswerLost:
            if read_project(self._calls, self._plan.target.key) is None:
                self._send_project(body, fallback=fallback)
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None or fallback is None:
                raise
            self._send_project(fallback)
            done = "the project was made from Jira's template instead"
            self._findings.fail(Failure("project", self._plan.source.id, None, reason, done))

    def _project_body(self, source: Mapping[str, Any], matches: Matches) -> dict[str, Any]:
        kind = source.get("projectTypeKey")
        type_key = kind if kind in TEMPLATES else _DEFAULT_TYPE
        lead = source.get("lead")
        lead_id = str(lead.get("accountId")) if isinstance(lead, dict) else ""
        lead_on_target = matches.person(lead_id, or_fallback=True)
        if lead_on_target is None:
            reason = "the project's lead is not active on the target: the restoring account leads it"
            self._findings.adjust(
                Adjustment("project", self._plan.source.id, "lead", reason, is_impossible=True)
            )
            lead_on_target = matches.site.account_id
        body = {
            "key": self._plan.target.key,
            "name": self._plan.target.name,
            "projectTypeKey": type_key,
            "projectTemplateKey": TEMPLATES[type_key],
            "leadAccountId": lead_on_target,
            "description": source.get("description") or "",
            "assigneeType": source.get("assigneeType") or "UNASSIGNED",
        }
        category = source.get("projectCategory")
        if isinstance(category, dict) and category.get("name"):
            body["categoryId"] = category_id(self._calls, str(category["name"]), self._source)
        return {**body, "url": source["url"]} if source.get("url") else body

    def furnish(self, project: ProjectState, matches: Matches) -> None:
        """Create the components, versions and role members that the issues or the whole project need."""
        self._named("component", project, project.components, matches)
        self._named("version", project, project.versions, matches)
        if self._plan.target.project_id is None:
            for row in self._view.rows("role_actors"):
                self._role(row, project, matches)

    def _named(self, kind: str, project: ProjectState, existing: Mapping[str, str], matches: Matches) -> None:
        needed = self._plan.needed_names(kind)
        for row in self._view.rows(kind):
            name = str(members_of(row).get("name", ""))
            if needed is not None and name not in needed:
                continue
            target_id = existing.get(name) or self._create_named(kind, row, project, matches)
            if target_id is not None:
                self._map.put(kind, row.id, target_id)

    def _create_named(self, kind: str, row: Record, project: ProjectState, matches: Matches) -> str | None:
        source = members_of(row)
        body = self._component(row, project, matches) if kind == "component" else _version(source, project)
        path = f"{_API}/{kind}"
        for _ in range(_LOOKS):
            try:
                answer = self._calls.send("POST", path, body)
            except AnswerLost:
                listed = self._calls.get_all(f"{_API}/project/{project.id}/{kind}", "values")
                found = next((item for item in listed if item.get("name") == body["name"]), None)
                if found is None:
                    continue
                answer = found
            except BackupPipelineError as error:
                reason = item_reason(error)
                if reason is None:
                    raise
                self._findings.fail(
                    Failure(kind, row.id, None, reason, "left out; issues come back without it")
                )
                return None
            return str(answer["id"]) if isinstance(answer, dict) else None
        return None

    def _component(self, row: Record, project: ProjectState, matches: Matches) -> dict[str, Any]:
        source = members_of(row)
        body: dict[str, Any] = {"project": project.key, "name": source.get("name")}
        body |= {name: source[name] for name in ("description", "assigneeType") if source.get(name)}
        lead = source.get("lead")
        lead_id = str(lead.get("accountId")) if isinstance(lead, dict) else ""
        lead_on_target = matches.person(lead_id, or_fallback=True) if lead_id else None
        if lead_on_target is not None:
            body["leadAccountId"] = lead_on_target
        elif lead_id:
            reason = "the component's lead is not active on the target"
            self._findings.adjust(Adjustment("component", row.id, "lead", reason, is_impossible=True))
            if body.get("assigneeType") == "COMPONENT_LEAD":
                del body["assigneeType"]
        return body

    def _role(self, row: Record, project: ProjectState, matches: Matches) -> None:
        source = members_of(row)
        role_id = matches.role(source)
        if role_id is None:
            reason = f"the target has no role named {source.get('name')}"
            self._findings.fail(Failure("role_actors", row.id, None, reason, "left out"))
            return
        path = f"{_API}/project/{project.id}/role/{role_id}"
        present = actors_of(self._calls.get(path), is_same_site=matches.is_same_site)
        missing: dict[str, list[str]] = {}
        for member, actor in sorted(actors_of(source, is_same_site=matches.is_same_site)):
            on_target = matches.person(actor) if member == "user" else actor
            if on_target is None:
                reason = f"account {actor} is not active on the target"
                self._findings.adjust(Adjustment("role_actors", row.id, actor, reason, is_impossible=True))
            elif (member, on_target) not in present:
                missing.setdefault(member, []).append(on_target)
        for member, actors in missing.items():
            self._add_actors(path, row, member, actors)
        self._map.put("role_actors", row.id, role_id)

    def _add_actors(self, path: str, row: Record, member: str, actors: list[str]) -> None:
        """Add members in one call; where Jira refuses the call, one by one, to know whom it means."""
        try:
            self._calls.send("POST", path, {member: actors})
        except BackupPipelineError as error:
            reason = item_reason(error)
            if reason is None:
                raise
            if len(actors) > 1:
                for actor in actors:
                    self._add_actors(path, row, member, [actor])
            else:
                self._findings.adjust(Adjustment("role_actors", row.id, actors[0], reason))


def category_id(calls: Calls, name: str, source: ConfigurationSource) -> int:
    """Give the id of the category of that name, made with its description where the target lacks it."""
    for item in calls.get_all(f"{_API}/projectCategory", ""):
        if same_name(str(item.get("name")), name):
            return int(str(item["id"]))
    known = next(
        (row for row in source.rows("project_category") if members_of(row).get("name") == name), None
    )
    described = members_of(known).get("description") if known is not None else None
    body = {"name": name, "description": described or ""}
    return int(made_id(calls.send("POST", f"{_API}/projectCategory", body)))


def _with_schemes(body: Mapping[str, Any], schemes: Mapping[str, int]) -> dict[str, Any]:
    """Put schemes into a project's body: most of them cannot be given together with a template."""
    is_free = not set(schemes) & _WITHOUT_TEMPLATE
    kept = {name: value for name, value in body.items() if is_free or name != "projectTemplateKey"}
    return {**kept, **schemes}


def _version(source: Mapping[str, Any], project: ProjectState) -> dict[str, Any]:
    body: dict[str, Any] = {"projectId": int(project.id), "name": source.get("name")}
    wanted = ("description", "archived", "released", "startDate", "releaseDate")
    return body | {name: source[name] for name in wanted if source.get(name) not in {None, ""}}


def actors_of(role: object, *, is_same_site: bool) -> set[tuple[str, str]]:
    """Give the members of a role as pairs of the request's member name and the id it takes.

    Groups of another site have other ids: there the name decides.
    """
    actors = role.get("actors") if isinstance(role, dict) else None
    found = set()
    for actor in actors if isinstance(actors, list) else []:
        user, group = actor.get("actorUser"), actor.get("actorGroup")
        if isinstance(user, dict):
            found.add(("user", str(user.get("accountId"))))
        elif isinstance(group, dict):
            found.add(
                ("groupId", str(group["groupId"]))
                if is_same_site and "groupId" in group
                else ("group", str(group.get("name")))
            )
    return found
