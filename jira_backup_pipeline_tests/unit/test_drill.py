"""What is made of a rehearsal: proven, not all back, or failed, with its age; and how the check rolls projects up."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest

from jira_backup_pipeline.domain.errors import BackupPipelineError, ExitCode
from jira_backup_pipeline.engine.drill import Drill, drill, newest_drill
from jira_backup_pipeline.orchestration.drills import OLDEST, judged
from jira_backup_pipeline.sandbox.seed.accounts import AccountsProblem, bring_accounts
from jira_backup_pipeline.sandbox.seed.make import make_site
from jira_backup_pipeline.sandbox.uploads import Uploads
from jira_backup_pipeline_tests.doubles.small_repository import (
    START_AT,
    SmallRepository,
    issue_unit,
    record,
    unit,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


def drilled(project: str, *, wrong: int = 0, error: str = "", days: int = 1) -> Drill:
    begun_at = START_AT - timedelta(days=days)
    return Drill(
        f"project-{project}", project, 3, "run", begun_at, 2.5, 100, wrong, error, "Look." if error else ""
    )


@pytest.mark.parametrize(
    ("drills", "passed", "severity", "words"),
    [
        ({"a": drilled("A"), "b": drilled("B")}, True, "WARN", "all 2 projects came back whole"),
        ({"a": drilled("A"), "b": drilled("B", wrong=1)}, False, "ERROR", "1 of 2 .*: B"),
        ({"a": drilled("A", error="no memory")}, False, "ERROR", "1 of 1"),
        ({"a": drilled("A"), "b": None}, False, "WARN", "1 of 2 projects were never rehearsed"),
        ({"a": drilled("A", days=OLDEST.days + 1)}, False, "WARN", "1 not within 15 days"),
        ({}, False, "WARN", "no project to rehearse"),
    ],
)
def test_one_bad_project_makes_the_check_bad_and_silence_is_never_green(
    drills: dict[str, Drill | None], passed: bool, severity: str, words: str
) -> None:
    result = judged(drills, START_AT)
    assert result.passed is passed
    if not passed:
        assert result.severity is dg.AssetCheckSeverity[severity]
    assert re.search(words, str(result.description))


def test_a_rehearsal_that_cannot_begin_is_kept_and_the_next_project_goes_on() -> None:
    small = SmallRepository()
    site = small.snapshot(
        [unit(record("person", "p1", {"accountId": "p1", "displayName": "Person 01"}))], scope="site"
    )
    first = small.snapshot([issue_unit("1")], site_snapshot=site.number)
    second = small.snapshot([issue_unit("2")], scope="project-2", key="SEC", site_snapshot=site.number)
    seen: list[Any] = []

    @contextmanager
    def closed(people: Any) -> Iterator[Any]:
        seen.append(people)
        raise BackupPipelineError("no port is free", hint="End a program.")
        yield

    runs = iter(["r1", "r2"])
    result = drill(small.repository, [first, second], closed, new_run=lambda: next(runs), clock=small.clock)

    assert result.exit_code is ExitCode.FAILED
    assert [found.error for found in result.drills] == ["no port is free"] * 2
    assert "failed: no port is free (End a program.)" in result.to_markdown()
    assert [[person["accountId"] for person in people] for people in seen] == [["p1"], ["p1"]]
    kept = newest_drill(small.reopened(), "project-2")
    assert kept == result.drills[1]
    assert newest_drill(small.repository, "project-3") is None


def test_the_newest_rehearsal_counts() -> None:
    small = SmallRepository()
    small.snapshot([issue_unit("1")])
    for run, wrong in (("20260101T000000-aa", 3), ("20260108T000000-aa", 0)):
        found = Drill("project-10000", "ABC", 1, run, START_AT, 1.0, 5, wrong)
        small.repository.put_document("drills", f"{found.scope}-{run}", found.to_json(), scope=found.scope)
    newest = newest_drill(small.repository, "project-10000")
    assert newest is not None
    assert newest.is_proven


def test_accounts_replace_the_made_people_but_for_the_owner_of_the_token() -> None:
    site = make_site(projects=1, issues=2, seed=3)
    own = site.backup_account_id
    bring_accounts(
        site, '[{"accountId": "x", "displayName": "X", "active": false, "emailAddress": "x@example.invalid"}]'
    )
    assert set(site.accounts) == {own, "x"}
    assert not site.accounts["x"].active
    assert all(set(group.members) <= set(site.accounts) for group in site.groups.values())
    for wrong in ("{", "{}", "[1]", '[{"displayName": "X"}]'):
        with pytest.raises(AccountsProblem):
            bring_accounts(site, wrong)


def test_large_uploads_lie_outside_of_the_memory_and_read_back_whole() -> None:
    uploads = Uploads()
    pieces = [bytes([number]) * size for number, size in ((1, 70_000), (2, 10), (3, 200_000), (4, 0))]
    kept = [uploads.keep(piece) for piece in pieces]
    assert [content.read() for content in kept] == pieces
    assert [content.size for content in kept] == [70_000, 10, 200_000, 0]
    assert [content.data is None for content in kept] == [True, False, True, False]
