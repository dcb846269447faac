"""THE catalogue: every kind of Jira thing the product knows, in one table that drives everything else.

What belongs here: the whole table, put together from its parts (`domain.catalogue`), and the look-ups into it. For each
kind it says its level, where Jira lists it, how that list is paged, its parent, the typed columns of its table, how a
restore recognises what it already created, and whether REST can bring it back or why not. Capture order and restore
order are the order of this table; README's coverage table is made from it.

What stays out: code that talks to Jira (`jira.reader`), Arrow types (`repository.tables`) and the extraction of a
column's value (`domain.records`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.catalogue.issue import ISSUE_KINDS
from jira_backup_pipeline.domain.catalogue.project import PROJECT_KINDS
from jira_backup_pipeline.domain.catalogue.shape import (
    ITSELF,
    LAST_PART,
    Column,
    ColumnType,
    Condition,
    Kind,
    Level,
    Listing,
    PageWords,
    Paging,
    Recognition,
)
from jira_backup_pipeline.domain.catalogue.site import SITE_KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BY_NAME",
    "BY_TABLE",
    "ITSELF",
    "KINDS",
    "LAST_PART",
    "Column",
    "ColumnType",
    "Condition",
    "Kind",
    "Level",
    "Listing",
    "PageWords",
    "Paging",
    "Recognition",
    "kinds_at",
]

KINDS: tuple[Kind, ...] = (*SITE_KINDS, *PROJECT_KINDS, *ISSUE_KINDS)
BY_NAME: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in KINDS})
BY_TABLE: Mapping[str, Kind] = MappingProxyType({kind.table: kind for kind in KINDS})


def kinds_at(*levels: Level) -> tuple[Kind, ...]:
    """Give the kinds of these levels in catalogue order, which is also capture and restore order."""
    return tuple(kind for kind in KINDS if kind.level in levels)
