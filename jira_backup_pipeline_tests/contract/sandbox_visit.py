"""A visit to every implemented route of a sandbox, by hand-written requests in an order that makes sense.

Used by the test that validates the answers against the official documents.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from jira_backup_pipeline_tests.contract.sandbox_changes_visit import visit_changes
from jira_backup_pipeline_tests.contract.sandbox_lists_visit import visit_lists
from jira_backup_pipeline_tests.contract.sandbox_setup_visit import visit_setup

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.server import RunningSandbox

TEXT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
}


@dataclass(frozen=True, slots=True)
class Visit:
    """One answered request."""

    method: str
    template: str
    status: int
    value: Any


@dataclass(slots=True)
class Visitor:
    """Sends requests and keeps what came back."""

    sandbox: RunningSandbox
    visits: list[Visit] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Send a request below ``/rest/api/3``, or to a path from the root."""
        address = path if path.startswith(("/rest", "/_edge", "/gateway")) else f"/rest/api/3{path}"
        answer = requests.request(
            method,
            self.sandbox.url + address,
            json=body,
            auth=(self.sandbox.email, self.sandbox.token),
            timeout=20,
            allow_redirects=False,
            **options,
        )
        found = self.sandbox.core.routes.match(method, address.partition("?")[0])
        assert found is not None, f"{method} {address} is not implemented"
        is_json = answer.headers.get("content-type", "").startswith("application/json") and answer.content
        value = answer.json() if is_json else None
        self.visits.append(Visit(method, found[0].template, answer.status_code, value))
        return value

    def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Like a call, but the answer must not be an error."""
        value = self(method, path, body, **options)
        assert self.visits[-1].status < 400, (method, path, self.visits[-1])
        return value


def visit_everything(sandbox: RunningSandbox) -> list[Visit]:
    """Every route at least once."""
    go = Visitor(sandbox)
    _site(go)
    visit_setup(go)
    visit_changes(go)
    project, made = _project(go)
    _issues(go, project, made)
    _parts(go, made)
    _agile(go, project, made)
    visit_lists(go.ok, cloud_id=sandbox.site.cloud_id, lead=sandbox.site.backup_account_id)
    go("GET", "/webhook")
    _ends(go, project, made)
    return go.visits


def _site(go: Visitor) -> None:
    for path in (
        "/_edge/tenant_info",
        "/serverInfo",
        "/myself?expand=groups",
        "/project/APP/securitylevel",
        "/permissions",
        "/mypermissions?permissions=BROWSE_PROJECTS,ADMINISTER",
        "/label",
        "/issue/limit/report",
        "/configuration",
        "/users/search",
        "/users",
        "/user/search?query=person",
        "/user/assignable/search?project=APP",
        "/group/bulk",
        "/field",
        "/field/search?type=custom",
        "/field/search",
        "/field/customfield_10030/context",
        "/field/customfield_10030/context/10130/option",
        "/field/customfield_10030/context/defaultValue",
        "/field/customfield_10030/context/projectmapping",
        "/field/customfield_10030/context/issuetypemapping",
        "/screens",
        "/screens/tabs",
        "/screens/1/tabs/10000/fields",
        "/screenscheme",
        "/issuetypescreenscheme",
        "/issuetypescreenscheme/mapping",
        "/fieldconfiguration",
        "/fieldconfiguration/10000/fields",
        "/fieldconfigurationscheme",
        "/fieldconfigurationscheme/mapping",
        "/config/fieldschemes",
        "/config/fieldschemes/10000/fields",
        "/issuetypescheme",
        "/issuetypescheme/mapping",
        "/workflowscheme",
        "/permissionscheme?expand=all",
        "/notificationscheme?expand=all",
        "/notificationscheme/project",
        "/issuesecurityschemes",
        "/issuesecurityschemes/level",
        "/issuesecurityschemes/level/member",
        "/issuesecurityschemes/project",
        "/priorityscheme?expand=priorities,projects",
        "/filter/search?overrideSharePermissions=true",
        "/dashboard/search",
        "/dashboard/10000/gadget",
        "/applicationrole",
        "/application-properties",
        "/announcementBanner",
        "/issuetype",
        "/issuetype/10001",
        "/status",
        "/status/3",
        "/statuscategory",
        "/statuses/search",
        "/statuses?id=3",
        "/priority",
        "/priority/search",
        "/resolution",
        "/resolution/search",
        "/role",
        "/projectCategory",
        "/workflows/search?expand=values.transitions",
        "/issueLinkType",
        "/issueLinkType/10000",
        "/attachment/meta",
        "/project",
        "/project/search?expand=description,lead,issueTypes,url,projectKeys,insight",
        "/projectvalidate/key?key=APP",
        "/projectvalidate/validProjectKey?key=APP",
        "/projectvalidate/validProjectName?name=Fresh",
    ):
        go.ok("GET", path)
    account = go.sandbox.site.backup_account_id
    group = next(iter(go.sandbox.site.groups))
    go.ok("GET", f"/user?accountId={account}&expand=groups")
    go.ok("GET", f"/user/bulk?accountId={account}")
    go.ok("GET", f"/user/groups?accountId={account}")
    go.ok("GET", f"/group/member?groupId={group}")
    check = {
        "projectPermissions": [{"permissions": ["BROWSE_PROJECTS"], "projects": [10000], "issues": [10000]}]
    }
    go.ok("POST", "/permissions/check", {"globalPermissions": ["ADMINISTER"], **check})
    go("GET", "/search?jql=project=APP")
    go("POST", "/search", {"jql": "project = APP"})
    link_type = {"name": "Causes", "inward": "is caused by", "outward": "causes"}
    go.ok("POST", "/issueLinkType", link_type)
    go.ok("POST", "/issuetype", {"name": "Chore", "type": "standard"})
    go.ok("POST", "/role", {"name": "Guests", "description": "They look"})
    types = "com.atlassian.jira.plugin.system.customfieldtypes:"
    made = go.ok(
        "POST",
        "/field",
        {"name": "Origin", "type": f"{types}select", "searcherKey": f"{types}multiselectsearcher"},
    )
    context = go.ok("GET", f"/field/{made['id']}/context")["values"][0]["id"]
    go.ok(
        "POST",
        f"/field/{made['id']}/context/{context}/option",
        {"options": [{"value": "One", "disabled": False}]},
    )


def _project(go: Visitor) -> tuple[str, dict[str, Any]]:
    account = go.sandbox.site.backup_account_id
    body = {"key": "NEW", "name": "Brand new", "leadAccountId": account, "projectTypeKey": "software"}
    made = go.ok("POST", "/project", body)
    key = made["key"]
    go.ok("GET", f"/project/{key}")
    go.ok("PUT", f"/project/{key}", {"description": "Now described"})
    for part in (
        "role",
        "roledetails",
        "properties",
        "features",
        "statuses",
        "component",
        "components",
        "version",
        "versions",
    ):
        go.ok("GET", f"/project/{key}/{part}")
    go.ok("GET", f"/project/{made['id']}/email")
    go.ok("GET", f"/project/{made['id']}/hierarchy")
    go.ok("GET", f"/issuetype/project?projectId={made['id']}")
    role = next(iter(go.sandbox.site.roles))
    other = [a.account_id for a in go.sandbox.site.accounts.values() if a.active][3]
    go.ok("GET", f"/project/{key}/role/{role}")
    go.ok("POST", f"/project/{key}/role/{role}", {"user": [other]})
    go.ok("DELETE", f"/project/{key}/role/{role}?user={other}")
    go.ok(
        "PUT", f"/project/{key}/role/{role}", {"categorisedActors": {"atlassian-user-role-actor": [account]}}
    )
    go.ok("PUT", f"/project/{key}/properties/mark", {"a": 1})
    go.ok("GET", f"/project/{key}/properties/mark")
    go.ok("DELETE", f"/project/{key}/properties/mark")
    go.ok("PUT", f"/project/{key}/features/jsw.classic.roadmap", {"state": "ENABLED"})
    component = go.ok("POST", "/component", {"project": key, "name": "Engine", "leadAccountId": account})
    go.ok("GET", f"/component/{component['id']}")
    go.ok("PUT", f"/component/{component['id']}", {"description": "Runs"})
    version = go.ok("POST", "/version", {"projectId": made["id"], "name": "1.0", "releaseDate": "2025-01-01"})
    later = go.ok("POST", "/version", {"projectId": made["id"], "name": "2.0"})
    go.ok("GET", f"/version/{version['id']}")
    go.ok("PUT", f"/version/{version['id']}", {"released": True})
    go.ok("POST", f"/version/{later['id']}/move", {"position": "First"})
    go.ok("GET", f"/version/{version['id']}/relatedIssueCounts")
    beside = {"category": "Design", "title": "Sketch", "url": "https://example.org/sketch"}
    go.ok("POST", f"/version/{version['id']}/relatedwork", beside)
    assert go.ok("GET", f"/version/{version['id']}/relatedwork")
    go.ok("GET", f"/project/{key}/component")
    go.ok("GET", f"/project/{key}/version")
    go.ok("DELETE", f"/component/{component['id']}")
    go.ok("DELETE", f"/version/{later['id']}")
    return key, {"version": version["id"], "project_id": made["id"]}


def _issues(go: Visitor, key: str, made: dict[str, Any]) -> None:
    go.ok("GET", f"/issue/createmeta/{key}/issuetypes")
    go.ok("GET", f"/issue/createmeta/{key}/issuetypes/10001")
    fields = {"project": {"key": key}, "issuetype": {"name": "Task"}, "summary": "First", "description": TEXT}
    issue = go.ok("POST", "/issue", {"fields": fields})
    update = {"fields": fields, "properties": [{"key": "origin", "value": {"id": 1}}]}
    several = go.ok("POST", "/issue/bulk", {"issueUpdates": [update, {"fields": {}}, update]})
    made["issue"], made["others"] = issue["key"], [entry["key"] for entry in several["issues"]]
    go.ok("PUT", f"/issue/{issue['key']}", {"fields": {"labels": ["one"], "priority": {"id": "1"}}})
    go.ok("PUT", f"/issue/{issue['key']}/assignee", {"accountId": go.sandbox.site.backup_account_id})
    go.ok(
        "GET",
        f"/issue/{issue['key']}?expand=names,schema,changelog,renderedFields,transitions,editmeta,operations&properties=*all",
    )
    go.ok("GET", "/issue/APP-5")
    go.ok("GET", f"/issue/{issue['key']}/editmeta")
    go.ok("GET", f"/issue/{issue['key']}/transitions?expand=transitions.fields")
    go.ok("POST", f"/issue/{issue['key']}/transitions", {"transition": {"id": "21"}})
    go.ok("GET", f"/issue/{issue['key']}/changelog")
    first = go.ok("GET", f"/issue/{issue['key']}/changelog")["values"][0]["id"]
    go.ok("POST", f"/issue/{issue['key']}/changelog/list", {"changelogIds": [int(first)]})
    go.ok("GET", f"/search/jql?jql=project={key}&fields=*all&expand=names,schema")
    ids = [entry["id"] for entry in go.ok("POST", "/search/jql", {"jql": "project = APP"})["issues"]]
    go.ok("POST", "/search/approximate-count", {"jql": "project = APP"})
    body = {"issueIdsOrKeys": ids, "fields": ["*all"], "expand": ["changelog", "names", "renderedFields"]}
    go.ok("POST", "/issue/bulkfetch", body)
    go.ok("POST", "/changelog/bulkfetch", {"issueIdsOrKeys": ids})
    step = {"bulkTransitionInputs": [{"selectedIssueIdsOrKeys": made["others"], "transitionId": "21"}]}
    task = go.ok("POST", "/bulk/issues/transition", step)["taskId"]
    go.ok("GET", f"/bulk/queue/{task}")
    go.ok("GET", f"/bulk/queue/{task}")
    go.ok("POST", "/bulk/issues/watch", {"selectedIssueIdsOrKeys": made["others"]})
    go.ok("POST", "/bulk/issues/unwatch", {"selectedIssueIdsOrKeys": made["others"]})
    entry = {"issueID": int(issue["id"]), "properties": {"mark": {"n": 1}}}
    go.ok("POST", "/issue/properties/multi", {"issues": [entry]})
    go.ok("GET", f"/task/{task}")


def _parts(go: Visitor, made: dict[str, Any]) -> None:
    issue, other = made["issue"], made["others"][0]
    comment = go.ok("POST", f"/issue/{issue}/comment", {"body": TEXT})
    go.ok("GET", f"/issue/{issue}/comment?expand=properties")
    go.ok("GET", f"/issue/{issue}/comment/{comment['id']}")
    go.ok("PUT", f"/issue/{issue}/comment/{comment['id']}", {"body": TEXT})
    go.ok("PUT", f"/comment/{comment['id']}/properties/mood", {"good": True})
    go.ok("GET", f"/comment/{comment['id']}/properties")
    go.ok("GET", f"/comment/{comment['id']}/properties/mood")
    go.ok("POST", "/comment/list?expand=properties", {"ids": [int(comment["id"]), 10000]})
    go.ok("DELETE", f"/comment/{comment['id']}/properties/mood")
    go.ok("DELETE", f"/issue/{issue}/comment/{comment['id']}")
    worklog = go.ok(
        "POST", f"/issue/{issue}/worklog?adjustEstimate=leave", {"timeSpent": "1h 30m", "comment": TEXT}
    )
    path = f"/issue/{issue}/worklog/{worklog['id']}"
    go.ok("GET", f"/issue/{issue}/worklog?expand=properties")
    go.ok("GET", path)
    go.ok("PUT", path, {"timeSpentSeconds": 60})
    go.ok("PUT", f"{path}/properties/bill", {"yes": 1})
    go.ok("GET", f"{path}/properties")
    go.ok("GET", f"{path}/properties/bill")
    go.ok("GET", "/worklog/updated?since=0&expand=properties")
    go.ok("POST", "/worklog/list?expand=properties", {"ids": [int(worklog["id"]), 10000]})
    go.ok("DELETE", path)
    go.ok("GET", "/worklog/deleted?since=0")
    _links_and_files(go, issue, other)


def _links_and_files(go: Visitor, issue: str, other: str) -> None:
    account = go.sandbox.site.backup_account_id
    go.ok("GET", f"/issue/{issue}/watchers")
    go.ok("DELETE", f"/issue/{issue}/watchers?accountId={account}")
    go.ok("POST", f"/issue/{issue}/watchers", account)
    go.ok("GET", "/issue/APP-3/votes")
    go.ok("POST", "/issue/APP-3/votes")
    go.ok("DELETE", "/issue/APP-3/votes")
    remote = {"globalId": "x=1", "object": {"url": "https://example.invalid/1", "title": "One"}}
    link = go.ok("POST", f"/issue/{issue}/remotelink", remote)
    go.ok("POST", f"/issue/{issue}/remotelink", remote)
    go.ok("GET", f"/issue/{issue}/remotelink")
    go.ok("GET", f"/issue/{issue}/remotelink/{link['id']}")
    go.ok("PUT", f"/issue/{issue}/remotelink/{link['id']}", remote)
    go.ok("DELETE", f"/issue/{issue}/remotelink/{link['id']}")
    go.ok("PUT", f"/issue/{issue}/properties/seen", {"n": [1, None]})
    go.ok("GET", f"/issue/{issue}/properties")
    go.ok("GET", f"/issue/{issue}/properties/seen")
    go.ok("DELETE", f"/issue/{issue}/properties/seen")
    ends = {"inwardIssue": {"key": issue}, "outwardIssue": {"key": other}}
    go.ok("POST", "/issueLink", {"type": {"name": "Blocks"}, **ends})
    linked = go.ok("GET", f"/issue/{issue}")["fields"]["issuelinks"][0]["id"]
    go.ok("GET", f"/issueLink/{linked}")
    go.ok("DELETE", f"/issueLink/{linked}")
    files = {"file": ("notes.txt", b"some text", "text/plain")}
    headers = {"X-Atlassian-Token": "no-check"}
    uploaded = go.ok("POST", f"/issue/{issue}/attachments", files=files, headers=headers)
    go.ok("GET", f"/attachment/{uploaded[0]['id']}")
    go.ok("GET", f"/attachment/content/{uploaded[0]['id']}")
    go.ok("DELETE", f"/attachment/{uploaded[0]['id']}")


def _agile(go: Visitor, key: str, made: dict[str, Any]) -> None:
    del key
    agile = "/rest/agile/1.0"
    board = go.ok("GET", f"{agile}/board?projectKeyOrId=APP")["values"][0]["id"]
    go.ok("GET", f"{agile}/board/{board}")
    go.ok("GET", f"{agile}/board/{board}/configuration")
    go.ok("GET", f"{agile}/board/{board}/sprint")
    go.ok("GET", f"{agile}/board/{board}/issue?maxResults=2")
    sprint = go.ok("POST", f"{agile}/sprint", {"name": "Next", "originBoardId": board})["id"]
    go.ok("GET", f"{agile}/sprint/{sprint}")
    go.ok("POST", f"{agile}/sprint/{sprint}/issue", {"issues": [made["issue"]]})
    go.ok("GET", f"{agile}/sprint/{sprint}/issue")
    go.ok("PUT", f"{agile}/issue/rank", {"issues": [made["issue"]], "rankBeforeIssue": "APP-1"})
    dates = {"startDate": "2025-01-01T10:00:00.000Z", "endDate": "2025-01-15T10:00:00.000Z"}
    go.ok("POST", f"{agile}/sprint/{sprint}", {"state": "active", **dates})
    go.ok("PUT", f"{agile}/sprint/{sprint}", {"name": "Next", "state": "closed"})
    go.ok("GET", f"{agile}/issue/{made['issue']}")


def _ends(go: Visitor, key: str, made: dict[str, Any]) -> None:
    go.ok("DELETE", f"/issue/{made['issue']}")
    go.ok("POST", "/bulk/issues/delete", {"selectedIssueIdsOrKeys": made["others"]})
    go.ok("DELETE", f"/project/{key}?enableUndo=true")
    go.ok("GET", "/project/search?status=deleted")
    go.ok("POST", f"/project/{key}/restore")
    go.ok("POST", f"/project/{key}/archive")
    go.ok("POST", f"/project/{key}/restore")
    go.ok("POST", f"/project/{key}/delete")
