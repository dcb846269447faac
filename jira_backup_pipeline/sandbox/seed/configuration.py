"""The settings of a made site: issue types, statuses, workflows, priorities, link types, roles, groups, people.

What belongs here: what a site has before its first project. People are plainly numbered.

What stays out: projects and issues (``plan``), fields (``field_catalogue``), and setup that follows from the
rest (the room's ``setup``).
"""

from __future__ import annotations

import random
import uuid
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.model import (
    Account,
    Group,
    IssueType,
    LinkType,
    Named,
    Status,
    Transition,
    Workflow,
)

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.site import Site

EPIC, STORY, TASK, BUG, SUBTASK = "10000", "10001", "10002", "10004", "10003"
PEOPLE = 25

_ISSUE_TYPES = (
    IssueType(EPIC, "Epic", 1, "A collection of related bugs, stories, and tasks.", 10307),
    IssueType(STORY, "Story", 0, "Functionality or a feature expressed as a user goal.", 10315),
    IssueType(TASK, "Task", 0, "A small, distinct piece of work.", 10318),
    IssueType(SUBTASK, "Sub-task", -1, "A small piece of work that's part of a larger task.", 10316),
    IssueType(BUG, "Bug", 0, "A problem or error.", 10303),
)
_STATUSES = (
    Status("10100", "To Do", "new"),
    Status(
        "3",
        "In Progress",
        "indeterminate",
        "This issue is being actively worked on at the moment by the assignee.",
    ),
    Status("10101", "In Review", "indeterminate", "Somebody else looks at the work."),
    Status("10102", "Done", "done"),
    Status("10103", "Triage", "new", "Nobody has looked at it yet."),
    Status("10104", "Confirmed", "new"),
    Status("10105", "Rejected", "done"),
    Status("10106", "Blocked", "indeterminate"),
)
_PRIORITIES = (
    Named("1", "Highest", "This problem will block progress.", "#d04437"),
    Named("2", "High", "Serious problem that could block progress.", "#f15C75"),
    Named("3", "Medium", "Has the potential to affect progress.", "#f79232"),
    Named("4", "Low", "Minor problem or easily worked around.", "#707070"),
    Named("5", "Lowest", "Trivial problem with little or no impact on progress.", "#999999"),
)
_RESOLUTIONS = (
    Named("10000", "Done", "Work has been completed on this issue."),
    Named("10001", "Won't Do", "This issue won't be actioned."),
    Named("10002", "Duplicate", "The problem is a duplicate of an existing issue."),
    Named("10003", "Cannot Reproduce", "All attempts at reproducing this issue failed."),
)
_ROLES = (
    Named("10002", "Administrators", "A project role that represents administrators in a project"),
    Named("10003", "Member", "A project role that represents members of a project"),
    Named("10004", "Viewer", "A project role that represents readers of a project"),
)
_LINK_TYPES = (
    LinkType("10000", "Blocks", "is blocked by", "blocks"),
    LinkType("10001", "Cloners", "is cloned by", "clones"),
    LinkType("10002", "Duplicate", "is duplicated by", "duplicates"),
    LinkType("10003", "Relates", "relates to", "relates to"),
)
_GROUPS = ("jira-administrators", "jira-users", "developers")


def _software() -> Workflow:
    steps = [
        Transition("11", "To Do", "10100", ("3", "10106")),
        Transition("21", "Start progress", "3", ("10100", "10101", "10106")),
        Transition("31", "Ask for review", "10101", ("3",)),
        Transition("41", "Done", "10102", ("10101", "3")),
        Transition("51", "Reopen", "3", ("10102",)),
        Transition("61", "Block", "10106", ("3", "10100")),
    ]
    return Workflow("Software workflow", ["10100", "3", "10101", "10102", "10106"], steps)


def _bugs() -> Workflow:
    steps = [
        Transition("11", "Confirm", "10104", ("10103", "10105")),
        Transition("21", "Reject", "10105", ("10103", "10104")),
        Transition("31", "Start progress", "3", ("10104", "10101")),
        Transition("41", "Ask for review", "10101", ("3",)),
        Transition("51", "Done", "10102", ("10101",)),
        Transition("61", "Reopen", "10103", ("10102", "10105")),
    ]
    return Workflow("Bug workflow", ["10103", "10104", "10105", "3", "10101", "10102"], steps)


def _simple() -> Workflow:
    steps = [
        Transition("11", "To Do", "10100"),
        Transition("21", "In Progress", "3"),
        Transition("31", "Done", "10102"),
    ]
    return Workflow("Simplified workflow", ["10100", "3", "10102"], steps)


def add_configuration(site: Site) -> None:
    """Everything a site has before its first project."""
    source = random.Random(f"configuration/{site.seed}")
    for issue_type in _ISSUE_TYPES:
        site.issue_types[issue_type.type_id] = IssueType(
            issue_type.type_id,
            issue_type.name,
            issue_type.level,
            issue_type.description,
            issue_type.avatar_id,
        )
    for status in _STATUSES:
        site.statuses[status.status_id] = Status(
            status.status_id, status.name, status.category, status.description
        )
    for target, items in (
        (site.priorities, _PRIORITIES),
        (site.resolutions, _RESOLUTIONS),
        (site.roles, _ROLES),
    ):
        target.update({i.item_id: Named(i.item_id, i.name, i.description, i.color) for i in items})
    for link_type in _LINK_TYPES:
        site.link_types[link_type.type_id] = LinkType(
            link_type.type_id, link_type.name, link_type.inward, link_type.outward
        )
    site.categories["10000"] = Named("10000", "Products", "What customers use")
    for workflow in (_software(), _bugs(), _simple()):
        workflow.entity_id = str(uuid.UUID(int=source.getrandbits(128), version=4))
        site.workflows[workflow.name] = workflow
    for noun, last in (("issuetype", 10_010), ("status", 10_110), ("role", 10_010), ("linktype", 10_010)):
        site.reserve_ids(noun, last)
    _add_people(site, source)


def _add_people(site: Site, source: random.Random) -> None:
    zones = ("Etc/UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo", "America/New_York")
    backup = Account(f"{source.getrandbits(96):024x}", "Backup Operator", "backup.operator@example.invalid")
    site.accounts[backup.account_id] = backup
    site.backup_account_id = backup.account_id
    for number in range(1, PEOPLE + 1):
        account = Account(
            f"{source.getrandbits(96):024x}",
            f"Person {number:02d}",
            f"person{number:02d}@example.invalid",
            active=number != PEOPLE,
            time_zone=zones[number % len(zones)],
        )
        site.accounts[account.account_id] = account
    everyone = list(site.accounts)
    for name in _GROUPS:
        group = Group(str(uuid.UUID(int=source.getrandbits(128), version=4)), name)
        group.members = [backup.account_id, *everyone[1 : 4 if name == "jira-administrators" else 20]]
        site.groups[group.group_id] = group
