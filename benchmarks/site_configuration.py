"""What the configuration of a site costs in requests, beside the list pages that the documents require. Counts only.

Run: `python benchmarks/site_configuration.py --projects 150`. What is required is counted from the site's own dump of
everything it has and from the page sizes in the official documents, not from the catalogue: one page of every list, more
where a page does not hold it, and one list for every parent that can have one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import requests
from stage import Stage, clock, stage

from jira_backup_pipeline.engine.capture.site import capture_site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

API, AGILE = "/rest/api/3", "/rest/agile/1.0"
RULES = "/gateway/api/automation/public/jira/{cloud}/rest/v1/rule"
_CHOICES = re.compile(r":(select|multiselect|radiobuttons|multicheckboxes|cascadingselect|gh-epic-status)$")
# Where an address says less than its place in the list of endpoints.
_PLACES = (
    (re.compile(r"(?<!/api)/(customfield_\d+|\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)"), "/{}"),
    (re.compile(r"(/properties)/[^/]+$"), r"\1/{}"),
)
# One list each, with the page that the documents allow at most (0: the answer is the whole list).
WHOLE = {
    f"{API}/field/search": ("field_detail", 50),
    f"{API}/field": ("field", 0),
    f"{API}/issuetype": ("issue_type", 0),
    f"{API}/statuses/search": ("status", 200),
    f"{API}/priority/search": ("priority", 50),
    f"{API}/resolution/search": ("resolution", 50),
    f"{API}/issueLinkType": ("link_type", 0),
    f"{API}/role": ("role", 0),
    f"{API}/users/search": ("person", 1000),
    f"{API}/screens": ("screen", 100),
    f"{API}/screens/tabs": ("screen_tab", 100),
    f"{API}/screenscheme": ("screen_scheme", 25),
    f"{API}/issuetypescreenscheme": ("issue_type_screen_scheme", 50),
    f"{API}/issuetypescreenscheme/mapping": ("issue_type_screen_scheme_item", 50),
    f"{API}/fieldconfiguration": ("field_configuration", 50),
    f"{API}/fieldconfigurationscheme": ("field_configuration_scheme", 50),
    f"{API}/fieldconfigurationscheme/mapping": ("field_configuration_scheme_item", 50),
    f"{API}/config/fieldschemes": ("field_scheme", 100),
    f"{API}/issuetypescheme": ("issue_type_scheme", 50),
    f"{API}/issuetypescheme/mapping": ("issue_type_scheme_item", 50),
    f"{API}/workflows/search": ("workflow", 50),
    f"{API}/workflowscheme": ("workflow_scheme", 50),
    f"{API}/permissionscheme": ("permission_scheme", 0),
    f"{API}/notificationscheme": ("notification_scheme", 50),
    f"{API}/notificationscheme/project": ("notification_scheme_project", 50),
    f"{API}/issuesecurityschemes": ("security_scheme", 0),
    f"{API}/issuesecurityschemes/level": ("security_level", 50),
    f"{API}/issuesecurityschemes/level/member": ("security_level_member", 50),
    f"{API}/issuesecurityschemes/project": ("security_scheme_project", 50),
    f"{API}/priorityscheme": ("priority_scheme", 50),
    f"{API}/projectCategory": ("project_category", 0),
    f"{API}/project/search": ("project", 100),
    f"{API}/filter/search": ("filter", 50),
    f"{API}/group/bulk": ("group", 50),
    f"{API}/dashboard/search": ("dashboard", 50),
    f"{AGILE}/board": ("board", 50),
    f"{API}/applicationrole": ("application_role", 0),
    f"{API}/application-properties": ("application_property", 0),
    f"{API}/application-properties/advanced-settings": ("advanced_setting", 0),
    f"{API}/configuration": ("site_configuration", 0),
    f"{API}/configuration/timetracking": ("time_tracking", 0),
    f"{API}/configuration/timetracking/list": ("time_tracking_provider", 0),
    f"{API}/configuration/timetracking/options": ("time_tracking_option", 0),
    f"{API}/settings/columns": ("navigator_column", 0),
    f"{API}/announcementBanner": ("announcement_banner", 0),
    f"{API}/permissions": ("permission", 0),
    f"{API}/label": ("label", 1000),
    f"{API}/plans/plan": ("plan", 50),
    f"{API}/webhook": ("webhook", 100),
    "/rest/webhooks/1.0/webhook": ("admin_webhook", 0),
    f"{RULES}/summary": ("automation_rule_summary", 100),
    "/rest/servicedeskapi/servicedesk": ("service_desk", 50),
    "/rest/servicedeskapi/organization": ("organization", 50),
}


@dataclass(frozen=True)
class Truth:
    """Everything that the site has: records by kind and id; `by_parent` counts what hangs on each parent."""

    records: dict[str, dict[str, Any]]

    def ids(self, kind: str) -> list[str]:
        """Give the ids of a kind."""
        return list(self.records[kind])

    def by_parent(self, kind: str) -> Counter[str]:
        """Count the records of a kind by the id that their own begins with."""
        return Counter(record_id.rpartition("/")[0] for record_id in self.records[kind])


def pages(count: int, size: int) -> int:
    """Give how many pages a list takes; an empty one is a page too."""
    return max(1, ceil(count / size)) if size else 1


def required(truth: Truth) -> dict[str, int]:
    """Count the list pages that the documents require, by endpoint."""
    found = {path: pages(len(truth.ids(kind)), size) for path, (kind, size) in WHOLE.items()}
    # Projects are listed by their state: live ones above, those in the archive and those in the trash.
    found[f"{API}/project/search"] += 2
    custom = [i for i in truth.ids("field_detail") if i.startswith("customfield_")]
    contexts = truth.by_parent("field_context")
    choices = {i for i in custom if _CHOICES.search(truth.records["field_detail"][i]["schema"]["custom"])}
    of_choices = [i for i in truth.ids("field_context") if i.rpartition("/")[0] in choices]
    bound: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for record_id, context in truth.records["field_context"].items():
        for name in ("isGlobalContext", "isAnyIssueType"):
            bound[name][record_id.rpartition("/")[0]] += not context[name]
    projects = truth.ids("project")

    def each(parents: Iterable[str], count: Callable[[str], int] = lambda _: 1) -> int:
        return sum(count(parent) for parent in parents)

    def paged(kind: str, parents: Iterable[str], size: int) -> int:
        counts = truth.by_parent(kind)
        return each(parents, lambda parent: pages(counts[parent], size))

    field, board, project = f"{API}/field/{{}}", f"{AGILE}/board/{{}}", f"{API}/project/{{}}"
    gadget = f"{API}/dashboard/{{}}/items/{{}}/properties"
    return found | {
        f"{field}/context": each(custom, lambda one: pages(contexts[one], 50)),
        f"{field}/context/defaultValue": paged("field_default", custom, 50),
        f"{field}/context/{{}}/option": paged("field_option", of_choices, 100),
        f"{field}/context/projectmapping": sum(n > 0 for n in bound["isGlobalContext"].values()),
        f"{field}/context/issuetypemapping": sum(n > 0 for n in bound["isAnyIssueType"].values()),
        f"{API}/screens/{{}}/tabs/{{}}/fields": len(truth.ids("screen_tab")),
        f"{API}/fieldconfiguration/{{}}/fields": paged(
            "field_configuration_item", truth.ids("field_configuration"), 50
        ),
        f"{API}/config/fieldschemes/{{}}/fields": paged("field_scheme_item", truth.ids("field_scheme"), 100),
        f"{project}/properties": len(projects),
        f"{project}/properties/{{}}": sum(len(p["properties"]) for p in truth.records["project"].values()),
        f"{project}/email": len(projects),
        f"{project}/avatars": len(projects),
        f"{project}/permissionscheme": len(projects),
        **{f"{API}/{path}": pages(len(projects), 100) for path in OF_PROJECTS},
        f"{API}/group/member": each(
            truth.ids("group"), lambda one: pages(len(truth.records["group"][one]["members"]), 50)
        ),
        f"{API}/priorityscheme/{{}}/projects": each(
            truth.ids("priority_scheme"),
            lambda one: _beyond(truth.records["priority_scheme"][one]["projects"]),
        ),
        f"{API}/filter/{{}}/columns": len(truth.ids("filter")),
        f"{API}/dashboard/{{}}/gadget": len(truth.ids("dashboard")),
        gadget: len(truth.ids("dashboard_gadget")),
        f"{gadget}/{{}}": len(truth.ids("dashboard_gadget_property")),
        f"{board}/configuration": len(truth.ids("board")),
        f"{board}/sprint": len(truth.ids("board")),
        f"{board}/features": len(truth.ids("board")),
        f"{board}/quickfilter": paged("board_quick_filter", truth.ids("board"), 50),
        f"{board}/properties": len(truth.ids("board")),
        f"{board}/properties/{{}}": len(truth.ids("board_property")),
        f"{API}/plans/plan/{{}}": len(truth.ids("plan")),
        f"{API}/plans/plan/{{}}/team": paged("plan_team", truth.ids("plan"), 50),
        f"{RULES}/{{}}": len(truth.ids("automation_rule_summary")),
    }


OF_PROJECTS = (
    "issuetypescheme/project",
    "issuetypescreenscheme/project",
    "fieldconfigurationscheme/project",
    "workflowscheme/project",
    "config/fieldschemes/projects",
)


def _beyond(listed: dict[str, Any]) -> int:
    """A scheme shows its first projects with itself; only more than those take pages of their own."""
    return pages(listed["total"], 50) if listed["total"] > len(listed["values"]) else 0


def read_truth(scene: Stage) -> Truth:
    """Read the site's own dump."""
    records: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    answer = requests.get(f"{scene.url}/__sandbox__/truth", timeout=60)
    for line in answer.text.splitlines():
        entry = json.loads(line)
        records[entry["kind"]][entry["id"]] = entry["record"]
    return Truth(records)


def endpoint_of(url: str, cloud_id: str) -> str:
    """Give the endpoint of an address, without the ids in it."""
    path = urlsplit(url).path.replace(cloud_id, "{cloud}")
    for pattern, place in _PLACES:
        path = pattern.sub(place, path)
    return path


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=150)
    options = parser.parse_args()
    with stage(projects=options.projects, issues=2 * options.projects) as scene:
        truth = read_truth(scene)
        account = scene.reader.whoami()
        scene.asked.clear()
        capture_site(scene.repository, scene.reader, run="benchmark", clock=clock)
        asked = Counter(endpoint_of(one.url, account.cloud_id) for one in scene.asked)
    needed = required(truth)
    for path in sorted(asked.keys() | needed.keys()):
        if asked[path] != needed.get(path, 0):
            print(f"{path}: asked {asked[path]}, required {needed.get(path, 0)}")
    total, least = sum(asked.values()), sum(needed.values())
    print(f"site configuration of {options.projects} projects: {total} requests for {least} required pages")
    print(f"requests / required pages = {total / least:.3f} (goal: at most 1.2)")


if __name__ == "__main__":
    main()
