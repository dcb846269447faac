"""The environment and the optional configuration file, read into plain objects: the only reader of either.

What belongs here: the names of variables and of the members of `jira-backup.toml`, which of them comes first (variable,
vault entry, file), and errors that name every missing or wrong one at once without ever showing a secret.

What stays out: opening anything that a setting names (`workplace`), and the vault's format (`vault`). Nothing is read when
this module is imported; a secret in the file is refused, because files are copied, committed and mailed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from jira_backup_pipeline.domain.errors import BackupPipelineError, ConfigurationError, Refused
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.settings_file import FileSettings, read_settings_file
from jira_backup_pipeline.vault import SECRET_MEMBERS, Vault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONFIG_FILE: Final = "jira-backup.toml"
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_JIRA_MEMBERS: Final = ("base_url", "email", "api_token")
_HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "JIRA_BASE_URL": "the site's address, such as https://your-site.atlassian.net",
        "JIRA_EMAIL": "the account's e-mail address",
        "JIRA_API_TOKEN": "an API token of that account (or store it with `jira-backup credentials set jira`)",
        "BACKUP_URI": "where the repository is: file:///folder or s3://bucket/prefix",
        "BACKUP_IDENTITY_FILE": "the age identity that opens the repository (`jira-backup init` makes one)",
        "BACKUP_VAULT": "the file of encrypted credentials",
        "BACKUP_VAULT_KEY": "the vault's key: base64 of 32 bytes, file:/path, or passphrase:...",
    }
)


class Need(StrEnum):
    """What a verb cannot do without; `Settings.require` names everything that is missing for it."""

    JIRA = "jira"
    RESTORE_JIRA = "restore_jira"
    REPOSITORY = "repository"
    IDENTITY = "identity"
    VAULT = "vault"


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class JiraSettings:
    """How to reach one Jira site. `proxy` may hold a password and is a secret for that reason."""

    base_url: str
    email: str
    token: Secret
    proxy: Secret | None = None
    ca_bundle: Path | None = None
    request_timeout_seconds: float = 60.0
    max_in_flight: int = 10


@dataclass(frozen=True, slots=True)
class AwsSettings:
    """AWS credentials from the vault; absent ones are left to boto3's own chain."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None
    region: str | None = None
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is configured. What is optional is None; what a verb needs it asks for with `require`."""

    backup_uri: str | None
    identity_file: Path | None
    vault_file: Path | None
    vault_key: Secret | None
    log_level: LogLevel
    log_json: bool
    file: FileSettings
    _variables: Variables = field(repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, config_file: Path | None = None) -> Settings:
        """Read the variables, and `config_file` or else the file that `BACKUP_CONFIG` names or `./jira-backup.toml`.

        Raises:
            ConfigurationError: a value is malformed; all that can be told at this point are named.
        """
        variables = Variables.of(environ)
        # Without it the raw variables would show in a traceback that shows local variables.
        del environ
        return _settings(variables, read_settings_file(_config_path(variables, config_file)))

    @property
    def jira(self) -> JiraSettings:
        """Give the source site: each value from its variable, else the vault's entry `jira`, else the file.

        Raises:
            ConfigurationError: values are missing; all of them are named.
            Refused: the address is plain http to another machine.
        """
        self.require(Need.JIRA)
        return self._site("JIRA_BASE_URL", self._source_values())

    @property
    def restore_jira(self) -> JiraSettings:
        """Give the site that a restore writes to; what `RESTORE_JIRA_*` leaves open is taken from the source site."""
        self.require(Need.RESTORE_JIRA)
        return self._site("RESTORE_JIRA_BASE_URL", self._target_values())

    @property
    def aws(self) -> AwsSettings | None:
        """Give the vault's AWS credentials, or None where boto3's own variables or no vault entry decide."""
        if self._variables.has("AWS_ACCESS_KEY_ID"):
            return None
        entry = self._vault_entry("aws")
        if not entry:
            return None
        token, region, endpoint = (entry.get(name) for name in ("session_token", "region", "endpoint_url"))
        return AwsSettings(
            access_key_id=entry["access_key_id"].reveal(),
            secret_access_key=entry["secret_access_key"],
            session_token=token,
            region=region.reveal() if region else None,
            endpoint_url=endpoint.reveal() if endpoint else None,
        )

    @property
    def has_jira(self) -> bool:
        """Tell whether the source site is configured completely."""
        return not self.missing(Need.JIRA)

    def vault(self) -> Vault:
        """Give the vault that is configured; the file need not exist yet.

        Raises:
            ConfigurationError: `BACKUP_VAULT` or `BACKUP_VAULT_KEY` is missing.
        """
        self.require(Need.VAULT)
        if self.vault_file is None or self.vault_key is None:
            raise _missing_settings(["BACKUP_VAULT", "BACKUP_VAULT_KEY"])
        return Vault(self.vault_file, self.vault_key)

    def require(self, *needs: Need) -> None:
        """Raise one ConfigurationError that names every variable that is missing for these needs."""
        missing = self.missing(*needs)
        if missing:
            raise _missing_settings(missing)

    def missing(self, *needs: Need) -> list[str]:
        """Name the variables that are missing for these needs."""
        found: dict[str, None] = {}
        for need in needs:
            found.update(dict.fromkeys(self._missing(need)))
        return list(found)

    def repository_uri(self) -> str:
        """Give `BACKUP_URI`, or raise the ConfigurationError that names it."""
        if self.backup_uri is None:
            raise _missing_settings(["BACKUP_URI"])
        return self.backup_uri

    def identity_path(self) -> Path:
        """Give `BACKUP_IDENTITY_FILE`, or raise the ConfigurationError that names it."""
        if self.identity_file is None:
            raise _missing_settings(["BACKUP_IDENTITY_FILE"])
        return self.identity_file

    def secrets(self) -> list[Secret]:
        """Give every secret that the environment and the vault hold, for the last guard before text is shown."""
        found = self._variables.secrets()
        for name, members in SECRET_MEMBERS.items():
            try:
                entry = self._vault_entry(name)
            except BackupPipelineError:
                # A vault that does not open has given nothing away that could be shown.
                break
            found += [entry[member] for member in members if member in entry]
        return found

    def _missing(self, need: Need) -> list[str]:
        if need is Need.JIRA:
            return self._missing_members(self._source_values())
        if need is Need.RESTORE_JIRA:
            return self._missing_members(self._target_values())
        if need is Need.VAULT:
            return [
                name
                for name, value in (("BACKUP_VAULT", self.vault_file), ("BACKUP_VAULT_KEY", self.vault_key))
                if value is None
            ]
        if need is Need.REPOSITORY:
            return [] if self.backup_uri else ["BACKUP_URI"]
        return [] if self.identity_file else ["BACKUP_IDENTITY_FILE"]

    def _missing_members(self, values: Mapping[str, Secret]) -> list[str]:
        missing = [f"JIRA_{name.upper()}" for name in _JIRA_MEMBERS if name not in values]
        # A vault without its key is the likelier cause than three forgotten variables.
        is_vault_shut = self.vault_file is not None and self.vault_key is None
        return [*missing, "BACKUP_VAULT_KEY"] if missing and is_vault_shut else missing

    def _source_values(self) -> dict[str, Secret]:
        return self._values("JIRA_", "jira", self.file.jira)

    def _target_values(self) -> dict[str, Secret]:
        return self._source_values() | self._values("RESTORE_JIRA_", "restore_jira", self.file.restore_jira)

    def _values(self, prefix: str, entry: str, from_file: Mapping[str, str]) -> dict[str, Secret]:
        variables = {name: self._variables.secret(prefix + name.upper()) for name in _JIRA_MEMBERS}
        found = {name: value for name, value in variables.items() if value is not None}
        if len(found) < len(_JIRA_MEMBERS):
            found = dict(self._vault_entry(entry)) | found
        return {name: Secret(value) for name, value in from_file.items()} | found

    def _vault_entry(self, name: str) -> Mapping[str, Secret]:
        if self.vault_file is None or self.vault_key is None:
            return {}
        return Vault(self.vault_file, self.vault_key).find(name) or {}

    def _site(self, variable: str, values: Mapping[str, Secret]) -> JiraSettings:
        return JiraSettings(
            base_url=check_site_address(variable, values["base_url"]),
            email=values["email"].reveal(),
            token=values["api_token"],
            proxy=self._variables.secret("JIRA_PROXY"),
            ca_bundle=_path(self._variables.text("JIRA_CA_BUNDLE")) or self.file.ca_bundle,
            request_timeout_seconds=self.file.request_timeout_seconds,
            max_in_flight=self.file.max_in_flight,
        )


class Variables:
    """The environment's variables, held so that no way of printing shows them; an empty one counts as absent."""

    __slots__ = ("_held",)

    def __init__(self, held: Mapping[str, Secret]) -> None:
        self._held = held

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Variables:
        """Take over the variables that are set to something."""
        return cls(
            MappingProxyType({name: Secret(value) for name, value in environ.items() if value.strip()})
        )

    def has(self, name: str) -> bool:
        """Tell whether a variable is set to something."""
        return name in self._held

    def secret(self, name: str) -> Secret | None:
        """Give a variable's value as a secret."""
        return self._held.get(name)

    def text(self, name: str) -> str | None:
        """Give the value of a variable that holds no secret."""
        found = self._held.get(name)
        return found.reveal().strip() if found else None

    def secrets(self) -> list[Secret]:
        """Give the values of the variables that hold secrets."""
        return [
            value
            for name, value in self._held.items()
            if name.endswith(("_TOKEN", "_VAULT_KEY", "_SECRET_ACCESS_KEY", "_PROXY"))
        ]


