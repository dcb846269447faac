"""Queries on their way to another project or site: projects, fields and issue keys exchanged.

What belongs here: rewriting the text of a query where it names what the restore knows under another name.

What stays out: whether Jira takes the query, which its answer tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# A clause about projects with its one value or its list of them; names are left as they are.
_PROJECTS = re.compile(
    r"\bproject\s*(?:=|!=|\bnot\s+in\b|\bin\b)\s*(\([^)]*\)|\"[^\"]*\"|'[^']*'|[^\s()]+)", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z0-9_]+")
_FIELD = re.compile(r"\bcf\[(\d+)\]|\bcustomfield_(\d+)\b")
_ISSUE = re.compile(r"\b[A-Z][A-Z0-9_]+-\d+\b")


def moved_jql(
    text: str, *, projects: Mapping[str, str], fields: Mapping[str, str], keys: Mapping[str, str]
) -> str:
    """Give a query with other projects (by key or id), fields (by whole id) and issue keys."""

    def of_projects(found: re.Match[str]) -> str:
        start, end = found.span(1)
        values = _WORD.sub(lambda word: projects.get(word.group(), word.group()), found.group(1))
        return found.string[found.start() : start] + values + found.string[end : found.end()]

    def of_field(found: re.Match[str]) -> str:
        number = found.group(1) or found.group(2)
        target = fields.get(f"customfield_{number}")
        return found.group() if target is None else found.group().replace(number, target.partition("_")[2])

    moved = _ISSUE.sub(lambda found: keys.get(found.group(), found.group()), text)
    return _FIELD.sub(of_field, _PROJECTS.sub(of_projects, moved))


def projects_in(text: str) -> set[str]:
    """Give the keys, ids and names that a query's clauses about projects hold."""
    return {word for found in _PROJECTS.finditer(text) for word in _WORD.findall(found.group(1))}
