"""A project comes to a site that lacks all it stands on: what is missing is made, and the issues come back right."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.compare_records import Excuses
from jira_backup_pipeline.engine.restore.configuration.comparison import ConfigurationComparison, TargetSide
from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.verdicts import Verdict
from jira_backup_pipeline.jira.client import connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.sandbox.setup.made import Screen, Tab
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import restorable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

COST = "customfield_10035"
APP_RULE = "connect:com.example.app__post-function"


def add_filter(site: Site) -> None:
    """Keep a search of somebody's about one project, one of its fields and one of its issues."""
    owner = next(i for i in site.accounts.values() if i.active and i.account_id != site.backup_account_id)
    group = site.group_by_name("developers")
    assert group is not None
    site.made.add(
        "filter",
        {
            "id": str(site.made.next_id()),
            "name": "Costly work",
            "description": "What costs much",
            "jql": f"project = APP AND cf[{COST.partition('_')[2]}] > 3 AND key != APP-1 ORDER BY created",
            "owner": {"accountId": owner.account_id},
            "sharePermissions": [
                {"id": 1, "type": "group", "group": {"name": group.name, "groupId": group.group_id}}
            ],
            "editPermissions": [],
            "subscriptions": [],
        },
    )


def add_dashboard(site: Site) -> None:
    """Show the search, and the project itself, on a dashboard."""
    made = site.made
    [kept] = made.of("filter")
    wall = made.add(
        "dashboard",
        {
            "id": str(made.next_id()),
            "self": "",
            "view": "",
            "name": "Costs",
            "description": "",
            "isFavourite": False,
            "popularity": 0,
            "sharePermissions": [{"id": 1, "type": "loggedin"}],
            "editPermissions": [],
        },
    )
    for number, settings in enumerate(
        ({"filterId": kept["id"], "num": 5}, {"projectOrFilterId": "project-10000", "isConfigured": True})
    ):
        gadget = {
            "id": made.next_id(),
            "moduleKey": f"com.example:gadget-{number}",
            "title": f"Gadget {number}",
            "color": "red",
            "position": {
                "The row position of the gadget.": number,
                "The column position of the gadget.": 1,
            },
        }
        made.items.setdefault(("gadget", str(wall["id"])), []).append(gadget)
        made.settings[str(gadget["id"])] = {"config": settings}


def with_rules(sandbox: RunningSandbox) -> None:
    """Give a workflow rules that name a screen, a role, a field and a resolution, and one that an app brought."""
    [option] = [option for option in sandbox.site.options.values() if option.value == "Moderate"]
    option.disabled = True
    add_filter(sandbox.site)
    add_dashboard(sandbox.site)
    [step] = [
        step for step in sandbox.site.workflows["Software workflow"].transitions if step.transition_id == "41"
    ]
    made = sandbox.site.made
    tabs = [
        Tab(made.next_id(), "Outcome", ["resolution", COST]),
        Tab(made.next_id(), "Words", ["description"]),
    ]
    screen = Screen(made.next_id(), "Finish", "What is asked at the end", tabs)
    made.screens[screen.screen_id] = screen
    role = {"ruleKey": "system:restrict-issue-transition", "parameters": {"roleIds": "10003"}}
    step.more = {
        "conditions": {"operation": "ALL", "conditions": [role], "conditionGroups": []},
        "transitionScreen": {
            "ruleKey": "system:transition-screen",
            "parameters": {"screenId": str(screen.screen_id)},
        },
        "validators": [
            {
                "ruleKey": "system:validate-field-value",
                "parameters": {"ruleType": "fieldRequired", "fieldsRequired": COST},
            }
        ],
        "actions": [
            {
                "ruleKey": "system:update-field",
                "parameters": {"field": "resolution", "value": "10001", "mode": "replace"},
            },
            {"ruleKey": APP_RULE, "parameters": {"id": "1"}},
        ],
    }


@pytest.fixture(scope="module")
def target() -> Iterator[BareTarget]:
    with restorable(projects=2, issues=50, before=with_rules) as source, bare_target(source) as made:
        yield made


@pytest.fixture(scope="module")
def plan(target: BareTarget) -> RestorePlan:
    return target.plan()


@pytest.fixture(scope="module")
def result(target: BareTarget, plan: RestorePlan) -> RestoreResult:
    return target.restore(plan)


def vars_of(found: Any) -> tuple[str, str, str, str]:
    return found.subject, found.field, found.judgement.rule.value, found.judgement.detail


def named(plan: RestorePlan, kind: str, action: Action) -> set[str]:
    return {piece.name for piece in plan.configuration if (piece.kind, piece.action) == (kind, action)}


