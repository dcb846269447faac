"""Whom Jira would write to: what happens to issues, against the notification scheme of their project.

What belongs here: the numbers of events, and noting a message where the scheme names anybody for the event.

What stays out: schemes (``schemes``), and sending: nothing here leaves the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.setup.made import Mail
from jira_backup_pipeline.sandbox.setup.schemes import follows, notification_schemes

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.model import Issue
    from jira_backup_pipeline.sandbox.site import Site

CREATED, UPDATED, COMMENTED = 1, 2, 6


def announce(site: Site, issue: Issue, event_id: int) -> None:
    """Note the message of an event, where the project's scheme has somebody to tell."""
    wanted = follows(site, site.project_of(issue), "notification_scheme")
    for scheme in notification_schemes(site):
        if str(scheme["id"]) != wanted:
            continue
        for entry in scheme["notificationSchemeEvents"]:
            if entry["event"]["id"] == event_id and entry["notifications"]:
                site.made.mails.append(Mail(event_id, issue.issue_id))
