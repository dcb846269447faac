"""How a capture is asked to behave: the few switches a customer has.

What belongs here: the options with their defaults and the reason for each number.

What stays out: reading them from the environment or a file (`settings`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaptureOptions:
    """Switches of one capture.

    Attributes:
        is_full: read every issue again instead of the changed ones.
        overlap_hours: how far before the last watermark a delta looks. Jira's search index lags behind; production
            connectors lost issues with 2 hours and stopped losing them with 12.
        reread_days: every issue is read again once in so many days, which finds changes that do not touch `updated`
            (an edited comment, a changed permission). 0 switches it off.
        pack_units: issues per pack, more where a reading would need over 32 packs. A run that dies loses at most one open pack.
        mass_disappearance_share: a larger part of a project missing at once is taken for lost permission.
        accepts_disappearance: a person has looked: so many issues are really gone, and the snapshot is not doubtful.
        accepted_gaps: gaps that the customer accepts (`Gap.is_accepted`); they never make a run incomplete.
    """

    is_full: bool = False
    overlap_hours: float = 12.0
    reread_days: int = 30
    pack_units: int = 2000
    mass_disappearance_share: float = 0.05
    accepts_disappearance: bool = False
    accepted_gaps: tuple[str, ...] = ()