def test_the_plan_says_what_is_made_matched_and_left_out(plan: RestorePlan) -> None:
    assert {"Story", "Bug"} == named(plan, "issue_type", Action.MAKE)
    assert {"Epic", "Task", "Sub-task"} == named(plan, "issue_type", Action.MATCH)
    assert {"Blocked", "Confirmed", "In Review", "Rejected", "Triage"} == named(plan, "status", Action.MAKE)
    assert {"Software workflow", "Bug workflow"} == named(plan, "workflow", Action.MAKE)
    assert {"Simplified workflow"} == named(plan, "workflow", Action.MATCH)
    assert {"developers", "jira-users"} <= named(plan, "group", Action.MAKE)
    assert {"Team"} == named(plan, "field", Action.LEAVE)
    text = plan.to_markdown()
    assert "| issue type | Story | is made |" in text
    assert "comes with Jira or its app only" in text
    assert "the target lacks it" not in text


def test_issues_come_back_and_nothing_is_wrong(target: BareTarget, result: RestoreResult) -> None:
    assert [vars_of(found) for found in result.report.findings] == []
    assert result.outcome.failures == ()
    assert int(result.exit_code) == 0
    assert target.source.manifest.counts["issues"] == result.report.records["issue"]


def test_nobody_got_mail(target: BareTarget, result: RestoreResult) -> None:
    assert result.outcome.requests["PUT /rest/api/3/project/{id}"] == 2
    assert target.site.made.mails == []


def test_every_issue_has_its_type_status_and_choices(target: BareTarget, result: RestoreResult) -> None:
    def told(site: Site, issue_id: str) -> tuple[str, str, dict[str, Any]]:
        issue = site.issues.by_id[int(issue_id)]
        values = site.body(issue).values
        chosen = {
            site.fields[field_id].name: site.options[value].value
            for field_id, value in values.items()
            if field_id in site.fields and site.fields[field_id].kind == "select" and value is not None
        }
        return site.issue_types[issue.type_id].name, site.statuses[issue.status_id].name, chosen

    source = target.source.sandbox.site
    pairs = result.outcome.id_map.issues.items()
    assert any(told(source, source_id)[2] for source_id, _ in pairs)
    for source_id, found in pairs:
        assert told(source, source_id) == told(target.site, found.id)


def test_a_workflow_comes_with_its_rules_and_the_ids_of_the_target(
    target: BareTarget, result: RestoreResult
) -> None:
    site = target.site
    [step] = [s for s in site.workflows["Software workflow"].transitions if s.transition_id == "41"]
    [screen] = [screen for screen in site.made.screens.values() if screen.name == "Finish"]
    [role] = [role.item_id for role in site.roles.values() if role.name == "Member"]
    [cost] = [field_id for field_id, item in site.fields.items() if item.name == "Cost"]
    [wont] = [item.item_id for item in site.resolutions.values() if item.name == "Won't Do"]
    assert [("Outcome", ["resolution", cost]), ("Words", ["description"])] == [
        (tab.name, tab.field_ids) for tab in screen.tabs
    ]
    assert step.more["conditions"]["conditions"][0]["parameters"] == {"roleIds": role}
    assert step.more["transitionScreen"]["parameters"] == {"screenId": str(screen.screen_id)}
    assert step.more["validators"][0]["parameters"]["fieldsRequired"] == cost
    assert [rule["parameters"]["value"] for rule in step.more["actions"]] == [wont]
    dropped = [found.reason for found in result.outcome.adjustments if found.kind == "workflow"]
    assert [APP_RULE in reason and "belongs to an app" in reason for reason in dropped] == [True]


def test_options_keep_their_order_and_their_parents(target: BareTarget, result: RestoreResult) -> None:
    def shape(site: Site, name: str) -> list[tuple[str, list[str]]]:
        [field_id] = [item.field_id for item in site.fields.values() if item.name == name]
        return [
            (option.value, [child.value for child in site.options_of(field_id, option.option_id)])
            for option in site.options_of(field_id)
        ]

    assert result.plan.target.project_id is None
    off = {option.value for option in target.site.options.values() if option.disabled}
    assert off == {"Moderate"}
    for name in ("Severity", "Platforms", "Region", "Channel"):
        assert shape(target.source.sandbox.site, name) == shape(target.site, name) != []


