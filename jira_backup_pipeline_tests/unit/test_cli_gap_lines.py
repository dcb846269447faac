"""What `backup` says of gaps: each with its place, and those of many issues that say the same in one line."""

from __future__ import annotations

from jira_backup_pipeline.commands.backup import gap_lines
from jira_backup_pipeline.domain.manifest import Gap
from jira_backup_pipeline_tests.doubles.manifests import manifest_of


def gap(issue_id: str | None, subject: str = "worklogs of an issue", reason: str = "off") -> Gap:
    return Gap(kind="worklog", subject=subject, reason=reason, remedy="Look.", issue_id=issue_id)


def lines(*gaps: Gap) -> list[str]:
    return list(gap_lines(manifest_of("APP", "10000", gaps=gaps)))


def test_a_gap_names_its_place_and_its_issue() -> None:
    assert lines(gap("7")) == ["gap: APP: worklogs of an issue (issue 7): off. Look."]
    assert lines(gap(None, "boards")) == ["gap: APP: boards: off. Look."]
    assert lines(gap("7", "issue 7")) == ["gap: APP: issue 7: off. Look."]


def test_many_issues_with_the_same_gap_are_one_line() -> None:
    many = [gap(str(number)) for number in range(1, 1201)]

    assert lines(*many, gap("5", reason="denied")) == [
        "gap: APP: worklogs of an issue (issue 1, 2, 3 and 1,197 more): off. Look.",
        "gap: APP: worklogs of an issue (issue 5): denied. Look.",
    ]


def test_the_site_is_a_place_too() -> None:
    site = manifest_of("", "", scope="site", project=None, gaps=(gap(None, "boards"),))

    assert list(gap_lines(site)) == ["gap: site: boards: off. Look."]
