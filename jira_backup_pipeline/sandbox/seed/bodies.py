"""Makes the heavy part of a made issue when it is asked for: fields, comments, worklogs, history, files.

What belongs here: the ``IssueSource`` of made sites, which gives the same issue the same body each time, and
the parts without a module of their own: comments, worklogs, files, remote links, properties.

What stays out: light facts and counts (``plan``), values of fields (``field_values``), history
(``histories``), and text (``prose``, ``documents``).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.model import (
    Attachment,
    Comment,
    FileContent,
    Issue,
    IssueBody,
    RemoteLink,
    Visibility,
    Worklog,
)
from jira_backup_pipeline.sandbox.seed import documents, plan, prose
from jira_backup_pipeline.sandbox.seed.field_values import Choices, Making, field_values
from jira_backup_pipeline.sandbox.seed.histories import histories

if TYPE_CHECKING:
    import random

    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.site import Site

_FILES = (
    ("png", "image/png", False),
    ("log", "text/plain", True),
    ("csv", "text/csv", True),
    ("pdf", "application/pdf", False),
    ("zip", "application/zip", False),
)


class SeededBodies:
    """Bodies of made issues."""

    def __init__(self, site: Site, pools: dict[int, plan.Pool], first_issue_id: int) -> None:
        self._site = site
        self._pools = pools
        self._first_issue_id = first_issue_id
        self._first_project = next(iter(pools), 0)
        self._choices = Choices.of(site)
        self._names = {account.account_id: account.display_name for account in site.accounts.values()}

    def brief(self, issue: Issue) -> tuple[str, str]:
        """Summary and priority."""
        source = plan.stream(self._site.seed, issue, plan.BRIEF)
        return prose.phrase(source, 4, 10), source.choices("12345", (5, 20, 50, 18, 7))[0]

    def body(self, issue: Issue) -> IssueBody:
        """Everything of an issue."""
        pool = self._pools[self._home(issue)]
        attachments = self._attachments(issue, pool)
        around = self._surroundings(issue, pool, attachments)
        body = IssueBody(self._values(issue, pool, around))
        body.attachments = attachments
        body.comments = self._comments(issue, pool, around)
        body.worklogs = self.worklogs(issue)
        self._lesser_parts(issue, body)
        special = issue.project_id == self._first_project
        body.histories = histories(
            self._site,
            pool,
            issue,
            body,
            issue.issue_id - self._first_issue_id,
            eventful=plan.is_eventful(self._site.seed, issue, special=special),
        )
        return body

    def _home(self, issue: Issue) -> int:
        return issue.project_id

    def _surroundings(
        self, issue: Issue, pool: plan.Pool, attachments: list[Attachment]
    ) -> documents.Surroundings:
        source = plan.stream(self._site.seed, issue, plan.FILES)
        count = max(pool.issue_count, 1)
        keys = [f"{pool.key}-{source.randint(1, count)}" for _ in range(3)]
        pictures = [item.media_uuid for item in attachments if item.mime_type.startswith("image/")]
        return documents.Surroundings([(who, self._names[who]) for who in pool.people], keys, pictures[:2])

    def _values(self, issue: Issue, pool: plan.Pool, around: documents.Surroundings) -> JsonObject:
        source = plan.stream(self._site.seed, issue, plan.FIELDS)
        summary, priority = self.brief(issue)
        special = issue.project_id == self._first_project and issue.number in {2, 5}
        done = self._site.statuses[issue.status_id].category == "done"
        making = Making(source, pool, around, self._choices, issue)
        return field_values(making, summary, priority, done=done, special=special)

    def _comments(self, issue: Issue, pool: plan.Pool, around: documents.Surroundings) -> list[Comment]:
        start, count = self._site.issues.comments.start_of(issue.issue_id)
        if not count:
            return []
        source = plan.stream(self._site.seed, issue, plan.COMMENTS)
        moments = sorted(source.randint(issue.created_ms, issue.updated_ms) for _ in range(count))
        made: list[Comment] = []
        for number, at in enumerate(moments):
            author = source.choice(pool.people)
            edited = source.random() < 0.1
            comment = Comment(
                start + number,
                author,
                documents.note(source, around),
                at,
                source.randint(at, issue.updated_ms) if edited else at,
                source.choice(pool.people) if edited else author,
                self._visibility(source),
            )
            if source.random() < 0.02:
                comment.properties["sandbox.mood"] = {"value": source.randint(1, 5)}
            made.append(comment)
        return made

    def _visibility(self, source: random.Random) -> Visibility | None:
        draw = source.random()
        if draw < 0.015:
            role = next(iter(self._site.roles.values()))
            return Visibility("role", role.name, role.item_id)
        if draw < 0.03:
            group = list(self._site.groups.values())[2]
            return Visibility("group", group.name, group.group_id)
        return None

    def worklogs(self, issue: Issue) -> list[Worklog]:
        """The worklogs alone."""
        start, count = self._site.issues.worklogs.start_of(issue.issue_id)
        if not count:
            return []
        source = plan.stream(self._site.seed, issue, plan.WORKLOGS)
        people = self._pools[self._home(issue)].people
        moments = sorted(source.randint(issue.created_ms, issue.updated_ms) for _ in range(count))
        made: list[Worklog] = []
        for number, at in enumerate(moments):
            author = source.choice(people)
            text = {"type": "doc", "version": 1, "content": [documents.paragraph(source)]}
            worklog = Worklog(
                start + number,
                author,
                text if source.random() < 0.6 else None,
                at - source.randint(0, 8) * 3_600_000,
                at,
                at,
                source.randint(1, 16) * 900,
                author,
            )
            if source.random() < 0.03:
                worklog.properties["sandbox.billing"] = {"billable": True}
            made.append(worklog)
        return made

    def _attachments(self, issue: Issue, pool: plan.Pool) -> list[Attachment]:
        start, count = self._site.issues.attachments.start_of(issue.issue_id)
        source = plan.stream(self._site.seed, issue, plan.FILES)
        made: list[Attachment] = []
        for number in range(count):
            suffix, mime, text_like = source.choice(_FILES)
            if count == len(plan.NASTY_NAMES):
                name = plan.NASTY_NAMES[number]
                mime = "image/png" if name.endswith(".png") else "application/octet-stream"
            else:
                name = f"{'-'.join(prose.words(source, 2))}.{suffix}"
            size = int(min(20_000.0, source.paretovariate(0.8) * 200)) if number != 1 else 0
            content = FileContent(size, source.getrandbits(60), text_like=text_like)
            media_uuid = str(uuid.UUID(int=source.getrandbits(128), version=4))
            at = source.randint(issue.created_ms, issue.updated_ms)
            made.append(
                Attachment(
                    start + number,
                    issue.issue_id,
                    name,
                    source.choice(pool.people),
                    at,
                    mime,
                    media_uuid,
                    content,
                )
            )
        return made

    def _lesser_parts(self, issue: Issue, body: IssueBody) -> None:
        source = plan.stream(self._site.seed, issue, plan.FILES)
        source.random()
        position = issue.issue_id - self._first_issue_id
        for number in range(source.choices((0, 1, 2), (94, 4, 2))[0]):
            target: JsonObject = {
                "url": f"https://tracker.example.invalid/item/{source.randint(1, 9999)}",
                "title": prose.phrase(source, 2, 5),
                "summary": prose.sentence(source),
                "icon": {"url16x16": "https://tracker.example.invalid/icon.png", "title": "Tracker"},
                "status": {"resolved": source.random() < 0.5, "icon": {}},
            }
            global_id = f"system=tracker&id={issue.issue_id}-{number}" if source.random() < 0.7 else None
            body.remote_links.append(
                RemoteLink(
                    10_001 + position * 4 + number,
                    global_id,
                    target,
                    {"type": "com.example.tracker", "name": "Tracker"} if global_id else {},
                    "mentioned in" if source.random() < 0.5 else None,
                )
            )
        if source.random() < 0.1:
            body.properties["sandbox.source"] = {
                "origin": prose.phrase(source, 1, 3),
                "row": source.randint(1, 9999),
            }
        if source.random() < 0.03:
            body.properties["sandbox.review"] = [1, "two", {"three": None}]
