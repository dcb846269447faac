"""The configuration that the sandbox holds and that snapshots hold, in one comparable form: records by kind and id.

What belongs here: reading both sides, for the site and for one project, and the few differences that are none.

What stays out: issues and what hangs on them (`site_truth`), and when the two must be equal (the tests say it).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.kinds import BY_NAME, Level, kinds_at
from jira_backup_pipeline.sandbox.model import ProjectState
from jira_backup_pipeline.sandbox.truth import truth_records

if TYPE_CHECKING:
    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.sandbox.site import Site

Settings = dict[tuple[str, str], Any]

# Apps alone see their webhooks; an administrator sees what others keep for themselves, but for the columns of their filters.
# How many issues wear a label, and what a project's list says of its issues, is not configuration.
_NOT_COMPARED = frozenset({"webhook", "site_project", "project_property"})
_OF_PROJECTS = ("component", "version", "project_feature", "project_status")


def site_held(site: Site) -> Settings:
    """Give the site's configuration as its own dump tells it."""
    held: Settings = {}
    for line in truth_records(site):
        kind, name, record = line["kind"], line["id"], line["record"]
        if kind in _NOT_COMPARED:
            continue
        if line["project_id"] is None and kind == "group":
            held[kind, name] = {"name": record["name"], "groupId": name}
            held.update({("group_member", f"{name}/{member}"): None for member in record["members"]})
        elif (line["project_id"] is None and kind in BY_NAME) or kind == "board":
            held[kind, name] = record
        elif kind == "board_configuration":
            held[kind, f"{name}/{name}"] = record
        elif kind == "sprint":
            held[kind, f"{record['originBoardId']}/{name}"] = record
        elif kind == "project" and record["state"] == ProjectState.LIVE.value:
            held["site_project", name] = record["detail"]["key"]
            for key, value in record["properties"].items():
                held["project_property", f"{name}/{key}"] = {"key": key, "value": value}
    return held


def site_stored(repository: Repository, manifest: Manifest) -> Settings:
    """Give the site's configuration as a snapshot holds it."""
    tables = repository.tables(manifest)
    stored: Settings = {}
    for kind in kinds_at(Level.SITE):
        if kind.name == "webhook":
            continue
        for row in tables[kind.table].to_arrow().to_pylist():
            record = json.loads(row["raw"])
            if kind.name == "site_project":
                record = record["key"]
            stored[kind.name, row["id"]] = None if kind.name == "group_member" else record
    return stored


def project_held(site: Site, project_id: str) -> Settings:
    """Give one project's settings as the site's own dump tells them."""
    held: Settings = {}
    for line in truth_records(site):
        kind, name, record = line["kind"], line["id"], line["record"]
        if line["project_id"] != project_id:
            continue
        if kind == "project":
            held[kind, name] = record["detail"]
        elif kind == "project_role":
            held["role_actors", name.rpartition("/")[2]] = record
        elif kind in _OF_PROJECTS:
            held[kind, name] = record
    return held


def project_stored(repository: Repository, manifest: Manifest, held: Settings) -> Settings:
    """Give one project's settings as a snapshot holds them; of the project itself those members that `held` has."""
    tables = repository.tables(manifest)
    stored: Settings = {}
    for name in ("project", "role_actors", *_OF_PROJECTS):
        for row in tables[BY_NAME[name].table].to_arrow().to_pylist():
            record = json.loads(row["raw"])
            # The list counts a component's issues beside it.
            record.pop("issueCount", None)
            if name == "project":
                record = {member: record.get(member) for member in held.get((name, row["id"]), ())}
            stored[name, row["id"]] = record
    return stored
