"""Instances of Dagster that are thrown away: their SQLite files need not survive a power cut, so nobody waits for the disk.

What belongs here: making such an instance in this process. What stays out: services that run as processes of their own
(`dagster_services`), which keep their instance as it is shipped.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy import event
from sqlalchemy.engine import Engine

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path


def throwaway_instance(folder: Path | None = None) -> AbstractContextManager[dg.DagsterInstance]:
    """Make an instance, in that folder where what it stores is looked into afterwards."""
    return dg.instance_for_test(temp_dir=None if folder is None else str(folder))


@event.listens_for(Engine, "connect")
def _leave_it_to_the_system(connection: Any, _: object) -> None:
    """A run stores some hundred events, each with two or three commits that would each wait for the disk."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
