"""Whether issues came back in their order.

What belongs here: collecting ranks while issues are compared, and the verdict on each once all are known.

What stays out: giving ranks (`ranks`) and every other value (`compare_records`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.order import in_order
from jira_backup_pipeline.engine.restore.verdicts import EXACT, Finding, Judgement, Rule, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.engine.restore.compare_records import Excuses

_KEPT = Judgement(Verdict.CHANGED, Rule.NEW_RANK)
_MOVED = Judgement(Verdict.WRONG, Rule.DIFFERENT, "not at its place in the snapshot's order")
_REFUSED = Judgement(Verdict.WRONG, Rule.REFUSED, "not at its place, because others were refused theirs")
_UNRANKED = Judgement(Verdict.IMPOSSIBLE, Rule.DOCUMENTED, "the target ranks no issues")


@dataclass(slots=True)
class RankComparison:
    """Ranks of compared issues: id and key in the snapshot, rank there, rank on the target."""

    source_field: str | None
    target_field: str | None
    _seen: list[tuple[str, str, str, str]] = field(default_factory=list)

    def see(
        self, source_id: str, key: str, source: dict[str, object], target: dict[str, object]
    ) -> Iterator[Finding]:
        """Take in the fields of an issue; one that has no rank on the target is judged at once."""
        rank, present = source.get(self.source_field or ""), target.get(self.target_field or "")
        if not isinstance(rank, str):
            return
        if isinstance(present, str):
            self._seen.append((rank, present, source_id, key))
        else:
            yield Finding("issue", source_id, key, str(self.source_field), _UNRANKED)

    def findings(self, excuses: Excuses) -> Iterator[Finding]:
        """Judge every issue seen: whoever does not stand in the snapshot's order is wrong."""
        ordered = sorted(self._seen)
        refused = {(kind, name) for kind, _, name in excuses.adjustments}
        kept = in_order([present for _, present, _, _ in ordered])
        name = str(self.source_field)
        for position, (rank, present, source_id, key) in enumerate(ordered):
            judgement = EXACT if rank == present else _KEPT
            if position not in kept:
                # An order is lost between issues: a refused move shows at whichever of them the longest row leaves out.
                out_of_place = _REFUSED if ("issue", name) in refused else _MOVED
                judgement = excuses.judge("issue", source_id, name, out_of_place)
            yield Finding("issue", source_id, key, name, judgement)
