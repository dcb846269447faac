"""A fidelity report says the same in every form: values, JSON, Markdown, the chart; and only what is wrong is a 3."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from jira_backup_pipeline.engine.restore.report import FidelityReport, Tally, report_of
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict
from jira_backup_pipeline.orchestration.restore_metadata import report_metadata

CHANGED = Judgement(Verdict.CHANGED, Rule.NEW_ID)
NORMALISED = Judgement(Verdict.NORMALISED, Rule.ADDED_MARKS)
LEFT = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, "the account is inactive: Jira refuses it")
VOTES = Judgement(Verdict.IMPOSSIBLE, Rule.VOTES)
MISSING = Judgement(Verdict.WRONG, Rule.MISSING)


def found(judgement: Judgement, *, kind: str = "issue", field: str = "summary", number: int = 1) -> Finding:
    return Finding(kind, str(number), f"KEY-{number}", field, judgement)


def made(*findings: Finding, **more: Any) -> FidelityReport:
    tally = Tally(names={"customfield_1": "Reviewer"})
    tally.records.update({"issue": 2, "vote": 1})
    tally.add(findings)
    facts = {
        "restore": "r1",
        "scope": "project-1",
        "snapshot": 3,
        "source_key": "KEY",
        "target_key": "BACK",
        "target_base_url": "https://target.example",
        "plan_digest": "00",
        "proven_at": "2026-11-25T00:00:00.000Z",
        "duration_seconds": 1.5,
    }
    return report_of(tally, **facts, **more)


FINE = (
    found(EXACT),
    found(CHANGED, field="id and key"),
    found(NORMALISED, field="description"),
    found(LEFT, field="customfield_1"),
    found(LEFT, field="customfield_1", number=2),
    found(VOTES, kind="vote", field="accountId"),
)


def test_what_is_impossible_is_no_3_and_is_listed_with_reason_and_count() -> None:
    report = made(*FINE)

    assert int(report.exit_code) == 0
    assert report.wrong_total == 0
    assert report.reasons == (
        ("issue", "Reviewer", "the account is inactive: Jira refuses it", 2),
        ("vote", "accountId", "an account votes for itself only", 1),
    )


def test_one_missing_record_is_a_3_in_every_form() -> None:
    report = made(*FINE, found(MISSING, kind="comment", field="record", number=7))

    assert int(report.exit_code) == report.to_json()["exit_code"] == 3
    assert report.to_json()["wrong"][0]["rule"] == "missing on the target"
    markdown = report.to_markdown()
    assert "1 values are wrong or missing" in markdown
    assert re.search(r"\| KEY-7 \| record \| missing on the target \|", markdown)


def test_a_refusal_is_called_one_only_once() -> None:
    refused = Judgement(Verdict.WRONG, Rule.REFUSED, "refused by the target (not on the screen): left out")
    bare = Judgement(Verdict.WRONG, Rule.REFUSED, "a transition was refused")

    markdown = made(found(refused), found(bare, number=2)).to_markdown()

    assert "| KEY-1 | summary | refused by the target (not on the screen): left out |" in markdown
    assert "| KEY-2 | summary | refused by the target: a transition was refused |" in markdown


def test_json_and_markdown_tell_the_same_numbers() -> None:
    report = made(*FINE, left_alone=4)

    rows = {row["kind"]: row for row in json.loads(json.dumps(report.to_json()))["kinds"]}
    assert rows["issue"] == {
        "kind": "issue",
        "records": 2,
        "exact": 1,
        "normalised": 1,
        "changed": 1,
        "impossible": 2,
        "wrong": 0,
    }
    markdown = report.to_markdown()
    assert "| issue | 2 | 1 | 1 | 1 | 2 | 0 |" in markdown
    assert "| vote | 1 | 0 | 0 | 0 | 1 | 0 |" in markdown
    assert "## What REST cannot bring back" in markdown
    assert "| issue | Reviewer | the account is inactive: Jira refuses it | 2 |" in markdown
    assert "**nothing is wrong or missing**" in markdown
    assert "4 issues were there already and were left alone" in markdown


def test_a_thousand_reasons_are_added_up_under_other_reasons() -> None:
    report = made(
        *(
            found(
                Judgement(
                    Verdict.IMPOSSIBLE, Rule.DOCUMENTED, f"the parent OLD-{number} is not on the target"
                )
            )
            for number in range(1000)
        )
    )

    assert len(report.reasons) < 300
    assert sum(count for *_, count in report.reasons) == 1000
    assert ("issue", "summary", "for other reasons", 800) in report.reasons


def test_the_chart_in_dagster_shows_every_verdict_with_its_number() -> None:
    metadata = report_metadata(made(*FINE))

    [text] = [str(found.value) for found in metadata.values() if "data:image/svg" in str(found.value)]
    encoded = re.search(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)
    assert encoded is not None
    svg = base64.b64decode(encoded[1]).decode()
    numbers = re.findall(r">([a-z ]+)</text><rect[^>]*/><text[^>]*>(\d+)</text>", svg)
    shown = {label.split()[0]: int(number) for label, number in numbers}
    assert shown["exact"] == 1
    assert shown["normalised"] == 1
    assert shown["impossible"] == 3
