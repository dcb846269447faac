"""Made change histories: a chain of entries for each issue that ends in its present values.

What belongs here: the entries, their authors and dates, and the shapes that Jira gives to single items.

What stays out: the way through the workflow and which issues are eventful (``plan``), the issue's other parts
(``bodies``), and entries of real changes (``changes``).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import adf
from jira_backup_pipeline.sandbox.model import History, Issue, IssueBody
from jira_backup_pipeline.sandbox.seed import field_catalogue as fields
from jira_backup_pipeline.sandbox.seed import prose
from jira_backup_pipeline.sandbox.seed.plan import HISTORY, Pool, status_path, stream

if TYPE_CHECKING:
    import random

    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.site import Site


def item(
    name: str,
    field_id: str | None,
    before: tuple[str | None, str | None],
    after: tuple[str | None, str | None],
    *,
    custom: bool = False,
) -> JsonObject:
    """One item of an entry; an item without a field id is how Jira writes parent changes."""
    value: JsonObject = {"field": name, "fieldtype": "custom" if custom else "jira"}
    if field_id is not None:
        value["fieldId"] = field_id
    return value | {"from": before[0], "fromString": before[1], "to": after[0], "toString": after[1]}


def histories(
    site: Site, pool: Pool, issue: Issue, body: IssueBody, position: int, *, eventful: bool
) -> list[History]:
    """All the entries of a made issue, oldest first."""
    source = stream(site.seed, issue, HISTORY)
    groups = _assignments(site, pool, source, body)
    groups += _smaller_changes(site, pool, source, issue, body)
    for attached in body.attachments:
        groups.append(
            [item("Attachment", "attachment", (None, None), (str(attached.attachment_id), attached.filename))]
        )
    groups += _link_items(site, issue)
    if eventful:
        groups += [_rank(source) for _ in range(source.randint(45, 110))]
    groups = _interleaved(source, groups, _status_steps(site, issue, body))
    if issue.parent_id is not None and source.random() < 0.3:
        parent = site.issues.by_id[issue.parent_id]
        key = f"{pool.key}-{parent.number}"
        groups.insert(0, [item("IssueParentAssociation", None, (None, None), (str(parent.issue_id), key))])
    moments = sorted(source.randint(issue.created_ms + 1, issue.updated_ms) for _ in groups)
    first = 100_000 + position * 512
    return [
        History(first + number, source.choice(pool.people), at, items)
        for number, (at, items) in enumerate(zip(moments, groups, strict=True))
    ]


def _interleaved(
    source: random.Random, groups: list[list[JsonObject]], steps: list[list[JsonObject]]
) -> list[list[JsonObject]]:
    """Merge two chains, each keeping its own order."""
    merged: list[list[JsonObject]] = []
    left, right = list(groups), list(steps)
    while left or right:
        chosen = (
            left if left and (not right or source.random() < len(left) / (len(left) + len(right))) else right
        )
        merged.append(chosen.pop(0))
    return merged


def _status_steps(site: Site, issue: Issue, body: IssueBody) -> list[list[JsonObject]]:
    path = status_path(site.seed, issue, site.workflow_of(issue))
    steps: list[list[JsonObject]] = []
    resolved: tuple[str | None, str | None] = (None, None)
    for number in range(1, len(path)):
        before, after = site.statuses[path[number - 1][1]], site.statuses[path[number][1]]
        items = [item("status", "status", (before.status_id, before.name), (after.status_id, after.name))]
        last = number == len(path) - 1
        found = (
            site.resolutions.get(body.values.get("resolution") or "") if last else site.resolutions["10000"]
        )
        wanted = (found.item_id, found.name) if after.category == "done" and found else (None, None)
        if wanted != resolved:
            items.append(item("resolution", "resolution", resolved, wanted))
            resolved = wanted
        steps.append(items)
    return steps


def _assignments(site: Site, pool: Pool, source: random.Random, body: IssueBody) -> list[list[JsonObject]]:
    present = body.values.get("assignee")
    chain: list[str | None] = [None if source.random() < 0.6 else source.choice(pool.people)]
    chain += [source.choice(pool.people) for _ in range(source.choice((0, 0, 0, 1)))]
    chain.append(present)
    groups: list[list[JsonObject]] = []
    for before, after in itertools.pairwise(chain):
        if before != after:
            names = [
                (who, site.accounts[who].display_name) if who else (None, None) for who in (before, after)
            ]
            groups.append([item("assignee", "assignee", names[0], names[1])])
    return groups


def _smaller_changes(
    site: Site, pool: Pool, source: random.Random, issue: Issue, body: IssueBody
) -> list[list[JsonObject]]:
    values = body.values
    groups: list[list[JsonObject]] = []
    if source.random() < 0.2:
        groups.append(
            [item("summary", "summary", (None, prose.phrase(source, 4, 9)), (None, values["summary"]))]
        )
    if source.random() < 0.12 and values.get("description"):
        earlier_text = (None, prose.paragraph(source))
        groups.append(
            [item("description", "description", earlier_text, (None, adf.plain_text(values["description"])))]
        )
    if issue.labels and source.random() < 0.5:
        groups.append([item("labels", "labels", (None, ""), (None, " ".join(issue.labels)))])
    if source.random() < 0.25:
        present = site.priorities[values["priority"]]
        earlier = source.choice([p for p in site.priorities.values() if p is not present])
        groups.append(
            [item("priority", "priority", (earlier.item_id, earlier.name), (present.item_id, present.name))]
        )
    if values.get(fields.SPRINT):
        names = [site.sprints[s] for s in values[fields.SPRINT] if s in site.sprints]
        after = (", ".join(str(s.sprint_id) for s in names), ", ".join(s.name for s in names))
        groups.append([item("Sprint", fields.SPRINT, ("", ""), after, custom=True)])
    if source.random() < 0.3:
        groups.append(_rank(source))
    spent = 0
    before: tuple[str | None, str | None]
    for worklog in body.worklogs:
        before = (str(spent), str(spent)) if spent else (None, None)
        spent += worklog.seconds
        groups.append(
            [
                item("timespent", "timespent", before, (str(spent), str(spent))),
                item("WorklogId", None, (None, None), (str(worklog.worklog_id), str(worklog.worklog_id))),
            ]
        )
    del pool
    return groups


def _rank(source: random.Random) -> list[JsonObject]:
    direction = source.choice(("Ranked higher", "Ranked lower"))
    return [item("Rank", fields.RANK, ("", ""), ("", direction), custom=True)]


def _link_items(site: Site, issue: Issue) -> list[list[JsonObject]]:
    groups: list[list[JsonObject]] = []
    for link in site.links_of_issue(issue.issue_id):
        outward = link.source_id == issue.issue_id
        other = site.issues.by_id[link.destination_id if outward else link.source_id]
        words = site.link_types[link.type_id].outward if outward else site.link_types[link.type_id].inward
        key = site.key_of(other)
        groups.append([item("Link", "issuelinks", (None, None), (key, f"This issue {words} {key}"))])
    return groups
