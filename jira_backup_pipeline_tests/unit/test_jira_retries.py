"""What an answer means is decided by rules that never retry what could be done twice, and never for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import AnswerLost, TransientError, UnexpectedAnswer
from jira_backup_pipeline.jira.wire.messages import Breakage, Broken, Garbled, Request, Response
from jira_backup_pipeline.jira.wire.retries import (
    Decision,
    Fail,
    Proceed,
    Refuse,
    Retry,
    RetryRules,
    Slows,
    decide,
)

_NOW = datetime(2026, 11, 23, 10, 40, tzinfo=UTC)
_READ = Request.get("/rest/api/3/myself")
_WRITE = Request("POST", "/rest/api/3/issue", "/rest/api/3/issue", body=b"{}", is_repeatable=False)
_JSON = {"content-type": "application/json"}


def decided(
    outcome: Response | Broken | Garbled,
    attempt: int = 1,
    *,
    request: Request = _READ,
    roll: float = 0.5,
    throttled: int = 0,
) -> Decision:
    return decide(outcome, attempt, request=request, now=_NOW, roll=roll, throttled=throttled)


def retry(decision: Decision) -> Retry:
    assert isinstance(decision, Retry)
    return decision


def test_a_good_answer_proceeds() -> None:
    assert decided(Response(200, _JSON, b"{}")) == Proceed()
    assert decided(Response(204)) == Proceed()


@pytest.mark.parametrize(
    ("reason", "slows"),
    [
        ("jira-burst-based", Slows.ENDPOINT),
        ("jira-quota-global-based", Slows.ALL),
        ("jira-quota-tenant-based", Slows.ALL),
        ("jira-per-issue-on-write", Slows.ISSUE),
        ("jira-cost-based", Slows.ENDPOINT),
        ("", Slows.ENDPOINT),
    ],
)
def test_who_waits_follows_from_the_reason(reason: str, slows: Slows) -> None:
    decision = retry(decided(Response(429, {"ratelimit-reason": reason, "retry-after": "7"})))

    assert decision.slows is slows
    assert decision.is_throttled
    assert 7 <= decision.after_seconds <= 9


def test_retry_after_is_the_least_that_is_waited() -> None:
    for roll in (0.0, 0.5, 1.0):
        decision = retry(decided(Response(429, {"retry-after": "20"}), roll=roll))
        assert decision.after_seconds >= 20


@pytest.mark.parametrize(
    "reset", ["2026-11-23T11:00:00Z", "2026-11-23T11:00Z", "1795431600", "1795431600000"]
)
def test_a_spent_quota_waits_until_its_reset_in_every_notation(reset: str) -> None:
    answer = Response(429, {"ratelimit-reason": "jira-quota-global-based", "x-ratelimit-reset": reset})

    assert retry(decided(answer, roll=0.0)).after_seconds == 20 * 60


def test_a_spent_quota_without_a_reset_waits_for_the_full_hour() -> None:
    answer = Response(429, {"ratelimit-reason": "jira-quota-global-based"})

    assert retry(decided(answer, roll=0.0)).after_seconds == 20 * 60


def test_a_burst_does_not_wait_for_the_hourly_reset_when_a_nearer_time_is_named() -> None:
    answer = Response(
        429,
        {
            "ratelimit-reason": "jira-burst-based",
            "retry-after": "3",
            "x-ratelimit-reset": "2026-11-23T11:00:00Z",
        },
    )

    assert retry(decided(answer)).after_seconds < 5


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "inf", "1e999", ""])
def test_an_unreadable_retry_after_falls_back_to_backing_off(nonsense: str) -> None:
    decision = retry(decided(Response(429, {"retry-after": nonsense}), roll=0.5))

    assert decision.after_seconds == 2.0


def test_a_429_without_any_word_backs_off_and_slows_its_endpoint() -> None:
    decision = retry(decided(Response(429), 2, roll=0.5, throttled=1))

    assert decision == Retry(4.0, Slows.ENDPOINT, "429 without a reason", is_throttled=True)


def test_a_wait_longer_than_any_quota_hour_ends_the_call() -> None:
    decision = decided(Response(429, {"retry-after": "86400"}))

    assert isinstance(decision, Fail)
    assert isinstance(decision.error, TransientError)
    assert "asks to wait 86400 seconds" in str(decision.error)


@given(
    attempt=st.integers(1, 50),
    roll=st.floats(0, 1),
    status=st.sampled_from([408, 409, 425, 500, 502, 503, 504, 599]),
)
def test_a_read_is_tried_four_times_with_growing_bounded_waits(
    attempt: int, roll: float, status: int
) -> None:
    decision = decided(Response(status), attempt, roll=roll)

    if attempt >= RetryRules().attempts:
        assert isinstance(decision, Fail)
        assert isinstance(decision.error, TransientError)
    else:
        wait = retry(decision).after_seconds
        assert 0.7 * min(30, 2.0**attempt) <= wait <= 1.3 * min(30, 2.0**attempt) + 1e-9


@given(
    attempt=st.integers(4, 1_000),
    outcome=st.sampled_from(
        [
            Response(503),
            Response(200, {"content-type": "text/html"}, b"<html>"),
            Broken(Breakage.NOT_SENT, "refused"),
            Broken(Breakage.CUT, "reset"),
            Garbled("cut"),
        ]
    ),
    is_write=st.booleans(),
)
def test_nothing_is_ever_tried_more_often_than_the_rules_say(
    *, attempt: int, outcome: Response | Broken | Garbled, is_write: bool
) -> None:
    assert isinstance(decided(outcome, attempt, request=_WRITE if is_write else _READ), Fail)


@given(
    times=st.integers(1, 40),
    failed=st.integers(0, 3),
    outcome=st.sampled_from(
        [
            Response(429, {"retry-after": "1"}),
            Response(429),
            Response(429, {"ratelimit-reason": "jira-quota-global-based", "retry-after": "60"}),
            Response(503, {"retry-after": "1"}),
        ]
    ),
)
def test_being_asked_for_less_is_counted_apart_from_failures(
    *, times: int, failed: int, outcome: Response
) -> None:
    rules = RetryRules()
    is_quota = "ratelimit-reason" in outcome.headers

    decision = decided(outcome, times + failed, throttled=times - 1)

    most = rules.attempts if is_quota else rules.throttled_attempts
    if times >= most:
        assert isinstance(decision, Fail)
        assert f"asked {most} times in a row to wait" in str(decision.error)
    else:
        assert retry(decision).is_throttled


def test_a_failure_after_much_throttling_is_still_asked_again() -> None:
    assert isinstance(decided(Response(500), 9, throttled=8), Retry)
    assert isinstance(decided(Response(500), 12, throttled=8), Fail)


def test_an_answer_of_another_form_is_not_called_no_answer() -> None:
    decision = decided(Garbled("the answer has no member 'keys'"), 4)

    assert isinstance(decision, Fail)
    assert "could not be read after 4 attempts (unreadable answer: the answer has no member" in str(
        decision.error
    )
    assert "another way" in decision.error.hint


def test_503_with_retry_after_waits_as_told() -> None:
    decision = retry(decided(Response(503, {"retry-after": "11"}), roll=0.0))

    assert decision.after_seconds == 11


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_a_write_with_a_server_error_may_have_happened_or_is_refused_but_is_never_repeated(
    status: int,
) -> None:
    decision = decided(Response(status), request=_WRITE)

    if status == 408:
        assert isinstance(decision, Refuse)
    else:
        assert isinstance(decision, Fail)
        assert isinstance(decision.error, AnswerLost)


@pytest.mark.parametrize("breakage", [Breakage.NO_ANSWER, Breakage.CUT])
def test_a_write_whose_answer_broke_is_lost(breakage: Breakage) -> None:
    decision = decided(Broken(breakage, "reset"), request=_WRITE)

    assert isinstance(decision, Fail)
    assert isinstance(decision.error, AnswerLost)


@pytest.mark.parametrize("answer", [Response(200, {"content-type": "text/html"}, b"<html>"), Garbled("cut")])
def test_a_write_whose_answer_cannot_be_read_is_lost(answer: Response | Garbled) -> None:
    decision = decided(answer, request=_WRITE)

    assert isinstance(decision, Fail)
    assert isinstance(decision.error, AnswerLost)


def test_a_write_that_was_never_sent_or_was_refused_unread_is_sent_again() -> None:
    assert isinstance(decided(Broken(Breakage.NOT_SENT, "refused"), request=_WRITE), Retry)
    assert isinstance(decided(Response(429, {"retry-after": "1"}), request=_WRITE), Retry)


def test_a_throttled_write_that_runs_out_of_attempts_is_not_called_lost() -> None:
    decision = decided(Response(429, {"retry-after": "1"}), 10, request=_WRITE, throttled=9)

    assert isinstance(decision, Fail)
    assert not isinstance(decision.error, AnswerLost)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 501])
def test_a_refusal_of_one_object_is_given_to_the_caller_with_jiras_words(status: int) -> None:
    body = json.dumps({"errorMessages": ["Not for you."], "errors": {"project": "is required"}}).encode()
    decision = decided(Response(status, _JSON, body))

    assert isinstance(decision, Refuse)
    assert decision.refusal.status == status
    assert decision.refusal.words == "Not for you.; project: is required"
    assert decision.refusal.document == {
        "errorMessages": ["Not for you."],
        "errors": {"project": "is required"},
    }


def test_a_page_for_people_is_looked_at_twice_and_then_named() -> None:
    page = Response(200, {"content-type": "text/html;charset=UTF-8"}, b"<!DOCTYPE html>")

    assert isinstance(decided(page, 1), Retry)
    decision = decided(page, 2)
    assert isinstance(decision, Fail)
    assert isinstance(decision.error, UnexpectedAnswer)
    assert "HTML page instead of JSON" in decision.error.message


def test_a_page_for_people_is_known_by_its_body_too() -> None:
    assert isinstance(decided(Response(200, _JSON, b"\n <html>"), 2), Fail)


def test_a_redirect_is_not_followed_and_its_query_is_not_told() -> None:
    decision = decided(Response(302, {"location": "https://id.example.net/login?token=secret"}))

    assert isinstance(decision, Fail)
    assert "redirected GET /rest/api/3/myself to https://id.example.net/login" in decision.error.message
    assert "secret" not in str(decision.error)


@pytest.mark.parametrize("body", [b"", b'{"id": "77", "status": "ENQUEUED"}'])
def test_a_redirect_to_a_task_is_the_answer_to_a_write(body: bytes) -> None:
    answer = Response(303, {"location": "https://site.example.net/rest/api/3/task/77"}, body)

    assert decided(answer, request=_WRITE) == Proceed()
    assert json.loads(answer.told) == {"id": "77"}
    assert isinstance(decided(answer), Fail)
    own = Response(303, {}, b'{"self": "https://site.example.net/rest/api/3/task/78", "id": "78"}')
    assert decided(own, request=_WRITE) == Proceed()
    assert json.loads(own.told) == {"id": "78"}
    elsewhere = Response(303, {"location": "https://id.example.net/login?to=/rest/api/3/task"}, body)
    assert isinstance(decided(elsewhere, request=_WRITE), Fail)
    assert elsewhere.told == body


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"errorMessages": ["a"], "errors": {"f": "b"}}, "a; f: b"),
        ({"message": "a", "status-code": 404}, "a"),
        ({"code": 403, "message": "a", "error": "a"}, "a"),
        ({"error": "invalid_scope", "error_description": "a"}, "invalid_scope; a"),
        ({"errors": [{"title": "a", "detail": "b"}, {"message": "c"}]}, "a; b; c"),
        (["a", "b"], "a; b"),
        ("a", "a"),
        ({"status": 404}, "no further words"),
    ],
)
def test_jiras_words_are_found_in_every_form_of_refusal(document: object, words: str) -> None:
    decision = decided(Response(404, _JSON, json.dumps(document).encode()))

    assert isinstance(decision, Refuse)
    assert decision.refusal.words == words


def test_jiras_words_are_kept_to_one_short_line() -> None:
    decision = decided(Response(400, {}, b"first\n second " + b"x" * 900))

    assert isinstance(decision, Refuse)
    assert decision.refusal.words.startswith("first second xxx")
    assert len(decision.refusal.words) == 300
    assert decision.refusal.document is None
