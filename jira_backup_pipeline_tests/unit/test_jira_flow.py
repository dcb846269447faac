"""How much is asked at once, in which order results come, and what an open answer may do: limiter, pipeline and exchange."""

from __future__ import annotations

import gc
import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira.client import JiraConfig, connect
from jira_backup_pipeline.jira.exchange import Exchange
from jira_backup_pipeline.jira.limiter import Limiter
from jira_backup_pipeline.jira.pipeline import map_ordered
from jira_backup_pipeline.jira.upload import FileForm
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken, Request
from jira_backup_pipeline.jira.wire.retries import Retry, Slows
from jira_backup_pipeline_tests.doubles.played_time import PlayedTime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jira_backup_pipeline.jira.client import JiraClient

_ENDPOINT = "GET /rest/api/3/issue/{issue_id}/comment"


def limiter(time: PlayedTime, most: int = 10) -> Limiter:
    return Limiter(most=most, monotonic=time.monotonic, sleep=time.sleep)


def test_an_endpoint_starts_small_and_grows_to_the_most_by_good_answers() -> None:
    gate = limiter(PlayedTime())

    assert gate.limit_of(_ENDPOINT) == 4
    for _ in range(4):
        gate.succeeded(_ENDPOINT)
    assert gate.limit_of(_ENDPOINT) == 5
    for _ in range(500):
        gate.succeeded(_ENDPOINT)
    assert gate.limit_of(_ENDPOINT) == 10


def test_a_burst_halves_one_endpoint_and_leaves_the_others_alone() -> None:
    time = PlayedTime()
    gate = limiter(time)

    gate.slow_down(_ENDPOINT, 5.0)
    with gate.turn("GET other"):
        assert time.slept == []
    with gate.turn(_ENDPOINT):
        assert time.slept == [5.0]
    assert gate.limit_of(_ENDPOINT) == 2
    assert gate.limit_of("GET other") == 4


def test_calls_refused_together_are_one_signal() -> None:
    time = PlayedTime()
    gate = limiter(time)

    for _ in range(4):
        gate.slow_down(_ENDPOINT, 5.0)
    assert gate.limit_of(_ENDPOINT) == 2
    for _ in range(10):
        time.sleep(6.0)
        gate.slow_down(_ENDPOINT, 5.0)
    assert gate.limit_of(_ENDPOINT) == 1


def test_a_spent_quota_stops_every_endpoint_until_it_is_given_back() -> None:
    time = PlayedTime()
    gate = limiter(time)

    gate.pause_all(1_200.0, "jira-quota-global-based")
    with gate.turn("GET one"), gate.turn("GET two"):
        assert time.slept == [1_200.0]


def test_never_more_are_inside_than_the_limit() -> None:
    gate = limiter(PlayedTime(), most=3)
    inside, most_inside = 0, 0
    lock, all_waited = threading.Lock(), threading.Barrier(3)

    def call(_: int) -> None:
        nonlocal inside, most_inside
        with gate.turn(_ENDPOINT):
            with lock:
                inside += 1
                most_inside = max(most_inside, inside)
            all_waited.wait(timeout=20)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(12)))

    assert most_inside == 3


@given(items=st.lists(st.integers(), max_size=40), in_flight=st.integers(1, 7))
def test_results_come_in_the_order_of_the_items(items: list[int], in_flight: int) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert [item * 2 for item in items] == list(
            map_ordered(pool, lambda item: item * 2, items, in_flight=in_flight)
        )


def test_no_more_items_are_taken_than_may_be_in_flight() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for item in range(1_000):
            taken.append(item)
            yield item

    with ThreadPoolExecutor(2) as pool:
        results = map_ordered(pool, lambda item: item, source(), in_flight=5)
        assert next(results) == 0
        assert len(taken) == 6
        results.close()


def test_the_first_error_is_raised_and_what_has_not_begun_is_dropped() -> None:
    release, begun = threading.Event(), list[int]()

    def work(item: int) -> int:
        begun.append(item)
        if item == 0:
            raise ValueError
        release.wait(timeout=20)
        return item

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ValueError):  # noqa: PT011 - the very one raised above
            list(map_ordered(pool, work, range(50), in_flight=10))
        release.set()

    assert len(begun) <= 2


class Pieces:
    """A body that comes in given pieces; each takes some time."""

    def __init__(self, *pieces: bytes, time: PlayedTime | None = None, seconds: float = 0.0) -> None:
        self._pieces = iter(pieces)
        self._time, self._seconds = time, seconds
        self.is_closed = False

    def read_piece(self, limit_bytes: int) -> bytes:
        if self._time is not None:
            self._time.advance(self._seconds)
        piece = next(self._pieces, b"")
        assert len(piece) <= limit_bytes
        return piece

    def close(self) -> None:
        self.is_closed = True


def opened(
    body: Pieces, *, time: PlayedTime | None = None, headers: Mapping[str, str] | None = None
) -> Exchange:
    return Exchange(
        200, headers or {}, body, monotonic=(time or PlayedTime()).monotonic, asked_at_seconds=1_000.0
    )


