"""Reads the names and types of the fields that certain issues show.

What belongs here: the bulk fetch with `names` and `schema`, and what of it is missing.

What stays out: which issues are asked (`engine.capture.field_names`), and the list of the site's fields (`listing`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from jira_backup_pipeline.domain.readings import Listed
from jira_backup_pipeline.jira.bodies import BATCH, BULKFETCH
from jira_backup_pipeline.jira.list_pages import named_fields
from jira_backup_pipeline.jira.listing import made_record
from jira_backup_pipeline.jira.refusals import gap_for
from jira_backup_pipeline.jira.wire.messages import Refusal, Request
from jira_backup_pipeline.jira.wire.slices import Page, read_value, split_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.domain.manifest import Gap
    from jira_backup_pipeline.domain.records import Record
    from jira_backup_pipeline.jira.client import JiraClient

KIND: Final = "issue_field"


def names_shown_by(client: JiraClient, issue_ids: Sequence[str]) -> Listed:
    """Give the fields of these issues by the field's id; nothing is known of the fields of an issue that does not come."""
    records: dict[str, Record] = {}
    gaps: list[Gap] = []
    given: set[object] = set()
    batches = [issue_ids[start : start + BATCH] for start in range(0, len(issue_ids), BATCH)]
    for ids, page in zip(batches, client.map_ordered(partial(_read, client), batches), strict=True):
        if isinstance(page, Refusal):
            subject = f"names and types of the fields of {len(ids)} issues"
            gaps.append(gap_for(page, kind=KIND, subject=subject))
            continue
        for item in page.items:
            given.add(read_value(split_object(item).get("id", b"null")))
            for found in named_fields(item):
                made = made_record(
                    KIND,
                    str(found.own_id),
                    found.item,
                    read_value(found.item),
                    issue_id=None,
                    extra=found.extra,
                )
                records.setdefault(made.id, made)
    unread = () if given >= set(issue_ids) else ("",)
    return Listed(KIND, tuple(records.values()), tuple(gaps), len(records), unread)


def _read(client: JiraClient, issue_ids: Sequence[str]) -> Page | Refusal:
    document = {
        "issueIdsOrKeys": list(issue_ids),
        "fields": ["*all"],
        "expand": ["names", "schema"],
        "fieldsByKeys": False,
    }
    return client.try_ask(Request.asking_by_post(BULKFETCH, document), partial(Page.read, items="issues"))
