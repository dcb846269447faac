"""How Jira says that a project is team-managed, and that something belongs to one such project only.

What belongs here: reading the members `style`, `simplified` and `scope`.

What stays out: what becomes of such a project (`configuration.conversion`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def is_team_managed(project: Mapping[str, Any]) -> bool:
    """Tell whether a project, as Jira shows it, manages its own types, statuses and fields."""
    return project.get("style") == "next-gen" or project.get("simplified") is True


def scope_of(item: Mapping[str, Any]) -> str:
    """Give the id of the one project that a type, status, field, role or workflow belongs to; empty for the whole site's."""
    scope = item.get("scope")
    project = scope.get("project") if isinstance(scope, dict) else None
    return str(project.get("id", "")) if isinstance(project, dict) else ""
