"""Is everything set up for a backup? One check after the other, each with what to do when it is not.

What belongs here: the checks that `doctor` shows, as plain values: settings, vault, store, repository, trust, Jira account,
permissions, clocks. They read; the store's trial writes a probe object and removes it again.

What stays out: presentation (`commands.doctor`), and the judgement of snapshots (`engine.verify`, Dagster's checks).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jira_backup_pipeline.domain.errors import BackupPipelineError, ExitCode
from jira_backup_pipeline.domain.times import to_epoch_ms
from jira_backup_pipeline.identity_file import load_identity
from jira_backup_pipeline.settings import Need
from jira_backup_pipeline.store.probe import PROBES, probe_create_only
from jira_backup_pipeline.workplace import open_jira_reader, open_jira_writer, open_repository, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jira_backup_pipeline.domain.readings import Account
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.settings import Settings

# S3 refuses requests whose clock is 15 minutes off; long before that, "changed since" loses its meaning.
_WORST_SKEW_SECONDS: Final = 300
_NOTICED_SKEW_SECONDS: Final = 30
_SOON_MS: Final = 60_000
_DOES_NOT_MIND: Final = "a backup does not mind, because its searches state absolute times; dates that people write into JQL are read in that zone"
_REQUIRED_PERMISSIONS: Final = {
    "BROWSE_PROJECTS": "without it there is nothing to back up",
}
_WANTED_PERMISSIONS: Final = {
    "ADMINISTER": "without it projects that the account may not browse stay invisible, and configuration unread",
    "USER_PICKER": "without it the list of people cannot be read",
    "VIEW_VOTERS_AND_WATCHERS": "without it watchers and voters cannot be read",
}


class Health(StrEnum):
    """How a check came out; `skip` means that an earlier failure left nothing to check."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome; `hint` is empty when it is good."""

    check: str
    health: Health
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, str]:
        """Give the JSON form."""
        return {
            "check": self.check,
            "health": self.health.value,
            "message": self.message,
            "hint": self.hint,
        }


def exit_code_of(findings: list[Finding]) -> ExitCode:
    """Give 1 when something fails, 3 when something is only not as it should be, else 0."""
    found = {finding.health for finding in findings}
    if Health.FAIL in found:
        return ExitCode.FAILED
    return ExitCode.INCOMPLETE if Health.WARN in found else ExitCode.DONE


