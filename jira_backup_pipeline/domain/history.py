"""What the names in a history entry tell.

What belongs here: pure questions to the field names of history items, for the reader of Jira and for the reader of what is
stored alike.

What stays out: reading history (`jira.histories`) and storing it (`repository`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMOTE_LINK = frozenset({"remoteissuelink", "remoteworkitemlink"})


def names_remote_link(names: Iterable[object]) -> bool:
    """Tell whether one of the field names or field ids of an entry's items is that of a remote link."""
    return any(_is_remote_link(name) for name in names)


def _is_remote_link(name: object) -> bool:
    # Most names are told apart by this look; it spares the history of a large site a lot of text work.
    return isinstance(name, str) and "emote" in name and name.replace(" ", "").lower() in _REMOTE_LINK
