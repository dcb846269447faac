"""A site as Jira hands it out: few types, statuses, fields and roles, and ids that no other made site has.

What belongs here: what is left of the made configuration.

What stays out: the configuration itself (``configuration``, ``field_catalogue``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

_TYPES = {"Epic", "Task", "Sub-task"}
_STATUSES = {"To Do", "In Progress", "Done"}
_WORKFLOW = "Simplified workflow"
_PRIORITIES = {"High", "Medium", "Low"}
_NOUNS = (
    "issuetype",
    "status",
    "priority",
    "resolution",
    "role",
    "linktype",
    "customfield",
    "option",
    "project",
    "issue",
    "board",
    "sprint",
    "filter",
)
_FIRST_ID = 50_000


def strip(site: Site) -> None:
    """Take away what a new site does not have."""
    _keep(site.issue_types, _TYPES)
    _keep(site.statuses, _STATUSES)
    _keep(site.priorities, _PRIORITIES)
    _keep(site.resolutions, {"Done"})
    _keep(site.roles, {"Administrators"})
    _keep(site.link_types, {"Relates"})
    _keep(site.groups, {"jira-administrators"})
    site.workflows = {_WORKFLOW: site.workflows[_WORKFLOW]}
    # What an app or Jira itself defines is there from the first day.
    site.fields = {field_id: item for field_id, item in site.fields.items() if not item.custom or item.locked}
    site.options = {key: item for key, item in site.options.items() if item.field_id in site.fields}
    for noun in _NOUNS:
        site.reserve_ids(noun, _FIRST_ID)


def _keep(things: dict[str, Any], names: set[str]) -> None:
    for key in [key for key, item in things.items() if item.name not in names]:
        del things[key]
