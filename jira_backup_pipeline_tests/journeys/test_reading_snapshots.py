"""A data team opens snapshots from Python by the words it knows: project, moment, table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import jira_backup_pipeline
from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    ConfigurationError,
    NotFound,
    UnknownName,
)
from jira_backup_pipeline.domain.manifest import Gap, SnapshotState
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.store.local import LocalStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    SmallRepository,
    example,
    issue_unit,
    record,
    unit,
)

if TYPE_CHECKING:
    from pathlib import Path


class Desk:
    """A repository in a folder, and an identity file beside it."""

    def __init__(self, folder: Path) -> None:
        self.uri = (folder / "repository").as_uri()
        self.small: SmallRepository = example(LocalStore(folder / "repository"))
        self.identity_file = folder / "identity"
        self.identity_file.touch(0o600)
        self.identity_file.write_text(self.small.identity_text)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(tmp_path)
    monkeypatch.setenv("BACKUP_IDENTITY_FILE", str(desk.identity_file))
    return desk


def test_a_snapshot_is_a_mapping_of_tables_with_live_rows_only(desk: Desk) -> None:
    with jira_backup_pipeline.open_snapshot(desk.uri, "ABC") as snapshot:
        assert {"issues", "comments", "attachments", "watchers"} < set(snapshot)
        assert len(snapshot) == len(list(snapshot))
        assert snapshot["issues"].count() == 2
        assert sorted(snapshot["issues"].to_polars(["summary"])["summary"]) == ["changed", "issue 1"]
        joined = snapshot.sql(
            "select i.summary, count(*) n from issues i join comments c on c.issue_id = i.id group by 1 order by 1"
        )
        assert joined.to_pylist() == [{"summary": "changed", "n": 3}, {"summary": "issue 1", "n": 2}]
        assert snapshot.manifest.number == 2
        assert repr(snapshot).startswith("<snapshot 2 of project-10000")


def test_attachments_are_opened_by_their_id(desk: Desk) -> None:
    snapshot = jira_backup_pipeline.open_snapshot(desk.uri, "10000")

    with snapshot.open_attachment("501") as stream:
        assert stream.read() == b"bytes of a picture" * 50
    with snapshot.open_attachment("502") as stream:
        assert stream.read() == b""
    with pytest.raises(UnknownName, match="no attachment 999"):
        snapshot.open_attachment("999")


def test_bytes_that_jira_did_not_give_are_told_with_the_reason(desk: Desk) -> None:
    lost = record("attachment", "503", {"filename": "gone"}, issue_id="4")
    gap = Gap("attachment", "bytes of attachment 503", "404 Not Found", "Look in Jira.", 404, "4")
    desk.small.snapshot([unit(*issue_unit("4").records, lost)], state=SnapshotState.GAPS, gaps=(gap,))

    with pytest.raises(NotFound, match="503 are not in the backup: 404 Not Found"):
        jira_backup_pipeline.open_snapshot(desk.uri, "ABC").open_attachment("503")


def test_the_site_is_opened_by_its_word(desk: Desk) -> None:
    snapshot = jira_backup_pipeline.open_snapshot(desk.uri, "site")

    assert snapshot["people"].to_arrow(["display_name"]).to_pylist() == [{"display_name": "Person 01"}]
    assert "issues" not in snapshot


@pytest.mark.parametrize("form", ["aware", "naive", "text", "text with offset"])
def test_a_moment_without_an_offset_is_utc(desk: Desk, form: str) -> None:
    first = desk.small.repository.load("project-10000", 1).captured_at
    moment = {
        "aware": first,
        "naive": first.replace(tzinfo=None),
        "text": first.replace(tzinfo=None).isoformat(),
        "text with offset": (first + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00",
    }[form]

    assert jira_backup_pipeline.open_snapshot(desk.uri, "ABC", moment).manifest.number == 1


def test_no_snapshot_that_old_names_the_oldest(desk: Desk) -> None:
    with pytest.raises(UnknownName, match=r"HINT: The oldest is number 1 of 2026-11-23T09:"):
        jira_backup_pipeline.open_snapshot(desk.uri, "ABC", "2020-01-01")


def test_doubtful_snapshots_are_opened_by_number_only(desk: Desk) -> None:
    desk.small.snapshot(removed=[("issue", "1")], state=SnapshotState.DOUBTFUL)
    desk.small.snapshot(scope="project-5", key="FIVE", state=SnapshotState.DOUBTFUL)

    assert jira_backup_pipeline.open_snapshot(desk.uri, "ABC").manifest.number == 2
    assert jira_backup_pipeline.open_snapshot(desk.uri, "ABC", snapshot=3)["issues"].count() == 1
    with pytest.raises(UnknownName, match="snapshot="):
        jira_backup_pipeline.open_snapshot(desk.uri, "FIVE")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"project": "NOPE"}, "no snapshot of a project 'NOPE'"),
        ({"snapshot": 99}, "has no snapshot 99"),
        ({"as_of": "yesterday"}, "not a moment"),
        ({"as_of": "2026-01-01", "snapshot": 1}, "both a moment and a snapshot"),
    ],
)
def test_what_cannot_be_understood_is_a_usage_error(
    desk: Desk, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        jira_backup_pipeline.open_snapshot(desk.uri, **{"project": "ABC", **arguments})  # type: ignore[arg-type]
    assert raised.value.exit_code == 2


def test_an_unknown_table_is_named_with_the_known_ones(desk: Desk) -> None:
    snapshot = jira_backup_pipeline.open_snapshot(desk.uri, "ABC")

    with pytest.raises(UnknownName, match="Its tables are projects"):
        snapshot["nope"]
    assert snapshot.get("nope") is None
    assert "nope" not in snapshot


def test_the_identity_file_may_be_named_in_the_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BACKUP_IDENTITY_FILE")

    opened = jira_backup_pipeline.open_snapshot(desk.uri, "ABC", identity_file=desk.identity_file)

    assert opened.manifest.number == 2
    with pytest.raises(ConfigurationError, match="BACKUP_IDENTITY_FILE"):
        jira_backup_pipeline.open_snapshot(desk.uri, "ABC")


def test_a_foreign_identity_opens_nothing(desk: Desk) -> None:
    desk.identity_file.write_text(new_identity().to_text())

    with pytest.raises(AccessDenied):
        jira_backup_pipeline.open_snapshot(desk.uri, "ABC")