def diagnose(
    settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Iterator[Finding]:
    """Run every check in turn; a failure is a finding, never an exception."""
    diagnosis = _Diagnosis(settings, clock)
    for name, check in (
        ("settings", diagnosis.settings),
        ("vault", diagnosis.vault),
        ("store", diagnosis.store),
        ("repository", diagnosis.repository),
        ("trust", diagnosis.trust),
        ("jira account", diagnosis.account),
        ("jira site", diagnosis.site),
        ("jira permissions", diagnosis.permissions),
        ("time zone", diagnosis.time_zone),
        ("clocks", diagnosis.clocks),
    ):
        try:
            yield from (Finding(name, *outcome) for outcome in check())
        except BackupPipelineError as error:
            yield Finding(name, Health.FAIL, error.message, error.hint)


_Outcome = tuple[Health, str] | tuple[Health, str, str]


class _Diagnosis:
    """What the checks found out so far: later ones build on it."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._clock = clock
        self._repository: Repository | None = None
        self._account: Account | None = None
        self._skews: dict[str, float] = {}

    def settings(self) -> Iterator[_Outcome]:
        self._settings.require(Need.JIRA, Need.REPOSITORY, Need.IDENTITY)
        yield Health.OK, "everything a backup needs is set"

    def vault(self) -> Iterator[_Outcome]:
        if self._settings.vault_file is None:
            yield Health.SKIP, "no vault is configured (BACKUP_VAULT)"
            return
        names = ", ".join(entry.name for entry in self._settings.vault().list())
        yield Health.OK, f"{self._settings.vault_file} opens; entries: {names or 'none'}"

    def store(self) -> Iterator[_Outcome]:
        store = open_store(self._settings)
        outcome = probe_create_only(store)
        before = self._clock()
        probe = store.put_new(f"{PROBES}clock-{before:%Y%m%dT%H%M%S%f}", b"clock")
        self._skews[store.uri] = _distance(probe.modified_at, before, self._clock())
        yield Health.OK, f"{store.uri}: of simultaneous writers exactly one wins ({outcome.rounds} trials)"
        try:
            store.delete(probe.key)
        except BackupPipelineError:
            yield (
                Health.OK,
                "these credentials cannot delete, which protects what is stored; probe objects stay",
            )

    def repository(self) -> Iterator[_Outcome]:
        self._repository = open_repository(self._settings)
        names = ", ".join(recipient.name for recipient in self._repository.recipients())
        yield Health.OK, f"repository {self._repository.repository_id} opens; recipients: {names}"

    def trust(self) -> Iterator[_Outcome]:
        if self._repository is None:
            yield Health.SKIP, "the repository does not open"
            return
        anchor = self._repository.anchor
        if anchor in load_identity(self._settings.identity_path()).anchors:
            yield Health.OK, "the identity file knows who signs in this repository"
        else:
            message = (
                "the identity file does not say who signs in this repository: another one would be believed"
            )
            yield Health.WARN, message, f"Add this line to BACKUP_IDENTITY_FILE: {anchor.to_line()}"

    def account(self) -> Iterator[_Outcome]:
        if not self._settings.has_jira:
            yield Health.SKIP, "Jira is not configured"
            return
        before = self._clock()
        self._account = open_jira_reader(self._settings).whoami()
        self._skews["Jira"] = _distance(self._account.server_time, before, self._clock())
        yield Health.OK, f"{self._account.base_url} knows us as account {self._account.account_id}"

    def site(self) -> Iterator[_Outcome]:
        if self._account is None or self._repository is None:
            yield Health.SKIP, "needs both Jira and the repository"
            return
        bound = self._repository.cloud_id
        if bound is None:
            yield Health.OK, "the first backup binds the repository to this site"
        elif bound == self._account.cloud_id:
            yield Health.OK, f"the repository belongs to this site ({bound})"
        else:
            message = f"the repository belongs to the site {bound}, this is {self._account.cloud_id}"
            yield Health.FAIL, message, "Use one BACKUP_URI per Jira site, or correct JIRA_BASE_URL."

    def permissions(self) -> Iterator[_Outcome]:
        if self._account is None:
            yield Health.SKIP, "Jira did not tell who we are"
            return
        wanted = {**_REQUIRED_PERMISSIONS, **_WANTED_PERMISSIONS}
        answer = open_jira_writer(self._settings, target=False).get(
            "/rest/api/3/mypermissions", {"permissions": ",".join(wanted)}
        )
        held = _held_permissions(answer)
        for name, consequence in wanted.items():
            if name in held:
                continue
            health = Health.FAIL if name in _REQUIRED_PERMISSIONS else Health.WARN
            yield (
                health,
                f"the account lacks {name}: {consequence}",
                "Grant it to the backup account in Jira.",
            )
        if held >= set(wanted):
            yield Health.OK, f"the account has {', '.join(wanted)}"

    def time_zone(self) -> Iterator[_Outcome]:
        if self._account is None:
            yield Health.SKIP, "Jira did not tell who we are"
            return
        yield _profile_zone(self._account)
        yield from self._absolute_times()

    def _absolute_times(self) -> Iterator[_Outcome]:
        """Ask for what changed after this moment: a Jira that reads the moment otherwise would name something."""
        reader = open_jira_reader(self._settings)
        project = next((one for one in reader.projects() if not one.is_archived), None)
        if project is None or self._account is None:
            yield Health.SKIP, "no project to try an absolute time on"
            return
        soon_ms = to_epoch_ms(self._account.server_time) + _SOON_MS
        named = sum(1 for _ in reader.changed_issues(project.identity.id, soon_ms))
        if named:
            message = (
                f"{named} issues of {project.identity.key} changed after this moment, says Jira's search"
            )
            yield Health.WARN, message, "Run `backup --full` until Jira's search understands absolute times."
        else:
            yield Health.OK, f"Jira's search understands absolute times (tried on {project.identity.key})"

    def clocks(self) -> Iterator[_Outcome]:
        if not self._skews:
            yield Health.SKIP, "neither Jira nor the store told the time"
        for name, seconds in self._skews.items():
            message = f"{name} is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine"
            hint = "Let this machine follow a time server."
            if abs(seconds) > _WORST_SKEW_SECONDS:
                yield Health.FAIL, message, hint
            elif abs(seconds) > _NOTICED_SKEW_SECONDS:
                yield Health.WARN, message, hint
            else:
                yield Health.OK, f"{name} and this machine agree on the time"


def _profile_zone(account: Account) -> _Outcome:
    name = account.time_zone
    if not name:
        # A profile may keep it to itself.
        return Health.OK, f"Jira does not tell in which zone the account's profile is: {_DOES_NOT_MIND}"
    try:
        offset = account.server_time.astimezone(ZoneInfo(name)).utcoffset() or timedelta()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"the account's time zone {name!r} is not known here"
        return Health.WARN, message, "Set a time zone in the Jira profile of the backup account."
    return Health.OK, _compared_with_utc(name, offset)


def _compared_with_utc(name: str, offset: timedelta) -> str:
    if not offset:
        return f"the account's profile is in {name}, which is at UTC as a backup account should be"
    hours = offset.total_seconds() / 3600
    return (
        f"the account's profile is in {name}, {abs(hours):g} h {'ahead of' if hours > 0 else 'behind'} UTC: "
        f"{_DOES_NOT_MIND}"
    )


def _distance(theirs: datetime, before: datetime, after: datetime) -> float:
    """Give how far their clock is ahead, in seconds; inside the call's own duration there is no telling, so 0."""
    if before <= theirs <= after:
        return 0.0
    return (theirs - (after if theirs > after else before)).total_seconds()


def _held_permissions(answer: object) -> set[str]:
    permissions: Mapping[str, object] = {}
    if isinstance(answer, dict) and isinstance(answer.get("permissions"), dict):
        permissions = answer["permissions"]
    return {
        name
        for name, permission in permissions.items()
        if isinstance(permission, dict) and permission.get("havePermission") is True
    }
