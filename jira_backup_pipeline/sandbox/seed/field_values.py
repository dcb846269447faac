"""What the fields of a made issue hold: for each field a chance and a way to make the value.

What belongs here: the table of chances, and the numbers at the edge of what a backup can hold.

What stays out: which fields there are (``field_catalogue``), comments and the other parts (``bodies``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from jira_backup_pipeline.sandbox.clock import DAY_MS
from jira_backup_pipeline.sandbox.people_values import TEAMS
from jira_backup_pipeline.sandbox.seed import configuration as kinds
from jira_backup_pipeline.sandbox.seed import documents, prose
from jira_backup_pipeline.sandbox.seed import field_catalogue as fields
from jira_backup_pipeline.sandbox.seed.plan import FIRST_MS
from jira_backup_pipeline.sandbox.setup.schemes import LEVELS

if TYPE_CHECKING:
    import random

    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.seed.plan import Pool
    from jira_backup_pipeline.sandbox.site import Site

_AWKWARD_NUMBERS = (0.1 + 0.2, 1e300, -1.5e-7, 9007199254740993.0, 9.223372036854775807e18, 0.0, -3.25)


@dataclass(frozen=True, slots=True)
class Choices:
    """What values are chosen from, noted at start: things made later must not change what is made."""

    options: dict[str, list[int]]
    children: dict[int, list[int]]
    resolutions: list[str]
    groups: list[str]
    projects: list[int]

    @classmethod
    def of(cls, site: Site) -> Choices:
        """The choices of a site as it is now."""
        top: dict[str, list[int]] = {}
        children: dict[int, list[int]] = {}
        for option in site.options.values():
            if option.parent_id is None:
                top.setdefault(option.field_id, []).append(option.option_id)
            else:
                children.setdefault(option.parent_id, []).append(option.option_id)
        return cls(top, children, list(site.resolutions), list(site.groups), list(site.projects))


@dataclass(frozen=True, slots=True)
class Making:
    """All that a value may be made from."""

    source: random.Random
    pool: Pool
    around: documents.Surroundings
    choices: Choices
    issue: Issue

    def option(self, field_id: str) -> int:
        """One of the options of a field."""
        return self.source.choice(self.choices.options[field_id])

    def day(self) -> str:
        """Some day."""
        source = self.source
        return f"202{source.randint(3, 5)}-{source.randint(1, 12):02d}-{source.randint(1, 28):02d}"


def _cascade(make: Making) -> list[int]:
    parent = make.option(fields.REGION)
    chosen = [parent]
    if make.source.random() < 0.8:
        chosen.append(make.source.choice(make.choices.children[parent]))
    return chosen


def _cost(make: Making) -> float:
    if make.source.random() < 0.3:
        return make.source.choice(_AWKWARD_NUMBERS)
    return round(make.source.uniform(0, 900), 2)


def _sprints(make: Making) -> list[int]:
    """One sprint, or a closed one and the next; the last two are open, and an issue is in one open sprint at most."""
    last = make.source.randrange(len(make.pool.sprints))
    first = max(0, last - make.source.choice((0, 0, 1)))
    return make.pool.sprints[last if last == len(make.pool.sprints) - 1 else first : last + 1]


_Maker: TypeAlias = Callable[[Making], "Json"]
_CHANCES: tuple[tuple[float, str, _Maker], ...] = (
    (0.04, "environment", lambda make: documents.note(make.source, make.around)),
    (0.2, "duedate", Making.day),
    (0.4, "components", lambda make: make.source.sample(make.pool.components, make.source.choice((1, 1, 2)))),
    (0.3, "fixVersions", lambda make: [make.source.choice(make.pool.versions)]),
    (0.25, "timeoriginalestimate", lambda make: make.source.randint(1, 40) * 1800),
    (0.25, "timeestimate", lambda make: make.source.randint(0, 20) * 1800),
    (0.4, fields.STORY_POINTS, lambda make: float(make.source.choice((1, 2, 3, 5, 8, 13)))),
    (0.1, fields.START_DATE, Making.day),
    (0.03, fields.FLAGGED, lambda make: [make.option(fields.FLAGGED)]),
    (0.3, fields.SEVERITY, lambda make: make.option(fields.SEVERITY)),
    (0.15, fields.PLATFORMS, lambda make: make.source.sample(make.choices.options[fields.PLATFORMS], 2)),
    (0.12, fields.REGION, _cascade),
    (0.2, fields.REVIEWER, lambda make: make.source.choice(make.pool.people)),
    (0.05, fields.APPROVERS, lambda make: make.source.sample(make.pool.people, 2)),
    (0.12, fields.COST, _cost),
    (
        0.08,
        fields.REFERENCE_URL,
        lambda make: f"https://docs.example.invalid/{make.source.randint(1, 999)}?a=1&b=%C3%BC",
    ),
    (0.06, fields.RELEASE_NOTES, lambda make: documents.note(make.source, make.around)),
    (
        0.12,
        fields.CUSTOMER_REF,
        lambda make: f"REF-{make.source.randint(1000, 99999)} / {make.around.keys[0]}",
    ),
    (
        0.06,
        fields.DUE_TIME,
        lambda make: FIRST_MS + make.source.randrange(1000) * DAY_MS + make.source.randrange(1440) * 60_000,
    ),
    (0.08, fields.KEYWORDS, lambda make: sorted(set(prose.words(make.source, 3)))),
    (0.08, fields.FOUND_IN, lambda make: make.source.choice(make.pool.versions)),
    (0.05, fields.AFFECTED_BUILDS, lambda make: make.source.sample(make.pool.versions, 2)),
    (0.06, fields.CHECKLIST, lambda make: [make.option(fields.CHECKLIST)]),
    (0.1, fields.CHANNEL, lambda make: make.option(fields.CHANNEL)),
    (0.05, fields.SQUAD, lambda make: make.source.choice(make.choices.groups)),
    (0.03, fields.RELATED_PROJECT, lambda make: make.source.choice(make.choices.projects)),
    (0.05, fields.EXTERNAL_SCORE, lambda make: make.source.random() * 100),
    (0.04, fields.CONSULTED, lambda make: make.source.sample(make.choices.groups, 2)),
    (0.04, fields.IMPORTED_FROM, lambda make: f"old tracker, line {make.source.randint(1, 9999)}"),
    (0.03, fields.IMPORTED_ID, lambda make: float(make.source.randint(1, 99_999))),
)


def field_values(make: Making, summary: str, priority: str, *, done: bool, special: bool) -> JsonObject:
    """The values of a made issue; a special one shows every sort of rich text."""
    source, people, issue = make.source, make.pool.people, make.issue
    reporter = source.choice(people)
    values: JsonObject = {
        "summary": summary,
        "priority": priority,
        "reporter": reporter,
        "creator": reporter if source.random() < 0.9 else source.choice(people),
        "assignee": source.choice(people) if source.random() < 0.8 else None,
        "statuscategorychangedate": issue.updated_ms,
        fields.RANK: _rank(issue.number),
    }
    if special:
        values["description"] = documents.every_node(source, make.around)
    elif source.random() < 0.88 or make.around.media:
        values["description"] = documents.description(source, make.around)
    if done:
        values["resolution"] = source.choices(make.choices.resolutions, (80, 8, 6, 6))[0]
        values["resolutiondate"] = issue.updated_ms
    if issue.type_id == kinds.BUG and source.random() < 0.5:
        values["versions"] = source.sample(make.pool.versions, source.choice((1, 2)))
    if issue.type_id == kinds.EPIC:
        values[fields.EPIC_NAME] = prose.phrase(source, 1, 3)
    elif issue.type_id != kinds.SUBTASK and source.random() < 0.55:
        values[fields.SPRINT] = _sprints(make)
    for chance, field_id, maker in _CHANCES:
        if source.random() < chance:
            values[field_id] = maker(make)
    return values | _by_type(make)


def _rank(number: int) -> str:
    """A rank of its own for each number, in an order that is not that of the numbers."""
    return f"0|i{number * 617_411 % 1_048_573:06x}:"


def _by_type(make: Making) -> JsonObject:
    """What epics have alone, and what sub-tasks take over from their parent."""
    values: JsonObject = {}
    if make.issue.type_id == kinds.EPIC:
        values[fields.EPIC_COLOUR] = f"ghx-label-{make.source.randint(1, 9)}"
        values[fields.EPIC_STATUS] = make.option(fields.EPIC_STATUS)
    if make.issue.type_id != kinds.SUBTASK and make.source.random() < 0.2:
        values[fields.TEAM] = make.source.choice(list(TEAMS))
    # The first project alone follows a security scheme.
    is_first = make.issue.project_id == make.choices.projects[0]
    if is_first and make.issue.type_id != kinds.SUBTASK and make.source.random() < 0.04:
        values["security"] = make.source.choice([level_id for level_id, _ in LEVELS])
    return values
