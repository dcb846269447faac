"""What requests make of the sandbox's setup is kept, shown and, where that is said, obeyed."""

from __future__ import annotations

from typing import Any

import pytest

from jira_backup_pipeline.sandbox.seed.make import make_site
from jira_backup_pipeline_tests.contract.sandbox_setup_visit import TYPES, workflow_payload
from jira_backup_pipeline_tests.unit.sandbox_calls import TEXT, Calls, calls


@pytest.fixture
def jira() -> Calls:
    """A fresh site with two projects."""
    return calls(issues=4)


def new_project(jira: Calls, **schemes: int) -> str:
    """Make a project that follows schemes."""
    account = jira.site.backup_account_id
    body = {"key": "SET", "name": "Set up", "leadAccountId": account, "projectTypeKey": "software", **schemes}
    return str(jira.post("/project", body)["id"])


def screen_of(jira: Calls, *field_ids: str) -> int:
    """Make an issue type screen scheme whose one screen has these fields."""
    screen = jira.post("/screens", {"name": "Small"})["id"]
    tab = jira.get(f"/screens/{screen}/tabs")[0]["id"]
    for field_id in field_ids:
        jira.post(f"/screens/{screen}/tabs/{tab}/fields", {"fieldId": field_id})
    scheme = jira.post("/screenscheme", {"name": "Small", "screens": {"default": screen}})["id"]
    mapping = {"issueTypeId": "default", "screenSchemeId": str(scheme)}
    return int(jira.post("/issuetypescreenscheme", {"name": "Small", "issueTypeMappings": [mapping]})["id"])


def test_a_project_takes_the_types_workflows_and_screens_of_its_schemes(jira: Calls) -> None:
    types = {"name": "Few", "issueTypeIds": ["10002"]}
    workflow = jira.post("/workflows/create", workflow_payload("Short"))["workflows"][0]["name"]
    flows = {"name": "Short", "defaultWorkflow": workflow}
    new_project(
        jira,
        issueTypeScheme=int(jira.post("/issuetypescheme", types)["issueTypeSchemeId"]),
        workflowScheme=jira.post("/workflowscheme", flows)["id"],
        issueTypeScreenScheme=screen_of(jira, "summary"),
    )
    assert [item["name"] for item in jira.get("/project/SET")["issueTypes"]] == ["Task"]
    key = jira.create("SET")
    steps = jira.get(f"/issue/{key}/transitions")["transitions"]
    assert [(step["name"], step["to"]["name"]) for step in steps] == [("Finish", "Over Short")]
    body = {
        "fields": {"project": {"key": "SET"}, "issuetype": {"name": "Task"}, "summary": "x", "labels": ["a"]}
    }
    status, refusal = jira.refused("POST", "/issue", body)
    assert (status, list(refusal["errors"])) == (400, ["labels"])
    status, refusal = jira.refused(
        "POST", "/issue", {"fields": {**body["fields"], "issuetype": {"name": "Bug"}}}
    )
    assert "issuetype" in refusal["errors"]


def test_a_template_cannot_be_given_together_with_schemes(jira: Calls) -> None:
    body = {
        "key": "SET",
        "name": "Set up",
        "leadAccountId": jira.site.backup_account_id,
        "projectTypeKey": "software",
        "projectTemplateKey": "com.pyxis.greenhopper.jira:gh-simplified-scrum-classic",
        "issueTypeScheme": 10_000,
    }
    status, refusal = jira.refused("POST", "/project", body)
    assert (status, list(refusal["errors"])) == (400, ["projectTemplateKey"])


def test_an_option_holds_in_the_projects_of_its_context_only(jira: Calls) -> None:
    field = jira.post("/field", {"name": "Weather", "type": f"{TYPES}select"})["id"]
    context = jira.post(f"/field/{field}/context", {"name": "Here", "projectIds": ["10000"]})["id"]
    path = f"/field/{field}/context/{context}/option"
    options = jira.post(path, {"options": [{"value": "Sun"}, {"value": "Rain"}]})["options"]
    jira.put(f"{path}/move", {"customFieldOptionIds": [options[1]["id"]], "position": "First"})
    assert [option["value"] for option in jira.get(path)["values"]] == ["Rain", "Sun"]
    key = jira.create("APP", **{field: {"value": "Sun"}})
    assert jira.get(f"/issue/{key}")["fields"][field]["id"] == options[0]["id"]
    body = {"project": {"key": "OPS"}, "issuetype": {"name": "Task"}, "summary": "x", field: {"value": "Sun"}}
    assert field in jira.refused("POST", "/issue", {"fields": body})[1]["errors"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"ruleKey": "connect:com.example.app__rule", "parameters": {}}, "app"),
        ({"ruleKey": "system:restrict-issue-transition", "parameters": {"roleIds": "99999"}}, "roleIds"),
        ({"ruleKey": "system:update-field", "parameters": {"field": "customfield_99999"}}, "field"),
    ],
)
def test_a_rule_that_names_what_is_not_there_is_refused(
    jira: Calls, change: dict[str, Any], named: str
) -> None:
    payload = workflow_payload("Short")
    payload["workflows"][0]["transitions"][1]["actions"] = [change]
    errors = jira.post("/workflows/create/validation", {"payload": payload})["errors"]
    assert [(error["level"], error["type"]) for error in errors] == [("ERROR", "RULE")]
    assert named in errors[0]["message"]
    assert jira.refused("POST", "/workflows/create", payload)[0] == 400
    assert "Short" not in jira.site.workflows


