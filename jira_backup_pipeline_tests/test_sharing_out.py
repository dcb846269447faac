"""Whoever shares the suite out among workers by file gets whole files: what a module prepares is prepared once."""

from __future__ import annotations

import pytest

SHARED_OUT_BY_FILE = "loadfile"


@pytest.mark.parametrize("number", range(4))
def test_a_file_stays_with_one_worker(
    number: int,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    worker_id: str,
    testrun_uid: str,
) -> None:
    """Nothing fails when workers split a file, it only takes longer: so the workers leave their names here."""
    arguments = getattr(request.config, "workerinput", {"mainargv": []})["mainargv"]
    if SHARED_OUT_BY_FILE not in arguments:
        pytest.skip("this run is not shared out by file, as `make test` is")
    # Each worker has a folder of its own beside those of the others.
    names = tmp_path_factory.getbasetemp().parent / f"workers-{testrun_uid}"
    names.mkdir(exist_ok=True)

    (names / f"{worker_id}-{number}").touch()

    assert {path.name.partition("-")[0] for path in names.iterdir()} == {worker_id}
