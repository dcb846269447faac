"""The target refuses a single panel, mark and status: everything else of a text comes back, and the proof names the rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.verdicts import Rule, Verdict
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    restorable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox

REFUSED = [
    {"type": "panel", "attrs": {"panelIcon": ":refused:"}},
    {"mark": "textColor", "attrs": {"color": "#012345"}},
]
NAMES = ("description", "comment", "worklog")


def line(words: str, *marks: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "text", "text": words, **({"marks": list(marks)} if marks else {})}
    return {"type": "paragraph", "content": [text]}


def colour(code: str) -> dict[str, Any]:
    return {"type": "textColor", "attrs": {"color": code}}


def rich(name: str) -> dict[str, Any]:
    panels = [
        {"type": "panel", "attrs": {"panelType": kind}, "content": [line(f"{name} {kind}")]}
        for kind in ("info", "note", "custom", "warning", "error", "success")
    ]
    panels[2]["attrs"] = {"panelType": "custom", "panelIcon": ":refused:"}
    return {
        "type": "doc",
        "version": 1,
        "content": [*panels, line("low", colour("#543210")), line("high", colour("#012345"))],
    }


def written(name: str) -> dict[str, Any]:
    """Say what should come back: one panel less, one mark less, every word."""
    blocks = rich(name)["content"]
    blocks[2:3] = blocks[2]["content"]
    return {"type": "doc", "version": 1, "content": [*blocks[:-1], line("high")]}


def write(sandbox: RunningSandbox) -> None:
    """Give one issue rich text in every place, and make sure that others stay without."""
    site = sandbox.site
    issue = next(iter(site.issues.of_project(next(iter(site.projects)))))
    key = site.key_of(issue)
    sandbox.edits.edit_issue(key, {"description": rich("description")})
    writer = DirectWriter(sandbox)
    writer.send("POST", f"/rest/api/3/issue/{key}/comment", {"body": rich("comment")})
    worklog = {"comment": rich("worklog"), "timeSpentSeconds": 3600}
    writer.send("POST", f"/rest/api/3/issue/{key}/worklog", worklog)


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=40, before=write) as made:
        made.sandbox.edits.refuse_nodes(REFUSED)
        yield made


def texts(site: Restorable, result: RestoreResult) -> dict[str, Any]:
    sandbox = site.sandbox.site
    bodies = [sandbox.body(sandbox.find_issue(found.id)) for found in result.outcome.id_map.issues.values()]
    [body] = [body for body in bodies if "description info" in str(body.values.get("description"))]
    comments = [found.body for found in body.comments if "comment custom" in str(found.body)]
    worklogs = [found.comment for found in body.worklogs if "worklog custom" in str(found.comment)]
    assert (len(comments), len(worklogs)) == (1, 1)
    return {"description": body.values["description"], "comment": comments[0], "worklog": worklogs[0]}


def check(site: Restorable, result: RestoreResult) -> None:
    found = texts(site, result)
    found["comment"] = {**found["comment"], "content": found["comment"]["content"][1:]}
    assert found == {name: written(name) for name in NAMES}
    noted = [finding for finding in result.report.findings if finding.judgement.verdict is Verdict.WRONG]
    assert {finding.judgement.rule for finding in noted} == {Rule.REFUSED}
    assert Counter((finding.kind, finding.field, finding.judgement.detail) for finding in noted) == {
        ("issue", "description", "single node of the text: at 2 panel became text"): 1,
        ("issue", "description", "single node of the text: at 7/0 mark textColor became text"): 1,
        ("comment", "body", "single node of the text: at 2 panel became text"): 1,
        ("comment", "body", "single node of the text: at 7/0 mark textColor became text"): 1,
        ("worklog", "comment", "single node of the text: at 2 panel became text"): 1,
        ("worklog", "comment", "single node of the text: at 7/0 mark textColor became text"): 1,
    }


def test_only_the_refused_nodes_become_text_and_the_proof_names_them_one_by_one(site: Restorable) -> None:
    result = site.restore(site.plan(target_key="NODES"), writer=site.direct(), options=STEADY)

    check(site, result)
    assert not result.outcome.failures
    adjusted = {found.kind: found for found in result.outcome.adjustments if found.nodes}
    assert set(adjusted) == {"issue", "comment", "worklog"}
    assert "panel at 2" in adjusted["comment"].reason


def test_a_restore_that_dies_while_it_searches_ends_with_the_same_texts(site: Restorable) -> None:
    plan = site.plan(target_key="DYING")
    fate = Fate()
    dying = site.direct(fate=fate)
    comment = texts(site, site.restore(site.plan(target_key="FIRST"), writer=dying, options=STEADY))
    assert comment
    # Right before the first edit of a comment its plainest form was made.
    fate.last = next(
        number for number, event in enumerate(fate.events) if event.startswith("PUT") and "/comment/" in event
    )

    with pytest.raises(Killed):
        site.restore(plan, writer=site.direct(fate=Fate(last=fate.last)), options=STEADY)

    check(site, site.restore(plan, writer=site.direct(), options=STEADY, resume=True))


def test_a_screen_that_requires_the_refused_text_gets_its_words_first(site: Restorable) -> None:
    writer = DirectWriter(site.sandbox)
    project: dict[str, Any] = {
        "key": "ASKS",
        "name": "ASKS",
        "projectTypeKey": "software",
        "leadAccountId": site.sandbox.site.backup_account_id,
    }
    writer.send("POST", "/rest/api/3/project", project)
    site.sandbox.edits.set_screens("ASKS", required=["description"])

    result = site.restore(site.plan(target_key="ASKS"), writer=site.direct(), options=STEADY)

    assert not [found for found in result.outcome.failures if found.kind == "issue"]
    assert texts(site, result)["description"] == written("description")


def test_the_proof_sees_whatever_else_differs(site: Restorable) -> None:
    class Scribbler:
        """Lets everything pass and changes a word of the panel that was taken out."""

        def __init__(self) -> None:
            self.inner = site.direct()

        def send(self, method: str, path: str, body: Any = None, query: Any = None) -> object:
            if method == "PUT" and "description" in (body or {}).get("fields", {}):
                text = body["fields"]["description"]
                blocks = [
                    line("scribble") if block == line("description custom") else block
                    for block in text["content"]
                ]
                body = {"fields": {**body["fields"], "description": {**text, "content": blocks}}}
            return self.inner.send(method, path, body, query)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    result = site.restore(site.plan(target_key="SCRIB"), writer=Scribbler(), options=STEADY)

    rules = {
        finding.judgement.rule
        for finding in result.report.findings
        if finding.kind == "issue" and finding.field == "description"
    }
    assert rules == {Rule.DIFFERENT, Rule.REFUSED}
