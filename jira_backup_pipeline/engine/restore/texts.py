"""Rich and plain text on its way to the target: references exchanged, provenance put where people read it.

What belongs here: text as it is first created (files shown as words, keys as they were) and as it finally stands, and the
head line of restored comments.

What stays out: walking and rewriting (`domain.references`), ever plainer forms (`degrade`, `refusals`), sending (`children`, `edits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import AddressBook, Substitutions, is_document, rewrite
from jira_backup_pipeline.domain.times import parse_instant
from jira_backup_pipeline.engine.restore.idmap import MEDIA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jira_backup_pipeline.domain.references import Node
    from jira_backup_pipeline.engine.restore.idmap import IdMap

# The member of a comment or worklog that holds its rich text.
TEXT_MEMBER = {"comment": "body", "worklog": "comment"}
_HEAD_START = "Originally by "


class TextWriter:
    """Turns text of the snapshot into text of the target by the id map as it is when asked.

    `keys` are those of issues that other restores made: the map knows only this one's.
    """

    def __init__(
        self,
        id_map: IdMap,
        *,
        source_bases: tuple[str, ...],
        target_base: str,
        projects: Mapping[str, str],
        accounts: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        self._map = id_map
        self._source_bases = source_bases
        self._target_base = target_base
        self._projects = dict(projects)
        self._accounts = dict(accounts or {})
        self._keys = dict(keys or {})
        self._books: dict[bool, tuple[AddressBook, Substitutions]] = {}

    def first(self, value: Any) -> Any:  # noqa: ANN401 - decoded JSON
        """Give text as an issue is created with: the same at every attempt, whatever was restored before."""
        return rewrite(value, Substitutions(person=self._person)) if is_document(value) else value

    def final(self, value: Any, *, knows_comments: bool = True) -> Any:  # noqa: ANN401 - decoded JSON
        """Give text as it stands in the end: files, keys and addresses follow the id map.

        Comments are written while their own ids are still being given, so their text keeps old comment ids throughout.
        """
        if isinstance(value, str):
            return self._book(knows_comments=knows_comments)[0].rewrite_text(value)
        return rewrite(value, self._book(knows_comments=knows_comments)[1]) if is_document(value) else value

    def renew(self) -> None:
        """Look into the id map again; called between stages, so that one stage sees one map."""
        self._books = {}

    def _book(self, *, knows_comments: bool) -> tuple[AddressBook, Substitutions]:
        found = self._books.get(knows_comments)
        if found is None:
            book = AddressBook(
                source_bases=self._source_bases,
                target_base=self._target_base,
                keys={**self._keys, **self._map.keys},
                attachments=self._map.of("attachment"),
                comments=self._map.of("comment") if knows_comments else {},
                projects=self._projects,
            )
            files = self._map.of(MEDIA)
            found = (
                book,
                Substitutions(
                    media=files.get,
                    person=self._person,
                    address=book.rewrite_address,
                    text=book.rewrite_text,
                ),
            )
            self._books[knows_comments] = found
        return found

    def _person(self, account_id: str) -> str:
        return self._accounts.get(account_id, account_id)


def head_line(author: str, created: str) -> Node:
    """Make the line that tells who wrote a restored comment and when."""
    try:
        moment = parse_instant(created).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        moment = created
    words = {"type": "text", "text": f"{_HEAD_START}{author or 'an unknown account'} on {moment}"}
    return {"type": "paragraph", "content": [{**words, "marks": [{"type": "em"}]}]}


def with_head_line(document: Node, line: Node) -> Node:
    """Put the line at the head of a comment."""
    content = document.get("content")
    return {**document, "content": [line, *(content if isinstance(content, list) else [])]}


def without_head_line(document: Node) -> Node:
    """Take the line off again, for comparison; a document without one is given back as it is."""
    content = document.get("content")
    if isinstance(content, list) and content and _is_head_line(content[0]):
        return {**document, "content": content[1:]}
    return document


def _is_head_line(node: object) -> bool:
    words = node.get("content") if isinstance(node, dict) and node.get("type") == "paragraph" else None
    if not isinstance(words, list) or len(words) != 1 or not isinstance(words[0], dict):
        return False
    text, marks = words[0].get("text"), words[0].get("marks")
    return isinstance(text, str) and text.startswith(_HEAD_START) and marks == [{"type": "em"}]
