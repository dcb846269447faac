"""What a capture will cost, said before an issue is read: requests by purpose, records, bytes and time.

What belongs here: the arithmetic from what is known (how many issues, which of them are new, averages of an earlier snapshot) to
a cost, and its words. Averages come from what is stored; where nothing is, from assumptions that are called so.

What stays out: counting issues (`estimate`, `engine.capture`) and showing anything.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from jira_backup_pipeline.domain.errors import IntegrityError
from jira_backup_pipeline.domain.kinds import BY_NAME, BY_TABLE, Level, kinds_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.domain.readings import Pace
    from jira_backup_pipeline.repository.repository import Repository

_WALK_PAGE: Final = 5_000
_CHANGED_PAGE: Final = 1_000
_BODIES: Final = 100
_HISTORIES: Final = 1_000
_HISTORY_PAGE: Final = 10_000
_CHILDREN: Final = 1_000
_KEYS: Final = 5
# Account, list of projects, the project's own settings and the count, as measured (benchmarks/README.md).
_SETTINGS: Final = 13
# Of the issues that a night reads again, how many have another number of watchers; a guess, and said to be one.
_CHANGED_INTEREST: Final = 0.05
# Packs whose receipts are opened to learn sizes: the largest tell enough.
_WEIGHED_PACKS: Final = 8


@dataclass(frozen=True, slots=True)
class Averages:
    """What hangs on an issue on average: records by kind, stored bytes of its rows, bytes of a file; `basis` says whence."""

    records: Mapping[str, float]
    bytes_an_issue: float
    bytes_a_file: float
    basis: str


# The mix of the bundled sandbox, measured; it stands in where this repository knows nothing of a site yet.
ASSUMED: Final = Averages(
    records={
        "comment": 0.84,
        "worklog": 0.35,
        "changelog": 6.1,
        "attachment": 0.17,
        "issue_link": 0.28,
        "remote_link": 0.12,
        "watcher": 1.2,
        "vote": 0.2,
        "issue_property": 0.5,
    },
    bytes_an_issue=1_830.0,
    bytes_a_file=100_000.0,
    basis="assumed averages, as nothing of this site is stored yet",
)


@dataclass(frozen=True, slots=True)
class Workload:
    """What a capture of one project has before it.

    Attributes:
        listed: issues that the walk gives.
        to_read: of these, those that are read.
        new: of these, those of which nothing is stored.
        is_full: every issue is asked for everything.
        is_first: nothing of the project is stored.
        people: accounts by which watchers and voters can be searched.
        property_keys: keys of issue properties that are asked for by name.
        sample: issues asked singly for all properties.
        changed: issues that the search for changes gives (None: it is not asked).
        versions: versions that are asked for their related work, one request each.
    """

    listed: int
    to_read: int
    new: int
    is_full: bool = False
    is_first: bool = False
    people: int = 0
    property_keys: int = 0
    sample: int = 0
    changed: int | None = None
    versions: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost: requests by purpose, records by kind, bytes to store; sums of costs are costs."""

    requests: Mapping[str, int] = field(default_factory=dict)
    records: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    basis: frozenset[str] = frozenset()

    @property
    def requests_total(self) -> int:
        """Sum the requests."""
        return sum(self.requests.values())

    def seconds(self, pace: Pace) -> float | None:
        """Give the time that the requests take at a pace, None where no answer was timed yet."""
        if pace.seconds_a_request is None:
            return None
        return self.requests_total * pace.seconds_a_request / max(1, pace.at_once)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {
            "requests": self.requests_total,
            "requests_by_purpose": dict(self.requests),
            "records": dict(self.records),
            "bytes": self.bytes,
            "basis": sorted(self.basis),
        }

    def in_words(self, pace: Pace) -> str:
        """Say it in a line."""
        seconds = self.seconds(pace)
        time = "no answer timed yet"
        if seconds is not None and pace.seconds_a_request is not None:
            time = (
                f"about {in_time(seconds)} at the present pace ({pace.seconds_a_request * 1000:.0f} ms a request, "
                f"{pace.at_once} at once)"
            )
        dear = sorted(self.requests.items(), key=lambda entry: -entry[1])[:3]
        purposes = ", ".join(f"{count:,} for {purpose}" for purpose, count in dear if count)
        return (
            f"about {self.requests_total:,} requests ({purposes}), {time}, about {self.bytes / 1e6:,.1f} MB to store; "
            f"by {'; '.join(sorted(self.basis)) or 'counting'}"
        )


