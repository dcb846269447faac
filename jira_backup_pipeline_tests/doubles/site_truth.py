"""What the sandbox holds and what a snapshot holds, in one comparable form: records of issues by kind and id.

What belongs here: reading both sides and the few differences that are none (volatile fields, the two forms of a moment).

What stays out: when the two must be equal (the tests say it), and asking Jira.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.sandbox.truth import truth_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.manifest import Manifest
    from jira_backup_pipeline.repository.repository import Repository
    from jira_backup_pipeline.sandbox.site import Site

# One issue: its records by (kind, id).
IssueRecords = dict[tuple[str, str], Any]

# Differ between two looks at the same thing, or hold records that are compared on their own.
_NOT_OF_THE_ISSUE = frozenset({"lastViewed", "comment", "worklog"})
_TABLES = {
    "comment": "comments",
    "worklog": "worklogs",
    "changelog": "changelog",
    "attachment": "attachments",
    "remote_link": "remote_links",
    "watcher": "watchers",
    "vote": "votes",
    "issue_property": "issue_properties",
}
KINDS = ("issue", "issue_link", *_TABLES)


def held_by(site: Site, project_id: str) -> dict[str, IssueRecords]:
    """Give what the backup account may see of a project, archived or not, by issue id."""
    account = site.backup_account
    found: dict[str, IssueRecords] = {}
    hidden: set[str] = set()
    for line in truth_records(site):
        issue_id = line["issue_id"]
        if line["project_id"] != project_id or issue_id is None or issue_id in hidden:
            continue
        if line["kind"] == "issue":
            if not site.can_see(account, site.issues.by_id[int(issue_id)]):
                hidden.add(issue_id)
                continue
            found[issue_id] = _with_links(line["record"])
        elif line["kind"] != "issue_link" and line["visible"]:
            key, value = _plain(line["kind"], line["id"], line["record"])
            found[issue_id][key] = value
    return found


def _with_links(issue: dict[str, Any]) -> IssueRecords:
    """Give an issue with its links as it shows them: those whose other end the account may see."""
    records: IssueRecords = {("issue", issue["id"]): _issue(issue)}
    records |= {("issue_link", link["id"]): link for link in issue["fields"].get("issuelinks", ())}
    return records


def _issue(record: Mapping[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in record["fields"].items() if name not in _NOT_OF_THE_ISSUE}
    # What the reading account itself is to the issue is no content; the lists of people are compared.
    for name, own in (("watches", "isWatching"), ("votes", "hasVoted")):
        fields[name] = {member: value for member, value in fields[name].items() if member != own}
    return {"id": record["id"], "key": record["key"], "fields": fields}


def _plain(kind: str, record_id: str, record: Any) -> tuple[tuple[str, str], Any]:
    if kind in ("watcher", "vote"):
        return (kind, record["accountId"]), None
    if kind == "issue_property":
        return (kind, record["key"]), record["value"]
    if kind == "changelog":
        record = {**record, "created": _moment(record["created"])}
    return (kind, record_id), record


def _moment(value: int | str) -> int:
    """The bulk history gives milliseconds, the single one and the dump text."""
    return value if isinstance(value, int) else round(datetime.fromisoformat(value).timestamp() * 1000)


def stored_in(repository: Repository, manifest: Manifest) -> dict[str, IssueRecords]:
    """Give what a snapshot holds of its project, by issue id; attachments with the bytes that really come back."""
    tables = repository.tables(manifest)
    found: dict[str, IssueRecords] = {}
    for row in tables["issues"].to_arrow().to_pylist():
        issue = json.loads(row["raw"])
        found[row["id"]] = {("issue", row["id"]): _issue(issue)}
    for row in tables["issue_links"].to_arrow().to_pylist():
        found[row["issue_id"]]["issue_link", row["id"]] = json.loads(row["raw"])
    for kind, table in _TABLES.items():
        for row in tables[table].to_arrow().to_pylist():
            key, value = _stored(repository, manifest, kind, row)
            assert key not in found[row["issue_id"]], (
                f"{kind} {key} of issue {row['issue_id']} is stored twice"
            )
            found[row["issue_id"]][key] = value
    return found


def keys_in(repository: Repository, manifest: Manifest) -> set[tuple[str, str, str]]:
    """Give issue id, kind and id of every record, without decoding any: what is stored of odd records counts too."""
    tables = repository.tables(manifest)
    found = {(row["id"], "issue", row["id"]) for row in tables["issues"].to_arrow().to_pylist()}
    for kind, table in {"issue_link": "issue_links", **_TABLES}.items():
        of_person = kind in ("watcher", "vote")
        for row in tables[table].to_arrow().to_pylist():
            found.add((row["issue_id"], kind, row["account_id" if of_person else "id"]))
    return found


def _stored(
    repository: Repository, manifest: Manifest, kind: str, row: Mapping[str, Any]
) -> tuple[tuple[str, str], Any]:
    record = json.loads(row["raw"])
    if kind in ("comment", "worklog"):
        record["properties"] = json.loads(row["properties"] or "[]")
    if kind == "attachment":
        record |= {"sha256": _bytes_of(repository, manifest, row), "media_uuid": row["media_id"]}
    if kind == "issue_property":
        record = {"key": row["id"], "value": record}
    return _plain(kind, row["id"], record)


def _bytes_of(repository: Repository, manifest: Manifest, row: Mapping[str, Any]) -> str | None:
    """Hash what the blob gives; nothing where none is stored, which a gap must explain."""
    if row["blob"] is None:
        return None
    with repository.open_blob(manifest.scope, row["blob"]) as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    assert row["blob_sha256"] == digest
    return digest


def difference(expected: Mapping[Any, Any], found: Mapping[Any, Any]) -> str:
    """Name the first things in which two sets of records differ, for the message of a failing test."""
    lines = [f"missing: {key}" for key in expected.keys() - found.keys()]
    lines += [f"too much: {key}" for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        if expected[key] != found[key]:
            lines.append(f"differs: {key}: {_narrowed(expected[key], found[key])}")
    return "; ".join(sorted(lines)[:8])


def _narrowed(expected: Any, found: Any) -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        names = sorted(n for n in {*expected, *found} if expected.get(n, ...) != found.get(n, ...))
        return ", ".join(f"{n}: {_narrowed(expected.get(n, ...), found.get(n, ...))}" for n in names[:4])
    return f"{str(expected)[:200]} is stored as {str(found)[:200]}"
