"""Which fields the create screen of a project has, where a request gave the project screens of its own.

What belongs here: the way from a project and a type over its schemes to the fields.

What stays out: the screens (``fields``), and what else a create accepts (``creation``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.setup import fields

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Project
    from jira_backup_pipeline.sandbox.site import Site

# What no screen can take away.
_ALWAYS = frozenset({"project", "issuetype", "parent"})


def create_screen(site: Site, project: Project, type_id: str) -> set[str] | None:
    """The fields on the create screen of a type, or None where only the project's own settings decide."""
    scheme_id = site.made.bindings.get((project.project_id, "issue_type_screen_scheme"))
    items = site.made.items.get(("issue_type_screen_scheme", scheme_id or ""))
    if items is None:
        return None
    by_type = {str(item["issueTypeId"]): str(item["screenSchemeId"]) for item in items}
    wanted = by_type.get(type_id, by_type["default"])
    scheme = next(item for item in fields.screen_schemes(site) if str(item["id"]) == wanted)
    screens = scheme["screens"]
    screen_id = str(screens.get("create", screens["default"]))
    found = set(_ALWAYS)
    for tab in fields.screen_tabs(site):
        if str(tab["screenId"]) == screen_id:
            found.update(fields.tab_field_ids(site, screen_id, str(tab["tabId"])) or ())
    return found
