"""What an answer means: go on, ask again after a while, a refusal of this one object, or the end.

What belongs here: `decide` and the values it gives. It knows Jira's rate-limit headers and which failures may pass.

What stays out: waiting (`client`), who else must wait (`limiter`), reading of bodies (`wire.slices`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from jira_backup_pipeline.domain.errors import (
    AnswerLost,
    BackupPipelineError,
    TransientError,
    UnexpectedAnswer,
)
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.jira.wire.addresses import shown
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken, Garbled, Refusal, Response

if TYPE_CHECKING:
    from jira_backup_pipeline.jira.wire.messages import Request

_TOO_MANY = 429
_CLIENT_ERRORS = range(400, 500)
_REDIRECTS = range(300, 400)
# 501 and 505 say that the server will never do it; every other 5xx may pass.
_LASTING_SERVER_ERRORS = frozenset({501, 505})
# 408 and 425 are invitations to ask again. A user search answers 409 when it took longer than ten seconds.
_PASSING_CLIENT_ERRORS = frozenset({408, 409, 425})


_UNREADABLE = "unreadable answer"


class Slows(StrEnum):
    """Who waits: this call, whoever writes to the same issue, everybody at this endpoint, or everybody."""

    CALL = "this call"
    ISSUE = "this issue"
    ENDPOINT = "this endpoint"
    ALL = "all calls"


@dataclass(frozen=True, slots=True)
class RetryRules:
    """Bounds of patience. Times are in seconds."""

    attempts: int = 4
    # "Later" is no failure: whoever is one of many callers hears it several times in a row. A quota hour counts as above.
    throttled_attempts: int = 10
    first_wait_seconds: float = 2.0
    longest_backoff_seconds: float = 30.0
    # A quota is given back at the full hour; a wait beyond that is not worth holding a run for.
    longest_wait_seconds: float = 3_700.0
    # A page for people is rarely an accident: one more look, then the truth.
    html_attempts: int = 2


@dataclass(frozen=True, slots=True)
class Proceed:
    """The answer is good."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Ask again after a while; `is_throttled` tells that Jira asked for less, not that something broke."""

    after_seconds: float
    slows: Slows
    reason: str
    is_throttled: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """Give up with this error."""

    error: BackupPipelineError


@dataclass(frozen=True, slots=True)
class Refuse:
    """Jira says no to this one object; the caller knows what that means."""

    refusal: Refusal


Decision: TypeAlias = Proceed | Retry | Fail | Refuse


def decide(
    outcome: Response | Broken | Garbled,
    attempt: int,
    *,
    request: Request,
    now: datetime,
    roll: float,
    throttled: int = 0,
    rules: RetryRules | None = None,
) -> Decision:
    """Decide what becomes of a call after its `attempt`-th outcome (counted from 1).

    `throttled` of the outcomes before only asked for less, `roll` is a random number from 0 to 1, `now` the time that resets
    are compared with.
    """
    case = _Case(
        attempt=attempt - throttled,
        throttled=throttled + 1,
        request=request,
        now=now,
        roll=roll,
        rules=rules or RetryRules(),
    )
    match outcome:
        case Broken():
            decision = case.after_breakage(outcome)
        case Garbled():
            decision = case.ask_again(f"{_UNREADABLE}: {outcome}")
        case Response():
            decision = case.after_answer(outcome)
    return case.bounded(decision)


