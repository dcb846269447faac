"""Settings turned into things that work: store, repository, and the two sides of Jira. Both faces build them here.

What belongs here: one short function per thing, and nothing but wiring. Nothing is contacted until what is built is used,
but for the repository, which proves on opening that the identity fits and that the right one signs.

What stays out: reading settings (`settings`), the order of work (`engine`), and showing anything (`terminal`, `orchestration`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.engine.capture.options import CaptureOptions
from jira_backup_pipeline.identity_file import load_identity, load_identity_text
from jira_backup_pipeline.jira import client as jira_client
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter
from jira_backup_pipeline.repository import repository as repositories
from jira_backup_pipeline.store import opening
from jira_backup_pipeline.store.access import AwsAccess

if TYPE_CHECKING:
    from jira_backup_pipeline.jira.client import JiraClient
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.settings import JiraSettings, Settings
    from jira_backup_pipeline.store.contract import Store


def open_store(settings: Settings) -> Store:
    """Give the store that `BACKUP_URI` names."""
    found = settings.aws
    access = None
    if found is not None:
        access = AwsAccess(
            access_key_id=found.access_key_id,
            secret_access_key=found.secret_access_key,
            session_token=found.session_token,
            region=found.region,
            endpoint=found.endpoint_url,
        )
    return opening.open_store(settings.repository_uri(), aws=access)


def open_repository(settings: Settings) -> Repository:
    """Open the repository with the operator's identity.

    Raises:
        ConfigurationError, AccessDenied, IntegrityError: as `repository.open_repository` says.
        Refused: the identity file is open to others.
    """
    return repositories.open_repository(
        open_store(settings), identity_text=load_identity_text(settings.identity_path())
    )


def create_repository(settings: Settings, *, recovery_recipient: str, cloud_id: str | None) -> Repository:
    """Create the repository at `BACKUP_URI` for the identity in `BACKUP_IDENTITY_FILE`, which must exist."""
    return repositories.create_repository(
        open_store(settings),
        operator=load_identity(settings.identity_path()),
        recovery_recipient=recovery_recipient,
        cloud_id=cloud_id,
    )


def capture_options(
    settings: Settings, *, is_full: bool = False, accepts_disappearance: bool = False
) -> CaptureOptions:
    """Give the options of a capture: what the configuration says, and the defaults where it says nothing."""
    said: dict[str, Any] = {
        name: value
        for name in ("overlap_hours", "reread_days", "mass_disappearance_share")
        if (value := getattr(settings.file, name)) is not None
    }
    return CaptureOptions(
        is_full=is_full,
        accepts_disappearance=accepts_disappearance,
        accepted_gaps=settings.file.accepted_gaps,
        **said,
    )


def open_jira_reader(settings: Settings, *, target: bool = False) -> CloudReader:
    """Give the reading side of the source site, or of the restore's target when `target` is True."""
    return CloudReader(_client(settings.restore_jira if target else settings.jira))


def open_jira_writer(settings: Settings, *, target: bool = True) -> CloudWriter:
    """Give the writing side of the restore's target, or of the source site when `target` is False."""
    return CloudWriter(_client(settings.restore_jira if target else settings.jira))


def _client(site: JiraSettings) -> JiraClient:
    return jira_client.connect(
        jira_client.JiraConfig(
            base_url=site.base_url,
            email=site.email,
            token=site.token,
            proxy=site.proxy.reveal() if site.proxy else None,
            ca_bundle=str(site.ca_bundle) if site.ca_bundle else None,
            request_timeout_seconds=site.request_timeout_seconds,
            max_in_flight=site.max_in_flight,
        )
    )
