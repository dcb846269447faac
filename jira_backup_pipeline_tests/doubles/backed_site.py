"""A sandbox Jira with a repository beside it and the environment that names both: what a journey starts from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.identity_file import add_anchor, create_identity
from jira_backup_pipeline.repository.identity import new_identity
from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox
from jira_backup_pipeline.settings import Settings
from jira_backup_pipeline.vault import Vault
from jira_backup_pipeline.vault_sealing import new_key_text
from jira_backup_pipeline.workplace import create_repository, open_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jira_backup_pipeline.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class BackedSite:
    """A running sandbox and its repository. `environment` is what a user would export."""

    sandbox: RunningSandbox
    folder: Path
    environment: Mapping[str, str]
    vault_key: str = ""

    @property
    def settings(self) -> Settings:
        """Read the settings that the environment gives."""
        return Settings.from_environment(self.environment)

    def repository(self) -> Repository:
        """Open the repository anew."""
        return open_repository(self.settings)

    @property
    def identity_secret(self) -> str:
        """Give the line of the identity file that must never be seen anywhere else."""
        text = (self.folder / "identity.txt").read_text(encoding="ascii")
        [secret] = [line for line in text.splitlines() if line.startswith("AGE-SECRET-KEY-")]
        return secret


@contextmanager
def backed_site(
    folder: Path, *, projects: int = 2, issues: int = 40, seed: int = 7, has_vault: bool = False
) -> Iterator[BackedSite]:
    """Start a sandbox and create a repository for it in `folder`; with a vault the login is in no variable."""
    folder.mkdir(parents=True, exist_ok=True)
    with start_sandbox(projects=projects, issues=issues, seed=seed) as sandbox:
        environment = {
            "JIRA_BASE_URL": str(sandbox.url),
            "JIRA_EMAIL": str(sandbox.email),
            "JIRA_API_TOKEN": sandbox.token,
            "BACKUP_URI": f"file://{folder / 'repository'}",
            "BACKUP_IDENTITY_FILE": str(folder / "identity.txt"),
        }
        vault_key = new_key_text().reveal() if has_vault else ""
        if has_vault:
            members = ("base_url", "email", "api_token")
            entry = {name: Secret(environment.pop(f"JIRA_{name.upper()}")) for name in members}
            Vault(folder / "vault", Secret(vault_key)).set("jira", entry)
            environment |= {"BACKUP_VAULT": str(folder / "vault"), "BACKUP_VAULT_KEY": vault_key}
        site = BackedSite(sandbox, folder, environment, vault_key)
        create_identity(folder / "identity.txt")
        made = create_repository(site.settings, recovery_recipient=new_identity().recipient, cloud_id=None)
        add_anchor(folder / "identity.txt", made.anchor)
        yield site
