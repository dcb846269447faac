"""Schemes of permissions, mail and security come back grant by grant, and the proof sees each that does not."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.compare_records import Excuses
from jira_backup_pipeline.engine.restore.configuration.comparison import ConfigurationComparison, TargetSide
from jira_backup_pipeline.engine.restore.configuration.source import ConfigurationSource
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.snapshot import SnapshotView
from jira_backup_pipeline.engine.restore.verdicts import Rule, Verdict
from jira_backup_pipeline.jira.client import connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import DirectWriter, restorable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.engine.restore.verdicts import Finding
    from jira_backup_pipeline.sandbox.server import RunningSandbox
    from jira_backup_pipeline.sandbox.site import Site

KINDS = {"permission_scheme", "notification_scheme", "security_scheme"}
API = "/rest/api/3"


def give(sandbox: RunningSandbox) -> None:
    """Let the project follow schemes of its own, with every sort of holder; one of them is an account that left."""
    site, writer = sandbox.site, DirectWriter(sandbox)
    project = next(iter(site.projects.values()))
    role = next(iter(site.roles))
    group = site.group_by_name("developers")
    active = next(i for i in site.accounts.values() if i.active and i.account_id != site.backup_account_id)
    gone = next(account for account in site.accounts.values() if not account.active)
    assert group is not None
    role_holder = {"type": "projectRole", "parameter": role, "value": role}
    group_holder = {"type": "group", "parameter": group.name, "value": group.group_id}
    person = {"type": "user", "parameter": active.account_id, "value": active.account_id}
    left = {"type": "user", "parameter": gone.account_id, "value": gone.account_id}
    grants = [
        ("BROWSE_PROJECTS", role_holder),
        ("BROWSE_PROJECTS", group_holder),
        ("BROWSE_PROJECTS", left),
        ("EDIT_ISSUES", person),
        ("EDIT_ISSUES", {"type": "reporter"}),
        ("DELETE_ISSUES", role_holder),
    ]
    permissions = [{"permission": name, "holder": holder} for name, holder in grants]
    body: dict[str, Any] = {"name": "Own permissions", "permissions": permissions}
    made: Any = writer.send("POST", f"{API}/permissionscheme", body)
    writer.send("PUT", f"{API}/project/{project.key}/permissionscheme", {"id": made["id"]})
    told = [{"notificationType": "Group", "parameter": group.group_id}, {"notificationType": "Reporter"}]
    events = [
        {"event": {"id": "1"}, "notifications": told},
        {"event": {"id": "2"}, "notifications": told[1:]},
    ]
    body = {"name": "Own mail", "notificationSchemeEvents": events}
    mail: Any = writer.send("POST", f"{API}/notificationscheme", body)
    writer.send("PUT", f"{API}/project/{project.key}", {"notificationScheme": int(mail["id"])})
    members = [
        {"type": "group", "parameter": group.group_id},
        {"type": "reporter"},
        {"type": "projectrole", "parameter": role},
    ]
    levels = [
        {"name": "Few", "description": "Hidden", "isDefault": True, "members": members},
        {"name": "Fewer", "members": members[1:2]},
    ]
    security: Any = writer.send(
        "POST", f"{API}/issuesecurityschemes", {"name": "Own levels", "levels": levels}
    )
    body = {"projectId": str(project.project_id), "schemeId": security["id"]}
    writer.send("PUT", f"{API}/issuesecurityschemes/project", body)


@pytest.fixture(scope="module")
def target() -> Iterator[BareTarget]:
    with restorable(projects=1, issues=2, before=give) as source, bare_target(source) as made:
        yield made


@pytest.fixture(scope="module")
def result(target: BareTarget) -> RestoreResult:
    return target.restore(target.plan(selection=Selection(part=Part.CONFIGURATION)))


def judged(target: BareTarget, result: RestoreResult) -> list[Finding]:
    source = ConfigurationSource(SnapshotView(target.source.repository, target.source.manifest))
    id_map = result.outcome.id_map
    side = TargetSide(CloudReader(connect(target.config)), id_map)
    excuses = Excuses.of(result.outcome.failures, result.outcome.adjustments)
    comparison = ConfigurationComparison(source, side, id_map, excuses, str)
    return [found for found in comparison.findings(result.plan.configuration) if found.kind in KINDS]


def test_every_grant_event_and_level_is_judged_by_itself(target: BareTarget, result: RestoreResult) -> None:
    found = judged(target, result)
    grants = [one for one in found if one.field.startswith(("permission ", "event ", "level "))]

    assert [one for one in found if one.judgement.verdict is Verdict.WRONG] == []
    own = [one for one in grants if one.subject.rpartition(" Own ")[1]]
    # 6 permissions, 3 recipients, 4 members, and 2 levels with what is said of them.
    assert len(own) == 6 + 3 + 4 + 2
    assert any(one.field == "permission BROWSE_PROJECTS: group developers" for one in own)
    limits = [one for one in own if one.judgement.verdict is Verdict.IMPOSSIBLE]
    assert len(limits) == 1
    assert limits[0].field.startswith("permission BROWSE_PROJECTS: user ")
    assert result.report.wrong_total == 0
    assert result.report.impossible["permission_scheme"] == 1


def of(site: Site, kind: str) -> list[Any]:
    return [found for found in site.made.of(kind) if "Own" in found.get("name", "")]


def lose_grant(site: Site) -> None:
    [scheme] = of(site, "permission_scheme")
    scheme["permissions"] = [one for one in scheme["permissions"] if one["holder"]["type"] != "group"]


def add_grant(site: Site) -> None:
    [scheme] = of(site, "permission_scheme")
    scheme["permissions"].append({"permission": "DELETE_ISSUES", "holder": {"type": "anyone"}})


def swap_holder(site: Site) -> None:
    [scheme] = of(site, "permission_scheme")
    other = list(site.roles)[1]
    scheme["permissions"][-1]["holder"] = {"type": "projectRole", "parameter": other, "value": other}


def tell_fewer(site: Site) -> None:
    [scheme] = of(site, "notification_scheme")
    scheme["notificationSchemeEvents"][0]["notifications"].pop()


def clear_level(site: Site) -> None:
    members = site.made.records["security_level_member"]
    members.pop(next(key for key, item in members.items() if item["holder"]["type"] == "projectrole"))


def change_default(site: Site) -> None:
    for level in site.made.of("security_level"):
        level["isDefault"] = not level["isDefault"]


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lose_grant, [("permission BROWSE_PROJECTS: group", Rule.MISSING)]),
        (add_grant, [("permission DELETE_ISSUES: anyone", Rule.SURPLUS)]),
        (
            swap_holder,
            [
                ("permission DELETE_ISSUES: projectrole", Rule.MISSING),
                ("permission DELETE_ISSUES: projectrole", Rule.SURPLUS),
            ],
        ),
        (tell_fewer, [("event 1: reporter", Rule.MISSING)]),
        (clear_level, [("level Few: projectrole", Rule.MISSING)]),
        (change_default, [("level Few", Rule.DIFFERENT), ("level Fewer", Rule.DIFFERENT)]),
    ],
)
def test_one_grant_that_differs_is_found_and_nothing_else(
    target: BareTarget,
    result: RestoreResult,
    spoil: Callable[[Site], None],
    wrong: list[tuple[str, Rule]],
) -> None:
    kept = copy.deepcopy(target.site.made.records)
    spoil(target.site)
    try:
        found = [one for one in judged(target, result) if one.judgement.verdict is Verdict.WRONG]
    finally:
        target.site.made.records = kept

    assert len(found) == len(wrong)
    told = sorted((one.field, one.judgement.rule) for one in found)
    for (field, rule), (start, expected) in zip(told, sorted(wrong), strict=True):
        assert field.startswith(start)
        assert rule is expected
