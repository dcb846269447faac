"""The client of one site: sends what it is given, waits and repeats as `wire.retries` decides, counts every request.

What belongs here: `JiraConfig`, `JiraClient`, and the Authorization header, which goes to the base URL's own origin and
nowhere else.

What stays out: which requests are made (`reader`, `writer`), what answers mean (`wire`), how much at once (`limiter`) and
the connections themselves (`sockets`).
"""

from __future__ import annotations

import base64
import logging
import random
import threading
import time
from collections import Counter
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final, Self, TypeVar
from urllib.parse import unquote

from jira_backup_pipeline.domain.errors import ConfigurationError, CredentialsRejected, TransientError
from jira_backup_pipeline.domain.readings import Pace
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.limiter import Limiter, shared_limiter
from jira_backup_pipeline.jira.pipeline import map_ordered
from jira_backup_pipeline.jira.refusals import error_for
from jira_backup_pipeline.jira.sockets import Sockets
from jira_backup_pipeline.jira.wire.addresses import address_of, checked_base_url, cloud_id_in, same_origin
from jira_backup_pipeline.jira.wire.messages import Broken, Garbled, Refusal, Request, Response
from jira_backup_pipeline.jira.wire.retries import Fail, Proceed, Refuse, Retry, RetryRules, Slows, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from jira_backup_pipeline.jira.exchange import Exchange

_LOG = logging.getLogger(__name__)
_USER_AGENT: Final = "jira-backup-pipeline"
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT}
_UNAUTHORIZED: Final = 401
_MYSELF: Final = Request.get("/rest/api/3/myself")
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class JiraConfig:
    """Where Jira is, who asks, and the bounds of patience; times are in seconds.

    `base_url` is the site or the gateway with the cloud id. The environment's proxy variables do not count: `proxy` and
    `ca_bundle` do.
    """

    base_url: str
    email: str
    token: Secret
    # A proxy's address may hold a password.
    proxy: str | None = field(default=None, repr=False)
    ca_bundle: str | None = None
    request_timeout_seconds: float = 60.0
    connect_timeout_seconds: float = 15.0
    answer_deadline_seconds: float = 300.0
    max_in_flight: int = 10


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance, handed in so that tests can play them; without a `sleep` a wait ends when the client is closed."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    roll: Callable[[], float] = random.random


def connect(
    config: JiraConfig, *, timing: Timing | None = None, rules: RetryRules | None = None
) -> JiraClient:
    """Make a client for a site; nothing is asked yet.

    Raises:
        ConfigurationError: the base URL, e-mail or token is unusable.
        Refused: the base URL is plain http to another machine.
    """
    base_url = checked_base_url(config.base_url)
    # Jira counts by site, whoever asks: all clients of this process share a limiter, but for those whose time is played.
    limiter = shared_limiter(base_url, config.max_in_flight) if timing is None else None
    return JiraClient(config, timing=timing or Timing(), rules=rules or RetryRules(), limiter=limiter)


