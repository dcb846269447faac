"""What a kind of field value is: the three faces that reading, showing and telling the history need.

What belongs here: the shape of a codec, the place a value is used at, and the error for a value that is not taken.

What stays out: the codecs themselves (``values``, ``people_values``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from jira_backup_pipeline.sandbox.http import Json
from jira_backup_pipeline.sandbox.site import Site

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Field, Project


class ValueProblem(Exception):
    """A value that a field does not take; the text goes into ``errors`` beside the field's id."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is used: the site, the field and the project of the issue."""

    site: Site
    field: Field
    project: Project


Parse: TypeAlias = Callable[[Place, Json], Json]
Render: TypeAlias = Callable[[Site, Json], Json]
Describe: TypeAlias = Callable[[Site, Json], tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Codec:
    """The three faces of a kind of value; ``many`` kinds take add and remove operations."""

    parse: Parse
    render: Render
    describe: Describe
    many: bool = False