def test_filters_follow_their_project_and_belong_to_whom_they_did(
    target: BareTarget, result: RestoreResult
) -> None:
    [found] = [item for item in target.site.made.of("filter") if item["name"] == "Costly work"]
    [source] = [i for i in target.source.sandbox.site.made.of("filter") if i["name"] == "Costly work"]
    [cost] = [field_id for field_id, item in target.site.fields.items() if item.name == "Cost"]
    number, first = cost.partition("_")[2], result.outcome.id_map.keys["APP-1"]
    assert found["jql"] == f"project = APP AND cf[{number}] > 3 AND key != {first} ORDER BY created"
    assert found["owner"]["accountId"] == source["owner"]["accountId"]
    assert [share["group"]["name"] for share in found["sharePermissions"]] == ["developers"]
    assert result.report.changed["filter"] >= 1


def test_dashboards_show_the_project_and_the_filters_of_the_target(
    target: BareTarget, result: RestoreResult
) -> None:
    made = target.site.made
    [wall] = [item for item in made.of("dashboard") if item["name"] == "Costs"]
    [kept] = [item for item in made.of("filter") if item["name"] == "Costly work"]
    gadgets = made.items["gadget", str(wall["id"])]
    assert [(item["title"], item["color"]) for item in gadgets] == [("Gadget 0", "red"), ("Gadget 1", "red")]
    first, second = (made.settings[str(item["id"])]["config"] for item in gadgets)
    assert first == {"filterId": kept["id"], "num": 5}
    project_id = result.outcome.project_id
    assert second == {"projectOrFilterId": f"project-{project_id}", "isConfigured": True}
    assert result.report.exact["dashboard"] >= 2


def test_a_second_restore_makes_nothing_twice(target: BareTarget, result: RestoreResult) -> None:
    site = target.site
    before = (
        set(site.fields),
        set(site.options),
        set(site.statuses),
        dict(site.made.records),
        len(site.boards),
    )

    again = target.restore(target.plan())

    assert before == (
        set(site.fields),
        set(site.options),
        set(site.statuses),
        dict(site.made.records),
        len(site.boards),
    )
    assert len(result.outcome.id_map.issues) == again.report.left_alone


def test_the_report_proves_the_configuration_kind_by_kind(result: RestoreResult) -> None:
    report = result.report
    for kind in (
        "link_type",
        "role",
        "group",
        "issue_type",
        "status",
        "field",
        "screen",
        "workflow",
        "workflow_scheme",
    ):
        assert report.exact.get(kind), kind
    assert report.impossible["field"] == 1
    assert report.exact["field_context"] >= 4
    assert report.impossible["board"] == 1
    assert "workflow" in {row["kind"] for row in report.rows()}


def spoil_workflow(site: Site) -> None:
    site.workflows["Software workflow"].transitions.pop()


def spoil_options(site: Site) -> None:
    [field_id] = [item.field_id for item in site.fields.values() if item.name == "Severity"]
    site.options = {key: item for key, item in site.options.items() if item.field_id != field_id}


def spoil_screen(site: Site) -> None:
    [screen] = [screen for screen in site.made.screens.values() if screen.name == "Finish"]
    screen.tabs[0].field_ids.pop()


def spoil_type(site: Site) -> None:
    [bug] = [item for item in site.issue_types.values() if item.name == "Bug"]
    bug.description = "Something else"


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (spoil_workflow, "workflow"),
        (spoil_options, "field_context"),
        (spoil_screen, "screen"),
        (spoil_type, "issue_type"),
    ],
)
def test_what_is_not_as_it_was_is_found(
    target: BareTarget, result: RestoreResult, spoil: Callable[[Site], None], kind: str
) -> None:
    site = target.site
    kept = copy.deepcopy((site.workflows, site.options, site.made.screens, site.issue_types))
    spoil(site)
    try:
        source = ConfigurationSource(SnapshotView(target.source.repository, target.source.manifest))
        id_map = result.outcome.id_map
        side = TargetSide(CloudReader(connect(target.config)), id_map)
        excuses = Excuses.of(result.outcome.failures, result.outcome.adjustments)
        comparison = ConfigurationComparison(source, side, id_map, excuses, str)
        wrong = [
            found
            for found in comparison.findings(result.plan.configuration)
            if found.judgement.verdict is Verdict.WRONG and found.kind != "filter"
        ]
    finally:
        site.workflows, site.options, site.made.screens, site.issue_types = kept
    assert {kind} == {found.kind for found in wrong}


def test_a_plan_for_a_site_that_has_it_all_says_what_is_only_completed(
    target: BareTarget, result: RestoreResult
) -> None:
    plan = target.plan(key="AGAIN")

    assert result.plan.target.project_id is None
    assert named(plan, "field", Action.MAKE) == set()
    assert any("Severity" in name for name in named(plan, "field_context", Action.COMPLETE))
    assert named(plan, "workflow", Action.MATCH) >= {"Software workflow", "Bug workflow"}
    assert "what it lacks is added" in plan.to_markdown()
