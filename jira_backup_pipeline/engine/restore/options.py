"""How a restore writes, apart from what it writes.

What belongs here: the switches of `apply` with their defaults.

What stays out: selection, target and policy, which belong to the plan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jira_backup_pipeline.engine.restore.pacing import ISSUE_WRITE_LIMITS, PaceTime

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """`has_head_line` puts author and date at the head of restored comments; `pause` waits that many seconds.

    `pace_time` is the time in which the limits of writes to an issue are kept.
    """

    workers: int = 4
    has_head_line: bool = True
    issue_write_limits: tuple[tuple[int, float], ...] = ISSUE_WRITE_LIMITS
    pause: Callable[[float], None] = time.sleep
    pace_time: PaceTime = field(default_factory=PaceTime)
