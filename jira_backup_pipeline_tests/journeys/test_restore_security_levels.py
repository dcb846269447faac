"""Issues that few may read keep their security level on another site, matched by scheme and name, or it is said that they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.engine.restore.planned import Policy
from jira_backup_pipeline.sandbox.setup import schemes
from jira_backup_pipeline.sandbox.setup.amended import keep
from jira_backup_pipeline_tests.doubles.bare_target import BareTarget, bare_target
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.site import Site

NAME = "Confidential work"
LACKING = "Developers"


@pytest.fixture(scope="module")
def source() -> Iterator[Restorable]:
    with restorable(projects=1, issues=60) as made:
        yield made


@pytest.fixture
def target(source: Restorable) -> Iterator[BareTarget]:
    """A site whose own scheme of that kind is called otherwise, so that no level has the id that it had."""
    with bare_target(source) as made:
        [scheme] = schemes.security_schemes(made.site)
        keep(made.site, "security_scheme", {**scheme, "name": "Another scheme"})
        yield made


def with_scheme(site: Site, *levels: str) -> None:
    """Give a site a scheme of the snapshot's name with these levels only."""
    scheme_id = str(site.made.next_id())
    site.made.add("security_scheme", {"id": int(scheme_id), "self": "", "name": NAME, "description": ""})
    for name in levels:
        level = {"id": str(site.made.next_id()), "name": name, "description": "", "isDefault": False}
        site.made.add("security_level", {**level, "issueSecuritySchemeId": scheme_id})


def level_names(site: Site, issue_ids: list[str]) -> list[str | None]:
    names = {str(level["id"]): str(level["name"]) for level in schemes.security_levels(site)}
    values = [site.body(site.issues.by_id[int(issue_id)]).values.get("security") for issue_id in issue_ids]
    return [names[str(value)] if value is not None else None for value in values]


def both_sides(target: BareTarget, result: RestoreResult) -> tuple[list[str | None], list[str | None]]:
    pairs = result.outcome.id_map.issues.items()
    source = level_names(target.source.sandbox.site, [source_id for source_id, _ in pairs])
    return source, level_names(target.site, [found.id for _, found in pairs])


def test_levels_come_with_their_scheme(target: BareTarget) -> None:
    plan = target.plan()
    assert [found for found in plan.conflicts if found.kind == "security level"] == []
    result = target.restore(plan)
    wanted, present = both_sides(target, result)
    assert present == wanted
    assert set(wanted) == {None, "Reporter only", LACKING}
    levels = set(result.outcome.id_map.of("security_level").items())
    assert levels
    assert all(source_id != target_id for source_id, target_id in levels)
    assert int(result.exit_code) == 0


def test_a_level_that_the_scheme_there_lacks_is_named_and_its_issues_come_without(target: BareTarget) -> None:
    with_scheme(target.site, "Reporter only")
    plan = target.plan()
    [conflict] = [found for found in plan.conflicts if found.kind == "security level"]
    wanted_count = level_names(
        target.source.sandbox.site,
        [str(issue_id) for issue_id in target.source.sandbox.site.issues.by_id],
    ).count(LACKING)
    assert conflict.subject == LACKING
    assert conflict.problem == f"the target's security scheme lacks it, and {wanted_count} issues have it"
    assert "whoever may browse the project sees them" in conflict.remedy
    assert not conflict.is_blocking

    result = target.restore(plan)
    wanted, present = both_sides(target, result)
    assert present == [None if name == LACKING else name for name in wanted]
    assert int(result.exit_code) == 3
    wrong = [found for found in result.report.findings if found.judgement.verdict.value == "wrong"]
    assert {(found.kind, found.field) for found in wrong} == {("issue", "security")}
    assert len(wrong) == wanted_count

    # The project that is there now is asked for its own levels.
    [again] = [found for found in target.plan(policy=Policy.COPY).conflicts if found.kind == "security level"]
    assert again.subject == LACKING


def test_update_adds_the_level_and_no_issue_is_open_to_all(target: BareTarget) -> None:
    with_scheme(target.site, "Reporter only")
    plan = target.plan(policy=Policy.UPDATE)
    assert [found for found in plan.conflicts if found.kind == "security level"] == []
    result = target.restore(plan)
    wanted, present = both_sides(target, result)
    assert present == wanted
    assert LACKING in present
