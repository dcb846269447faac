"""What is known of a workflow, and the shortest way through it.

What belongs here: the pure search over known transitions.

What stays out: asking Jira what an issue is offered, and taking transitions (`statuses`, `transitions`).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Workflow:
    """What was learned of one workflow: from status to (transition, next status); `named` are transitions by name."""

    steps: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    named: dict[str, dict[str, str]] = field(default_factory=dict)

    def step_towards(self, at: str, goal: str) -> tuple[str, str] | None:
        """Give the first step of the shortest known path to a status."""
        return self._search(at, lambda status: status == goal)

    def step_to_explore(self, at: str) -> tuple[str, str] | None:
        """Give the first step to the nearest status that nobody has looked into yet."""
        return self._search(at, lambda status: status not in self.steps)

    def _search(self, at: str, is_wanted: Callable[[str], bool]) -> tuple[str, str] | None:
        seen = {at}
        queue: deque[tuple[str, tuple[str, str] | None]] = deque([(at, None)])
        while queue:
            status, first = queue.popleft()
            for step in self.steps.get(status, ()):
                if step[1] in seen:
                    continue
                seen.add(step[1])
                if is_wanted(step[1]):
                    return first or step
                queue.append((step[1], first or step))
        return None
