"""Which kinds of the site a restore makes where the target lacks them, and how it knows again what it made.

What belongs here: one line for each such kind, with what of it comes back.

What stays out: how kinds are captured (the other tables of this folder), and the making (`engine.restore.configuration`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jira_backup_pipeline.domain.catalogue.shape import Kind, Recognition

if TYPE_CHECKING:
    from collections.abc import Iterable

_WITH = "made with what it belongs to"
_FOLLOWED = "made for a project that is made anew, which then follows it"
_NAMED, _LISTED = Recognition.NATURAL_KEY, Recognition.LIST_AND_MATCH

_BROUGHT: dict[str, tuple[Recognition, str]] = {
    "link_type": (_NAMED, "matched by name, made where issues use it and the target lacks it"),
    "resolution": (_NAMED, "matched by name, made where issues use it and the target lacks it"),
    "priority": (_NAMED, "matched by name, made where issues use it and the target lacks it"),
    "role": (_NAMED, "matched by name, made where the target lacks it"),
    "issue_type": (_NAMED, "matched by name; the levels 0 and -1 are made, higher ones a person must add"),
    "status": (_NAMED, "matched by name, made for the whole site where the target lacks it"),
    "field": (
        _NAMED,
        "matched by name and type, made with its searcher; locked fields and those of apps are not",
    ),
    "field_context": (
        _LISTED,
        "those that hold for the restored project; the one for all projects is matched",
    ),
    "field_context_project": (_LISTED, "the restored project alone"),
    "field_context_issue_type": (_LISTED, _WITH),
    "field_option": (
        _LISTED,
        "matched by value, missing ones made in their order, and switched off at the end where they were",
    ),
    "field_default": (_LISTED, "set where the context has none"),
    "screen": (_NAMED, _FOLLOWED),
    "screen_tab": (_NAMED, _WITH),
    "screen_field": (_NAMED, "in their order; fields that the target lacks are left out"),
    "screen_scheme": (_NAMED, _FOLLOWED),
    "issue_type_screen_scheme": (_NAMED, _FOLLOWED),
    "issue_type_screen_scheme_item": (_NAMED, _WITH),
    "issue_type_scheme": (_NAMED, _FOLLOWED),
    "issue_type_scheme_item": (_NAMED, _WITH),
    "workflow": (
        _NAMED,
        "with rules whose ids follow; rules of apps, and of what the target lacks, are left out",
    ),
    "workflow_scheme": (_NAMED, _FOLLOWED),
    "permission_scheme": (_NAMED, "without holders that the target does not have"),
    "notification_scheme": (_NAMED, "without recipients that the target does not have"),
    "security_scheme": (_NAMED, _FOLLOWED),
    "priority_scheme": (_NAMED, f"{_FOLLOWED}; the default one is there already"),
    "priority_scheme_priority": (_NAMED, _WITH),
    "field_configuration": (_NAMED, "made after the issues, for a project that is made anew"),
    "field_configuration_item": (
        _NAMED,
        f"{_WITH}; what is said of fields that the target lacks is left out",
    ),
    "field_configuration_scheme": (_NAMED, f"{_FOLLOWED} once the issues are there"),
    "field_configuration_scheme_item": (_NAMED, _WITH),
    "field_configuration_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "field_scheme": (_NAMED, f"{_FOLLOWED} once the issues are there; the default one is there already"),
    "field_scheme_item": (_NAMED, f"{_WITH}; fields that the target lacks are left out"),
    "field_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "project_category": (_NAMED, "matched by name, made where the restored project had it"),
    "security_level": (_NAMED, "with its scheme; issues get the level of the same name"),
    "security_level_member": (_NAMED, "without members that the target does not have"),
    "issue_type_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "workflow_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "issue_type_screen_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "project_permission_scheme": (_NAMED, "a project that is made anew follows the same scheme"),
    "notification_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "security_scheme_project": (_NAMED, "a project that is made anew follows the same scheme"),
    "group": (
        _NAMED,
        "those that issues, roles and schemes name; matched by name, made where the target lacks them",
    ),
    "group_member": (_NAMED, "of groups that were made, whom the target knows"),
    "board": (
        _LISTED,
        "those of a project that is made anew, on their filter; columns and layout are Jira's own",
    ),
    "filter": (
        _LISTED,
        (
            "on another site those that ask about the restored project; on their own those that are missing, when the whole site or "
            "the configuration alone is restored; given to their owners, shared as they were"
        ),
    ),
    "dashboard": (
        _NAMED,
        (
            "on another site those that show the restored project or its filters; on their own those that are missing, when the "
            "whole site or the configuration alone is restored; they belong to the restoring account then"
        ),
    ),
    "dashboard_gadget": (_LISTED, "with their dashboard; their app must be there"),
    "dashboard_gadget_property": (_NAMED, "with projects and filters of the target"),
    "sprint": (_LISTED, "those that issues are in: made on the project's board, filled, started, closed"),
}


def with_restoring(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Give kinds with what a restore does with them."""
    return tuple(
        replace(
            kind,
            recognition=_BROUGHT[kind.name][0],
            is_restorable=True,
            restore_note=_BROUGHT[kind.name][1],
        )
        if kind.name in _BROUGHT
        else kind
        for kind in kinds
    )
