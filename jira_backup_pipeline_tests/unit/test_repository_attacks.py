"""Whoever may write to the bucket can destroy a backup, but never make it answer wrongly."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import IntegrityError, UnsupportedFormat
from jira_backup_pipeline.domain.manifest import SITE_SCOPE
from jira_backup_pipeline.repository.checking import VerifyLevel
from jira_backup_pipeline.repository.documents import seal_document
from jira_backup_pipeline.repository.repository import open_repository
from jira_backup_pipeline.repository.sealing import Signer
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import SCOPE, SmallRepository, example, issue_unit

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where a byte is flipped: the ends, where headers and tags lie, and places spread between them.
_POSITIONS = (0.0, 0.4, 1.0)
# Nothing names the newest site manifest nor a run record: that they are gone cannot be seen (FORMAT.md says so).
_UNNAMED = (f"snapshots/{SITE_SCOPE}/00000002.age", "runs/run-1.age")


@pytest.fixture(scope="module")
def small() -> SmallRepository:
    return example()


@pytest.fixture(scope="module")
def stored(small: SmallRepository) -> dict[str, bytes]:
    return {entry.key: small.store.get(entry.key) for entry in small.store.list("")}


def _store_of(objects: Mapping[str, bytes]) -> MemoryStore:
    store = MemoryStore()
    for key, body in objects.items():
        store.put_new(key, body)
    return store


def _read_all(small: SmallRepository, objects: Mapping[str, bytes]) -> object:
    """Read everything that the repository can tell."""
    repository = open_repository(_store_of(objects), identity_text=small.identity_text)
    answers: list[object] = [repository.cloud_id, repository.scopes()]
    for scope in repository.scopes():
        for number in repository.snapshot_numbers(scope):
            manifest = repository.load(scope, number)
            tables = repository.tables(manifest)
            answers += [manifest, list(repository.read_index(manifest))]
            answers += [tables[name].to_arrow().to_pylist() for name in tables.names]
            for row in tables["attachments"].to_arrow().to_pylist() if scope == SCOPE else ():
                answers.append(repository.open_blob(scope, row["blob"]).read())
            for ref, _ in repository.objects_of(manifest):
                repository.check_object(scope, ref, VerifyLevel.DECRYPT)
        findings = list(repository.chain_findings(scope))
        if findings:
            raise IntegrityError(findings[0].problem, hint="")
        answers.append(repository.latest(scope))
    answers += [repository.get_document("runs", name) for name in repository.list_documents("runs")]
    return answers


def test_an_untouched_repository_answers_the_same_twice(
    small: SmallRepository, stored: dict[str, bytes]
) -> None:
    assert _read_all(small, stored) == _read_all(small, stored)


def test_every_flipped_byte_is_noticed(small: SmallRepository, stored: dict[str, bytes]) -> None:
    for key, body in stored.items():
        for part in _POSITIONS:
            position = int(part * (len(body) - 1))
            flipped = body[:position] + bytes([body[position] ^ 1]) + body[position + 1 :]
            with pytest.raises((IntegrityError, UnsupportedFormat)):
                pytest.fail(f"{key} at {position}: {_read_all(small, {**stored, key: flipped})!r:.200}")


def test_every_cut_object_is_noticed(small: SmallRepository, stored: dict[str, bytes]) -> None:
    for key, body in stored.items():
        with pytest.raises(IntegrityError):
            pytest.fail(f"{key}: {_read_all(small, {**stored, key: body[:-1]})!r:.200}")


def test_every_removed_object_is_noticed(small: SmallRepository, stored: dict[str, bytes]) -> None:
    named = [key for key in stored if key not in (*_UNNAMED, "repository.json")]
    assert len(stored) - 3 == len(named)
    for removed in named:
        with pytest.raises(IntegrityError):
            pytest.fail(f"{removed}: {_read_all(small, _without(stored, removed))!r:.200}")


def _without(objects: Mapping[str, bytes], removed: str) -> dict[str, bytes]:
    return {key: body for key, body in objects.items() if key != removed}


def test_swapped_objects_of_one_type_are_noticed(small: SmallRepository, stored: dict[str, bytes]) -> None:
    swaps = [
        (one, other) for one, other in combinations(stored, 2) if one.split("/")[0] == other.split("/")[0]
    ]
    assert {"keyring", "packs", "blobs", "indexes", "snapshots"} == {one.split("/")[0] for one, _ in swaps}
    for one, other in swaps:
        with pytest.raises(IntegrityError):
            pytest.fail(
                f"{one}, {other}: {_read_all(small, {**stored, one: stored[other], other: stored[one]})!r:.200}"
            )


def test_a_manifest_signed_by_another_key_is_refused_although_it_is_sealed_rightly() -> None:
    small = example()
    repository = small.reopened()
    newest = repository.load(SCOPE, 2)
    recipient = repository._keyring.of(SCOPE).current.blob_recipient
    key = f"snapshots/{SCOPE}/00000003.age"
    forged = replace(newest, number=3, parent=2, parent_sha256=repository.head(SCOPE).stored_sha256)  # type: ignore[union-attr]
    sealed = seal_document(key, forged.to_json(), recipients=[recipient], signer=Signer.generate())
    small.store.put_new(key, sealed.sealed)

    with pytest.raises(IntegrityError, match="not signed by this repository's key"):
        small.reopened().load(SCOPE, 3)
    with pytest.raises(IntegrityError, match="not signed"):
        small.reopened().latest(SCOPE)


def test_an_older_manifest_put_back_under_a_new_number_is_refused() -> None:
    small = example()
    small.store.put_new(f"snapshots/{SCOPE}/00000003.age", small.store.get(f"snapshots/{SCOPE}/00000001.age"))

    with pytest.raises(IntegrityError, match="written under another name"):
        small.reopened().load(SCOPE, 3)


def test_taking_the_newest_snapshot_away_is_noticed_through_the_site_snapshot() -> None:
    small = example()
    small.store.delete(f"snapshots/{SCOPE}/00000002.age")

    with pytest.raises(IntegrityError, match="00000002"):
        small.reopened().latest(SCOPE)
    assert [f"snapshots/{SCOPE}/"] == [finding.key for finding in small.reopened().chain_findings(SCOPE)]
    assert small.reopened().load(SCOPE, 1).number == 1


def test_a_scope_rebuilt_after_a_rollback_is_still_noticed() -> None:
    small = example()
    small.store.delete(f"snapshots/{SCOPE}/00000002.age")
    attacker = small.reopened()
    attacker._snapshots.check_not_rolled_back = lambda _: None  # type: ignore[method-assign]
    small.repository = attacker
    small.snapshot([issue_unit("9")])

    with pytest.raises(IntegrityError, match="not the one that the site snapshot saw"):
        small.reopened().latest(SCOPE)


def test_a_snapshot_taken_from_the_middle_is_named() -> None:
    small = example()
    small.snapshot()
    small.store.delete(f"snapshots/{SCOPE}/00000002.age")

    problems = [finding.problem for finding in small.reopened().chain_findings(SCOPE)]

    assert any("later snapshots rest on it" in problem for problem in problems)


def test_a_removal_on_record_is_no_finding() -> None:
    small = example()
    small.store.delete(f"snapshots/{SCOPE}/00000001.age")
    small.repository.put_document("removals", "r1", {"scope": SCOPE, "snapshots": [1]})

    assert list(small.reopened().chain_findings(SCOPE)) == []
    assert {1} == small.reopened().removed_snapshots(SCOPE)


def test_a_new_keyring_is_never_made_where_one_was_taken_away() -> None:
    small = example()
    small.store.delete(f"keyring/{SCOPE}/0001.1.age")

    with pytest.raises(IntegrityError, match="keyring"):
        small.reopened().start_pack(SCOPE, run="run", watermark_ms=0)


def test_a_repository_put_in_the_place_of_ours_is_refused_by_the_anchor() -> None:
    ours, theirs = SmallRepository(), SmallRepository()

    with pytest.raises(IntegrityError, match="not signed by a key that the identity file trusts"):
        open_repository(theirs.store, identity_text=ours.identity_text)