def total(costs: Iterable[Cost]) -> Cost:
    """Sum costs up."""
    requests: Counter[str] = Counter()
    records: Counter[str] = Counter()
    size, basis = 0, frozenset[str]()
    for cost in costs:
        requests.update(cost.requests)
        records.update(cost.records)
        size += cost.bytes
        basis |= cost.basis
    return Cost(dict(requests), dict(records), size, basis)


def cost_of(work: Workload, averages: Averages) -> Cost:
    """Give the cost of capturing a project. What overflows the inline lists of single issues comes on top."""
    expected = {kind: round(average * work.to_read) for kind, average in averages.records.items()}
    files = round(averages.records.get("attachment", 0) * (work.to_read if work.is_first else work.new))
    rounds = max(1, ceil(work.property_keys / _KEYS))
    changed = 0 if work.changed is None else max(1, ceil(work.changed / _CHANGED_PAGE))
    history = max(ceil(work.to_read / _HISTORIES), ceil(expected.get("changelog", 0) / _HISTORY_PAGE))
    requests = {
        "settings": _SETTINGS + work.versions,
        "finding issues": max(1, ceil(work.listed / _WALK_PAGE)) + changed,
        "issues": ceil(work.to_read / _BODIES) * rounds,
        "history": history,
        "properties of comments and worklogs": sum(
            ceil(expected.get(kind, 0) / _CHILDREN) for kind in ("comment", "worklog")
        ),
        "remote links": _links(work, averages),
        "watchers and voters": sum(_interest(work, averages, kind) for kind in ("watcher", "vote")),
        "issue properties": work.to_read if work.is_full else work.sample,
        "attachments": files,
    }
    stored = round(work.to_read * averages.bytes_an_issue + files * averages.bytes_a_file)
    records = {BY_NAME[kind].table: count for kind, count in expected.items() if count}
    return Cost(requests, {"issues": work.to_read, **records}, stored, frozenset({averages.basis}))


def _asked_for_all(work: Workload) -> int:
    """Count the issues of which nothing that hangs on them is taken over from before."""
    return work.to_read if work.is_full or work.is_first else work.new


def _links(work: Workload, averages: Averages) -> int:
    """Count the issues that are asked for remote links: new ones, and a guess at those whose history names a new link."""
    again = work.to_read - _asked_for_all(work)
    linked = min(1.0, averages.records.get("remote_link", 0))
    return _asked_for_all(work) + round(again * linked * _CHANGED_INTEREST)


def _interest(work: Workload, averages: Averages, kind: str) -> int:
    """Count the cheaper way: one search for each person, or one call for each issue that has such people."""
    share = min(1.0, averages.records.get(kind, 0))
    again = work.to_read - work.new
    asked = work.new + again * (1.0 if work.is_full or work.is_first else _CHANGED_INTEREST)
    one_by_one = ceil(asked * share)
    return min(one_by_one, work.people + 1) if work.people else one_by_one


def averages_of(repository: Repository, manifest: Manifest | None, name: str = "") -> Averages:
    """Take the averages of a snapshot, or the assumed ones where there is none or it holds no issue."""
    issues = manifest.counts.get("issues", 0) if manifest else 0
    if manifest is None or not issues:
        return ASSUMED
    names = {kind.name for kind in kinds_at(Level.ISSUE)}
    records = {
        BY_TABLE[table].name: count / issues
        for table, count in manifest.counts.items()
        if table in BY_TABLE and BY_TABLE[table].name in names and table != "issues"
    }
    basis = f"averages of snapshot {manifest.number} of {name or manifest.scope}"
    try:
        return Averages(records, *_sizes(repository, manifest), basis)
    except IntegrityError:
        # An estimate stops no run: `verify` and the check `intact` tell of the damage.
        return Averages(
            records,
            ASSUMED.bytes_an_issue,
            ASSUMED.bytes_a_file,
            f"{basis}, sizes assumed (a receipt is damaged)",
        )


def _sizes(repository: Repository, manifest: Manifest) -> tuple[float, float]:
    """Give the stored bytes of an issue's rows and of a file, as the receipts of the largest packs tell them."""
    sizes: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    units = 0
    for pack in sorted(manifest.packs, key=lambda pack: -pack.total_units)[:_WEIGHED_PACKS]:
        units += pack.total_units
        for ref in repository.pack_objects(manifest.scope, pack):
            what = ref.key.split("/", 1)[0]
            sizes[what] += ref.size_bytes
            counts[what] += 1
    of_a_file = sizes["blobs"] / counts["blobs"] if counts["blobs"] else ASSUMED.bytes_a_file
    return sizes["packs"] / max(1, units), of_a_file


def in_time(seconds: float) -> str:
    """Write a span of time for people."""
    if seconds < 90:  # noqa: PLR2004 - a minute and a half reads better in seconds
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"  # noqa: PLR2004 - as above
