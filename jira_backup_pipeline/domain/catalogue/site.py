"""The site's configuration and people: the part of the catalogue that is captured in the site scope.

What belongs here: the definitions that issues refer to, and the order in which the parts of the site's table follow.

What stays out: how fields are set up (`field_setup`), schemes (`schemes`), what people share (`shared`, `boards`), what
belongs to the site's projects (`projects`), settings (`settings`), service desks (`service_desk`); kinds of one project
(`project`) or of one issue (`issue`).
"""

from __future__ import annotations

from jira_backup_pipeline.domain.catalogue.boards import BOARD_KINDS
from jira_backup_pipeline.domain.catalogue.brought import with_restoring
from jira_backup_pipeline.domain.catalogue.field_setup import FIELD_SETUP_KINDS
from jira_backup_pipeline.domain.catalogue.projects import PLACE_OF_PROJECTS_KINDS
from jira_backup_pipeline.domain.catalogue.schemes import SCHEME_KINDS
from jira_backup_pipeline.domain.catalogue.service_desk import SERVICE_DESK_KINDS
from jira_backup_pipeline.domain.catalogue.settings import SETTING_KINDS
from jira_backup_pipeline.domain.catalogue.shape import (
    Kind,
    Level,
    Listing,
    Paging,
    Recognition,
    count,
    flag,
    kept,
    pages,
    text,
)
from jira_backup_pipeline.domain.catalogue.shared import SHARED_KINDS

_DEFINITIONS = (
    # Of the two lists of fields each shows some that the other does not, and this one says more of each.
    kept(
        "field_detail",
        "field_details",
        title="fields as their administrators see them",
        listing=pages(
            "/rest/api/3/field/search",
            query=(("expand", "key,stableId,screensCount,contextsCount,isLocked,searcherKey"),),
        ),
        columns=(
            text("key"),
            text("name"),
            text("description"),
            text("type", "schema", "type"),
            text("custom_type", "schema", "custom"),
            text("searcher", "searcherKey"),
            flag("is_locked", "isLocked"),
            count("screens", "screensCount"),
            count("contexts", "contextsCount"),
        ),
        restore_note="kept to look up and to compare; a field comes back from the list of fields",
    ),
    Kind(
        name="field",
        table="fields",
        title="field definitions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/field", Paging.ARRAY),
        columns=(
            text("key"),
            text("name"),
            flag("is_custom", "custom"),
            text("type", "schema", "type"),
            text("custom_type", "schema", "custom"),
            text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name and type; contexts and options are not rebuilt yet",
        completed_by="field_detail",
    ),
    Kind(
        name="issue_type",
        table="issue_types",
        title="issue types",
        level=Level.SITE,
        listing=Listing("/rest/api/3/issuetype", Paging.ARRAY),
        columns=(
            text("name"),
            flag("is_subtask", "subtask"),
            count("hierarchy_level", "hierarchyLevel"),
            text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name; missing types are named in the plan",
    ),
    Kind(
        name="status",
        table="statuses",
        title="statuses",
        level=Level.SITE,
        listing=Listing("/rest/api/3/statuses/search", Paging.OFFSET, "values", page_size=200),
        columns=(
            text("name"),
            text("category", "statusCategory"),
            text("project_id", "scope", "project", "id"),
        ),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name; reached through its workflow's transitions",
    ),
    Kind(
        name="priority",
        table="priorities",
        title="priorities",
        level=Level.SITE,
        listing=Listing("/rest/api/3/priority/search", Paging.OFFSET, "values", page_size=50),
        columns=(text("name"), flag("is_default", "isDefault")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="resolution",
        table="resolutions",
        title="resolutions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/resolution/search", Paging.OFFSET, "values", page_size=50),
        columns=(text("name"), flag("is_default", "isDefault")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="link_type",
        table="link_types",
        title="issue link types",
        level=Level.SITE,
        listing=Listing("/rest/api/3/issueLinkType", Paging.ARRAY, "issueLinkTypes"),
        columns=(text("name"), text("inward"), text("outward")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="role",
        table="roles",
        title="role definitions",
        level=Level.SITE,
        listing=Listing("/rest/api/3/role", Paging.ARRAY),
        columns=(text("name"), text("description")),
        recognition=Recognition.NATURAL_KEY,
        is_restorable=False,
        restore_note="matched on the target by name",
    ),
    Kind(
        name="person",
        table="people",
        title="people",
        level=Level.SITE,
        listing=Listing("/rest/api/3/users/search", Paging.START_ONLY, page_size=1000),
        columns=(
            text("display_name", "displayName"),
            text("email", "emailAddress"),
            text("account_type", "accountType"),
            flag("is_active", "active"),
        ),
        recognition=Recognition.NEVER,
        id_path=("accountId",),
        is_restorable=False,
        restore_note="accounts belong to Atlassian; people are mapped by account id",
    ),
)

SITE_KINDS: tuple[Kind, ...] = with_restoring(
    (
        *_DEFINITIONS,
        *FIELD_SETUP_KINDS,
        *SCHEME_KINDS,
        *SHARED_KINDS,
        *PLACE_OF_PROJECTS_KINDS,
        *BOARD_KINDS,
        *SETTING_KINDS,
        *SERVICE_DESK_KINDS,
    )
)
