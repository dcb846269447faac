"""A visit to the routes that change what is set up, each request as the documents describe it.

Used by the test that validates the answers against the official documents. What it changes it made itself, or gives back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline_tests.contract.sandbox_setup_visit import TYPES, workflow_payload

if TYPE_CHECKING:
    from jira_backup_pipeline_tests.contract.sandbox_visit import Visitor


def visit_changes(go: Visitor) -> None:
    """Change a thing of every sort."""
    _definitions(go)
    _field(go)
    _screens(go)
    _workflow(go)
    _schemes(go)
    _priority_scheme(go)
    _field_configuration(go)
    _field_scheme(go)
    shares = {"sharePermissions": [{"type": "loggedin"}], "editPermissions": []}
    wall = go.ok("POST", "/dashboard", {"name": "Changed wall", **shares})["id"]
    go.ok("PUT", f"/dashboard/{wall}?extendAdminPermissions=true", {"name": "Changed", **shares})


def _definitions(go: Visitor) -> None:
    site = go.sandbox.site
    for path, things in (
        ("/priority", site.priorities),
        ("/resolution", site.resolutions),
        ("/role", site.roles),
        ("/issuetype", site.issue_types),
    ):
        item_id, item = next(iter(things.items()))
        go.ok("PUT", f"{path}/{item_id}", {"name": item.name, "description": item.description})
    link = next(iter(site.link_types.values()))
    go.ok("PUT", f"/issueLinkType/{link.type_id}", {"name": link.name, "inward": link.inward})
    status = go.ok("GET", "/statuses/search")["values"][0]
    kept = {name: status[name] for name in ("id", "name", "statusCategory", "description")}
    go.ok("PUT", "/statuses", {"statuses": [kept]})
    go.ok("POST", "/projectCategory", {"name": "Changed ones", "description": ""})


def _field(go: Visitor) -> None:
    body = {"name": "Wind", "type": f"{TYPES}textfield", "searcherKey": f"{TYPES}textsearcher"}
    field = go.ok("POST", "/field", body)["id"]
    go.ok("PUT", f"/field/{field}", {"name": "Wind", "description": "How it blows"})
    context = go.ok("GET", f"/field/{field}/context")["values"][0]["id"]
    path = f"/field/{field}/context/{context}"
    go.ok("PUT", path, {"name": "All of it", "description": ""})
    go.ok("PUT", f"{path}/issuetype", {"issueTypeIds": ["10002"]})
    go.ok("POST", f"{path}/issuetype/remove", {"issueTypeIds": ["10002"]})


def _screens(go: Visitor) -> None:
    screen = go.ok("POST", "/screens", {"name": "Changing", "description": ""})["id"]
    go.ok("PUT", f"/screens/{screen}", {"name": "Changed", "description": "Twice"})
    tab = go.ok("POST", f"/screens/{screen}/tabs", {"name": "More"})["id"]
    go.ok("POST", f"/screens/{screen}/tabs/{tab}/move/0")
    fields = f"/screens/{screen}/tabs/{tab}/fields"
    for field_id in ("summary", "labels"):
        go.ok("POST", fields, {"fieldId": field_id})
    go.ok("POST", f"{fields}/labels/move", {"position": "First"})
    go.ok("POST", f"{fields}/labels/move", {"after": "summary"})
    go.ok("DELETE", f"{fields}/labels")
    scheme = go.ok("POST", "/screenscheme", {"name": "Changing", "screens": {"default": screen}})["id"]
    go.ok("PUT", f"/screenscheme/{scheme}", {"name": "Changed", "screens": {"create": str(screen)}})
    default = {"issueTypeId": "default", "screenSchemeId": str(scheme)}
    body = {"name": "Changing by type", "issueTypeMappings": [default]}
    path = f"/issuetypescreenscheme/{go.ok('POST', '/issuetypescreenscheme', body)['id']}"
    go.ok("PUT", path, {"name": "Changed by type"})
    mapping = {"issueTypeId": "10002", "screenSchemeId": str(scheme)}
    go.ok("PUT", f"{path}/mapping", {"issueTypeMappings": [mapping]})
    go.ok("PUT", f"{path}/mapping/default", {"screenSchemeId": str(scheme)})
    go.ok("POST", f"{path}/mapping/remove", {"issueTypeIds": ["10002"]})


def _workflow(go: Visitor) -> None:
    payload = workflow_payload("Changing way")
    made = go.ok("POST", "/workflows/create", payload)
    [workflow] = made["workflows"]
    statuses = [
        {
            "id": item["id"],
            "name": item["name"],
            "statusCategory": item["statusCategory"],
            "statusReference": item["id"],
        }
        for item in made["statuses"]
    ]
    changed = {
        "id": workflow["id"],
        "version": workflow["version"],
        "description": "Another way",
        "statuses": [{"statusReference": item["id"], "properties": {}} for item in statuses],
        "transitions": workflow["transitions"],
    }
    update = {"statuses": statuses, "workflows": [changed]}
    levels = {"validationOptions": {"levels": ["ERROR"]}}
    go.ok("POST", "/workflows/update/validation", {"payload": update, **levels})
    go.ok("POST", "/workflows/update", update)
    scheme = go.ok("POST", "/workflowscheme", {"name": "Changing", "defaultWorkflow": workflow["name"]})["id"]
    [read] = go.ok("POST", "/workflowscheme/read", {"workflowSchemeIds": [str(scheme)]})
    wanted = {
        "id": str(scheme),
        "defaultWorkflowId": workflow["id"],
        "workflowsForIssueTypes": [{"workflowId": workflow["id"], "issueTypeIds": ["10002"]}],
    }
    go.ok("POST", "/workflowscheme/update/mappings", wanted)
    body = {**wanted, "name": "Changed", "description": "", "version": read["version"]}
    go.ok("POST", "/workflowscheme/update", body)


def _schemes(go: Visitor) -> None:
    types = {"name": "Changing types", "issueTypeIds": ["10002"]}
    scheme = f"/issuetypescheme/{go.ok('POST', '/issuetypescheme', types)['issueTypeSchemeId']}"
    go.ok("PUT", f"{scheme}/issuetype", {"issueTypeIds": ["10003"]})
    go.ok("PUT", scheme, {"name": "Changed types", "defaultIssueTypeId": "10003"})
    scheme = f"/permissionscheme/{go.ok('POST', '/permissionscheme', {'name': 'Changing'})['id']}"
    go.ok("PUT", scheme, {"name": "Changed", "description": ""})
    holder = {"type": "projectRole", "parameter": "10002", "value": "10002"}
    go.ok("POST", f"{scheme}/permission", {"permission": "BROWSE_PROJECTS", "holder": holder})
    scheme = f"/notificationscheme/{go.ok('POST', '/notificationscheme', {'name': 'Changing'})['id']}"
    go.ok("PUT", scheme, {"name": "Changed"})
    told = {"event": {"id": "1"}, "notifications": [{"notificationType": "Reporter"}]}
    go.ok("PUT", f"{scheme}/notification", {"notificationSchemeEvents": [told]})
    made = go.ok("POST", "/issuesecurityschemes", {"name": "Changing"})["id"]
    scheme = f"/issuesecurityschemes/{made}"
    go.ok("PUT", scheme, {"name": "Changed"})
    go.ok("PUT", f"{scheme}/level", {"levels": [{"name": "One"}]})
    levels = go.ok("GET", f"/issuesecurityschemes/level?schemeId={made}")["values"]
    level = next(item for item in levels if item["issueSecuritySchemeId"] == str(made))["id"]
    go.ok("PUT", f"{scheme}/level/{level}/member", {"members": [{"type": "reporter"}]})


def _priority_scheme(go: Visitor) -> None:
    first, second, *_ = (int(item) for item in go.sandbox.site.priorities)
    body = {"name": "Few urgent", "defaultPriorityId": first, "priorityIds": [first]}
    made = go.ok("POST", "/priorityscheme", body)["id"]
    changed = {"name": "Few urgent ones", "priorities": {"add": {"ids": [second]}}}
    go.ok("PUT", f"/priorityscheme/{made}", changed)


def _field_configuration(go: Visitor) -> None:
    made = go.ok("POST", "/fieldconfiguration", {"name": "Strict ones", "description": ""})["id"]
    path = f"/fieldconfiguration/{made}"
    go.ok("PUT", path, {"name": "Stricter ones", "description": "All of them"})
    items = [
        {"id": "priority", "isRequired": True, "description": "Say it"},
        {"id": "labels", "isHidden": True},
        {"id": "description", "renderer": "text-renderer"},
    ]
    go.ok("PUT", f"{path}/fields", {"fieldConfigurationItems": items})
    go.ok("GET", f"{path}/fields")
    scheme = go.ok("POST", "/fieldconfigurationscheme", {"name": "Strict", "description": ""})["id"]
    path = f"/fieldconfigurationscheme/{scheme}"
    go.ok("PUT", path, {"name": "Stricter"})
    mapping = {"issueTypeId": "10002", "fieldConfigurationId": str(made)}
    go.ok("PUT", f"{path}/mapping", {"mappings": [mapping]})
    project = str(next(iter(go.sandbox.site.projects)))
    [present] = go.ok("GET", f"/fieldconfigurationscheme/project?projectId={project}")["values"]
    given = (scheme, (present.get("fieldConfigurationScheme") or {}).get("id"))
    for scheme_id in given:
        body = {"fieldConfigurationSchemeId": scheme_id, "projectId": project}
        go.ok("PUT", "/fieldconfigurationscheme/project", body)
    [again] = go.ok("GET", f"/fieldconfigurationscheme/project?projectId={project}")["values"]
    assert again == present


def _field_scheme(go: Visitor) -> None:
    made = go.ok("POST", "/config/fieldschemes", {"name": "New strict", "description": ""})["id"]
    go.ok("PUT", f"/config/fieldschemes/{made}", {"name": "New stricter", "description": "All"})
    some = [{"schemeIds": [made], "restrictedToWorkTypes": [10002]}]
    go.ok("PUT", "/config/fieldschemes/fields", {"duedate": some})
    by_type = [{"workTypeId": 10002, "isRequired": False}]
    asked = {"schemeIds": [made], "parameters": {"isRequired": True}, "workTypeParameters": by_type}
    go.ok("PUT", "/config/fieldschemes/fields/parameters", {"duedate": [asked]})
    go.ok("GET", f"/config/fieldschemes/{made}/fields")
    go.ok("DELETE", "/config/fieldschemes/fields", {"duedate": {"schemeIds": [made]}})
    project = next(iter(go.sandbox.site.projects))
    [present] = go.ok("GET", f"/config/fieldschemes/projects?projectId={project}")["values"]
    for scheme_id in (made, present["schemeId"]):
        go.ok("PUT", "/config/fieldschemes/projects", {str(scheme_id): {"projectIds": [project]}})
