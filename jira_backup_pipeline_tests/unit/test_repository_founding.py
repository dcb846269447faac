"""A repository is created once, opened by those who may, bound to one site, and its recipients can change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from jira_backup_pipeline.domain.errors import (
    AccessDenied,
    AlreadyExists,
    ConfigurationError,
    IntegrityError,
    Refused,
    UnknownName,
    UnsupportedFormat,
)
from jira_backup_pipeline.repository.documents import seal_document, sign_plain
from jira_backup_pipeline.repository.identity import new_identity, read_identity
from jira_backup_pipeline.repository.packs import RECEIPT_FORMAT
from jira_backup_pipeline.repository.repository import create_repository, open_repository
from jira_backup_pipeline.store.contract import MemoryStore
from jira_backup_pipeline_tests.doubles.small_repository import (
    CLOUD_ID,
    SCOPE,
    SmallRepository,
    example,
    issue_unit,
)
from jira_backup_pipeline_tests.doubles.stores import CrashingStore, Moment, ProcessKilled

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.errors import BackupPipelineError
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.store.contract import Store


def _unbound(store: Store) -> Repository:
    return create_repository(store, operator=new_identity(), recovery_recipient=new_identity().recipient)


@pytest.mark.parametrize("who", ["operator", "recovery"])
def test_operator_and_recovery_identity_open_everything(who: str) -> None:
    small = example()
    identity = getattr(small, who)

    repository = open_repository(small.store, identity_text=identity.to_text())

    manifest = repository.latest(SCOPE)
    assert manifest is not None
    assert repository.tables(manifest)["issues"].count() == 2


def test_a_repository_can_be_used_at_once_by_whom_gave_only_a_recipient() -> None:
    operator, store = new_identity(), MemoryStore()
    repository = create_repository(
        store, operator=operator.recipient, recovery_recipient=new_identity().recipient, cloud_id=CLOUD_ID
    )
    pack = repository.start_pack(SCOPE, run="run", watermark_ms=1)
    pack.add(issue_unit("1"))
    assert pack.close() is not None

    opened = open_repository(store, identity_text=operator.to_text(repository.anchor))

    assert [len(closed.units) for closed in opened.closed_packs(SCOPE)] == [1]


def test_a_foreign_identity_is_denied_with_a_hint() -> None:
    small = example()

    with pytest.raises(AccessDenied, match="does not open this repository\nHINT: "):
        open_repository(small.store, identity_text=new_identity().to_text())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no age identity"),
        ("# only a comment\n", "no age identity"),
        ("age1notasecret\n", "no age identity"),
        ("AGE-SECRET-KEY-1GARBLED\n", "not a valid age identity"),
        (new_identity().to_text() + new_identity().to_text(), "2 age identities"),
    ],
)
def test_a_missing_or_garbled_identity_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as raised:
        open_repository(example().store, identity_text=text)
    assert "AGE-SECRET" not in raised.value.message


def test_no_repository_is_a_usage_error_that_names_init() -> None:
    with pytest.raises(ConfigurationError, match="jira-backup init"):
        open_repository(MemoryStore(), identity_text=new_identity().to_text())


def test_a_second_creation_touches_nothing() -> None:
    small = example()
    before = [(stored.key, small.store.get(stored.key)) for stored in small.store.list("")]

    with pytest.raises(AlreadyExists):
        _unbound(small.store)
    assert before == [(stored.key, small.store.get(stored.key)) for stored in small.store.list("")]


@pytest.mark.parametrize("moment", list(Moment))
def test_a_creation_that_died_can_be_repeated(moment: Moment) -> None:
    counting = CrashingStore(MemoryStore())
    _unbound(counting)
    finished = 0
    for call in range(1, len(counting.calls) + 1):
        store, operator = MemoryStore(), new_identity()
        with pytest.raises(ProcessKilled):
            _unbound(CrashingStore(store, call, moment=moment))
        try:
            created = create_repository(store, operator=operator, recovery_recipient=new_identity().recipient)
        except AlreadyExists:
            finished += 1
        else:
            opened = open_repository(store, identity_text=operator.to_text(created.anchor))
            assert created.repository_id == opened.repository_id
    assert finished == (1 if moment is Moment.AFTER else 0)


@pytest.mark.parametrize("recovery", ["operator", "age1nonsense"])
def test_two_different_valid_recipients_are_needed(recovery: str) -> None:
    operator = new_identity()
    with pytest.raises(ConfigurationError):
        create_repository(
            MemoryStore(),
            operator=operator,
            recovery_recipient=operator.recipient if recovery == "operator" else recovery,
        )


def test_identity_text_keeps_anchors_and_never_shows_the_secret() -> None:
    small = SmallRepository()

    read = read_identity(small.identity_text)

    assert (small.repository.anchor,) == read.anchors
    assert small.operator.secret == read.secret
    assert small.operator.secret not in repr(read)
    assert small.identity_text == read.to_text(small.repository.anchor)


def test_the_first_capture_binds_and_another_site_is_refused_by_both_names() -> None:
    store = MemoryStore()
    repository = _unbound(store)
    assert repository.cloud_id is None

    repository.bind_site("site-a", "https://a.example.net")
    repository.bind_site("site-a")

    assert repository.cloud_id == "site-a"
    with pytest.raises(Refused, match="site-a, not to site-b"):
        repository.bind_site("site-b")
    assert json.loads(store.get("binding.json"))["cloud_id"] == "site-a"


def test_a_binding_that_another_process_made_counts() -> None:
    operator, store = new_identity(), MemoryStore()
    first = create_repository(store, operator=operator, recovery_recipient=new_identity().recipient)
    second = open_repository(store, identity_text=operator.to_text())
    first.bind_site("site-a")

    with pytest.raises(Refused, match="site-a"):
        second.bind_site("site-b")


def test_a_binding_that_was_taken_away_is_noticed() -> None:
    operator, store = new_identity(), MemoryStore()
    small = SmallRepository()
    small.store = store
    small.repository = create_repository(
        store, operator=operator, recovery_recipient=new_identity().recipient, clock=small.clock
    )
    small.repository.bind_site("site-a")
    small.snapshot([issue_unit("1")])
    store.delete("binding.json")

    with pytest.raises(IntegrityError, match=r"binding\.json is missing"):
        open_repository(store, identity_text=operator.to_text())


def test_a_newer_repository_is_not_guessed_at() -> None:
    small = SmallRepository()
    document = json.loads(small.store.get("repository.json"))
    del document["signature"]
    text = sign_plain("repository.json", {**document, "format": 2}, small.repository._founding.signer)
    small.store.delete("repository.json")
    small.store.put_new("repository.json", text)

    with pytest.raises(UnsupportedFormat, match="format 2"):
        small.reopened()


@pytest.mark.parametrize("what", ["envelope", "manifest", "receipt", "keyring"])
def test_a_newer_document_is_not_guessed_at(what: str) -> None:
    small = example()
    repository = small.repository
    manifest = repository.load(SCOPE, 2)
    key = {"receipt": manifest.packs[0].receipt.key, "keyring": f"keyring/{SCOPE}/0001.1.age"}.get(
        what, f"snapshots/{SCOPE}/00000002.age"
    )
    keyring = repository._keyring
    payload = (keyring.open_entry(SCOPE, key) if what == "keyring" else keyring.fetch(SCOPE, key)).payload
    recipients = [keyring.of(SCOPE).current.blob_recipient]
    if what == "keyring":
        recipients = [recipient.recipient for recipient in repository.recipients()]
    newer = RECEIPT_FORMAT + 1 if what == "receipt" else 2
    changed = payload if what == "envelope" else {**payload, "format": newer}
    sealed = _sealed(small, key, changed, recipients, envelope=2 if what == "envelope" else 1)
    small.store.delete(key)
    small.store.put_new(key, sealed)

    with pytest.raises(UnsupportedFormat, match=f"format {newer}"):
        _use(small.reopened())


def _sealed(
    small: SmallRepository, key: str, payload: dict[str, object], recipients: list[str], *, envelope: int
) -> bytes:
    import jira_backup_pipeline.repository.documents as documents  # noqa: PLC0415, PLR0402 - its constant is changed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "ENVELOPE_FORMAT", envelope)
        return seal_document(
            key, payload, recipients=recipients, signer=small.repository._founding.signer
        ).sealed


def _use(repository: Repository) -> object:
    manifest = repository.load(SCOPE, 2)
    return [repository.tables(manifest)["issues"].to_arrow(), *repository.closed_packs(SCOPE)]


def test_a_new_recipient_opens_old_and_new_snapshots() -> None:
    small, newcomer = example(), new_identity()

    small.repository.add_recipient(newcomer.recipient, name="second operator")

    opened = open_repository(small.store, identity_text=newcomer.to_text(small.repository.anchor))
    assert [who.name for who in opened.recipients()] == ["operator", "recovery", "second operator"]
    assert opened.tables(opened.load(SCOPE, 1))["issues"].count() == 3
    assert opened.get_document("runs", "run-1") == {"requests": 12}


def test_an_interrupted_addition_is_explained_and_finished_by_repeating_it() -> None:
    small, newcomer = example(), new_identity()
    reopened = small.reopened()
    reopened._rewrap_all = lambda: None  # type: ignore[method-assign]
    reopened.add_recipient(newcomer.recipient, name="second operator")
    half = open_repository(small.store, identity_text=newcomer.to_text())
    with pytest.raises(IntegrityError, match="keys add"):
        half.latest(SCOPE)

    small.reopened().add_recipient(newcomer.recipient, name="second operator")

    opened = open_repository(small.store, identity_text=newcomer.to_text())
    assert opened.latest(SCOPE) is not None


def test_a_removed_recipient_reads_nothing_new_and_loses_nothing_of_ours() -> None:
    small, newcomer = example(), new_identity()
    small.repository.add_recipient(newcomer.recipient, name="leaver")
    held = open_repository(small.store, identity_text=newcomer.to_text())

    small.repository.remove_recipient("leaver")
    small.snapshot([issue_unit("9")])

    with pytest.raises(AccessDenied):
        open_repository(small.store, identity_text=newcomer.to_text())
    with pytest.raises(IntegrityError):
        held.load(SCOPE, 3)
    manifest = small.reopened().load(SCOPE, 3)
    assert small.reopened().tables(manifest)["issues"].count() == 3


def test_removing_whom_nobody_knows_or_too_many_is_refused() -> None:
    small = SmallRepository()

    with pytest.raises(UnknownName, match="operator, recovery"):
        small.repository.remove_recipient("nobody")
    with pytest.raises(ConfigurationError, match="at least two"):
        small.repository.remove_recipient("recovery")


def test_rotation_seals_new_objects_under_new_keys_and_old_ones_stay_readable() -> None:
    small = example()

    assert small.repository.rotate(SCOPE) == "0002"
    manifest = small.snapshot([issue_unit("4")])

    assert [pack.epoch for pack in manifest.packs] == ["0001", "0001", "0002"]
    repository = small.reopened()
    assert repository.tables(repository.load(SCOPE, 3))["issues"].count() == 3
    assert repository.tables(manifest).sql("select count(*) n from issues").to_pylist() == [{"n": 3}]
    with pytest.raises(UnknownName):
        repository.rotate("project-999")


def test_a_process_that_saw_only_the_old_epoch_reads_what_the_new_one_sealed() -> None:
    small = example()
    watcher = small.reopened()
    assert watcher.latest(SCOPE) is not None

    small.repository.rotate(SCOPE)
    blob = small.put_blob(b"new")
    small.snapshot([issue_unit("4")])

    newest = watcher.latest(SCOPE)
    assert newest is not None
    assert newest.number == 3
    assert watcher.open_blob(SCOPE, blob.name).read() == b"new"
    assert watcher.tables(newest)["issues"].count() == 3


@pytest.mark.parametrize("name", ["", "project-", "project-../x", "10000", "Site"])
def test_a_name_that_is_no_scope_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        SmallRepository().repository.snapshots(name)


def test_documents_are_kept_by_folder_and_name() -> None:
    small = SmallRepository()
    repository = small.repository
    repository.put_document("journals", "restore-1/0001", {"step": "\ud800 \xe9"})
    repository.put_document("journals", "restore-1/0002", {"step": 2})
    repository.put_document("journals", "restore-2/0001", {})

    assert repository.list_documents("journals", under="restore-1/") == ["restore-1/0001", "restore-1/0002"]
    assert small.reopened().get_document("journals", "restore-1/0001") == {"step": "\ud800 \xe9"}
    errors: list[type[BackupPipelineError]] = []
    for prefix, name in (("journals", "restore-1/0001"), ("snapshots", "x"), ("runs", "../x")):
        with pytest.raises((AlreadyExists, ConfigurationError)) as raised:
            repository.put_document(prefix, name, {})
        errors.append(raised.type)
    assert [AlreadyExists, ConfigurationError, ConfigurationError] == errors
