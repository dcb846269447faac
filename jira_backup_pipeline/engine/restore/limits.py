"""What a restore costs, and the documented list of what REST cannot bring back.

What belongs here: pure arithmetic over a survey; the figures behind the estimates, each with its reason.

What stays out: reading anything, and verdicts on single records (`compare`).
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.configuration.piece import Action
from jira_backup_pipeline.engine.restore.issues import BATCH_ISSUES
from jira_backup_pipeline.engine.restore.people import INACTIVE, NOT_ACTIVE, UNKNOWN
from jira_backup_pipeline.engine.restore.planned_lines import Impossible, Step
from jira_backup_pipeline.engine.restore.ranks import ISSUES_PER_CALL as RANKED_PER_CALL
from jira_backup_pipeline.engine.restore.selection import Part
from jira_backup_pipeline.engine.restore.status_ways import StatusWay
from jira_backup_pipeline.engine.restore.survey import Use
from jira_backup_pipeline.engine.restore.transitions import BULK_ISSUES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from jira_backup_pipeline.engine.restore.configuration.piece import Piece
    from jira_backup_pipeline.engine.restore.people import People
    from jira_backup_pipeline.engine.restore.survey import Survey

# Four workers at about a quarter of a second for each write, half as much for each read.
_SECONDS_PER_WRITE = 0.07
_SECONDS_PER_READ = 0.15
# A bulk create of fifty issues takes Jira about two seconds.
_SECONDS_PER_BATCH = 2.0
_UPLOAD_BYTES_PER_SECOND = 5_000_000
_READ_ISSUES = 100
# What a restore of a part alone goes through; everything else is not touched.
STAGES_OF_PART: Mapping[Part, frozenset[str]] = MappingProxyType(
    {
        Part.ATTACHMENTS: frozenset({"attachments", "proof"}),
        Part.CONFIGURATION: frozenset(
            {"configuration", "project", "components", "versions", "roles", "proof"}
        ),
    }
)
_KINDS_OF_PART: Mapping[Part, frozenset[str]] = MappingProxyType(
    {
        Part.ATTACHMENTS: frozenset({"attachment"}),
        Part.CONFIGURATION: frozenset({"project", "board", "field", "issue_type", "role_actors"}),
    }
)


def steps_of(
    survey: Survey,
    *,
    creates_by_level: Mapping[int, int],
    updates: int,
    is_new_project: bool,
    new_sprints: int,
    configuration: Sequence[Piece] = (),
    part: Part = Part.EVERYTHING,
    way: StatusWay = StatusWay.PATHS_IN_BULK,
) -> tuple[Step, ...]:
    """Give the stages with their work, in the order in which they run."""
    steps = [
        *_configuration_steps(configuration),
        *_steps(
            survey,
            creates_by_level,
            updates,
            is_new_project=is_new_project,
            new_sprints=new_sprints,
            way=way,
        ),
    ]
    wanted = STAGES_OF_PART.get(part)
    return tuple(step for step in steps if wanted is None or step.stage in wanted)


def _configuration_steps(pieces: Sequence[Piece]) -> Iterator[Step]:
    counted = Counter(piece.action for piece in pieces)
    if counted:
        words = {
            Action.MAKE: "to make",
            Action.COMPLETE: "to complete",
            Action.UPDATE: "to bring to the snapshot's state",
            Action.MATCH: "there already",
            Action.LEAVE: "left out",
        }
        note = ", ".join(f"{counted[action]:,} {word}" for action, word in words.items() if counted[action])
        kinds = len({piece.kind for piece in pieces})
        yield _step(
            "configuration",
            len(pieces),
            writes=counted[Action.MAKE] + counted[Action.COMPLETE] + counted[Action.UPDATE],
            reads=kinds,
            note=note,
        )


def _steps(
    survey: Survey,
    creates_by_level: Mapping[int, int],
    updates: int,
    *,
    is_new_project: bool,
    new_sprints: int,
    way: StatusWay,
) -> Iterator[Step]:
    creates = sum(creates_by_level.values())
    issues = creates + updates
    if is_new_project:
        yield _step("project", 1, writes=1, reads=4)
    for kind, title in (("component", "components"), ("version", "versions")):
        yield _step(title, survey.counts[kind], writes=survey.counts[kind])
    if is_new_project:
        yield _step(
            "roles",
            survey.counts["role_actors"],
            writes=survey.counts["role_actors"],
            reads=survey.counts["role_actors"],
        )
    batches = sum(ceil(count / BATCH_ISSUES) for count in creates_by_level.values())
    levels = ", ".join(
        f"level {level}: {count:,}" for level, count in sorted(creates_by_level.items(), reverse=True)
    )
    yield Step(
        "issues", creates, batches, batches + len(creates_by_level), batches * _SECONDS_PER_BATCH, levels
    )
    yield _step(
        "attachments",
        survey.counts["attachment"],
        writes=survey.counts["attachment"] - len(survey.without_bytes),
        extra_seconds=survey.attachment_bytes / _UPLOAD_BYTES_PER_SECOND,
        note=f"{survey.attachment_bytes:,} bytes",
    )
    for kind, title in (("comment", "comments"), ("worklog", "worklogs")):
        yield _step(title, survey.counts[kind], writes=survey.counts[kind])
    yield _step(
        "edits",
        issues,
        writes=survey.needing_edit,
        reads=ceil(issues / _READ_ISSUES),
        note="only what differs",
    )
    # Made, filled, started, closed.
    yield _step("sprints", new_sprints, writes=4 * new_sprints, reads=new_sprints and 2)
    batches = ceil(issues / RANKED_PER_CALL)
    yield _step("ranks", issues, writes=batches, reads=ceil(issues / _READ_ISSUES))
    for kind, title in (
        ("issue_link", "links"),
        ("remote_link", "remote links"),
        ("watcher", "watchers"),
        ("issue_property", "properties"),
    ):
        yield _step(title, survey.counts[kind], writes=survey.counts[kind])
    yield _status_step(survey, issues, way)
    yield _step(
        "proof", issues, writes=0, reads=ceil(issues / _READ_ISSUES) * 2 + survey.counts["attachment"]
    )


def _status_step(survey: Survey, issues: int, way: StatusWay) -> Step:
    types = max(1, len(survey.used_names.get("issuetype", {})))
    looks = 3 * ceil(issues / _READ_ISSUES)
    if way is StatusWay.TEMPORARY:
        batches = ceil(issues / BULK_ISSUES)
        note = f"{_batches(batches)} through a temporary workflow that leads from every status to every other"
        # Beside the batches: workflows and scheme made, followed, left, and removed again.
        return _step(
            "statuses", issues, writes=batches + 5 + types, reads=looks + types + 2 * batches + 16, note=note
        )
    if way is StatusWay.PATHS_IN_BULK:
        note = f"about {_batches(2 * types)} along the shortest paths of the workflows"
        return _step("statuses", issues, writes=2 * types, reads=looks + 3 * types, note=note)
    note = "one by one along the shortest paths of the workflows"
    return _step("statuses", issues, writes=2 * issues, reads=looks + 2 * types, note=note)


def _batches(count: int) -> str:
    return f"{count:,} transition batch{'es' if count != 1 else ''}"


def _step(
    stage: str, count: int, *, writes: int, reads: int = 0, extra_seconds: float = 0.0, note: str = ""
) -> Step:
    seconds = writes * _SECONDS_PER_WRITE + reads * _SECONDS_PER_READ + extra_seconds
    return Step(stage, count, writes, reads, round(seconds, 1), note)


def impossible_of(
    survey: Survey,
    *,
    is_new_project: bool,
    standing_sprints: Collection[str],
    people: People,
    configuration: Sequence[Piece] = (),
    part: Part = Part.EVERYTHING,
) -> tuple[Impossible, ...]:
    """Give the documented limits that touch this restore, with how many things each touches."""
    counts = survey.counts
    boards = sum(piece.kind == "board" for piece in configuration)
    listed = (
        ("project", "id", "Jira gives ids", "found by its key", int(is_new_project)),
        (
            "issue",
            "id and key",
            "Jira numbers issues as they are created",
            ("the originals are kept in the issue's origin property; text, links and parents follow"),
            counts["issue"],
        ),
        (
            "issue",
            "creator, created, updated, resolved",
            "no call sets them",
            "kept in the origin property",
            counts["issue"],
        ),
        (
            "comment",
            "author and dates",
            "a comment belongs to the account that writes it",
            ("kept in a property and, unless switched off, in a line at the head"),
            counts["comment"],
        ),
        (
            "worklog",
            "author and dates of entry",
            "a worklog belongs to the account that writes it",
            "kept in a property; start and time spent are true",
            counts["worklog"],
        ),
        (
            "attachment",
            "author and date",
            "a file belongs to the account that uploads it",
            "kept in the snapshot",
            counts["attachment"],
        ),
        (
            "changelog",
            "history",
            "no call writes history",
            "kept in the snapshot, readable with SQL",
            counts["changelog"],
        ),
        (
            "issue",
            "votes of others",
            "an account votes for itself only",
            "kept in the snapshot",
            survey.votes,
        ),
        (
            "issue",
            "closed sprints that are still there",
            "a closed sprint accepts no issues",
            "kept in the snapshot",
            sum(count for sprint, count in survey.closed_sprints.items() if sprint in standing_sprints),
        ),
        (
            "issue",
            "an absent remaining estimate",
            "Jira fills it with the original one",
            "kept in the snapshot",
            survey.half_estimates,
        ),
        (
            "issue",
            "ids of an import",
            "no call writes a field of this type",
            "kept in the snapshot",
            survey.read_only,
        ),
        (
            "board",
            "columns, swimlanes, quick filters and card layout",
            "no call writes them",
            "the board has those that Jira gives a new one; the former ones are kept in the snapshot",
            boards,
        ),
    )
    kinds = _KINDS_OF_PART.get(part)
    people_rows = _people_left_out(survey, people, is_new_project=is_new_project)
    left_out = Counter(
        (piece.kind, piece.name, piece.note) for piece in configuration if piece.action is Action.LEAVE
    )
    more = [(kind, name, note, "left out", count) for (kind, name, note), count in left_out.items()]
    return tuple(
        Impossible(*row)
        for row in (*listed, *people_rows, *more)
        if row[-1] and (kinds is None or row[0] in kinds)
    )


def _people_left_out(
    survey: Survey, people: People, *, is_new_project: bool
) -> Iterator[tuple[str, str, str, str, int]]:
    """Count how often accounts are used that the target does not let a restore write, by place and reason."""
    inactive: Counter[Use] = Counter()
    unknown: Counter[Use] = Counter()
    for (use, account), count in survey.uses.items():
        if not people.active.get(account):
            (inactive if account in people.active else unknown)[use] += count
    instead = "left out; the origin property names creator and reporter"
    if people.fallback:
        instead = f"account {people.fallback} stands in; the origin property names creator and reporter"
    yield "issue", "people who left, in fields", INACTIVE, instead, inactive[Use.FIELD]
    yield "issue", "people whom the target does not know, in fields", UNKNOWN, instead, unknown[Use.FIELD]
    both = inactive + unknown
    yield "watcher", "watchers who left", NOT_ACTIVE, "left out", both[Use.WATCHER]
    if is_new_project:
        yield "role_actors", "members of roles who left", NOT_ACTIVE, "left out", both[Use.ROLE]
        stands_in = (
            f"account {people.fallback} stands in"
            if people.fallback
            else "the restoring account leads the project"
        )
        yield "project", "leads who left", NOT_ACTIVE, stands_in, both[Use.LEAD]
