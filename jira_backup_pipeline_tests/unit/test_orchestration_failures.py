"""Only what may pass by itself is retried, and every failure says what to do."""

from __future__ import annotations

import dagster as dg
import pytest

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    BackupPipelineError,
    ConcurrentWriter,
    ConfigurationError,
    CredentialsRejected,
    IntegrityError,
    NotFound,
    StoreError,
    TransientError,
)
from jira_backup_pipeline.orchestration.failures import explained, failure_of

PERMANENT = [
    AccessDenied,
    ConcurrentWriter,
    ConfigurationError,
    CredentialsRejected,
    IntegrityError,
    NotFound,
    StoreError,
]


@pytest.mark.parametrize("kind", PERMANENT)
def test_a_permanent_error_is_not_retried_and_keeps_its_hint(kind: type[BackupPipelineError]) -> None:
    with pytest.raises(dg.Failure) as caught, explained():
        raise kind("it is so", hint="Change it.")

    assert caught.value.allow_retries is False
    assert caught.value.description == "it is so\nHINT: Change it."
    assert isinstance(caught.value.__cause__, kind)


def test_a_transient_error_is_retried() -> None:
    failure = failure_of(TransientError("rate limit", hint="Wait."))

    assert failure.allow_retries is True


def test_a_defect_is_not_retried_and_its_traceback_is_kept() -> None:
    with pytest.raises(dg.Failure) as caught, explained():
        _ = {}["absent"]

    assert caught.value.allow_retries is False
    assert isinstance(caught.value.__cause__, KeyError)
    assert "unexpected KeyError" in str(caught.value.description)


def test_what_dagster_raises_itself_passes_through() -> None:
    with pytest.raises(dg.RetryRequested), explained():
        raise dg.RetryRequested(max_retries=1)


def test_a_transient_failure_is_retried_in_a_run_and_a_permanent_one_is_not() -> None:
    attempts = {"transient": 0, "permanent": 0}

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def transient() -> None:
        attempts["transient"] += 1
        with explained():
            raise TransientError("busy", hint="Wait.")

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def permanent() -> None:
        attempts["permanent"] += 1
        with explained():
            raise CredentialsRejected("no such token", hint="Make a new one.")

    @dg.job
    def both() -> None:
        transient()
        permanent()

    both.execute_in_process(raise_on_error=False)

    assert attempts == {"transient": 3, "permanent": 1}
