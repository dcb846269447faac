"""Changes that a test or demo makes behind Jira's back: disasters, other people's edits, tokens, clock, switches.

What belongs here: one method an edit, called by name (control API) or in process, asking no permission. Dates
are epoch milliseconds or ISO text; without one an edit happens at the site's present time.

What stays out: how an issue changes (``changes``, ``creation``), the HTTP form (``control``), and requests
that go wrong (``faults``).
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox import adf, changes
from jira_backup_pipeline.sandbox.clock import parse_iso, zone
from jira_backup_pipeline.sandbox.creation import Draft, create_issue
from jira_backup_pipeline.sandbox.model import Account, Issue, Project, ProjectState, Token
from jira_backup_pipeline.sandbox.routes.comments import new_comment
from jira_backup_pipeline.sandbox.routes.issues import edit_values
from jira_backup_pipeline.sandbox.routes.projects import rename_key, trash
from jira_backup_pipeline.sandbox.search_index import SearchIndex
from jira_backup_pipeline.sandbox.setup import schemes

if TYPE_CHECKING:
    from collections.abc import Callable

    from jira_backup_pipeline.sandbox.http import Json, JsonObject
    from jira_backup_pipeline.sandbox.site import Site


def moment(value: int | str | None) -> int | None:
    """Milliseconds of a number or an ISO date; ``ValueError`` when it is neither."""
    return parse_iso(value) if isinstance(value, str) else value


class Edits:
    """Every edit, each holding the site's lock."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def run(self, action: str, options: JsonObject) -> Json:
        """Do an edit by name; an unknown name, option or thing raises ``ValueError``."""
        function: Callable[..., Json] | None = getattr(self, action, None)
        if action.startswith("_") or action == "run" or function is None:
            raise ValueError(f"unknown edit {action!r}")
        try:
            inspect.signature(function).bind(**options)
        except TypeError as error:
            raise ValueError(f"edit {action!r}: {error}") from None
        return function(**options)

    def _project(self, project: str) -> Project:
        found = self._site.find_project(str(project), any_state=True)
        if found is None:
            raise ValueError(f"no project {project!r}")
        return found

    def _issue(self, issue: str) -> Issue:
        found = self._site.find_issue(str(issue))
        if found is None:
            raise ValueError(f"no issue {issue!r}")
        return found

    def _account(self, account: str | None) -> Account:
        site = self._site
        if account is None:
            others = [
                item for key, item in site.accounts.items() if key != site.backup_account_id and item.active
            ]
            return others[0] if others else site.backup_account
        for item in site.accounts.values():
            if account in {item.account_id, item.email, item.display_name}:
                return item
        raise ValueError(f"no account {account!r}")

    # --- disasters -----------------------------------------------------------------------------------------------

    def delete_project(self, project: str, *, permanent: bool = False) -> JsonObject:
        """Delete a project: into the trash, or for good."""
        with self._site.lock:
            found = self._project(project)
            if permanent:
                changes.delete_project(self._site, found)
            else:
                trash(self._site, found, self._account(None).account_id)
            return {"project_id": found.project_id, "key": found.key}

    def delete_issue(self, issue: str) -> JsonObject:
        """Delete an issue with its sub-tasks."""
        with self._site.lock:
            found = self._issue(issue)
            key = self._site.key_of(found)
            changes.delete_issue(self._site, found, self._account(None).account_id, with_children=True)
            return {"issue_id": found.issue_id, "key": key}

    # --- edits of other people -----------------------------------------------------------------------------------

    def edit_issue(
        self, issue: str, fields: JsonObject, *, account: str | None = None, at: int | str | None = None
    ) -> JsonObject:
        """Set fields (in the form the API takes) as somebody, at a time."""
        with self._site.lock:
            found, actor = self._issue(issue), self._account(account)
            updates = edit_values(self._site, self._site.backup_account, found, {"fields": fields})
            changes.set_values(self._site, found, updates, actor.account_id, at_ms=moment(at))
            return {"issue_id": found.issue_id, "updated_ms": found.updated_ms}

    def add_comment(
        self,
        issue: str,
        text: str,
        *,
        account: str | None = None,
        at: int | str | None = None,
        count: int = 1,
    ) -> JsonObject:
        """Comment as somebody, as often as asked."""
        with self._site.lock:
            found, actor = self._issue(issue), self._account(account)
            made = [
                new_comment(self._site, found, actor.account_id, adf.document(text), at_ms=moment(at))
                for _ in range(count)
            ]
            return {"comment_ids": [item.comment_id for item in made]}

    def create_issue(
        self,
        project: str,
        summary: str,
        *,
        type_name: str = "Task",
        account: str | None = None,
        at: int | str | None = None,
    ) -> JsonObject:
        """Make an issue as somebody."""
        with self._site.lock:
            found = self._project(project)
            type_id = next((i.type_id for i in self._site.issue_types.values() if i.name == type_name), None)
            if type_id is None:
                raise ValueError(f"no issue type {type_name!r}")
            draft = Draft(found, type_id, None, {"summary": summary})
            issue = create_issue(self._site, draft, self._account(account), at_ms=moment(at))
            return {"issue_id": issue.issue_id, "key": self._site.key_of(issue)}

    def move_issue(self, issue: str, project: str, *, account: str | None = None) -> JsonObject:
        """Move an issue and its sub-tasks to another project."""
        with self._site.lock:
            found = self._issue(issue)
            changes.move_issue(self._site, found, self._project(project), self._account(account).account_id)
            return {"issue_id": found.issue_id, "key": self._site.key_of(found)}

    def rename_project(self, project: str, key: str) -> JsonObject:
        """Give a project a new key."""
        with self._site.lock:
            found = self._project(project)
            rename_key(self._site, found, key)
            return {"project_id": found.project_id, "key": key}

    def archive_project(self, project: str) -> JsonObject:
        """Archive a project."""
        with self._site.lock:
            found = self._project(project)
            found.state = ProjectState.ARCHIVED
            self._site.reference_changed()
            return {"project_id": found.project_id}

    def set_raw_field(self, issue: str, field: str, text: str) -> JsonObject:
        """Serve these very JSON bytes as a field's value, valid or not."""
        with self._site.lock:
            found = self._issue(issue)
            changes.begin(self._site, found).raw_fields[field] = text.encode("utf-8", "surrogatepass")
            changes.record(self._site, found, self._account(None).account_id, [])
            return {"issue_id": found.issue_id}

    def add_histories(self, issue: str, count: int) -> JsonObject:
        """Give an issue many history entries."""
        with self._site.lock:
            found, actor = self._issue(issue), self._account(None)
            changes.begin(self._site, found)
            for number in range(count):
                item = changes.history_item(
                    "summary", "summary", (None, f"text {number}"), (None, f"text {number + 1}")
                )
                changes.record(self._site, found, actor.account_id, [item])
            return {"issue_id": found.issue_id}

    # --- accounts and rights -------------------------------------------------------------------------------------

    def add_token(
        self,
        token: str,
        *,
        account: str | None = None,
        expires_at: int | str | None = None,
        scoped: bool = False,
    ) -> JsonObject:
        """Add an API token; without an account it belongs to the backup account."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            self._site.tokens.append(Token(token, owner.account_id, moment(expires_at), scoped))
            return {"email": owner.email, "account_id": owner.account_id}

    def expire_token(self, token: str | None = None) -> JsonObject:
        """Expire one token, or all."""
        with self._site.lock:
            count = 0
            for item in self._site.tokens:
                if token is None or item.secret == token:
                    item.expires_at_ms = self._site.now()
                    count += 1
            return {"expired": count}

    def renew_token(self, token: str | None = None) -> JsonObject:
        """Let one token count again, or all: as if a new one had been made that is written the same."""
        with self._site.lock:
            count = 0
            for item in self._site.tokens:
                if token is None or item.secret == token:
                    item.expires_at_ms = None
                    count += 1
            return {"renewed": count}

    def revoke_browse(self, project: str, *, account: str | None = None) -> JsonObject:
        """Hide a project from an account (the backup account by default)."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            self._project(project).hidden_from.add(owner.account_id)
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    def grant_browse(self, project: str, *, account: str | None = None) -> JsonObject:
        """Show a hidden project again."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            self._project(project).hidden_from.discard(owner.account_id)
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    def hide_issue(self, issue: str, *, account: str | None = None) -> JsonObject:
        """Hide one issue from an account, as an issue security level would."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            found = self._issue(issue)
            self._site.hidden_issues.add((owner.account_id, found.issue_id))
            self._site.reference_changed()
            return {"account_id": owner.account_id, "issue_id": found.issue_id}

    def show_issue(self, issue: str, *, account: str | None = None) -> JsonObject:
        """Show a hidden issue again."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            found = self._issue(issue)
            self._site.hidden_issues.discard((owner.account_id, found.issue_id))
            self._site.reference_changed()
            return {"account_id": owner.account_id, "issue_id": found.issue_id}

    def obey_security_levels(self) -> JsonObject:
        """From now on let an issue's security level hide it from whoever is not in it."""
        with self._site.lock:
            self._site.clearance = schemes.is_cleared
            self._site.reference_changed()
            return {}

    def deny(self, permission: str, *, project: str | None = None, account: str | None = None) -> JsonObject:
        """Take a permission from an account, everywhere or in one project."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            where = self._project(project).project_id if project else None
            self._site.denied.add((owner.account_id, permission, where))
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    def allow(self, permission: str, *, project: str | None = None, account: str | None = None) -> JsonObject:
        """Give a denied permission back."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            where = self._project(project).project_id if project else None
            self._site.denied.discard((owner.account_id, permission, where))
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    def leave_group(self, group: str, *, account: str | None = None) -> JsonObject:
        """Take an account out of a group: comments restricted to it disappear for the account."""
        with self._site.lock:
            owner = self._account(account) if account else self._site.backup_account
            found = self._site.group_by_name(group)
            if found is None:
                raise ValueError(f"no group {group!r}")
            found.members = [member for member in found.members if member != owner.account_id]
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    # --- time and switches ---------------------------------------------------------------------------------------

    def refuse_in_bulk(self, issue: str, reason: str) -> JsonObject:
        """Let bulk transitions fail on an issue from now on; it can still be moved alone."""
        with self._site.lock:
            found = self._issue(issue)
            self._site.refused_in_bulk[found.issue_id] = reason
            return {"issue": self._site.key_of(found)}

    def set_account_zone(self, time_zone: str, *, account: str | None = None) -> JsonObject:
        """Set the profile time zone in which an account's JQL dates are read."""
        with self._site.lock:
            zone(time_zone)
            owner = self._account(account) if account else self._site.backup_account
            owner.time_zone = time_zone
            self._site.reference_changed()
            return {"account_id": owner.account_id}

    def set_site_zone(self, time_zone: str) -> JsonObject:
        """Set the zone of the offsets in answers."""
        with self._site.lock:
            zone(time_zone)
            self._site.time_zone = time_zone
            self._site.reference_changed()
            return {"time_zone": time_zone}

    def set_clock(self, at: int | str) -> JsonObject:
        """Stop the site's clock at a time."""
        at_ms = moment(at)
        if at_ms is None:
            raise ValueError("a time is needed")
        self._site.clock.freeze(at_ms)
        return {"now_ms": self._site.now()}

    def advance_clock(self, seconds: float) -> JsonObject:
        """Move the site's clock."""
        self._site.clock.advance(round(seconds * 1000))
        return {"now_ms": self._site.now()}

    def run_clock(self) -> JsonObject:
        """Let the site's clock follow real time again."""
        self._site.clock.run()
        return {"now_ms": self._site.now()}

    def set_index_lag(self, seconds: float) -> JsonObject:
        """Let searches see the site as it was so many seconds ago (0: no lag)."""
        with self._site.lock:
            self._site.settings.index_lag_seconds = seconds
            self._site.index = SearchIndex(self._site) if seconds > 0 else None
            return {"seconds": seconds}

    def set_settings(self, **values: Json) -> JsonObject:
        """Set switches such as inline caps and limits by name."""
        with self._site.lock:
            known = {item.name: item for item in dataclasses.fields(self._site.settings)}
            for name, value in values.items():
                if name not in known:
                    raise ValueError(f"unknown setting {name!r}")
                present = getattr(self._site.settings, name)
                if isinstance(present, bool) != isinstance(value, bool) or not isinstance(value, int | float):
                    raise ValueError(f"setting {name!r} does not take {value!r}")
                setattr(self._site.settings, name, value)
            self._site.reference_changed()
            return dataclasses.asdict(self._site.settings)

    def refuse_nodes(self, nodes: list[JsonObject]) -> JsonObject:
        """Refuse rich text with these nodes: ``type`` or ``mark``, with the ``attrs`` that single some of them out."""
        if not all(isinstance(node, dict) and (node.get("type") or node.get("mark")) for node in nodes):
            raise ValueError("each node needs a type, or a mark, and may have attrs")
        with self._site.lock:
            self._site.refused_nodes = list(nodes)
            return {"nodes": nodes}

    def set_screens(
        self, project: str, *, off_create_screen: list[str] | None = None, required: list[str] | None = None
    ) -> JsonObject:
        """Say which fields a project's create screen lacks, and which it requires."""
        with self._site.lock:
            found = self._project(project)
            if off_create_screen is not None:
                found.off_create_screen = set(off_create_screen)
            if required is not None:
                found.required = set(required)
            return {"off_create_screen": sorted(found.off_create_screen), "required": sorted(found.required)}
