"""What became of issues that Jira lists no more: one verdict each, with the evidence it rests on.

What belongs here: the verdicts, the record of one issue, and the JSON form, in which issues of one verdict share a line.

What stays out: reaching a verdict (`engine.capture.disappearance`) and asking Jira for evidence (`jira.access`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Fate(StrEnum):
    """What became of an issue. `deleted` is a tombstone: two runs at least a day apart found nothing but its absence."""

    UNSEEN = "unseen"
    MOVED = "moved"
    ARCHIVED = "archived"
    HIDDEN = "hidden"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Disappearance:
    """What is known of one issue that is listed no more.

    Attributes:
        key: the key it was stored under, where that is known.
        moved_to: its key in another project.
        security_level: name of the security level that it was stored with.
        first_missed_at: ISO moment of the first run that did not see it.
        judged_at: ISO moment of the run that came to this verdict.
        absent_since: ISO moment of the first run of an unbroken row that found nothing but its absence; None when something
            else speaks (it was seen elsewhere, or may be hidden).
        observer: digest of who looked and with which rights; another observer's absence is no second opinion.
        evidence: what the verdict rests on, in words.
    """

    issue_id: str
    fate: Fate
    first_missed_at: str
    judged_at: str
    evidence: tuple[str, ...]
    key: str | None = None
    moved_to: str | None = None
    security_level: str | None = None
    absent_since: str | None = None
    observer: str | None = None

    @property
    def is_settled(self) -> bool:
        """Tell whether later runs need not ask again: it is known where the issue is, or that it is nowhere."""
        return self.fate in (Fate.MOVED, Fate.DELETED)


_SHARED = ("fate", "first_missed_at", "judged_at", "absent_since", "observer", "evidence")


def to_lines(disappearances: Iterable[Disappearance]) -> list[dict[str, Any]]:
    """Give the JSON form of the manifest: one object for all issues that share everything but their id and key."""
    lines: dict[tuple[object, ...], dict[str, Any]] = {}
    for one in sorted(disappearances, key=lambda one: (one.judged_at, one.issue_id)):
        shared = tuple(getattr(one, name) for name in _SHARED)
        line = lines.setdefault(
            shared, {**dict(zip(_SHARED, shared, strict=True)), "fate": one.fate.value, "issues": []}
        )
        line["issues"].append(
            {
                "id": one.issue_id,
                "key": one.key,
                "moved_to": one.moved_to,
                "security_level": one.security_level,
            }
        )
    return [{**line, "evidence": list(line["evidence"])} for line in lines.values()]


def from_lines(lines: Iterable[Mapping[str, Any]]) -> dict[str, Disappearance]:
    """Rebuild the disappearances by issue id from the JSON form; a fate that only newer versions know is unseen here."""
    known = {fate.value for fate in Fate}
    return {
        issue["id"]: Disappearance(
            issue_id=issue["id"],
            fate=Fate(line["fate"]) if line["fate"] in known else Fate.UNSEEN,
            first_missed_at=line["first_missed_at"],
            judged_at=line["judged_at"],
            evidence=tuple(line.get("evidence", ())),
            key=issue.get("key"),
            moved_to=issue.get("moved_to"),
            security_level=issue.get("security_level"),
            absent_since=line.get("absent_since"),
            observer=line.get("observer"),
        )
        for line in lines
        for issue in line["issues"]
    }


def count_fates(disappearances: Iterable[Disappearance]) -> dict[str, int]:
    """Count issues by what became of them."""
    return dict(sorted(Counter(one.fate.value for one in disappearances).items()))
