"""The fidelity report: what came back exact, normalised, changed on purpose, impossible or wrong.

What belongs here: adding findings up, the examples worth showing, and the report's three forms: rows, JSON, Markdown.

What stays out: judging (`compare`, `compare_records`) and reading (`prove`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.errors import ExitCode
from jira_backup_pipeline.engine.restore.plan_text import duration_words, markdown_table
from jira_backup_pipeline.engine.restore.verdicts import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Every wrong finding is kept up to here; beyond, the counts tell.
_MAX_WRONG = 1000
# A few examples show what a rule means; the counts say how often it applied.
_EXAMPLES = 3
_SHOWN_WRONG = 50
_MAX_REASONS = 200


@dataclass(slots=True)
class Tally:
    """Adds findings up while a proof runs."""

    values: dict[str, Counter[str]] = field(default_factory=dict)
    rules: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    # Why values could not come back: kind, value, reason. `names` are those of custom fields by id.
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    names: Mapping[str, str] = field(default_factory=dict)
    wrong: list[Finding] = field(default_factory=list)
    examples: dict[tuple[str, str], list[Finding]] = field(default_factory=dict)

    def add(self, findings: Iterable[Finding]) -> None:
        """Count findings."""
        for found in findings:
            judgement = found.judgement
            verdict = judgement.verdict.value
            self.values.setdefault(found.kind, Counter())[verdict] += 1
            if judgement.verdict is Verdict.EXACT:
                continue
            self.rules[found.kind, verdict, judgement.rule.value] += 1
            if judgement.verdict is Verdict.IMPOSSIBLE:
                self._reason(found)
            if judgement.verdict is Verdict.WRONG:
                if len(self.wrong) < _MAX_WRONG:
                    self.wrong.append(found)
                if found.field == "record":
                    self.missing[found.kind] += 1
                continue
            shown = self.examples.setdefault((found.kind, judgement.rule.value), [])
            if len(shown) < _EXAMPLES:
                shown.append(found)

    def _reason(self, found: Finding) -> None:
        name = self.names.get(found.field) or found.field
        key = found.kind, name, found.judgement.detail or found.judgement.rule.value
        # Some reasons name a single thing; a report that lists thousands is no summary.
        is_new = key not in self.reasons and len(self.reasons) >= _MAX_REASONS
        self.reasons[(found.kind, name, "for other reasons") if is_new else key] += 1


@dataclass(frozen=True, slots=True)
class FidelityReport:
    """What a proof found. The five mappings count values by kind; `records` counts the snapshot's records by kind."""

    restore: str
    scope: str
    snapshot: int
    source_key: str
    target_key: str
    target_base_url: str
    plan_digest: str
    proven_at: str
    duration_seconds: float
    records: Mapping[str, int]
    exact: Mapping[str, int]
    normalised: Mapping[str, int]
    changed: Mapping[str, int]
    impossible: Mapping[str, int]
    wrong: Mapping[str, int]
    rules: tuple[tuple[str, str, str, int], ...]
    findings: tuple[Finding, ...]
    examples: tuple[Finding, ...] = ()
    reasons: tuple[tuple[str, str, str, int], ...] = ()
    left_alone: int = 0
    notes: tuple[str, ...] = ()

    @property
    def wrong_total(self) -> int:
        """Count what is wrong or missing."""
        return sum(self.wrong.values())

    @property
    def exit_code(self) -> ExitCode:
        """Give 3 when anything is wrong or missing, else 0; what REST cannot set is no 3."""
        return ExitCode.INCOMPLETE if self.wrong_total else ExitCode.DONE

    def rows(self) -> list[dict[str, Any]]:
        """Give a row for each kind: records of the snapshot, then values by verdict."""
        kinds = sorted(
            {*self.records, *self.exact, *self.changed, *self.impossible, *self.wrong, *self.normalised}
        )
        return [
            {
                "kind": kind,
                "records": self.records.get(kind, 0),
                **{verdict.value: getattr(self, verdict.value).get(kind, 0) for verdict in Verdict},
            }
            for kind in kinds
        ]

    def to_json(self) -> dict[str, Any]:
        """Give the JSON form: names, ids, counts and reasons, never issue text."""
        return {
            "restore": self.restore,
            "scope": self.scope,
            "snapshot": self.snapshot,
            "source": self.source_key,
            "target": self.target_key,
            "target_base_url": self.target_base_url,
            "plan_digest": self.plan_digest,
            "proven_at": self.proven_at,
            "duration_seconds": self.duration_seconds,
            "exit_code": int(self.exit_code),
            "kinds": self.rows(),
            "rules": [
                {"kind": kind, "verdict": verdict, "rule": rule, "count": count}
                for kind, verdict, rule, count in self.rules
            ],
            "impossible": [
                {"kind": kind, "value": name, "reason": reason, "count": count}
                for kind, name, reason, count in self.reasons
            ],
            "wrong": [_finding_json(found) for found in self.findings],
            "examples": [_finding_json(found) for found in self.examples],
            "left_alone": self.left_alone,
            "notes": list(self.notes),
        }

    def to_markdown(self) -> str:
        """Give the report as Markdown."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# Fidelity of {self.source_key} in {self.target_key}"
        yield ""
        compared = sum(row[verdict.value] for row in self.rows() for verdict in Verdict)
        verdict = (
            "nothing is wrong or missing"
            if not self.wrong_total
            else f"{self.wrong_total:,} values are wrong or missing"
        )
        yield (
            f"Snapshot {self.snapshot} of {self.scope} was compared with what {self.target_base_url} now says: {compared:,} values, "
            f"**{verdict}** ({duration_words(self.duration_seconds)})."
        )
        yield ""
        head = ("kind", "records", *(verdict.value for verdict in Verdict))
        yield from markdown_table(head, (tuple(_cell(row[name]) for name in head) for row in self.rows()))
        if self.findings:
            yield from ("", "## Wrong or missing", "")
            shown = self.findings[:_SHOWN_WRONG]
            yield from markdown_table(
                ("what", "value", "why"),
                ((found.subject, found.field, _reason(found)) for found in shown),
            )
            if self.wrong_total > len(shown):
                yield f"\n{self.wrong_total - len(shown):,} more are in the stored report."
        if self.reasons:
            yield from ("", "## What REST cannot bring back", "")
            yield from markdown_table(
                ("kind", "value", "why", "values"),
                ((kind, name, reason, f"{count:,}") for kind, name, reason, count in self.reasons),
            )
        yield from ("", "## Differences and their rules", "")
        yield from markdown_table(
            ("kind", "verdict", "rule", "values"),
            (
                (kind, verdict, rule, f"{count:,}")
                for kind, verdict, rule, count in self.rules
                if verdict != "wrong"
            ),
        )
        if self.left_alone:
            yield f"\n{self.left_alone:,} issues were there already and were left alone."
        yield from (f"\n{note}" for note in self.notes)


def report_of(tally: Tally, **facts: Any) -> FidelityReport:  # noqa: ANN401 - the other fields of the report
    """Make the report of a tally; `facts` are its remaining fields by name."""
    by_verdict: dict[str, Any] = {
        verdict.value: {
            kind: counts[verdict.value]
            for kind, counts in sorted(tally.values.items())
            if counts[verdict.value]
        }
        for verdict in Verdict
    }
    rules = tuple((*key, count) for key, count in sorted(tally.rules.items()))
    examples = tuple(found for key in sorted(tally.examples) for found in tally.examples[key])
    return FidelityReport(
        records=dict(sorted(tally.records.items())),
        rules=rules,
        findings=tuple(tally.wrong),
        examples=examples,
        reasons=tuple((*key, count) for key, count in sorted(tally.reasons.items())),
        **by_verdict,
        **facts,
    )


def _finding_json(found: Finding) -> dict[str, str]:
    return {
        "kind": found.kind,
        "source_id": found.source_id,
        "subject": found.subject,
        "field": found.field,
        "verdict": found.judgement.verdict.value,
        "rule": found.judgement.rule.value,
        "detail": found.judgement.detail,
    }


def _reason(found: Finding) -> str:
    rule, detail = found.judgement.rule.value, found.judgement.detail
    if not detail:
        return rule
    # Most refusals begin with these words already: they stand alone in plan and journal.
    return detail if detail.startswith(rule) else f"{rule}: {detail}"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
