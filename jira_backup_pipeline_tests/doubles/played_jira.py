"""A Jira whose answers a test writes down, spoken over HTTP, and questions about what was read and asked.

What belongs here: the answers that nearly every test wants alike. What stays out: a site with a life of its own (the sandbox).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime
from jira_backup_pipeline_tests.doubles.scripted_http import Reply, ScriptedHttp, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.domain.readings import IssueUnit

    Answer = Callable[[Seen], Reply] | Reply

_EMPTY: dict[str, Any] = {"total": 0, "startAt": 0, "maxResults": 20}


def issue(number: int, **fields: Any) -> dict[str, Any]:
    lists = {"comment": {**_EMPTY, "comments": []}, "worklog": {**_EMPTY, "worklogs": []}}
    project = {"id": "10000", "key": "K"}
    return {
        "id": str(number),
        "key": f"K-{number}",
        "fields": {"updated": "2026-01-02T03:04:05.006+0000", "project": project, **lists, **fields},
    }


class PlayedJira:
    """Answers by the end of the path; what is not played is 404."""

    def __init__(self, issues: list[dict[str, Any]] | None = None, **answers: Answer) -> None:
        self.issues = {item["id"]: item for item in issues or []}
        self.answers: dict[str, Answer] = {
            name.replace("__", "/"): answer for name, answer in answers.items()
        }

    def __call__(self, seen: Seen) -> Reply:
        for end, answer in self.answers.items():
            if seen.path.endswith(end):
                return answer if isinstance(answer, Reply) else answer(seen)
        if seen.path.endswith("/issue/bulkfetch"):
            ids = seen.document["issueIdsOrKeys"]
            return Reply.json({"issues": [self.issues[i] for i in ids if i in self.issues]})
        if seen.path.endswith("/changelog/bulkfetch"):
            return Reply.json({"issueChangeLogs": []})
        if seen.path.endswith(("/comment/list", "/worklog/list")):
            listed = [{"id": str(number), "properties": []} for number in seen.document["ids"]]
            return Reply.json({"values": listed} if "comment" in seen.path else listed)
        return Reply.json({"errorMessages": [f"nothing at {seen.path}"]}, 404)


def asking(played: PlayedJira, ask: Callable[[CloudReader], Any]) -> tuple[Any, list[Seen]]:
    with ScriptedHttp(played) as server:
        config = JiraConfig(server.url, "backup@example.net", Secret("token"))
        with connect(config, timing=PlayedTime().timing()) as client:
            return ask(CloudReader(client)), server.seen


def units(played: PlayedJira, *ids: str, **options: Any) -> tuple[list[IssueUnit], list[Seen]]:
    options.setdefault("links_of", ())
    return asking(played, lambda reader: list(reader.issue_units(ids or list(played.issues), **options)))


def asked(seen: list[Seen], end: str) -> int:
    return sum(one.path.endswith(end) for one in seen)


def kinds(unit: IssueUnit, kind: str) -> list[str]:
    return [record.id for record in unit.records if record.kind == kind]
