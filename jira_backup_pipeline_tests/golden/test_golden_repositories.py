"""Today's code reads the repositories that earlier formats left behind, completely, with each of their identities."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jira_backup_pipeline.domain.manifest import MANIFEST_FORMAT
from jira_backup_pipeline.repository.checking import VerifyLevel
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.small_repository import SteppingClock
from jira_backup_pipeline_tests.golden.make_golden import SCOPE, answers, make

_HERE = Path(__file__).parent
_FORMATS = sorted(path.name for path in _HERE.glob("format-*"))


@pytest.fixture(params=_FORMATS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy, so that nothing can change the original."""
    copy = tmp_path / "golden"
    shutil.copytree(_HERE / request.param, copy)
    return copy


def _without_newer_columns(found: Any, expected: Any) -> Any:
    """Leave out columns and members that the format has gained since: they are allowed, a loss is not."""
    if isinstance(found, dict) and isinstance(expected, dict):
        return {
            name: _without_newer_columns(found[name], expected[name]) for name in expected if name in found
        }
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        return [_without_newer_columns(*pair) for pair in zip(found, expected, strict=True)]
    return found


def test_there_is_a_golden_repository_of_every_format() -> None:
    assert [f"format-{number}" for number in range(1, MANIFEST_FORMAT + 1)] == _FORMATS


@pytest.mark.parametrize("identity", ["operator-identity.txt", "recovery-identity.txt"])
def test_everything_in_it_is_read_as_it_was_written(golden: Path, identity: str) -> None:
    expected = json.loads((golden / "expected.json").read_text())

    repository = open_repository(
        LocalStore(golden / "repository"), identity_text=(golden / identity).read_text()
    )

    found = json.loads(json.dumps(answers(repository)))
    assert _without_newer_columns(found, expected) == expected


def test_every_object_of_it_is_proven(golden: Path) -> None:
    repository = open_repository(
        LocalStore(golden / "repository"), identity_text=(golden / "operator-identity.txt").read_text()
    )
    roles = set()
    for scope in repository.scopes():
        assert list(repository.chain_findings(scope)) == []
        for number in repository.snapshot_numbers(scope):
            for ref, role in repository.objects_of(repository.load(scope, number)):
                repository.check_object(scope, ref, VerifyLevel.DECRYPT)
                roles.add(role)
    assert roles == {"keyring", "manifest", "index", "receipt", "units", "table", "blob"}


def test_sql_reads_it(golden: Path) -> None:
    repository = open_repository(
        LocalStore(golden / "repository"), identity_text=(golden / "recovery-identity.txt").read_text()
    )
    tables = repository.tables(repository.load(SCOPE, 2))

    found = tables.sql(
        "select i.id, count(c.id) n from issues i left join comments c on c.issue_id = i.id group by 1 order by 1"
    )

    assert found.to_pylist() == [{"id": "1", "n": 1}, {"id": "2", "n": 0}]


def test_what_makes_golden_repositories_still_works(tmp_path: Path) -> None:
    make(tmp_path / "new", SteppingClock())

    expected = json.loads((tmp_path / "new" / "expected.json").read_text())
    assert [name for name in expected["snapshots"] if name.startswith(SCOPE)] == [
        f"{SCOPE}/{n}" for n in (1, 2, 3)
    ]
