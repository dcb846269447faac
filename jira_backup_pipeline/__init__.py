"""Jira Cloud backups that a data team can query, prove and restore.

Words, one meaning each: *kind* (a type of Jira thing), *record* (one thing), *blob* (an attachment's bytes), *scope*
(one project by numeric id, or the site), *capture* (one reading of a scope), *pack* (the immutable files of one
capture, closed by a *receipt*), *snapshot* (a committed state of a scope: complete, gaps or doubtful), *index* (the
snapshot's live records and their packs), *manifest* (its commit record, written last), *ledger* (expected against
stored counts), *gap* (a known-missing thing with its reason), *store*, *object*, *keyring*, *vault*, *plan*, *step*,
*journal*, *id map*, *fidelity report*, *drill*, *sandbox*, *run*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open_snapshot"]

if TYPE_CHECKING:
    from jira_backup_pipeline.reading import open_snapshot


def __getattr__(name: str) -> object:
    """Load `open_snapshot` on first use: importing the package stays free of pyarrow and pyrage."""
    if name == "open_snapshot":
        from jira_backup_pipeline.reading import open_snapshot  # noqa: PLC0415 - see the docstring

        return open_snapshot
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
