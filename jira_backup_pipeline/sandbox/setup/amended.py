"""What requests have changed of records that follow from the site, and such records turned into made ones.

What belongs here: keeping a changed record in the place of the one that follows from the site, and giving a screen or a
scheme that follows from the site a life of its own, so that it can be changed.

What stays out: the checks of a request (``routes``) and what follows from the site (the other modules of this folder).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.setup import fields, schemes
from jira_backup_pipeline.sandbox.setup.made import Screen, Tab

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject
    from jira_backup_pipeline.sandbox.site import Site


def keep(site: Site, noun: str, record: JsonObject) -> None:
    """Keep a changed record under its id."""
    made = site.made.records.get(noun, {})
    if str(record["id"]) in made:
        made[str(record["id"])] = record
    else:
        site.made.amended[noun, str(record["id"])] = record
    site.reference_changed()


def own_screen(site: Site, screen_id: str) -> Screen | None:
    """A screen as one that was made, or None where there is none."""
    found = next((item for item in fields.screens(site) if str(item["id"]) == screen_id), None)
    if found is None:
        return None
    if int(screen_id) not in site.made.screens:
        tabs = [
            Tab(
                int(tab["tabId"]),
                str(tab["tabName"]),
                list(fields.tab_field_ids(site, screen_id, str(tab["tabId"])) or []),
            )
            for tab in fields.screen_tabs(site)
            if str(tab["screenId"]) == screen_id
        ]
        screen = Screen(int(screen_id), str(found["name"]), str(found["description"]), tabs)
        site.made.screens[screen.screen_id] = screen
    return site.made.screens[int(screen_id)]


def own_scheme(site: Site, noun: str, scheme_id: str) -> JsonObject | None:
    """A scheme of issue types or workflows as one that was made, still followed by whoever follows it."""
    listed = schemes.issue_type_schemes if noun == "issue_type_scheme" else schemes.workflow_schemes
    found = next((item for item in listed(site) if str(item["id"]) == scheme_id), None)
    if found is None or scheme_id in site.made.records.get(noun, {}):
        return found
    followers = [
        project.project_id
        for project in site.projects.values()
        if schemes.follows(site, project, noun) == scheme_id
    ]
    items = [item for item in schemes.issue_type_items(site) if item["issueTypeSchemeId"] == scheme_id]
    site.made.items[noun, scheme_id] = items if noun == "issue_type_scheme" else []
    site.made.add(noun, found)
    for project_id in followers:
        site.made.bindings[project_id, noun] = scheme_id
    return found
