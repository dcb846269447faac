"""How fields are set up and shown: contexts, options, defaults, screens, field configurations.

What belongs here: one entry for each kind, in capture order; parents before what is listed for them.

What stays out: the definitions of fields (`site`) and schemes of other things (`schemes`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.shape import (
    ADMIN_ONLY,
    NOT_EVERYWHERE,
    Condition,
    Listing,
    Paging,
    count,
    flag,
    kept,
    pages,
    text,
    texts,
)

_TYPES = "com.atlassian.jira.plugin.system.customfieldtypes:"
_WITH_OPTIONS = (
    *(
        _TYPES + name
        for name in ("select", "multiselect", "radiobuttons", "multicheckboxes", "cascadingselect")
    ),
    "com.pyxis.greenhopper.jira:gh-epic-status",
)
# Told by the id, because one of the two lists of fields does not say it.
_CUSTOM = Condition(path=("id",), starts=("customfield_",))


def _of_contexts(path: str, condition: str) -> Listing:
    """Describe what the contexts of a field are for, asked for many contexts of one field; one that is for all names nothing."""
    return Listing(
        "/rest/api/3/field/{grandparent_id}/context" + path,
        Paging.OFFSET,
        "values",
        (("contextId", "{parent_ids}"),),
        50,
        only=Condition(path=(condition,), values=(False,)),
        batch=50,
        names_parents="contextId",
    )


FIELD_SETUP_KINDS = (
    kept(
        "field_context",
        "field_contexts",
        title="contexts of custom fields",
        # Asked for custom fields only: system fields have none, and Jira refuses the question.
        listing=pages("/rest/api/3/field/{parent_id}/context", only=_CUSTOM, is_one_right=True),
        columns=(
            text("context_id", "id"),
            text("name"),
            text("description"),
            flag("is_global", "isGlobalContext"),
            flag("is_any_issue_type", "isAnyIssueType"),
        ),
        parent="field",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "field_context_project",
        "field_context_projects",
        title="projects of field contexts",
        # A global context names no projects, so only the others are asked.
        listing=_of_contexts("/projectmapping", "isGlobalContext"),
        columns=(text("context_id", "contextId"), text("project_id", "projectId")),
        parent="field_context",
        id_path=("projectId",),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "field_context_issue_type",
        "field_context_issue_types",
        title="issue types of field contexts",
        listing=_of_contexts("/issuetypemapping", "isAnyIssueType"),
        columns=(text("context_id", "contextId"), text("issue_type_id", "issueTypeId")),
        parent="field_context",
        id_path=("issueTypeId",),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "field_option",
        "field_options",
        title="options of select fields",
        listing=pages(
            "/rest/api/3/field/{grandparent_id}/context/{parent_id}/option",
            page_size=100,
            only=Condition(of="field", path=("schema", "custom"), values=_WITH_OPTIONS),
            is_one_right=True,
        ),
        columns=(
            text("option_id", "id"),
            text("value"),
            flag("is_disabled", "disabled"),
            text("parent_option_id", "optionId"),
        ),
        parent="field_context",
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "field_default",
        "field_defaults",
        title="default values of custom fields",
        listing=pages(
            "/rest/api/3/field/{parent_id}/context/defaultValue",
            only=_CUSTOM,
            is_one_right=True,
        ),
        columns=(text("context_id", "contextId"), text("type")),
        parent="field",
        id_path=("contextId",),
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "screen",
        "screens",
        title="screens",
        listing=pages("/rest/api/3/screens", page_size=100),
        columns=(text("name"), text("description"), text("project_id", "scope", "project", "id")),
    ),
    kept(
        "screen_tab",
        "screen_tabs",
        title="tabs of screens",
        # One list for all screens; its page is fixed at 100.
        listing=pages("/rest/api/3/screens/tabs", page_size=100),
        columns=(text("screen_id", "screenId"), text("tab_id", "tabId"), text("name", "tabName")),
        id_path=("tabId",),
    ),
    kept(
        "screen_field",
        "screen_fields",
        title="fields on the tabs of screens",
        listing=Listing(
            "/rest/api/3/screens/{screenId}/tabs/{parent_id}/fields", Paging.ARRAY, is_one_right=True
        ),
        columns=(text("field_id", "id"), text("name")),
        parent="screen_tab",
        # Tabs that no screen shows any more answer 400.
        optional_statuses=NOT_EVERYWHERE,
    ),
    kept(
        "screen_scheme",
        "screen_schemes",
        title="screen schemes",
        listing=pages("/rest/api/3/screenscheme", page_size=25),
        columns=(
            text("name"),
            text("description"),
            count("default_screen_id", "screens", "default"),
            count("create_screen_id", "screens", "create"),
            count("edit_screen_id", "screens", "edit"),
            count("view_screen_id", "screens", "view"),
        ),
    ),
    kept(
        "issue_type_screen_scheme",
        "issue_type_screen_schemes",
        title="issue type screen schemes",
        listing=pages("/rest/api/3/issuetypescreenscheme"),
        columns=(text("name"), text("description")),
    ),
    kept(
        "issue_type_screen_scheme_item",
        "issue_type_screen_scheme_items",
        title="screen schemes of issue types",
        listing=pages("/rest/api/3/issuetypescreenscheme/mapping"),
        columns=(
            text("scheme_id", "issueTypeScreenSchemeId"),
            text("issue_type_id", "issueTypeId"),
            text("screen_scheme_id", "screenSchemeId"),
        ),
        id_path=("issueTypeScreenSchemeId",),
        further_ids=(("issueTypeId",),),
    ),
    kept(
        "field_configuration",
        "field_configurations",
        title="field configurations (old)",
        listing=pages("/rest/api/3/fieldconfiguration"),
        columns=(text("name"), text("description"), flag("is_default", "isDefault")),
    ),
    kept(
        "field_configuration_item",
        "field_configuration_items",
        title="fields of field configurations (old)",
        listing=pages("/rest/api/3/fieldconfiguration/{parent_id}/fields", is_one_right=True),
        columns=(
            text("field_id", "id"),
            text("description"),
            flag("is_hidden", "isHidden"),
            flag("is_required", "isRequired"),
            text("renderer"),
        ),
        parent="field_configuration",
    ),
    kept(
        "field_configuration_scheme",
        "field_configuration_schemes",
        title="field configuration schemes (old)",
        listing=pages("/rest/api/3/fieldconfigurationscheme"),
        columns=(text("name"), text("description")),
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "field_configuration_scheme_item",
        "field_configuration_scheme_items",
        title="field configurations of issue types (old)",
        listing=pages("/rest/api/3/fieldconfigurationscheme/mapping"),
        columns=(
            text("scheme_id", "fieldConfigurationSchemeId"),
            text("issue_type_id", "issueTypeId"),
            text("field_configuration_id", "fieldConfigurationId"),
        ),
        id_path=("fieldConfigurationSchemeId",),
        further_ids=(("issueTypeId",),),
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "field_scheme",
        "field_schemes",
        title="field schemes (new)",
        listing=pages("/rest/api/3/config/fieldschemes", page_size=100),
        columns=(text("name"), text("description"), flag("is_default", "isDefault")),
        # Not every site has been moved to them yet.
        optional_statuses=ADMIN_ONLY | {400},
    ),
    kept(
        "field_scheme_item",
        "field_scheme_items",
        title="fields of field schemes (new)",
        listing=pages("/rest/api/3/config/fieldschemes/{parent_id}/fields", page_size=100, is_one_right=True),
        columns=(
            text("field_id", "fieldId"),
            flag("is_required", "parameters", "isRequired"),
            texts("restricted_to_issue_types", "restrictedToWorkTypes"),
        ),
        parent="field_scheme",
        id_path=("fieldId",),
        optional_statuses=ADMIN_ONLY | {400},
    ),
)