def test_a_body_is_read_whole_unpacked_and_closed() -> None:
    packed = gzip.compress(b"first ") + gzip.compress(b"second")
    body = Pieces(packed[:7], packed[7:])

    response = opened(
        body, headers={"content-encoding": "gzip", "content-length": str(len(packed))}
    ).read_whole(60)

    assert response.body == b"first second"
    assert body.is_closed


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(b"x" * 999)[:-9], {"content-encoding": "gzip"}),
        (b"no gzip at all", {"content-encoding": "gzip"}),
        (b"short", {"content-length": "6"}),
        (b"x", {"content-encoding": "br"}),
    ],
    ids=["gzip cut", "gzip damaged", "shorter than announced", "packed otherwise"],
)
def test_a_body_that_is_not_what_was_announced_is_broken(body: bytes, headers: dict[str, str]) -> None:
    pieces = Pieces(body)
    with pytest.raises(Broken) as caught:
        opened(pieces, headers=headers).read_whole(60)
    assert caught.value.breakage is Breakage.CUT
    assert pieces.is_closed


def test_a_slow_drip_does_not_outlast_the_deadline() -> None:
    time = PlayedTime()
    drip = Pieces(*[b"."] * 10_000, time=time, seconds=1.0)

    with pytest.raises(Broken, match="longer than 30 seconds"):
        opened(drip, time=time).read_whole(30.0)
    assert time.now < 1_040


@given(
    name=st.text(max_size=20),
    content=st.binary(max_size=200),
    reads=st.integers(min_value=1, max_value=64),
)
def test_an_upload_form_has_the_length_it_states_and_one_part_whatever_the_name(
    name: str, content: bytes, reads: int
) -> None:
    form = FileForm(name, BytesIO(content + b"more"), len(content), boundary="frontier")
    sent = b""
    while piece := form.read(reads):
        sent += piece

    assert len(form) == len(sent)
    head, _, rest = sent.partition(b"\r\n\r\n")
    assert rest == content + b"\r\n--frontier--\r\n"
    assert head.count(b"\r\n") == 2
    assert head.count(b'"') == 4


def test_an_upload_whose_stream_ends_early_is_an_error_before_its_end_is_written() -> None:
    form = FileForm("a.txt", BytesIO(b"123"), 4)
    with pytest.raises(ValueError, match="ended 1 bytes before"):
        list(form)


# --- one limiter for a site ---------------------------------------------------------------------------------------------


def client_of(url: str, most: int) -> JiraClient:
    return connect(JiraConfig(url, "backup@example.net", Secret("token"), max_in_flight=most))


def test_clients_of_one_site_share_a_limiter_and_the_more_careful_one_counts() -> None:
    with (
        client_of("http://127.0.0.1:1/", 8) as first,
        client_of("http://127.0.0.1:1", 3) as second,
        client_of("http://127.0.0.1:2", 8) as elsewhere,
    ):
        limiters = [client.limiter for client in (first, second, elsewhere)]

        assert limiters[0] is limiters[1]
        assert limiters[0] is not limiters[2]
        for _ in range(100):
            limiters[0].succeeded(_ENDPOINT)
            limiters[2].succeeded(_ENDPOINT)
        assert [one.limit_of(_ENDPOINT) for one in (limiters[0], limiters[2])] == [3, 8]


def test_a_spent_quota_that_one_client_meets_stops_the_others_too() -> None:
    with client_of("http://127.0.0.1:3", 4) as first, client_of("http://127.0.0.1:3", 4) as second:
        spent = Retry(3_000.0, Slows.ALL, "429 jira-quota-global-based", is_throttled=True)
        first.wait(Request.get("/rest/api/3/myself"), spent)
        waited: list[float] = []

        class Woken(Exception):
            """Ends the wait."""

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            raise Woken

        gate = second.limiter
        with pytest.raises(Woken), gate.turn(_ENDPOINT, sleep):
            pass

        assert 2_900 < waited[0] <= 3_000


def test_a_limiter_lives_no_longer_than_its_clients() -> None:
    with client_of("http://127.0.0.1:4", 4) as client:
        client.limiter.pause_all(900.0, "quota")
    del client
    gc.collect()

    with client_of("http://127.0.0.1:4", 4) as fresh, fresh.turn(Request.get("/rest/api/3/myself")):
        pass


def test_a_spent_quota_is_said_once_with_the_moment_when_it_ends() -> None:
    said: list[str] = []
    time = PlayedTime()
    config = JiraConfig("http://127.0.0.1:5", "backup@example.net", Secret("token"))
    with connect(config, timing=time.timing()) as client:
        client.on_wait(said.append)
        for seconds in (1_800.0, 1_801.5, 1_799.0):
            spent = Retry(seconds, Slows.ALL, "429 jira-quota-tenant-based", is_throttled=True)
            client.wait(Request.get("/rest/api/3/myself"), spent)
        ends_at = time.timing().clock() + timedelta(seconds=1_800)
        time.advance(4_000)
        client.wait(Request.get("/rest/api/3/myself"), spent)

    assert len(said) == 2
    assert said[0] == (
        "Jira's quota is spent (429 jira-quota-tenant-based): all calls wait 1,800 s, "
        f"until {ends_at:%H:%M:%S} UTC"
    )
