"""Decides the light facts of every made project and issue: place, type, parent, dates, counts, links.

What belongs here: what search and links need of an issue, drawn once at start, so it must stay cheap (a few
microseconds an issue), and the streams of random numbers by which the rest is made later.

What stays out: what an issue contains (``bodies``), and what a site has before its projects
(``configuration``).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.clock import DAY_MS
from jira_backup_pipeline.sandbox.model import (
    Board,
    Component,
    Issue,
    IssueLink,
    Project,
    Sprint,
    Version,
    Workflow,
)
from jira_backup_pipeline.sandbox.seed import configuration as kinds
from jira_backup_pipeline.sandbox.seed import prose
from jira_backup_pipeline.sandbox.seed.field_catalogue import OFF_CREATE_SCREEN

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

FIRST_MS = 1_672_617_600_000  # 2023-01-02, a Monday
SPAN_DAYS = 1_000
PROJECT_KEYS = ["APP", "OPS", "WEB", "MOB", "DATA", "INFRA", "PAY", "DOCS", "TOOLS", "QA"]

# The streams of random numbers of one issue: separate, so that a part can be made without the others.
LIGHT, BRIEF, PATH, FIELDS, COMMENTS, WORKLOGS, HISTORY, FILES = range(8)


@dataclass(slots=True)
class Pool:
    """What the issues of a project choose from, fixed at start so that later edits cannot change what is made."""

    key: str
    issue_count: int
    people: list[str]
    components: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    sprints: list[int] = field(default_factory=list)


def stream(seed: int, issue: Issue, part: int) -> random.Random:
    """The random numbers of one part of one issue."""
    return random.Random(((seed * 1_000_003 + issue.project_id) * 10_000_019 + issue.number) * 8 + part)


def add_projects(site: Site, count: int) -> dict[int, Pool]:
    """Make projects with components, versions, roles, a board and sprints."""
    pools: dict[int, Pool] = {}
    people = [account_id for account_id in site.accounts if account_id != site.backup_account_id]
    for position in range(count):
        source = random.Random(f"project/{site.seed}/{position}")
        key = PROJECT_KEYS[position] if position < len(PROJECT_KEYS) else f"PRJ{position + 1}"
        project = Project(
            site.next_id("project"),
            key,
            f"{prose.phrase(source, 1, 2)} {key.title()}",
            source.choice(people[:-1]),
        )
        project.description = prose.paragraph(source)
        project.category_id = "10000" if position % 2 == 0 else None
        project.issue_types = list(site.issue_types)
        project.workflows = {
            "default": "Software workflow",
            kinds.BUG: "Bug workflow",
            kinds.SUBTASK: "Simplified workflow",
        }
        project.off_create_screen = set(OFF_CREATE_SCREEN)
        project.properties = {"sandbox.owner": {"cost-centre": 100 + position, "tags": ["made", key.lower()]}}
        project.features = {"jsw.classic.roadmap": "ENABLED", "jsw.classic.deployments": "DISABLED"}
        site.projects[project.project_id] = project
        _add_roles(site, project, source, people)
        pool = Pool(key, 0, people)
        _add_parts(site, project, pool, source)
        pools[project.project_id] = pool
    return pools


def _add_roles(site: Site, project: Project, source: random.Random, people: list[str]) -> None:
    roles = list(site.roles)
    groups = {group.name: group.group_id for group in site.groups.values()}
    site.add_role_actors(
        project, roles[0], [site.backup_account_id, project.lead], [groups["jira-administrators"]]
    )
    site.add_role_actors(project, roles[1], [site.backup_account_id, *source.sample(people[:-1], 4)], [])
    site.add_role_actors(project, roles[2], [site.backup_account_id], [groups["jira-users"]])


def _add_parts(site: Site, project: Project, pool: Pool, source: random.Random) -> None:
    for number in range(5):
        component = Component(
            site.next_id("component"), project.project_id, f"{prose.phrase(source, 1, 2)} {number}"
        )
        component.description = prose.sentence(source) if number % 2 else ""
        component.lead = source.choice(pool.people[:-1]) if number % 2 else None
        site.components[component.component_id] = component
        pool.components.append(component.component_id)
    for number in range(6):
        version = Version(site.next_id("version"), project.project_id, f"{1 + number // 4}.{number % 4}.0")
        version.description = prose.sentence(source)
        version.released = number < 4
        version.archived = number == 0
        version.release_date = f"202{3 + number // 3}-0{1 + number}-15"
        version.start_date = f"202{3 + number // 3}-0{1 + number}-01"
        site.versions[version.version_id] = version
        pool.versions.append(version.version_id)
    board = Board(site.next_id("board"), f"{project.key} board", "scrum", project.project_id)
    board.filter_id = site.next_id("filter")
    board.properties = {"sandbox.planning": {"capacity": 40, "team": project.key.lower()}}
    site.boards[board.board_id] = board
    for number in range(8):
        start = FIRST_MS + number * 120 * DAY_MS
        state = "closed" if number < 6 else "active" if number == 6 else "future"
        sprint = Sprint(site.next_id("sprint"), board.board_id, f"{project.key} Sprint {number + 1}", state)
        sprint.goal = prose.sentence(source)
        if state != "future":
            sprint.start_ms, sprint.end_ms = start, start + 14 * DAY_MS
        if state == "closed":
            sprint.complete_ms = start + 14 * DAY_MS + 3_600_000
        site.sprints[sprint.sprint_id] = sprint
        pool.sprints.append(sprint.sprint_id)


@dataclass(slots=True)
class _Draft:
    created_ms: int
    project_id: int
    number: int
    type_id: str
    parent_number: int | None


def add_issues(site: Site, pools: dict[int, Pool], total: int) -> None:
    """Make the light records of all issues, spread evenly over the projects, and the links between them."""
    drafts: list[_Draft] = []
    ids = list(pools)
    for position, project_id in enumerate(ids):
        count = total // len(ids) + (1 if position < total % len(ids) else 0)
        pools[project_id].issue_count = count
        drafts.extend(_drafts(site.seed, project_id, count))
        site.projects[project_id].issue_count = count
    drafts.sort(key=lambda draft: (draft.created_ms, draft.project_id, draft.number))
    next_ids = {"comment": 10_000, "worklog": 10_000, "attachment": 10_000}
    first_project = ids[0] if ids else 0
    for draft in drafts:
        issue = Issue(
            site.next_id("issue"),
            draft.project_id,
            draft.number,
            draft.type_id,
            "",
            draft.created_ms,
            draft.created_ms,
        )
        if draft.parent_number is not None:
            issue.parent_id = site.issues.by_number[draft.project_id][draft.parent_number]
        _light(site, issue, pools[draft.project_id], next_ids, special=draft.project_id == first_project)
        site.issues.add(issue)
    for noun, last in next_ids.items():
        site.reserve_ids(noun, last)
    site.reserve_ids("history", 100_000 + (len(drafts) + 1) * 512)
    site.reserve_ids("remotelink", 10_000 + (len(drafts) + 1) * 4)
    _add_links(site, pools)


def _drafts(seed: int, project_id: int, count: int) -> list[_Draft]:
    source = random.Random(f"issues/{seed}/{project_id}")
    step = SPAN_DAYS * DAY_MS / max(count, 1)
    at = float(FIRST_MS)
    epics: list[int] = []
    standard: list[int] = []
    made: list[_Draft] = []
    for number in range(1, count + 1):
        at += source.random() * 2 * step
        draw = source.random()
        parent: int | None = None
        if number == 1 or draw < 0.04:
            type_id = kinds.EPIC
            epics.append(number)
        elif draw < 0.19 and standard:
            type_id = kinds.SUBTASK
            parent = standard[-1 - int(source.random() ** 2 * min(len(standard), 30))]
        else:
            type_id = kinds.STORY if draw < 0.5 else kinds.TASK if draw < 0.78 else kinds.BUG
            standard.append(number)
            if source.random() < 0.4:
                parent = epics[-1 - int(source.random() * min(len(epics), 6))]
        made.append(_Draft(int(at), project_id, number, type_id, parent))
    return made


_LABELS = [f"{word}-{suffix}" for suffix in ("area", "risk", "later") for word in prose.COMMON[60:90]]
_COUNTS = [0, 1, 2, 3, 4, 5]
_COMMENT_WEIGHTS = [62, 20, 9, 5, 2, 2]
_FILE_WEIGHTS = [88, 8, 3, 1, 0, 0]
_WORKLOG_WEIGHTS = [86, 8, 3, 1, 1, 1]


def _light(site: Site, issue: Issue, pool: Pool, next_ids: dict[str, int], *, special: bool) -> None:
    source = stream(site.seed, issue, LIGHT)
    issue.updated_ms = issue.created_ms + int(source.expovariate(1 / 30.0) * DAY_MS) % (90 * DAY_MS) + 60_000
    issue.status_id = status_path(site.seed, issue, site.workflow_of(issue))[-1][1]
    if source.random() < 0.45:
        issue.labels = source.sample(_LABELS, source.randint(1, 3))
    if source.random() < 0.7:
        issue.watchers = source.sample(pool.people, source.choice((1, 1, 2, 3)))
        if source.random() < 0.05:
            issue.watchers.append(site.backup_account_id)
    if source.random() < 0.12:
        issue.voters = source.sample(pool.people, source.randint(1, 3))
    counts = {
        "comment": source.choices(_COUNTS, _COMMENT_WEIGHTS)[0],
        "worklog": source.choices(_COUNTS, _WORKLOG_WEIGHTS)[0],
        "attachment": source.choices(_COUNTS, _FILE_WEIGHTS)[0],
    }
    # A few issues pass the inline caps: one of each sort in the first project, and rarely anywhere.
    rare = source.random()
    if (special and issue.number == 7) or rare < 0.0015:
        counts["comment"] = source.randint(25, 60)
    elif (special and issue.number == 11) or rare < 0.003:
        counts["worklog"] = source.randint(22, 40)
    if special and issue.number == 5:
        counts["attachment"] = len(NASTY_NAMES)
    for noun, locator in (
        ("comment", site.issues.comments),
        ("worklog", site.issues.worklogs),
        ("attachment", site.issues.attachments),
    ):
        if counts[noun]:
            locator.reserve(next_ids[noun], counts[noun], issue.issue_id)
            next_ids[noun] += counts[noun]


NASTY_NAMES = (
    "report.pdf",
    "../../etc/passwd",
    "naïve résumé \u2013 draft (final) №2.txt",
    "日本語の報告書.png",
    "a/b\\c:d*e?.log",
    "x" * 250 + ".txt",
    "\u202egnp.exe",
    " leading and trailing .csv ",
    "CON",
    'quote"and;semicolon=.bin',
)


def status_path(seed: int, issue: Issue, workflow: Workflow) -> list[tuple[str, str]]:
    """The walk of a made issue through its workflow: (transition id, status), the initial status first."""
    source = stream(seed, issue, PATH)
    path = [("", workflow.statuses[0])]
    for _ in range(source.choices((0, 1, 2, 3, 4, 6), (22, 18, 20, 24, 10, 6))[0]):
        here = path[-1][1]
        steps = [
            t for t in workflow.transitions if (t.sources is None or here in t.sources) and t.target != here
        ]
        # Mostly forward: the later a status stands in the workflow, the likelier it is chosen.
        weights = [1 + 3 * workflow.statuses.index(step.target) for step in steps]
        step = source.choices(steps, weights)[0]
        path.append((step.transition_id, step.target))
    return path


def is_eventful(seed: int, issue: Issue, *, special: bool) -> bool:
    """Whether a made issue has a history beyond the inline cap."""
    return (special and issue.number == 13) or stream(seed, issue, HISTORY).random() < 0.002


def _add_links(site: Site, pools: dict[int, Pool]) -> None:
    source = random.Random(f"links/{site.seed}")
    everything = list(site.issues.by_id)
    types = list(site.link_types)
    taken: set[tuple[int, int, str]] = set()
    for issue in site.issues:
        if source.random() >= 0.16 or len(everything) < 2:
            continue
        own = site.issues.by_number[issue.project_id]
        inside = source.random() < 0.8
        other = (
            own[source.randint(1, pools[issue.project_id].issue_count)]
            if inside
            else source.choice(everything)
        )
        type_id = source.choice(types)
        if other == issue.issue_id or (issue.issue_id, other, type_id) in taken:
            continue
        taken.add((issue.issue_id, other, type_id))
        link = IssueLink(site.next_id("link"), type_id, issue.issue_id, other)
        site.links[link.link_id] = link
        site.links_of.setdefault(issue.issue_id, []).append(link.link_id)
        site.links_of.setdefault(other, []).append(link.link_id)
