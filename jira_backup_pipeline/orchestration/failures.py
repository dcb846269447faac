"""How a failure of a verb becomes a failure of a run: what is retried, and what its reader is told.

What belongs here: the mapping of domain errors to `dg.Failure`, and the retry policy that goes with it. Only what may
succeed later is retried; a rejected token, a denied permission, a wrong setting or a damaged object fails at once.

What stays out: retries of single requests (`jira`, `store`): they are spent before an error arrives here. Retries of
whole runs are in `dagster.yaml`, which leaves failed steps to this policy.

See https://docs.dagster.io/guides/build/ops/op-retries
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from jira_backup_pipeline.domain.errors import BackupPipelineError, TransientError

RETRY_TRANSIENT = dg.RetryPolicy(
    max_retries=3, delay=60, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the verbs raise into failures that say what happened, what to do, and whether a retry makes sense.

    Raises:
        dg.Failure: with `allow_retries` only for errors that may pass by themselves.
    """
    try:
        yield
    except BackupPipelineError as error:
        raise failure_of(error) from error
    except (dg.DagsterError, dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        # A defect does not heal by waiting. The cause is chained, so that its traceback is kept.
        description = f"unexpected {type(error).__name__}\nHINT: This is a defect; please report it with the traceback below."
        raise dg.Failure(description, allow_retries=False) from error


def failure_of(error: BackupPipelineError) -> dg.Failure:
    """Give the failure that shows a domain error."""
    return dg.Failure(
        description=str(error),
        metadata={"what happened": error.message, "what to do": error.hint, "kind": type(error).__name__},
        allow_retries=isinstance(error, TransientError),
    )
