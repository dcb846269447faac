"""Filters and dashboards that somebody deleted come back on their own site: once, to whom they were shared, with their gadgets."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.selection import Part, Selection
from jira_backup_pipeline.engine.restore.verdicts import Verdict
from jira_backup_pipeline_tests.doubles.restorable import STEADY, DirectWriter, Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox

CONFIGURATION = Selection(part=Part.CONFIGURATION)
SITE = Selection(is_site=True)
SHARED = ("filter", "dashboard")


def share(sandbox: RunningSandbox) -> None:
    """Keep three searches and a wall: about the project, about another, about none; one belongs to somebody else."""
    writer, site = DirectWriter(sandbox), sandbox.site
    first, second = (str(project_id) for project_id in list(site.projects)[:2])
    group = site.group_by_name("developers")
    other = next(i for i in site.accounts.values() if i.active and i.account_id != site.backup_account_id)
    assert group is not None
    shares = [
        {"type": "group", "group": {"groupId": group.group_id}},
        {"type": "project", "project": {"id": second}},
        {"type": "user", "user": {"accountId": other.account_id}},
        {"type": "authenticated"},
    ]
    keys = [project.key for project in site.projects.values()]
    made = {}
    for name, jql, shown in (
        ("About it", f"project = {keys[0]} ORDER BY created", shares),
        ("About another", f"project = {keys[1]}", []),
        ("About none", "created > -7d", [{"type": "global"}]),
    ):
        body = {"name": name, "description": f"{name}, kept", "jql": jql, "sharePermissions": shown}
        made[name] = writer.send("POST", "/rest/api/3/filter", body)["id"]  # type: ignore[index]
    writer.send("PUT", f"/rest/api/3/filter/{made['About it']}/owner", {"accountId": other.account_id})
    wall = {"name": "Wall", "sharePermissions": shares[:1], "editPermissions": shares[2:3]}
    wall_id: Any = writer.send("POST", "/rest/api/3/dashboard", wall)["id"]  # type: ignore[index]
    for title, value in (("Search", {"filterId": made["About it"]}), ("All", {"of": f"project-{first}"})):
        gadget = {"uri": "rest/gadgets/one.xml", "title": title, "color": "red"}
        item: Any = writer.send("POST", f"/rest/api/3/dashboard/{wall_id}/gadget", gadget)
        path = f"/rest/api/3/dashboard/{wall_id}/items/{item['id']}/properties/config"
        writer.send("PUT", path, value)


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=6, before=share) as made:
        yield made


def forget(site: Restorable, kind: str, name: str) -> dict[str, Any]:
    """Delete a filter or dashboard as its owner would; gives it as it was."""
    records = site.sandbox.site.made.records[kind]
    [found] = [item for item in records.values() if item["name"] == name]
    return copy.deepcopy(records.pop(str(found["id"])))


def present(site: Restorable, kind: str, name: str) -> list[dict[str, Any]]:
    return [item for item in site.sandbox.site.made.of(kind) if item["name"] == name]


def plain(shares: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: member for name, member in share.items() if name != "id"} for share in shares]


def brought(result: RestoreResult) -> dict[str, str]:
    return {piece.name: piece.action.value for piece in result.plan.configuration if piece.kind in SHARED}


def test_what_is_missing_of_a_project_comes_back_once(site: Restorable) -> None:
    lost, wall = forget(site, "filter", "About it"), forget(site, "dashboard", "Wall")
    made = site.sandbox.site.made

    result = site.restore(site.plan(selection=CONFIGURATION), writer=site.direct(), options=STEADY)

    assert brought(result) == {
        "About it": "make",
        "Wall": "make",
        "Filter for APP board": "match",
    }
    [found], [again] = present(site, "filter", "About it"), present(site, "dashboard", "Wall")
    assert found["id"] != lost["id"]
    assert {name: found[name] for name in ("jql", "description", "owner")} == {
        name: lost[name] for name in ("jql", "description", "owner")
    }
    assert plain(found["sharePermissions"]) == plain(lost["sharePermissions"])
    assert plain(again["editPermissions"]) == plain(wall["editPermissions"])
    gadgets = made.items["gadget", str(again["id"])]
    assert [gadget["title"] for gadget in gadgets] == ["Search", "All"]
    assert made.settings[str(gadgets[0]["id"])]["config"] == {"filterId": found["id"]}
    assert [one for one in result.report.findings if one.judgement.verdict is Verdict.WRONG] == []
    assert result.report.exact["filter"] >= 3
    assert result.report.exact["dashboard"] >= 3

    writer = site.direct()
    second = site.restore(site.plan(selection=CONFIGURATION), writer=writer, options=STEADY)
    assert set(brought(second).values()) == {"match"}
    assert [path for path in writer.writes if "filter" in path or "dashboard" in path] == []


def test_what_is_there_is_known_by_its_id_and_then_by_name_and_owner(site: Restorable) -> None:
    [renamed] = present(site, "filter", "About it")
    renamed["name"] = "Called otherwise now"
    assert brought_by(site)["About it"] is Action.MATCH
    lost = forget(site, "filter", "Called otherwise now")
    site.sandbox.site.made.add("filter", {**lost, "id": "77001", "name": "About it", "jql": "order by key"})
    assert brought_by(site)["About it"] is Action.MATCH
    [other] = present(site, "filter", "About it")
    other["owner"] = {"accountId": site.sandbox.site.backup_account_id}
    assert brought_by(site)["About it"] is Action.MAKE
    forget(site, "dashboard", "Wall")
    assert brought_by(site)["Wall"] is Action.MAKE


def brought_by(site: Restorable) -> dict[str, Action]:
    plan = site.plan(selection=CONFIGURATION)
    return {piece.name: piece.action for piece in plan.configuration if piece.kind in SHARED}


def test_the_whole_site_brings_those_about_no_project_too_and_a_project_alone_brings_none(
    site: Restorable,
) -> None:
    for name in ("About it", "About none"):
        forget(site, "filter", name)

    assert not any(piece.kind in SHARED for piece in site.plan().configuration)
    result = site.restore(site.plan(selection=SITE), writer=site.direct(), options=STEADY)

    actions = brought(result)
    assert (actions["About it"], actions["About none"], "About another" in actions) == ("make", "make", False)
    assert len(present(site, "filter", "About none")) == 1
    assert result.outcome is not None
    assert result.outcome.failures == ()


def test_the_proof_sees_shares_that_are_not_those_of_the_snapshot(site: Restorable) -> None:
    forget(site, "filter", "About it")

    class Careless(DirectWriter):
        """Shares every new filter with nobody."""

        def send(self, method: str, path: str, body: Any = None, query: Any = None) -> object:
            if (method, path) == ("POST", "/rest/api/3/filter"):
                body = {**body, "sharePermissions": []}
            return super().send(method, path, body, query)

    result = site.restore(site.plan(selection=CONFIGURATION), writer=Careless(site.sandbox), options=STEADY)

    wrong = [
        (one.kind, one.field) for one in result.report.findings if one.judgement.verdict is Verdict.WRONG
    ]
    assert wrong == [("filter", "shared with")]
