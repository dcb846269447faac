"""Every configuration list that Jira has is a kind, and README's table says of each what becomes of it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jira_backup_pipeline.domain.kinds import KINDS, ColumnType
from jira_backup_pipeline.repository.tables.schema import EXTRA_COLUMNS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
API, AGILE, DESK = "/rest/api/3", "/rest/agile/1.0/board", "/rest/servicedeskapi"
RULES = "/gateway/api/automation/public/jira/{}/rest/v1/rule"
# Jira's configuration by subject, each with the lists that the documents have of it.
LISTS = {
    "projects": (
        f"{API}/project/search",
        f"{API}/project/{{}}",
        f"{API}/projectCategory",
        *(
            f"{API}/project/{{}}/{part}"
            for part in ("properties", "features", "avatars", "email", "statuses")
        ),
    ),
    "roles and actors": (f"{API}/role", f"{API}/project/{{}}/role"),
    "components and versions": (
        f"{API}/project/{{}}/component",
        f"{API}/project/{{}}/version",
        f"{API}/version/{{}}/relatedwork",
    ),
    "issue types and schemes": (
        f"{API}/issuetype",
        f"{API}/issuetypescheme",
        f"{API}/issuetypescheme/mapping",
        f"{API}/issuetypescheme/project",
    ),
    "statuses and workflows": (
        f"{API}/statuses/search",
        f"{API}/workflows/search",
        f"{API}/workflowscheme",
        f"{API}/workflowscheme/project",
    ),
    "fields": (
        f"{API}/field",
        f"{API}/field/search",
        f"{API}/field/{{}}/context",
        f"{API}/field/{{}}/context/{{}}/option",
        f"{API}/field/{{}}/context/issuetypemapping",
        f"{API}/field/{{}}/context/projectmapping",
        f"{API}/field/{{}}/context/defaultValue",
    ),
    "field configurations and schemes": (
        f"{API}/fieldconfiguration",
        f"{API}/fieldconfiguration/{{}}/fields",
        f"{API}/fieldconfigurationscheme",
        f"{API}/fieldconfigurationscheme/mapping",
        f"{API}/fieldconfigurationscheme/project",
        f"{API}/config/fieldschemes",
        f"{API}/config/fieldschemes/{{}}/fields",
        f"{API}/config/fieldschemes/projects",
    ),
    "screens": (
        f"{API}/screens",
        f"{API}/screens/tabs",
        f"{API}/screens/{{}}/tabs/{{}}/fields",
        f"{API}/screenscheme",
        f"{API}/issuetypescreenscheme",
        f"{API}/issuetypescreenscheme/mapping",
        f"{API}/issuetypescreenscheme/project",
    ),
    "permissions": (
        f"{API}/permissionscheme",
        f"{API}/project/{{}}/permissionscheme",
        f"{API}/permissions",
        f"{API}/applicationrole",
    ),
    "notifications": (f"{API}/notificationscheme", f"{API}/notificationscheme/project"),
    "issue security": (
        f"{API}/issuesecurityschemes",
        f"{API}/issuesecurityschemes/level",
        f"{API}/issuesecurityschemes/level/member",
        f"{API}/issuesecurityschemes/project",
    ),
    "priorities": (
        f"{API}/priority/search",
        f"{API}/priorityscheme",
        f"{API}/priorityscheme/{{}}/priorities",
        f"{API}/priorityscheme/{{}}/projects",
    ),
    "resolutions, link types, labels": (f"{API}/resolution/search", f"{API}/issueLinkType", f"{API}/label"),
    "filters and dashboards": (
        f"{API}/filter/search",
        f"{API}/filter/{{}}/columns",
        f"{API}/dashboard/search",
        f"{API}/dashboard/{{}}/gadget",
        f"{API}/dashboard/{{}}/items/{{}}/properties",
    ),
    "boards and sprints": (
        AGILE,
        *(
            f"{AGILE}/{{}}/{part}"
            for part in ("configuration", "quickfilter", "features", "properties", "sprint")
        ),
    ),
    "plans": (f"{API}/plans/plan", f"{API}/plans/plan/{{}}", f"{API}/plans/plan/{{}}/team"),
    "groups and people": (f"{API}/group/bulk", f"{API}/group/member", f"{API}/users/search"),
    "webhooks and automation": (
        f"{API}/webhook",
        "/rest/webhooks/1.0/webhook",
        f"{RULES}/summary",
        f"{RULES}/{{}}",
    ),
    "settings": (
        f"{API}/configuration",
        f"{API}/configuration/timetracking",
        f"{API}/configuration/timetracking/list",
        f"{API}/configuration/timetracking/options",
        f"{API}/application-properties",
        f"{API}/application-properties/advanced-settings",
        f"{API}/announcementBanner",
        f"{API}/settings/columns",
    ),
    "service desks": (
        f"{DESK}/servicedesk",
        f"{DESK}/organization",
        f"{DESK}/organization/{{}}/user",
        f"{DESK}/servicedesk/{{}}/requesttype/{{}}/field",
        *(
            f"{DESK}/servicedesk/{{}}/{part}"
            for part in ("requesttype", "requesttypegroup", "queue", "organization", "customer")
        ),
    ),
}
STATES = {
    dict(kind.listing.query).get("status", "live") for kind in KINDS if "project/search" in kind.listing.path
}
PATHS = {re.sub(r"\{\w+\}", "{}", kind.listing.path) for kind in KINDS}


def test_bytes_are_kept_of_files_and_of_pictures() -> None:
    assert {"attachment", "avatar"} == {
        kind for kind, extra in EXTRA_COLUMNS.items() if ("blob", ColumnType.STRING) in extra
    }


def test_projects_of_every_state_are_kinds() -> None:
    assert {"live", "archived", "deleted"} == STATES


@pytest.mark.parametrize("subject", LISTS)
def test_every_list_of_a_subject_is_a_kind(subject: str) -> None:
    assert set() == set(LISTS[subject]) - PATHS


def test_the_table_in_readme_is_made_from_the_catalogue() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "coverage_table.py"), "--check"]

    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert outcome.returncode == 0, outcome.stderr


def test_readme_says_of_every_kind_whether_it_comes_back_and_how_or_why_not() -> None:
    section = README.partition("<!-- coverage: made from the catalogue -->")[2].partition("<!-- end")[0]
    rows = {
        cells[1]: cells
        for line in section.splitlines()
        if line.startswith("| ") and (cells := [cell.strip() for cell in line.strip("|").split("|")])
    }

    for kind in KINDS:
        title, _, scope, missing, restored, how = rows[f"`{kind.table}`"]
        assert (title, restored) == (kind.title, "yes" if kind.is_restorable else "no")
        assert scope
        assert missing
        assert how, kind.name
