"""A fresh local Jira for a rehearsal: the bundled sandbox as a program of its own, empty but for the people.

What belongs here: starting it with no more than it needs to know, and the clients that reach it.

What stays out: what is rehearsed (`engine.drill`). The names of people go through a pipe, never to a disk; the program gets
none of our variables, so that no secret of ours is in its reach.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.child_programs import first_word, running
from jira_backup_pipeline.domain.errors import BackupPipelineError
from jira_backup_pipeline.domain.secrets import Secret
from jira_backup_pipeline.jira import client as jira_client
from jira_backup_pipeline.jira.reader import CloudReader
from jira_backup_pipeline.jira.writer import CloudWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from jira_backup_pipeline.engine.ports import JiraReader, JiraWriter

_COMMAND = ("-m", "jira_backup_pipeline.sandbox", "--port", "0", "--bare", "--accounts", "-")
_LAST_WORDS = 2_000


@contextmanager
def fresh_site(
    people: Sequence[Mapping[str, Any]], *, email: str = ""
) -> Iterator[tuple[JiraWriter, JiraReader]]:
    """Run an empty sandbox that knows these people, and give the clients that write to it and read it.

    Whoever has the `email` restores there, as on a real site: who is in which group decides what can be read back.

    Raises:
        BackupPipelineError: it did not start; with its last words.
    """
    told = json.dumps(list(people)).encode("ascii")
    with tempfile.TemporaryDirectory(prefix="jira-backup-drill-") as place:
        folder = Path(place)
        log = folder / "sandbox.log"
        # Where the package lies, where files may lie for a while, and nothing else of our environment.
        environment = {
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
            "TMPDIR": str(folder),
        }
        # Another seed gives another site: a snapshot of a sandbox must not take this one for its own.
        command = [sys.executable, *_COMMAND, "--seed", str(1_000 + secrets.randbelow(10**9))]
        owner = _owner(people, email)
        command += ["--owner", owner] if owner is not None else []
        with running(
            command, environment=environment, log=log, folder=folder, speaks=True, told=told
        ) as process:
            said = first_word(process)
            if said is None:
                words = log.read_text(encoding="utf-8", errors="replace")[-_LAST_WORDS:].strip()
                message = f"the local site for the rehearsal did not start: {words or 'it said nothing'}"
                raise BackupPipelineError(
                    message, hint="Is a loopback port free, and is there memory for another process?"
                )
            config = jira_client.JiraConfig(str(said["url"]), str(said["email"]), Secret(str(said["token"])))
            with (
                closing(CloudWriter(jira_client.connect(config))) as writer,
                closing(CloudReader(jira_client.connect(config))) as reader,
            ):
                yield writer, reader


def _owner(people: Sequence[Mapping[str, Any]], email: str) -> str | None:
    wanted = email.casefold()
    holders = (person for person in people if str(person.get("emailAddress") or "").casefold() == wanted)
    return next((str(person["accountId"]) for person in holders if wanted and person.get("accountId")), None)
