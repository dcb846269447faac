"""Properties of issues, comments and worklogs come back with their things, are repaired by an update, and cost nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.domain.errors import WriteRefused
from jira_backup_pipeline.engine.restore.plan import Policy, Selection
from jira_backup_pipeline_tests.doubles.restorable import Restorable, restorable, without_mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.server import RunningSandbox


def hang_properties(sandbox: RunningSandbox) -> None:
    """Put a property on every comment, worklog and issue of the first project."""
    project = next(iter(sandbox.site.projects.values()))
    for issue in sandbox.site.issues.of_project(project.project_id):
        body = sandbox.site.body(issue)
        for thing in (body, *body.comments, *body.worklogs):
            thing.properties["app.state"] = {"of": issue.number, "exact": [0.1, 1e300, None]}


@pytest.fixture
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=36, before=hang_properties) as made:
        yield made


def properties_of(site: Restorable, project_key: str) -> dict[str, list[dict[str, Any]]]:
    project = site.sandbox.site.find_project(project_key)
    assert project is not None
    found: dict[str, list[dict[str, Any]]] = {"issue": [], "comment": [], "worklog": []}
    for issue in site.sandbox.site.issues.of_project(project.project_id):
        body = site.sandbox.site.body(issue)
        found["issue"].append(without_mark(body.properties))
        found["comment"] += [without_mark(comment.properties) for comment in body.comments]
        found["worklog"] += [without_mark(worklog.properties) for worklog in body.worklogs]
    return {kind: sorted(members, key=json.dumps) for kind, members in found.items()}


def judgements(result: Any) -> list[tuple[str, str, str]]:
    return [(found.kind, found.field, found.judgement.rule.value) for found in result.report.findings]


def test_all_properties_come_back_and_votes_are_told_as_impossible(site: Restorable) -> None:
    before = properties_of(site, site.key)
    assert all(before.values())
    assert site.manifest.counts["votes"] > 0
    site.sandbox.edits.delete_project(site.key, permanent=True)

    result = site.restore(site.plan())

    assert judgements(result) == []
    assert before == properties_of(site, site.key)
    assert site.manifest.counts["issue_properties"] == result.report.records["issue_property"]
    assert site.manifest.counts["votes"] == result.report.impossible["vote"]


def commented(site: Restorable) -> Issue:
    project = site.manifest.project
    assert project is not None
    return next(
        issue
        for issue in site.sandbox.site.issues.of_project(int(project.id))
        if site.sandbox.site.body(issue).comments and site.sandbox.site.body(issue).worklogs
    )


def test_properties_that_were_changed_are_repaired_by_an_update(site: Restorable) -> None:
    before = properties_of(site, site.key)
    issue = commented(site)
    body = site.sandbox.site.body(issue)
    body.properties["app.state"] = "scribbled over"
    body.comments[0].properties["app.state"] = "scribbled over"
    del body.worklogs[0].properties["app.state"]
    key = site.sandbox.site.key_of(issue)

    result = site.restore(site.plan(selection=Selection(issue_keys=(key,)), policy=Policy.UPDATE))

    assert judgements(result) == []
    assert before == properties_of(site, site.key)


class Refusing:
    """A writer whose target takes no comment with an app's property."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def send(self, method: str, path: str, body: Any = None, *rest: Any) -> object:
        if path.endswith("/comment") and len(body["properties"]) > 1:
            raise WriteRefused("no", hint="None.", status=400, answer={"errorMessages": ["Not this key."]})
        return self._inner.send(method, path, body, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_comment_whose_properties_are_refused_comes_back_without_them_and_is_reported(
    site: Restorable,
) -> None:
    result = site.restore(site.plan(target_key="COPY"), writer=Refusing(site.direct()))

    comments = site.manifest.counts["comments"]
    assert judgements(result) == [("comment", "properties", "refused by the target")] * comments
    assert comments == len(properties_of(site, "COPY")["comment"])
