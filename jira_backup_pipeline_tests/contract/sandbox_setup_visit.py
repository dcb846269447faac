"""A visit to the routes that make a site's setup, each request as the documents describe it.

Used by the test that validates the answers against the official documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jira_backup_pipeline_tests.contract.sandbox_visit import Visitor

TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"


def visit_setup(go: Visitor) -> None:
    """Make a scheme of every sort, and a project that follows them."""
    _definitions(go)
    screens = _screens(go)
    workflow = _workflows(go)
    given = {"issueTypeScreenScheme": int(screens), **_schemes(go, workflow)}
    account = go.sandbox.site.backup_account_id
    body = {
        "key": "SET",
        "name": "Set up",
        "leadAccountId": account,
        "projectTypeKey": "software",
        **{name: int(value) for name, value in given.items()},
    }
    project = str(go.ok("POST", "/project", body)["id"])
    _assignments(go, project, given)
    _contexts(go, project)
    _shared(go, project)


def _definitions(go: Visitor) -> None:
    icon = "/images/icons/priorities/high.png"
    go.ok("POST", "/priority", {"name": "Burning", "statusColor": "#ff0000", "iconUrl": icon})
    go.ok("POST", "/resolution", {"name": "Moot", "description": "No longer asked"})
    status = {"name": "Parked", "statusCategory": "IN_PROGRESS", "description": ""}
    go.ok("POST", "/statuses", {"scope": {"type": "GLOBAL"}, "statuses": [status]})


def _screens(go: Visitor) -> str:
    screen = go.ok("POST", "/screens", {"name": "Intake", "description": "For new things"})["id"]
    tabs = go.ok("GET", f"/screens/{screen}/tabs")
    first = f"/screens/{screen}/tabs/{tabs[0]['id']}"
    go.ok("PUT", first, {"name": "Main"})
    go.ok("POST", f"{first}/fields", {"fieldId": "summary"})
    go.ok("POST", f"/screens/{screen}/tabs", {"name": "More"})
    scheme = go.ok("POST", "/screenscheme", {"name": "Intake scheme", "screens": {"default": screen}})["id"]
    mapping = {"issueTypeId": "default", "screenSchemeId": str(scheme)}
    body = {"name": "Intake by type", "issueTypeMappings": [mapping]}
    return str(go.ok("POST", "/issuetypescreenscheme", body)["id"])


def workflow_payload(name: str) -> dict[str, Any]:
    """The body that makes a workflow of two statuses, one of them new."""
    rule = {"ruleKey": "system:restrict-issue-transition", "parameters": {"roleIds": "10002"}}
    steps = [
        {"id": "1", "name": "Create", "type": "INITIAL", "toStatusReference": "a", "links": []},
        {
            "id": "11",
            "name": "Finish",
            "type": "DIRECTED",
            "toStatusReference": "b",
            "links": [{"fromStatusReference": "a"}],
            "conditions": {"operation": "ALL", "conditions": [rule], "conditionGroups": []},
        },
    ]
    return {
        "scope": {"type": "GLOBAL"},
        "statuses": [
            {"id": "10100", "name": "To Do", "statusCategory": "TODO", "statusReference": "a"},
            {"name": f"Over {name}", "statusCategory": "DONE", "statusReference": "b"},
        ],
        "workflows": [
            {
                "name": name,
                "statuses": [{"statusReference": item, "properties": {}} for item in "ab"],
                "transitions": steps,
            }
        ],
    }


def _workflows(go: Visitor) -> str:
    payload = workflow_payload("Short way")
    go.ok(
        "POST",
        "/workflows/create/validation",
        {"payload": payload, "validationOptions": {"levels": ["ERROR"]}},
    )
    return str(go.ok("POST", "/workflows/create", payload)["workflows"][0]["name"])


def _schemes(go: Visitor, workflow: str) -> dict[str, str]:
    types = {"name": "Few types", "issueTypeIds": ["10002", "10003"], "defaultIssueTypeId": "10002"}
    flows = {"name": "Short ways", "defaultWorkflow": workflow, "issueTypeMappings": {"10003": workflow}}
    grant = {
        "permission": "BROWSE_PROJECTS",
        "holder": {"type": "projectRole", "parameter": "10002", "value": "10002"},
    }
    told = {
        "event": {"id": "1"},
        "notifications": [{"notificationType": "ProjectRole", "parameter": "10002"}],
    }
    level = {"name": "Few", "isDefault": True, "members": [{"type": "projectrole", "parameter": "10002"}]}
    return {
        "issueTypeScheme": go.ok("POST", "/issuetypescheme", types)["issueTypeSchemeId"],
        "workflowScheme": go.ok("POST", "/workflowscheme", flows)["id"],
        "permissionScheme": go.ok("POST", "/permissionscheme", {"name": "Few may", "permissions": [grant]})[
            "id"
        ],
        "notificationScheme": go.ok(
            "POST", "/notificationscheme", {"name": "Few hear", "notificationSchemeEvents": [told]}
        )["id"],
        "issueSecurityScheme": go.ok("POST", "/issuesecurityschemes", {"name": "Few see", "levels": [level]})[
            "id"
        ],
    }


def _assignments(go: Visitor, project: str, given: dict[str, str]) -> None:
    silent = go.ok("POST", "/notificationscheme", {"name": "Nobody hears"})["id"]
    go.ok("PUT", f"/project/{project}", {"notificationScheme": int(silent)})
    go.ok("GET", f"/project/{project}/notificationscheme?expand=all")
    go.ok("PUT", f"/project/{project}", {"notificationScheme": int(given["notificationScheme"])})
    go.ok("DELETE", f"/notificationscheme/{silent}")
    go.ok("GET", f"/project/{project}/permissionscheme")
    go.ok("PUT", f"/project/{project}/permissionscheme", {"id": int(given["permissionScheme"])})
    go.ok("GET", f"/project/{project}/issuesecuritylevelscheme")
    scheme = given["issueSecurityScheme"]
    go.ok("PUT", "/issuesecurityschemes/project", {"projectId": project, "schemeId": scheme})
    for path, member, value in (
        ("/issuetypescheme/project", "issueTypeSchemeId", given["issueTypeScheme"]),
        ("/issuetypescreenscheme/project", "issueTypeScreenSchemeId", given["issueTypeScreenScheme"]),
        ("/workflowscheme/project", "workflowSchemeId", given["workflowScheme"]),
    ):
        go.ok("PUT", path, {member: str(value), "projectId": project})
        go.ok("GET", f"{path}?projectId={project}&projectId=10000")

    _temporary_workflow(go, project, str(given["workflowScheme"]))


def _temporary_workflow(go: Visitor, project: str, own: str) -> None:
    """Let the project follow another workflow for a while; the workflow and its scheme are removed."""
    payload = workflow_payload("For a while")
    payload["statuses"] = [payload["statuses"][0], {**payload["statuses"][1], "name": "Over Short way"}]
    payload["statuses"][1]["id"] = next(
        item.status_id for item in go.sandbox.site.statuses.values() if item.name == "Over Short way"
    )
    workflow = go.ok("POST", "/workflows/create", payload)["workflows"][0]
    scheme = go.ok("POST", "/workflowscheme", {"name": "For a while", "defaultWorkflow": workflow["name"]})
    for scheme_id in (str(scheme["id"]), own):
        body = {"projectId": project, "targetSchemeId": scheme_id}
        go.ok("POST", "/workflowscheme/project/switch", body)
        task = list(go.sandbox.site.tasks)[-1]
        go.ok("GET", f"/task/{task}")
        go.ok("GET", f"/task/{task}")
    go.ok("DELETE", f"/workflowscheme/{scheme['id']}")
    go.ok("DELETE", f"/workflow/{workflow['id']}")


def _contexts(go: Visitor, project: str) -> None:
    body = {"name": "Weather", "type": f"{TYPES}select", "searcherKey": f"{TYPES}multiselectsearcher"}
    field = go.ok("POST", "/field", body)["id"]
    context = {"name": "Here", "projectIds": [project], "issueTypeIds": ["10002"]}
    made = go.ok("POST", f"/field/{field}/context", context)["id"]
    go.ok("PUT", f"/field/{field}/context/{made}/project", {"projectIds": ["10000"]})
    path = f"/field/{field}/context/{made}/option"
    options = go.ok("POST", path, {"options": [{"value": "Sun"}, {"value": "Rain"}]})["options"]
    go.ok("PUT", path, {"options": [{"id": options[1]["id"], "disabled": True}]})
    go.ok("PUT", f"{path}/move", {"customFieldOptionIds": [options[1]["id"]], "position": "First"})
    default = {"type": "option.single", "contextId": made, "optionId": options[0]["id"]}
    go.ok("PUT", f"/field/{field}/context/defaultValue", {"defaultValues": [default]})
    go.ok("GET", f"/field/{field}/context/defaultValue")


def _shared(go: Visitor, project: str) -> None:
    account = go.sandbox.site.backup_account_id
    other = next(i for i in go.sandbox.site.accounts.values() if i.active and i.account_id != account)
    group = go.ok("POST", "/group", {"name": "testers"})["groupId"]
    go.ok("POST", f"/group/user?groupId={group}", {"accountId": account})
    share = {"type": "group", "group": {"groupId": group}}
    body = {"name": "Open", "jql": "resolution is EMPTY", "sharePermissions": [share]}
    kept = go.ok("POST", "/filter", body)["id"]
    go.ok("PUT", f"/filter/{kept}", {"name": "Open", "jql": "project = SET"})
    board = {
        "name": "Set board",
        "type": "kanban",
        "filterId": int(kept),
        "location": {"type": "project", "projectKeyOrId": project},
    }
    go.ok("POST", "/rest/agile/1.0/board", board)
    go.ok("PUT", f"/filter/{kept}/owner", {"accountId": other.account_id})
    wall = {"name": "Wall", "sharePermissions": [{"type": "loggedin"}], "editPermissions": []}
    dashboard = go.ok("POST", "/dashboard", wall)["id"]
    gadget = {"moduleKey": "com.example:gadget", "title": "Things", "position": {"row": 1, "column": 0}}
    item = go.ok("POST", f"/dashboard/{dashboard}/gadget", gadget)["id"]
    for value in ({"filterId": kept}, {"filterId": kept, "num": 5}):
        go.ok("PUT", f"/dashboard/{dashboard}/items/{item}/properties/config", value)
    go.ok("GET", f"/dashboard/{dashboard}/gadget")