class JiraClient:
    """Asks one site as one account, from several threads. Close it when done."""

    def __init__(
        self, config: JiraConfig, *, timing: Timing, rules: RetryRules, limiter: Limiter | None = None
    ) -> None:
        self.base_url: Final = checked_base_url(config.base_url)
        # As the address or the site itself tells it; some lists are asked for by it.
        self.cloud_id: str | None = cloud_id_in(self.base_url)
        self._config = config
        self._authorization = _basic(config.email, config.token)
        self._timing = timing
        self._rules = rules
        self._closing = threading.Event()
        self.limiter: Final = limiter or Limiter(
            most=config.max_in_flight, monotonic=timing.monotonic, sleep=self._sleep
        )
        self._say: Callable[[str], None] | None = None
        self._sockets = Sockets(
            timeout_seconds=(config.connect_timeout_seconds, config.request_timeout_seconds),
            proxy=config.proxy,
            ca_bundle=config.ca_bundle,
            most_connections=config.max_in_flight,
            monotonic=timing.monotonic,
        )
        self._pool = ThreadPoolExecutor(config.max_in_flight, thread_name_prefix="jira")
        self._counts: Counter[str] = Counter()
        self._answers, self._answering_seconds = 0, 0.0
        self._lock = threading.Lock()
        self._account_id: str | None = None
        self._rejection: CredentialsRejected | None = None
        self._last_date = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of threads and connections; what is in flight ends first, what waits or has not begun is dropped."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._sockets.close()

    @property
    def pool(self) -> Executor:
        """Give the threads that calls run on; work submitted here must not wait for other work of the pool."""
        return self._pool

    @property
    def max_in_flight(self) -> int:
        """Tell how many calls can be under way at once."""
        return self._config.max_in_flight

    def submit(self, work: Callable[[T], R], item: T) -> Future[R]:
        """Run `work(item)` on a thread of the client."""
        return self._pool.submit(work, item)

    def map_ordered(self, work: Callable[[T], R], items: Iterable[T], *, ahead: int = 2) -> Iterator[R]:
        """Give `work(item)` in order, with at most `ahead` rounds of the pool in flight; the first error ends it."""
        return map_ordered(self._pool, work, items, in_flight=self._config.max_in_flight * ahead)

    def request_counts(self) -> Mapping[str, int]:
        """Give the number of requests sent so far, repeats included, by "METHOD path template"."""
        with self._lock:
            return dict(self._counts)

    def on_wait(self, say: Callable[[str], None] | None) -> None:
        """From now on tell `say` when all calls must wait; it is called from any thread."""
        self._say = say

    def pace(self) -> Pace:
        """Tell the mean time of the answers so far, waits for turns and quotas apart, and how many calls may be under way."""
        with self._lock:
            mean = self._answering_seconds / self._answers if self._answers else None
        return Pace(mean, self._config.max_in_flight)

    def now(self) -> datetime:
        """Give our own clock's time."""
        return self._timing.clock()

    def server_date(self) -> datetime | None:
        """Give the moment that the last answer's `Date` header states."""
        try:
            return parsedate_to_datetime(self._last_date)
        except ValueError:
            return None

    def expect_account(self, account_id: str) -> None:
        """From now on an answer made out to another account (or to nobody) rejects the credentials."""
        self._account_id = account_id

    def ask(self, request: Request, read: Callable[[bytes], T]) -> T:
        """Send, and read the answer with `read`; a refusal becomes a domain error.

        Raises:
            CredentialsRejected: the token is not accepted, or not any more.
            AccessDenied: 403. NotFound: 404 or 410. UnexpectedAnswer: another refusal or an answer that is no answer.
            TransientError: retries are spent. AnswerLost: a write may have happened.
        """
        answer = self.try_ask(request, read)
        if isinstance(answer, Refusal):
            raise error_for(request, answer)
        return answer

    def try_ask(
        self, request: Request, read: Callable[[bytes], T], *, stream: Callable[[], object] | None = None
    ) -> T | Refusal:
        """As `ask`, but Jira's refusal of this one object is a value.

        `stream` gives a body that is read while it is sent; it is asked for anew at every attempt.
        """
        attempt = throttled = 0
        while True:
            attempt += 1
            outcome = self._exchange(request, stream() if stream is not None else None)
            decision = self._decide(outcome, attempt, request, throttled)
            if isinstance(decision, Proceed) and isinstance(outcome, Response):
                try:
                    return read(outcome.told)
                except Garbled as garbled:
                    decision = self._decide(garbled, attempt, request, throttled)
            match decision:
                case Refuse(refusal=refusal):
                    return self.checked(request, refusal)
                case Fail(error=error):
                    raise error
                case Retry():
                    throttled += decision.is_throttled
                    self.wait(request, decision)

    def _decide(
        self, outcome: Response | Broken | Garbled, attempt: int, request: Request, throttled: int = 0
    ) -> Proceed | Retry | Fail | Refuse:
        decision = decide(
            outcome,
            attempt,
            request=request,
            now=self._timing.clock(),
            roll=self._timing.roll(),
            throttled=throttled,
            rules=self._rules,
        )
        if isinstance(decision, Proceed):
            self.limiter.succeeded(request.endpoint)
        return decision

    def _sleep(self, seconds: float) -> None:
        (self._timing.sleep or self._closing.wait)(seconds)
        if self._closing.is_set():
            raise _closed()

    def decide_on(
        self, outcome: Response | Broken, attempt: int, request: Request, *, throttled: int = 0
    ) -> Proceed | Retry | Fail | Refuse:
        """Give the decision on an exchange that the caller runs itself (downloads)."""
        return self._decide(outcome, attempt, request, throttled)

    def turn(self, request: Request) -> AbstractContextManager[None]:
        """Wait for a turn at the request's endpoint and hold it while the block runs."""
        return self.limiter.turn(request.endpoint, self._sleep)

    def wait(self, request: Request, decision: Retry) -> None:
        """Wait as decided, and make wait whoever else must."""
        _LOG.info("%s again in %.1f s: %s", request.endpoint, decision.after_seconds, decision.reason)
        if decision.slows is Slows.ALL:
            if self.limiter.pause_all(decision.after_seconds, decision.reason) and self._say is not None:
                until = self._timing.clock() + timedelta(seconds=decision.after_seconds)
                self._say(
                    f"Jira's quota is spent ({decision.reason}): all calls wait {decision.after_seconds:,.0f} s, "
                    f"until {until:%H:%M:%S} {until.tzname() or 'UTC'}"
                )
        elif decision.slows is Slows.ENDPOINT and decision.is_throttled:
            self.limiter.slow_down(request.endpoint, decision.after_seconds)
        else:
            self._sleep(decision.after_seconds)

    def _exchange(self, request: Request, body: object) -> Response | Broken:
        with self.turn(request):
            begun_at = self._timing.monotonic()
            try:
                exchange = self.start(request, body=body)
                answer = exchange.read_whole(self._config.answer_deadline_seconds)
            except Broken as broken:
                return broken
        with self._lock:
            self._answers += 1
            self._answering_seconds += self._timing.monotonic() - begun_at
        return answer

    def start(
        self, request: Request, headers: Mapping[str, str] | None = None, *, body: object = None
    ) -> Exchange:
        """Send one request to the site and give its open answer, without retries; `headers` come before our own, `body` may be a stream.

        Raises:
            Broken: the exchange did not come about.
            CredentialsRejected: an earlier or this answer showed that the credentials do not count any more.
        """
        if self._rejection is not None:
            raise self._rejection
        if self._closing.is_set():
            raise _closed()
        with self._lock:
            self._counts[request.endpoint] += 1
        exchange = self._sockets.open(
            request.method,
            address_of(self.base_url, request.target),
            {
                **_HEADERS,
                **dict(request.headers),
                **(headers or {}),
                "Authorization": self._authorization.reveal(),
            },
            body or request.body,
        )
        self._check_account(exchange)
        return exchange

    def start_elsewhere(self, url: str, headers: Mapping[str, str]) -> Exchange:
        """Open a download address that Jira redirected to; the Authorization header goes along to our origin only."""
        named = {"User-Agent": _USER_AGENT, **headers}
        return self._sockets.open(
            "GET",
            url,
            {**named, "Authorization": self._authorization.reveal()}
            if same_origin(url, self.base_url)
            else named,
            None,
        )

    def _check_account(self, exchange: Exchange) -> None:
        self._last_date = exchange.headers.get("date", "")
        seen = unquote(exchange.headers.get("x-aaccountid", ""))
        if self._account_id and seen and seen != self._account_id:
            exchange.close()
            self._reject("jira suddenly answers as another account, or as nobody")

    def checked(self, request: Request, refusal: Refusal) -> Refusal:
        """Tell a rejected token from an endpoint that says 401 where it means 403."""
        if refusal.status != _UNAUTHORIZED:
            return refusal
        if request.path != _MYSELF.path and not isinstance(self.try_ask(_MYSELF, bytes), Refusal):
            return refusal
        return self._reject(f"jira does not accept the account or token ({refusal.words})")

    def _reject(self, message: str) -> Refusal:
        self._rejection = CredentialsRejected(
            message,
            hint="Check e-mail and API token, that the token has not expired, and that a scoped token is used with the gateway base URL.",
        )
        raise self._rejection


def _closed() -> TransientError:
    return TransientError(
        "a call to jira was given up because the client is being closed",
        hint="Run again; the work done so far is kept.",
    )


def _basic(email: str, token: Secret) -> Secret:
    if not email or not token:
        raise ConfigurationError(
            "the Jira account's e-mail or API token is empty",
            hint="Set JIRA_EMAIL and JIRA_API_TOKEN, or store them with `jira-backup credentials set jira`.",
        )
    packed = base64.b64encode(f"{email}:{token.reveal()}".encode()).decode("ascii")
    return Secret(f"Basic {packed}")
