"""A second sandbox that is another site: other people under other ids, other ids of custom fields and options, some other names.

What belongs here: turning a made site into one that shares nothing with the first but what administrators would call alike.
What stays out: what a restore makes of it, which the tests say.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.server import RunningSandbox, start_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.sandbox.site import Site

_BY = 7_000
_HEAD = "customfield_"


@contextmanager
def other_site(*, seed: int = 23) -> Iterator[RunningSandbox]:
    """Start a sandbox without a project. Accounts have other ids by the seed, and still the same e-mail addresses."""
    with start_sandbox(projects=0, issues=0, seed=seed) as sandbox:
        with sandbox.site.lock:
            _move_fields(sandbox.site)
            _move_options(sandbox.site)
            sandbox.site.reference_changed()
        yield sandbox


def _moved(field_id: str) -> str:
    return f"{_HEAD}{int(field_id.removeprefix(_HEAD)) + _BY}" if field_id.startswith(_HEAD) else field_id


def _move_fields(site: Site) -> None:
    moved = [
        replace(
            found,
            field_id=_moved(found.field_id),
            schema={
                **found.schema,
                **({"customId": int(found.field_id.removeprefix(_HEAD)) + _BY} if found.custom else {}),
            },
        )
        for found in site.fields.values()
    ]
    site.fields = {found.field_id: found for found in moved}
    site.reserve_ids("customfield", 30_000)


def _move_options(site: Site) -> None:
    moved = [
        replace(
            found,
            option_id=found.option_id + _BY,
            field_id=_moved(found.field_id),
            parent_id=found.parent_id + _BY if found.parent_id is not None else None,
        )
        for found in site.options.values()
    ]
    site.options = {found.option_id: found for found in moved}
    site.reserve_ids("option", 30_000)


def rename(site: Site, noun: str, old: str, new: str) -> None:
    """Give a status, priority, field or the like another name."""
    things = getattr(site, noun)
    [found] = [thing for thing in things.values() if thing.name == old]
    found.name = new
    site.reference_changed()
