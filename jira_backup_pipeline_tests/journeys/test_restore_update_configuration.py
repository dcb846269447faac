"""What is there under the same name is brought to the snapshot's state by `update`, and by nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.configuration.amend_screens import moves_for
from jira_backup_pipeline.engine.restore.configuration.amend_workflows import laid_over
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.planned import Policy, RestorePlan
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.sandbox.setup import fields, schemes
from jira_backup_pipeline.sandbox.setup.amended import keep, own_scheme, own_screen
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import STEADY, DirectWriter, Fate, Killed, now, restorable
from jira_backup_pipeline_tests.journeys.test_restore_configuration import APP_RULE, with_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.model import Named
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

ONLY = Selection(part=Part.CONFIGURATION)
OTHER_APP = "connect:com.example.other__condition"


def before(sandbox: RunningSandbox) -> None:
    """Give the project rules, a category and a component with everything, and the words of a field."""
    with_rules(sandbox)
    site = sandbox.site
    project = next(iter(site.projects.values()))
    project.category_id = next(iter(site.categories))
    site.fields["customfield_10035"].description = "What it costs"


@pytest.fixture(scope="module")
def target() -> Iterator[BareTarget]:
    with restorable(projects=2, issues=40, before=before) as source, bare_target(source) as made:
        first = made.restore(made.plan())
        assert int(first.exit_code) == 0
        # What a bare site has under the same names is brought to the snapshot's state once.
        made.restore(made.plan(selection=ONLY, policy=Policy.UPDATE))
        yield made


def named(things: dict[str, Any], name: str) -> Any:
    [found] = [thing for thing in things.values() if thing.name == name]
    return found


def state(site: Site) -> dict[str, Any]:
    """Everything that a person may have changed, by name and free of ids."""
    project = next(iter(site.projects.values()))

    def words(things: dict[str, Named]) -> Any:
        return {thing.name: thing.description for thing in things.values()}

    def role_names(grants: Any) -> Any:
        return sorted((grant["permission"], grant["holder"]["type"]) for grant in grants)

    screens = {
        item["name"]: {
            tab["tabName"]: [
                site.fields[field_id].name
                for field_id in fields.tab_field_ids(site, str(item["id"]), str(tab["tabId"])) or []
            ]
            for tab in fields.screen_tabs(site)
            if tab["screenId"] == item["id"]
        }
        for item in fields.screens(site)
        if item["name"] == "Finish"
    }
    return {
        "types": words(site.issue_types),  # type: ignore[arg-type]
        "statuses": {s.name: (s.description, s.category) for s in site.statuses.values()},
        "priorities": {p.name: (p.description, p.color) for p in site.priorities.values()},
        "resolutions": words(site.resolutions),
        "roles": words(site.roles),
        "links": {link.name: (link.inward, link.outward) for link in site.link_types.values()},
        "fields": {field.name: field.description for field in site.fields.values()},
        "options": {
            name: [
                (option.value, option.disabled)
                for option in site.options.values()
                if site.fields[option.field_id].name == name
            ]
            for name in ("Severity", "Platforms", "Channel")
        },
        "project": (project.name, project.description, project.url, project.assignee_type, project.lead),
        "category": site.categories[project.category_id].name if project.category_id else None,
        "components": {c.name: (c.description, c.lead) for c in site.components.values()},
        "versions": {v.name: (v.description, v.released, v.archived) for v in site.versions.values()},
        "role members": {
            site.roles[role_id].name: {actor.account_id or actor.group_id for actor in actors}
            for role_id, actors in project.roles.items()
        },
        "workflows": {
            item.name: {
                (step.name, site.statuses[step.target].name, bool(step.more.get("validators")))
                for step in item.transitions
            }
            for item in site.workflows.values()
        },
        "workflow scheme": {
            site.issue_types[type_id].name: name
            for type_id, name in project.workflows.items()
            if type_id != "default"
        },
        "permissions": {s["name"]: role_names(s["permissions"]) for s in schemes.permission_schemes(site)},
        "notifications": {
            s["name"]: sorted(
                (event["event"]["id"], item["notificationType"])
                for event in s["notificationSchemeEvents"]
                for item in event["notifications"]
            )
            for s in schemes.notification_schemes(site)
        },
        "levels": sorted(level["name"] for level in schemes.security_levels(site)),
        "screens": screens,
    }


def disturb(site: Site) -> None:
    """Change what people change in a year: words, orders, options, screens, workflows, schemes, people."""
    project = next(iter(site.projects.values()))
    named(site.issue_types, "Bug").description = "Anything at all"
    named(site.statuses, "Blocked").description = "Stuck"
    named(site.statuses, "Blocked").category = "done"
    named(site.priorities, "High").color = "#123456"
    named(site.resolutions, "Done").description = "Finished somehow"
    named(site.link_types, "Relates").outward = "has to do with"
    named(site.roles, "Viewer").description = "Those who code"
    named(site.fields, "Cost").description = "In euros"
    project.description, project.url, project.category_id = "Another", "https://example.com/", None
    project.assignee_type = "PROJECT_LEAD" if project.assignee_type == "UNASSIGNED" else "UNASSIGNED"
    component = next(iter(site.components.values()))
    component.description = "Changed"
    version = next(iter(site.versions.values()))
    version.description, version.archived = "Changed", not version.archived
    for actors in project.roles.values():
        del actors[1:]
    options = list(site.options.items())
    site.options = dict(reversed(options))
    [moderate] = [option for option in site.options.values() if option.value == "Moderate"]
    moderate.disabled = False
    [screen] = [item for item in site.made.screens.values() if item.name == "Finish"]
    first, second = screen.tabs
    second.field_ids.append(first.field_ids.pop())
    screen.tabs.reverse()
    workflow = site.workflows["Software workflow"]
    [step] = [step for step in workflow.transitions if step.transition_id == "41"]
    step.more = {
        "validators": [],
        "actions": [{"ruleKey": OTHER_APP, "parameters": {}}],
        "conditions": step.more["conditions"],
    }
    workflow.transitions = [s for s in workflow.transitions if s.name != "Block"]
    scheme = own_scheme(site, "workflow_scheme", str(schemes.follows(site, project, "workflow_scheme")))
    assert scheme is not None
    permission = next(s for s in schemes.permission_schemes(site) if s["permissions"])
    keep(site, "permission_scheme", {**permission, "permissions": permission["permissions"][1:]})
    notification = next(s for s in schemes.notification_schemes(site) if s["notificationSchemeEvents"])
    events = notification["notificationSchemeEvents"][1:]
    keep(
        site, "notification_scheme", {**notification, "notificationSchemeEvents": events, "description": "x"}
    )
    site.reference_changed()


def differing(plan: RestorePlan, action: Action) -> dict[tuple[str, str], str]:
    return {
        (piece.kind, piece.name): "; ".join(str(change) for change in piece.changes)
        for piece in plan.configuration
        if piece.action is action and piece.changes
    }


def writes(result: RestoreResult) -> dict[str, int]:
    read_by_post = {"bulkfetch", "read", "mappings", "validation"}
    return {
        name: count
        for name, count in result.outcome.requests.items()
        if not name.startswith("GET") and name.rpartition("/")[2] not in read_by_post
    }


def test_what_people_changed_is_named_by_a_plan_and_brought_back_by_update_alone(target: BareTarget) -> None:
    wanted = state(target.site)
    assert wanted["category"] is not None
    disturb(target.site)
    disturbed = state(target.site)
    same = {name for name, value in wanted.items() if value == disturbed[name]}
    assert same <= {"levels", "workflow scheme"}

    skip = target.plan(selection=ONLY)
    told = differing(skip, Action.MATCH)
    assert told["status", "Blocked"] == "statusCategory: DONE → IN_PROGRESS; description: Stuck → nothing"
    assert "statusColor: #123456 → " in told["priority", "High"]
    assert "outward: has to do with → relates to" in told["link_type", "Relates"]
    assert differing(skip, Action.UPDATE) == {}
    assert "only the policy `update` changes it" in skip.to_markdown()
    assert writes(target.restore(skip)).keys() <= {"PUT /rest/api/3/project/{id}"}
    assert {**state(target.site), "role members": 0} == {**disturbed, "role members": 0}

    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    changed = differing(plan, Action.UPDATE)
    kinds = {kind for kind, _ in changed}
    assert kinds >= {
        "issue_type",
        "status",
        "priority",
        "link_type",
        "role",
        "field",
        "field_context",
        "screen",
        "workflow",
        "permission_scheme",
        "notification_scheme",
        "project",
        "component",
        "version",
        "role_actors",
    }
    assert "category: nothing → " in changed["project", skip.source.name]
    assert "| status | Blocked | is brought to the snapshot's state |" in plan.to_markdown()
    assert RestorePlan.from_json(plan.to_json()).configuration == plan.configuration
    result = target.restore(plan)
    assert [found for found in result.report.findings if found.judgement.verdict.value == "wrong"] == []
    assert int(result.exit_code) == 0
    back = state(target.site)
    assert {name: back[name] for name in wanted if back[name] != wanted[name]} == {}

    again = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert differing(again, Action.UPDATE) == {}
    assert writes(target.restore(again)).keys() <= {"PUT /rest/api/3/project/{id}"}


def test_rules_that_apps_added_stay_and_lost_ones_are_named(target: BareTarget) -> None:
    workflow = target.site.workflows["Software workflow"]
    [step] = [step for step in workflow.transitions if step.name == "Done"]
    before_update = [rule["ruleKey"] for rule in step.more.get("actions", [])]
    assert APP_RULE not in before_update
    step.more = {**step.more, "actions": [{"ruleKey": OTHER_APP, "parameters": {}}]}
    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    [told] = [text for (kind, _), text in differing(plan, Action.UPDATE).items() if kind == "workflow"]
    assert "rules of apps in transition Done: nothing stays" in told
    target.restore(plan)
    [step] = [step for step in workflow.transitions if step.name == "Done"]
    assert {rule["ruleKey"] for rule in step.more["actions"]} == {OTHER_APP, "system:update-field"}


def test_nothing_is_taken_away_and_it_is_said_what_stays(target: BareTarget) -> None:
    site = target.site
    project = next(iter(site.projects.values()))
    [screen] = [item for item in site.made.screens.values() if item.name == "Finish"]
    screen.tabs[1].field_ids.append("environment")
    stranger = next(i for i in site.accounts.values() if i.active and i.account_id != site.backup_account_id)
    role_id = next(
        role_id
        for role_id, actors in project.roles.items()
        if stranger.account_id not in {a.account_id for a in actors}
    )
    site.add_role_actors(project, role_id, [stranger.account_id], [])
    named(site.issue_types, "Bug").description = "Changed too"
    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    told = differing(plan, Action.MATCH)
    assert told["screen", "Finish"] == (
        "tab Words, more there: Environment stays (it is not in the snapshot, and a restore takes nothing away)"
    )
    assert stranger.account_id in told["role_actors", site.roles[role_id].name]
    target.restore(plan)
    assert "environment" in screen.tabs[1].field_ids
    assert stranger.account_id in {actor.account_id for actor in project.roles[role_id]}
    screen.tabs[1].field_ids.remove("environment")
    project.roles[role_id] = [a for a in project.roles[role_id] if a.account_id != stranger.account_id]


@pytest.mark.parametrize("sort", range(3))
def test_killed_after_a_write_it_goes_on_and_ends_the_same(target: BareTarget, sort: int) -> None:
    wanted = state(target.site)
    for thing in (*target.site.issue_types.values(), *target.site.roles.values()):
        thing.description = "Lost"
    next(iter(target.site.components.values())).description = "Lost"
    plan = target.plan(selection=ONLY, policy=Policy.UPDATE)
    assert differing(plan, Action.UPDATE)
    how: dict[str, Any] = {"confirm": plan.target.key, "clock": now, "options": STEADY}
    writer = DirectWriter(target.sandbox, fate=Fate(last=2 + 3 * sort))
    with pytest.raises(Killed):
        apply_plan(target.source.repository, plan, writer, run=f"cut{sort}", **how)
    direct = DirectWriter(target.sandbox)
    outcome = apply_plan(target.source.repository, plan, direct, run=f"on{sort}", resume=True, **how)
    assert outcome.is_resumed
    assert outcome.failures == ()
    back = state(target.site)
    assert {name: back[name] for name in wanted if back[name] != wanted[name]} == {}


def test_transitions_keep_the_ids_that_theirs_have_and_others_stay() -> None:
    def step(number: str, name: str, to: str = "1", kind: str = "DIRECTED") -> dict[str, Any]:
        return {"id": number, "name": name, "toStatusReference": to, "type": kind, "links": []}

    present = [
        step("1", "Create", kind="INITIAL"),
        step("5", "Close"),
        step("6", "Close", "2"),
        step("7", "Own"),
    ]
    wanted = [
        step("1", "Start", kind="INITIAL"),
        step("2", "close", "2"),
        step("7", "New"),
        step("5", "Close"),
    ]
    found = [(item["id"], item["name"]) for item in laid_over(wanted, present)]
    assert found == [("1", "Start"), ("6", "close"), ("2", "New"), ("5", "Close"), ("7", "Own")]


@pytest.mark.parametrize(
    ("wanted", "present", "moves"),
    [
        (["a", "b", "c"], ["a", "x", "b", "c"], []),
        (["a", "b", "c"], ["c", "a", "b"], [("c", {"after": "b"})]),
        (["c", "a", "b"], ["a", "b", "c"], [("c", {"position": "First"})]),
    ],
)
def test_fields_are_ordered_by_the_fewest_moves(
    wanted: list[str], present: list[str], moves: list[tuple[str, dict[str, str]]]
) -> None:
    assert list(moves_for(wanted, present)) == moves


def test_a_screen_that_follows_from_the_site_keeps_its_fields_when_it_is_changed(target: BareTarget) -> None:
    first = fields.tab_field_ids(target.site, "3", "10020")
    screen = own_screen(target.site, "3")
    assert screen is not None
    assert screen.tabs[0].field_ids == first
