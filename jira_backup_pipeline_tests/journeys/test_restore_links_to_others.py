"""A project comes back after another one came back by itself: its links and texts lead to the other's new issues."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.capture.project import capture_project
from jira_backup_pipeline.engine.restore.verdicts import Rule, Verdict
from jira_backup_pipeline.sandbox import changes
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    now,
    restorable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.plan import RestorePlan
    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.server import RunningSandbox

LINKS = 2


def issues_of(sandbox: RunningSandbox, position: int) -> list[Issue]:
    project_id = list(sandbox.site.projects)[position]
    return list(sandbox.site.issues.of_project(project_id))


def tie(sandbox: RunningSandbox) -> None:
    """Leave a gap in the first project's numbers, and let the second one's issues link and mention the first one's."""
    site = sandbox.site
    sandbox.edits.delete_issue(site.key_of(issues_of(sandbox, 0)[1]))
    there, here = issues_of(sandbox, 0)[-2:], issues_of(sandbox, 1)[-2:]
    for source, destination in ((here[0], there[0]), (there[1], here[1])):
        changes.add_link(site, next(iter(site.link_types)), source, destination, site.backup_account_id)
    key = site.key_of(there[0])
    words = {"type": "text", "text": f"see {key} and more"}
    card = {"type": "inlineCard", "attrs": {"url": f"{site.url}/browse/{key}"}}
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [words, card]}]}
    writer = DirectWriter(sandbox)
    for issue in here:
        path = f"/rest/api/3/issue/{site.key_of(issue)}"
        writer.send("PUT", path, {"fields": {"description": document}})
        writer.send("POST", f"{path}/comment", {"body": document})


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Restorable, Restorable, str]]:
    """The first project restored anew, the second one still lost."""
    with restorable(projects=2, issues=24, before=tie) as first:
        sandbox = first.sandbox
        _, project = first.reader.projects()
        outcome = capture_project(first.repository, first.reader, project, run="capture-2", clock=now)
        second = replace(first, manifest=outcome.manifest)
        key = sandbox.site.key_of(issues_of(sandbox, 0)[-2])
        for made in (first, second):
            sandbox.edits.delete_project(made.key, permanent=True)
        result = first.restore(first.plan(), writer=first.direct(), options=STEADY)
        assert result.outcome.id_map.keys[key] != key
        yield first, second, result.outcome.id_map.keys[key]


@pytest.fixture(scope="module")
def result(both: tuple[Restorable, Restorable, str]) -> RestoreResult:
    """The second one's restore, which dies among the links and is resumed."""
    second = both[1]
    plan: RestorePlan = second.plan()
    links = [0]

    class Dying(DirectWriter):
        def send(self, method: str, path: str, body: object | None = None, query: Any = None) -> object:
            answer = super().send(method, path, body, query)
            links[0] += path.endswith("/issueLink")
            if links[0] == 1 and path.endswith("/issueLink"):
                raise Killed(path)
            return answer

    with pytest.raises(Killed):
        second.restore(plan, writer=Dying(second.sandbox, fate=Fate()), options=STEADY)
    return second.restore(second.plan(), writer=second.direct(), options=STEADY, resume=True)


def between(second: Restorable) -> int:
    site = second.sandbox.site
    own = {issue.issue_id for issue in issues_of(second.sandbox, -1)}
    assert own
    return sum((link.source_id in own) != (link.destination_id in own) for link in site.links.values())


def test_links_lead_to_the_issues_that_an_earlier_restore_made(
    both: tuple[Restorable, Restorable, str], result: RestoreResult
) -> None:
    assert between(both[1]) == LINKS
    assert list(result.plan.absent_ends) == []
    links = [found for found in result.report.findings if found.kind == "issue_link"]
    assert {found.judgement.verdict for found in links} <= {Verdict.EXACT, Verdict.CHANGED}
    assert result.report.wrong_total == 0
    assert not [found for found in result.outcome.adjustments if found.kind == "issue_link"]


def test_keys_and_addresses_in_texts_follow(
    both: tuple[Restorable, Restorable, str], result: RestoreResult
) -> None:
    _, second, new_key = both
    site = second.sandbox.site
    texts = []
    for issue in issues_of(second.sandbox, -1):
        body = site.body(issue)
        texts += [
            json.dumps(text) for text in (body.values.get("description"), *(c.body for c in body.comments))
        ]
    follow = [text for text in texts if f"see {new_key} and more" in text and f'/browse/{new_key}"' in text]

    assert len(follow) == 4
    assert new_key in result.plan.elsewhere_keys.values()
    rules = {
        found.judgement.rule for found in result.report.findings if found.field in {"description", "body"}
    }
    assert Rule.DIFFERENT not in rules


def test_a_second_restore_makes_no_second_link(
    both: tuple[Restorable, Restorable, str], result: RestoreResult
) -> None:
    second = both[1]
    writer = second.direct()

    again = second.restore(second.plan(), writer=writer, options=STEADY)

    assert (again.plan.creates, writer.writes) == ((), [])
    assert between(second) == LINKS
    assert result.outcome.failures == ()


def test_what_no_mark_proves_is_not_linked(
    both: tuple[Restorable, Restorable, str], result: RestoreResult
) -> None:
    """Somebody took the mark off the other project's issues: a journal alone is no proof."""
    _, second, _ = both
    site = second.sandbox.site
    for issue in issues_of(second.sandbox, -2):
        with site.lock:
            site.body(issue).properties.pop("jira-backup.origin", None)

    plan = second.plan(target_key="OTHER")

    assert len(plan.absent_ends) == LINKS
    assert plan.elsewhere_keys == {}
    assert result.plan.elsewhere_keys