def test_mail_follows_the_notification_scheme_of_the_project(jira: Calls) -> None:
    jira.create("APP")
    assert [mail.event_id for mail in jira.site.made.mails] == [1]
    silent = jira.post("/notificationscheme", {"name": "Nobody"})["id"]
    jira.put("/project/APP", {"notificationScheme": int(silent)})
    key = jira.create("APP")
    jira.post(f"/issue/{key}/comment", {"body": TEXT})
    jira.put(f"/issue/{key}", {"fields": {"labels": ["a"]}})
    assert len(jira.site.made.mails) == 1


def test_schemes_outlive_their_project(jira: Calls) -> None:
    before = {item["name"] for item in jira.get("/workflowscheme")["values"]}
    types = [i["issueTypeId"] for i in jira.get("/issuetypescheme/mapping")["values"]]
    jira.delete("/project/APP?enableUndo=false")
    assert {item["name"] for item in jira.get("/workflowscheme")["values"]} == before
    assert sorted(i["issueTypeId"] for i in jira.get("/issuetypescheme/mapping")["values"]) == sorted(types)


def test_a_new_site_has_little_and_other_ids() -> None:

    site = make_site(projects=0, issues=0, seed=5, bare=True)
    assert {item.name for item in site.issue_types.values()} == {"Epic", "Task", "Sub-task"}
    assert all(item.locked for item in site.fields.values() if item.custom)
    assert site.next_id("customfield") > 50_000


def all_to_all(jira: Calls, name: str) -> tuple[str, dict[str, Any]]:
    """Make a scheme of the workflow of tests; gives its id and the workflow."""
    workflow = jira.post("/workflows/create", workflow_payload(name))["workflows"][0]
    scheme = jira.post("/workflowscheme", {"name": name, "defaultWorkflow": workflow["name"]})
    return str(scheme["id"]), workflow


def test_a_switch_of_workflow_schemes_needs_a_mapping_for_every_status_that_is_lost(jira: Calls) -> None:
    scheme_id, workflow = all_to_all(jira, "Short")
    project = next(iter(jira.site.projects.values()))
    body: dict[str, Any] = {"projectId": str(project.project_id), "targetSchemeId": scheme_id}
    path = "/workflowscheme/project/switch"

    status, refusal = jira.refused("POST", path, body)
    assert status == 400
    assert "mapping is required" in refusal["errorMessages"][0]

    first, last = (item["statusReference"] for item in workflow["statuses"])
    body["mappingsByIssueTypeOverride"] = [
        {
            "issueTypeId": type_id,
            "statusMappings": [
                {"oldStatusId": status_id, "newStatusId": last}
                for status_id in jira.site.workflow_for(project, type_id).statuses
                if status_id != first
            ],
        }
        for type_id in project.issue_types
    ]
    answer = jira.send("POST", path, body)

    assert answer.status == 303
    task = answer.headers["Location"].rpartition("/")[2]
    assert jira.refused("POST", path, {**body, "mappingsByIssueTypeOverride": []})[0] == 409
    assert jira.get(f"/task/{task}")["status"] == "COMPLETE"
    assert {issue.status_id for issue in jira.site.issues.of_project(project.project_id)} <= {first, last}
    [shown] = jira.get(f"/workflowscheme/project?projectId={project.project_id}")["values"]
    assert str(shown["workflowScheme"]["id"]) == scheme_id


def test_workflows_and_schemes_in_use_are_not_removed(jira: Calls) -> None:
    scheme_id, workflow = all_to_all(jira, "Short")
    new_project(jira, workflowScheme=int(scheme_id))

    assert jira.refused("DELETE", f"/workflowscheme/{scheme_id}")[0] == 400
    assert jira.refused("DELETE", f"/workflow/{workflow['id']}")[0] == 400

    spare, workflow = all_to_all(jira, "Spare")
    assert jira.send("DELETE", f"/workflowscheme/{spare}").status == 204
    assert jira.send("DELETE", f"/workflow/{workflow['id']}").status == 204
    assert jira.refused("DELETE", f"/workflow/{workflow['id']}")[0] == 404


def test_a_transition_of_a_made_workflow_sets_the_resolution_that_its_rule_names(jira: Calls) -> None:
    payload = workflow_payload("Ruled")
    rule = {"ruleKey": "system:update-field", "parameters": {"field": "resolution", "value": "10001"}}
    payload["workflows"][0]["transitions"][1] |= {"actions": [rule]}
    workflow = jira.post("/workflows/create", payload)["workflows"][0]["name"]
    scheme = jira.post("/workflowscheme", {"name": "Ruled", "defaultWorkflow": workflow})["id"]
    new_project(jira, workflowScheme=scheme)
    ids = [str(jira.get(f"/issue/{jira.create('SET')}")["id"]) for _ in range(2)]
    jira.edits.refuse_in_bulk(ids[1], "locked")
    inputs = [{"selectedIssueIdsOrKeys": ids, "transitionId": "11"}]

    task = jira.post("/bulk/issues/transition", {"bulkTransitionInputs": inputs})["taskId"]
    first, end = (jira.get(f"/bulk/queue/{task}") for _ in range(2))

    assert (first["status"], end["status"]) == ("RUNNING", "COMPLETE")
    assert end["processedAccessibleIssues"] == [int(ids[0])]
    assert end["failedAccessibleIssues"] == {ids[1]: ["locked"]}
    moved = jira.get(f"/issue/{ids[0]}")["fields"]
    assert (moved["status"]["name"], moved["resolution"]["id"]) == ("Over Ruled", "10001")
