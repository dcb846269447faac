"""What a proof can say about one value, and the rules it may invoke.

What belongs here: the verdicts in order of gravity, the named rules, and the finding that joins them.

What stays out: deciding (`compare`, `compare_records`) and wording the whole (`report`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a value came back, from best to worst."""

    EXACT = "exact"
    NORMALISED = "normalised"
    CHANGED = "changed"
    IMPOSSIBLE = "impossible"
    WRONG = "wrong"

    @property
    def gravity(self) -> int:
        """Order verdicts; the gravest of several holds for all of them."""
        return list(Verdict).index(self)


class Rule(StrEnum):
    """Why a difference is no loss, or what the loss is."""

    EQUAL = "equal"
    ADDED_MARKS = "marks that Jira adds to rich text"
    SAME_MOMENT = "the same moment in another notation"
    SAME_NAME = "the same name under another id"
    QUOTED_NAME = "quotes in a file name are percent-encoded by the upload"
    ONE_LINE = "line ends in a summary became blanks"
    NEW_ID = "ids and keys are given by Jira"
    NEW_RANK = "ranks are given by Jira, the order is the same"
    NEW_REFERENCES = "references in text follow the new ids"
    NEW_DATES = "dates and accounts are those of the restore"
    COMPUTED = "computed by Jira or an app"
    SYNTHETIC_KEY = "a remote link without a key got one"
    NOT_OVERWRITTEN = "was there already and is matched by name, not overwritten"
    NOT_REMOVED = "the target has more than the snapshot, and nothing is taken away"
    NEWER = "came after the snapshot and is left alone"
    TEMPLATE = "brought by the project template"
    OTHER_PERSON = "another account of the target stands in"
    STAND_IN = "the mapping names what stands in"
    OTHER_TYPE = "the target lacks the type, the nearest one stands in"
    DOCUMENTED = "REST cannot set it"
    HISTORY = "no call writes history"
    VOTES = "an account votes for itself only"
    ORIGIN_MARK = "the mark of an earlier restore gives way to this one's"
    REFUSED = "refused by the target"
    MISSING = "missing on the target"
    LEFT_OVER = "left over from the restore"
    SURPLUS = "on the target but not in the snapshot"
    DIFFERENT = "differs without an explanation"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its rule; `detail` says more where there is more to say, never issue text."""

    verdict: Verdict
    rule: Rule
    detail: str = ""


EXACT = Judgement(Verdict.EXACT, Rule.EQUAL)


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement on one value of one record. `subject` names the record for people."""

    kind: str
    source_id: str
    subject: str
    field: str
    judgement: Judgement


def gravest(judgements: list[Judgement]) -> Judgement:
    """Give the gravest of several judgements; nothing judged is exact."""
    return max(judgements, key=lambda found: found.verdict.gravity, default=EXACT)