def settings_from_process(*, config_file: Path | None = None) -> Settings:
    """Read the settings of this process."""
    return Settings.from_environment(os.environ, config_file=config_file)


def secrets_of_process() -> list[Secret]:
    """Give the secrets of this process's variables where its settings as a whole cannot be read."""
    return Variables.of(os.environ).secrets()


def identity_file_from_environment() -> Path:
    """Give the identity file that this process is configured with, or raise the error that names the variable."""
    return settings_from_process().identity_path()


def environment_for_child(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Give this process's environment for a child process, with changes (None takes a variable away)."""
    merged: dict[str, str | None] = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _config_path(variables: Variables, config_file: Path | None) -> Path | None:
    named = config_file or _path(variables.text("BACKUP_CONFIG"))
    if named is None:
        standard = Path(CONFIG_FILE)
        return standard if standard.is_file() else None
    if not named.is_file():
        message = f"the configuration file {named} does not exist"
        raise ConfigurationError(message, hint="Correct BACKUP_CONFIG, or unset it.")
    return named


def _settings(variables: Variables, file: FileSettings) -> Settings:
    level, is_json = _log(variables.text("BACKUP_LOG") or file.log)
    return Settings(
        backup_uri=_repository_uri(
            variables.secret("BACKUP_URI") or (Secret(file.uri) if file.uri else None)
        ),
        identity_file=_path(variables.text("BACKUP_IDENTITY_FILE")) or file.identity_file,
        vault_file=_path(variables.text("BACKUP_VAULT")) or file.vault,
        vault_key=variables.secret("BACKUP_VAULT_KEY"),
        log_level=level,
        log_json=is_json,
        file=file,
        _variables=variables,
    )


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _repository_uri(address: Secret | None) -> str | None:
    if address is None:
        return None
    text = _without_login(
        "BACKUP_URI", address, "AWS credentials go into the vault or boto3's own variables."
    )
    parts = _split(text)
    is_folder = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
    is_bucket = parts.scheme == "s3" and bool(parts.netloc)
    if not (is_folder or is_bucket) or parts.query or parts.fragment:
        message = f"BACKUP_URI is not an address this program stores to: {text!r}"
        raise ConfigurationError(message, hint="Use file:///folder or s3://bucket/prefix.")
    return text


def check_site_address(variable: str, address: Secret) -> str:
    """Give a site's address without a trailing slash, or refuse it; `variable` names where it came from."""
    text = _without_login(
        variable, address, "The account goes into JIRA_EMAIL, its token into JIRA_API_TOKEN."
    )
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = f"{variable} is not the address of a site: {text!r}"
        raise ConfigurationError(message, hint=f"It is {_HINTS['JIRA_BASE_URL']}.")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_HOSTS:
        message = f"{variable} is plain http, which would show the token to the network: {text}"
        raise Refused(message, hint="Use https; plain http is for a sandbox on this machine only.")
    return text.rstrip("/")


def _without_login(variable: str, address: Secret, hint: str) -> str:
    """Give an address as text once it is known to hold no login; people paste addresses with passwords in them."""
    if "@" in address.reveal() and not address.reveal().startswith("file:///"):
        shown = f"{address.reveal().partition('://')[0]}://...@{address.reveal().rpartition('@')[2]}"
        message = f"{variable} holds a login: {shown!r}"
        raise ConfigurationError(message, hint=hint)
    return address.reveal().strip()


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        # Such as an unclosed bracket: an address without scheme and host, which every caller refuses.
        return urlsplit("")


def _log(text: str | None) -> tuple[LogLevel, bool]:
    """Read `BACKUP_LOG`: a level, `json`, or both, separated by commas or spaces."""
    level, is_json = LogLevel.INFO, False
    for word in (text or "").replace(",", " ").lower().split():
        if word == "json":
            is_json = True
        elif word in set(LogLevel):
            level = LogLevel(word)
        else:
            message = f"BACKUP_LOG has an unknown word: {word!r}"
            raise ConfigurationError(
                message, hint=f"It takes {', '.join(LogLevel)}, and json, as in `debug,json`."
            )
    return level, is_json


def _missing_settings(names: Iterable[str]) -> ConfigurationError:
    names = list(names)
    explained = "; ".join(f"{name} is {_HINTS[name]}" for name in names)
    return ConfigurationError(f"missing: {', '.join(names)}", hint=f"Set each as a variable: {explained}.")
