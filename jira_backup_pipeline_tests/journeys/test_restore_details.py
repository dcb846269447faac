"""What people notice after a restore: pictures, names, links, who wrote what when, who watches, what is left to do."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from jira_backup_pipeline.engine.restore.apply import apply_plan
from jira_backup_pipeline.engine.restore.options import ApplyOptions
from jira_backup_pipeline.engine.restore.plan import Policy
from jira_backup_pipeline_tests.doubles.restorable import (
    STEADY,
    DirectWriter,
    Fate,
    Killed,
    Restorable,
    no_wait,
    now,
    restorable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.engine.restore.verb import RestoreResult
    from jira_backup_pipeline.sandbox.server import RunningSandbox

NO_HEAD_LINE = ApplyOptions(workers=1, issue_write_limits=(), pause=no_wait, has_head_line=False)


def estimate(sandbox: RunningSandbox) -> None:
    """Give whatever has worklogs estimates too."""
    estimates = {"originalEstimate": "8h", "remainingEstimate": "3h"}
    for issue in sandbox.site.issues.of_project(next(iter(sandbox.site.projects))):
        if sandbox.site.body(issue).worklogs:
            sandbox.edits.edit_issue(sandbox.site.key_of(issue), {"timetracking": estimates})


@pytest.fixture(scope="module")
def site() -> Iterator[Restorable]:
    with restorable(projects=2, issues=100, before=estimate) as made:
        yield made


@pytest.fixture(scope="module")
def result(site: Restorable) -> RestoreResult:
    """The project beside itself, under another key."""
    done = site.restore(site.plan(target_key="COPY"), writer=site.direct(), options=STEADY)
    assert list(done.report.findings) == []
    return done


def pairs(site: Restorable, result: RestoreResult) -> list[tuple[Any, Any]]:
    """Give the bodies of every issue: the original's and the restored one's."""
    sandbox = site.sandbox.site
    return [
        (sandbox.body(sandbox.find_issue(source)), sandbox.body(sandbox.find_issue(target.id)))
        for source, target in result.outcome.id_map.issues.items()
    ]


def nodes(document: Any) -> Iterator[dict[str, Any]]:
    stack = [document] if document else []
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.get("content", ())))


def test_pictures_in_text_are_the_uploaded_files(site: Restorable, result: RestoreResult) -> None:
    shown = 0
    for before, after in pairs(site, result):
        own = {found.media_uuid for found in after.attachments}
        wanted = [node for node in nodes(before.values.get("description")) if "media" in node["type"].lower()]
        found = [node for node in nodes(after.values.get("description")) if "media" in node["type"].lower()]
        assert [node["type"] for node in wanted] == [node["type"] for node in found]
        media = {node["attrs"]["id"] for node in found if node.get("attrs", {}).get("id")}
        assert media <= own
        shown += len(media)
    assert shown > 2


def test_keys_links_and_cards_follow_and_mentions_stay(site: Restorable, result: RestoreResult) -> None:
    keys = result.outcome.id_map.keys
    kinds: Counter[str] = Counter()
    for before, after in pairs(site, result):
        for old, new in zip(
            nodes(before.values.get("description")), nodes(after.values.get("description")), strict=True
        ):
            wanted, found = (json.dumps({**node, "content": None}) for node in (old, new))
            if old["type"] == "mention":
                assert old["attrs"]["id"] == new["attrs"]["id"]
                kinds["mention"] += 1
            for key in {word for word in keys if f"/browse/{word}" in wanted}:
                if f'/browse/{key}"' in wanted:
                    assert f'/browse/{keys[key]}"' in found
                    kinds[old["type"]] += 1
            if "datasource" in old.get("attrs", {}):
                queries = [node["attrs"]["datasource"]["parameters"]["jql"] for node in (old, new)]
                [key] = [word for word in keys if f"({word})" in queries[0]]
                assert queries[1] == queries[0].replace(key, keys[key])
                kinds["list of issues"] += 1
    assert {"list of issues", "mention", "text", "inlineCard", "blockCard", "embedCard"} <= set(kinds)


def test_keys_in_text_fields_follow(site: Restorable, result: RestoreResult) -> None:
    references = [
        (before.values["customfield_10038"], after.values["customfield_10038"])
        for before, after in pairs(site, result)
        if before.values.get("customfield_10038")
    ]
    keys = result.outcome.id_map.keys

    assert references
    for before, after in references:
        number, _, key = before.partition(" / ")
        assert after == f"{number} / {keys[key]}"


def test_who_wrote_what_when_is_kept_as_property_and_at_the_head_of_comments(
    site: Restorable, result: RestoreResult
) -> None:
    sandbox = site.sandbox.site
    names = {account.account_id: account.display_name for account in sandbox.accounts.values()}
    comments = 0
    for before, after in pairs(site, result):
        origin = after.properties["jira-backup.origin"]
        assert origin["creator"] == before.values["creator"]
        assert origin["key"].startswith(f"{site.key}-")
        assert origin["created"] <= origin["updated"]
        for old, new in zip(before.comments, after.comments, strict=True):
            mark = new.properties["jira-backup.origin"]
            assert (mark["id"], mark["author"]) == (str(old.comment_id), old.author)
            [line] = new.body["content"][0]["content"]
            assert line["text"].startswith(f"Originally by {names[old.author]} on 20")
            comments += 1
    assert comments > 50


def test_without_head_lines_comments_are_as_they_were_also_when_a_resume_says_nothing_of_it(
    site: Restorable,
) -> None:
    plan = site.plan(target_key="BARE")
    with pytest.raises(Killed):
        apply_plan(
            site.repository,
            plan,
            site.direct(fate=Fate(150)),
            run="bare-1",
            clock=now,
            options=NO_HEAD_LINE,
        )

    done = site.restore(plan, writer=site.direct(), options=STEADY, resume=True)

    assert list(done.report.findings) == []
    for before, after in pairs(site, done):
        for old, new in zip(before.comments, after.comments, strict=True):
            assert len(old.body["content"]) == len(new.body["content"])
            assert "Originally by" not in json.dumps(new.body)


def test_worklogs_leave_the_remaining_estimate_alone(site: Restorable, result: RestoreResult) -> None:
    with_both = [
        (before, after)
        for before, after in pairs(site, result)
        if before.worklogs and before.values.get("timeestimate") is not None
    ]

    assert with_both
    for before, after in with_both:
        assert before.values["timeestimate"] == after.values["timeestimate"]
        assert [found.seconds for found in before.worklogs] == [found.seconds for found in after.worklogs]


def test_the_restoring_account_watches_only_what_it_watched(site: Restorable, result: RestoreResult) -> None:
    sandbox = site.sandbox.site
    own = sandbox.backup_account_id
    for source, target in result.outcome.id_map.issues.items():
        before, after = sandbox.find_issue(source), sandbox.find_issue(target.id)
        assert (own in before.watchers) == (own in after.watchers)


def test_writing_remote_links_again_makes_no_second_one(site: Restorable, result: RestoreResult) -> None:
    before = [len(after.remote_links) for _, after in pairs(site, result)]
    assert sum(before) > 2
    keys = [link.global_id for _, after in pairs(site, result) for link in after.remote_links]
    assert all(keys)
    assert any(str(key).startswith("jira-backup:") for key in keys)

    site.restore(site.plan(target_key="COPY", policy=Policy.UPDATE), writer=site.direct(), options=STEADY)

    assert before == [len(after.remote_links) for _, after in pairs(site, result)]


class EstimateWatcher(DirectWriter):
    """A writer that notes the remaining estimate of an issue before and after every worklog that is written to it."""

    seen: list[tuple[int | None, int | None]]

    def send(
        self, method: str, path: str, body: object | None = None, query: Mapping[str, str] | None = None
    ) -> object:
        if "/worklog" not in path or path.endswith("/worklog/list"):
            return super().send(method, path, body, query)
        site = self._sandbox.site
        issue = site.find_issue(path.split("/issue/")[1].split("/", maxsplit=1)[0])
        assert issue is not None
        before = site.body(issue).values.get("timeestimate")
        answer = super().send(method, path, body, query)
        self.seen.append((before, site.body(issue).values.get("timeestimate")))
        return answer


def test_no_worklog_that_is_written_changes_the_remaining_estimate(site: Restorable) -> None:
    """Not for a moment: an edit afterwards would cost a request and leave two entries in the history."""
    writer = EstimateWatcher(site.sandbox)
    writer.seen = []

    site.restore(site.plan(target_key="ESTIMATE"), writer=writer, options=STEADY)

    assert sum(before is not None and before > 0 for before, _ in writer.seen) > 10
    assert [pair for pair in writer.seen if pair[0] != pair[1]] == []