@dataclass(frozen=True, slots=True)
class _Case:
    """`attempt` counts the failures, `throttled` the requests to slow down, each with this outcome if it is one."""

    attempt: int
    throttled: int
    request: Request
    now: datetime
    roll: float
    rules: RetryRules

    def bounded(self, decision: Decision) -> Decision:
        """End a call that has been tried as often as the rules allow."""
        if not isinstance(decision, Retry):
            return decision
        if not decision.is_throttled:
            is_spent = self.attempt >= self.rules.attempts
            return Fail(_spent(self.request, decision, self.attempt)) if is_spent else decision
        is_quota = decision.slows is Slows.ALL
        most = self.rules.attempts if is_quota else self.rules.throttled_attempts
        return Fail(_throttled_for_long(self.request, decision, most)) if self.throttled >= most else decision

    def after_breakage(self, broken: Broken) -> Decision:
        if broken.breakage is Breakage.NOT_SENT:
            return Retry(self._backoff(self.attempt), Slows.CALL, str(broken))
        return self.ask_again(str(broken))

    def after_answer(self, response: Response) -> Decision:
        status = response.status
        if response.is_success:
            return self._page_for_people() if response.is_html else Proceed()
        if status == _TOO_MANY:
            return self._throttled(response)
        if status in _REDIRECTS:
            is_task = response.task_id is not None and self.request.method != "GET"
            return Proceed() if is_task else Fail(_redirected(response, self.request))
        if status in _PASSING_CLIENT_ERRORS and self.request.is_repeatable:
            return self.ask_again(f"answer {status}")
        if status in _CLIENT_ERRORS or status in _LASTING_SERVER_ERRORS:
            return Refuse(Refusal.of(response))
        return self.ask_again(f"answer {status}", _retry_after(response))

    def ask_again(self, reason: str, announced_seconds: float | None = None) -> Decision:
        """Repeat what may be repeated; a write that may have happened is lost."""
        if not self.request.is_repeatable:
            return Fail(_lost(self.request, reason))
        if announced_seconds is None:
            return Retry(self._backoff(self.attempt), Slows.CALL, reason)
        return self._wait_as_told(announced_seconds, Slows.ENDPOINT, reason)

    def _throttled(self, response: Response) -> Decision:
        told = response.headers.get("ratelimit-reason", "").strip()
        slows = _who_waits(told)
        # A reset may be that of the hourly quota, so it counts for a burst only where nothing nearer is named.
        wait = _retry_after(response)
        if wait is None:
            wait = _until_reset(response, self.now)
        if wait is None and slows is Slows.ALL:
            wait = _until_full_hour(self.now)
        reason = f"429 {told or 'without a reason'}"
        if wait is not None:
            return self._wait_as_told(wait, slows, reason)
        return Retry(self._backoff(self.throttled), slows, reason, is_throttled=True)

    def _page_for_people(self) -> Decision:
        again = self.ask_again("an HTML page instead of an answer")
        if isinstance(again, Fail) or self.attempt < self.rules.html_attempts:
            return again
        return Fail(_html(self.request))

    def _wait_as_told(self, seconds: float, slows: Slows, reason: str) -> Decision:
        if seconds > self.rules.longest_wait_seconds:
            return Fail(
                TransientError(
                    f"jira asks to wait {seconds:.0f} seconds before {self.request.endpoint} ({reason})",
                    hint="Run again later; the work done so far is kept.",
                )
            )
        # What Jira names is the least; a little more keeps the waiters from coming back in step.
        return Retry(seconds * (1 + 0.1 * self.roll) + self.roll, slows, reason, is_throttled=True)

    def _backoff(self, nth: int) -> float:
        doubled = self.rules.first_wait_seconds * 2.0 ** (nth - 1)
        return min(self.rules.longest_backoff_seconds, doubled) * (0.7 + 0.6 * self.roll)


def _who_waits(reason: str) -> Slows:
    if "quota" in reason:
        return Slows.ALL
    if "per-issue" in reason:
        return Slows.ISSUE
    return Slows.ENDPOINT


def _retry_after(response: Response) -> float | None:
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _until_reset(response: Response, now: datetime) -> float | None:
    text = response.headers.get("x-ratelimit-reset", "").strip()
    if not text:
        return None
    try:
        moment = parse_instant(float(text) if text.replace(".", "", 1).isdigit() else text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment - now).total_seconds())


def _until_full_hour(now: datetime) -> float:
    moment = now.astimezone(UTC)
    next_hour = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return (next_hour - moment).total_seconds()


def _html(request: Request) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"jira answered {request.endpoint} with an HTML page instead of JSON",
        hint="This is what a login page, a maintenance page or a filtering proxy looks like: open the base URL in a "
        "browser and check base URL, proxy and token.",
    )


def _redirected(response: Response, request: Request) -> UnexpectedAnswer:
    where = shown(response.headers.get("location", ""))
    return UnexpectedAnswer(
        f"jira redirected {request.endpoint} to {where}, which is not followed",
        hint="A redirect to a login page means that the account is not accepted here; one to another site means that "
        "the base URL has changed.",
    )


def _lost(request: Request, reason: str) -> AnswerLost:
    return AnswerLost(
        f"the answer to {request.endpoint} was lost ({reason}); it may have been done",
        hint="Look at the target before trying again; a resumed restore does that by itself.",
    )


def _spent(request: Request, decision: Retry, attempts: int) -> TransientError:
    if decision.reason.startswith(_UNREADABLE):
        return TransientError(
            f"jira's answer to {request.endpoint} could not be read after {attempts} attempts ({decision.reason})",
            hint="An answer that is cut or not of the documented form comes from a proxy in between or from a Jira that answers "
            "in another way: run again, and if it stays, report it with the endpoint.",
        )
    return TransientError(
        f"jira did not answer {request.endpoint} after {attempts} attempts ({decision.reason})",
        hint="Check Jira's status page and the network, then run again; the work done so far is kept.",
    )


def _throttled_for_long(request: Request, decision: Retry, times: int) -> TransientError:
    return TransientError(
        f"jira asked {times} times in a row to wait with {request.endpoint} ({decision.reason})",
        hint="Other callers may be using up what Jira allows this site: run again when there are fewer; the work done so far "
        "is kept.",
    )
