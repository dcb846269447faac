"""Where ids hide inside rich text and addresses, and how they are exchanged without touching anything else.

What belongs here: walking an Atlassian Document (ADF) for what it refers to (media, people, issues, addresses), and
rewriting those references by given substitutions. Pure: documents in, documents out, any depth, input never changed.

What stays out: which id becomes which (`engine.restore.idmap`), what a restore sends when (`engine.restore.text`), and
JQL, which no issue field holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Node: TypeAlias = dict[str, Any]

MEDIA_NODES = frozenset({"media", "mediaInline"})
_CARD_NODES = frozenset({"inlineCard", "blockCard", "embedCard"})
_MEDIA_HOLDERS = frozenset({"mediaSingle", "mediaGroup"})
_EXTERNAL_MEDIA = "external"
# Left of a key no letter, digit, dot, slash or dash may stand: it would be part of another word, path or number.
_KEY = r"(?<![A-Za-z0-9_./\-])[A-Z][A-Z0-9_]+-[1-9][0-9]*(?![A-Za-z0-9_]|-[0-9])"
_ADDRESS = r"https?://[^\s<>\"'\])}]+"
_IN_TEXT = re.compile(f"(?P<address>{_ADDRESS})|(?P<key>{_KEY})")
_KEY_IN_ADDRESS = re.compile(r"(?<![A-Za-z0-9_.\-])[A-Z][A-Z0-9_]+-[1-9][0-9]*(?![A-Za-z0-9_]|-[0-9])")
_ATTACHMENT_IN_ADDRESS = re.compile(
    r"(?P<head>/secure/attachment/|/attachment/(?:content/|thumbnail/)?)(?P<id>[1-9][0-9]*)(?![0-9])"
)
_COMMENT_IN_ADDRESS = re.compile(r"(?P<head>focusedCommentId=|focusedId=)(?P<id>[1-9][0-9]*)(?![0-9])")
_PROJECT_IN_ADDRESS = re.compile(r"(?P<head>/projects/)(?P<key>[A-Z][A-Z0-9_]+)(?=[/?#]|$)")


class ReferenceKind(StrEnum):
    """What a reference points to."""

    MEDIA = "media"
    PERSON = "person"
    ADDRESS = "address"
    ISSUE_KEY = "issue key"


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference found in a document."""

    kind: ReferenceKind
    value: str


def _unchanged(value: str) -> str:
    return value


def _no_media(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Substitutions:
    """What each reference becomes.

    `media` gives the new media id, or None when the file has no counterpart (the node then becomes readable text);
    `person`, `address` and `text` give the new value, or the same one where nothing changes.
    """

    media: Callable[[str], str | None] = _no_media
    person: Callable[[str], str] = _unchanged
    address: Callable[[str], str] = _unchanged
    text: Callable[[str], str] = _unchanged


@dataclass(frozen=True, slots=True)
class AddressBook:
    """How addresses and keys of one site read on another.

    `source_bases` are the addresses under which the source site is known; `keys`, `attachments`, `comments` and
    `projects` map old to new. What is not in a map stays as it is.
    """

    source_bases: tuple[str, ...]
    target_base: str
    keys: Mapping[str, str]
    attachments: Mapping[str, str]
    comments: Mapping[str, str]
    projects: Mapping[str, str]

    def rewrite_address(self, address: str) -> str:
        """Exchange the ids in an address of the source site; addresses of other hosts are not touched."""
        base = next((base for base in self.source_bases if _lies_under(address, base)), None)
        if base is None:
            return address
        rest = address[len(base) :]
        rest = _KEY_IN_ADDRESS.sub(lambda found: self.keys.get(found[0], found[0]), rest)
        rest = _exchange(_ATTACHMENT_IN_ADDRESS, "id", self.attachments, rest)
        rest = _exchange(_COMMENT_IN_ADDRESS, "id", self.comments, rest)
        rest = _exchange(_PROJECT_IN_ADDRESS, "key", self.projects, rest)
        return self.target_base + rest

    def rewrite_text(self, text: str) -> str:
        """Exchange issue keys and addresses of the source site inside plain text."""
        return _IN_TEXT.sub(self._rewrite_match, text)

    def _rewrite_match(self, found: re.Match[str]) -> str:
        if found["address"] is not None:
            return self.rewrite_address(found["address"])
        return self.keys.get(found["key"], found["key"])


def _lies_under(address: str, base: str) -> bool:
    return address.startswith(base) and address[len(base) : len(base) + 1] in {"", "/", "?", "#"}


def _exchange(pattern: re.Pattern[str], group: str, mapping: Mapping[str, str], text: str) -> str:
    return pattern.sub(lambda found: found["head"] + mapping.get(found[group], found[group]), text)


def site_base(address: str) -> str:
    """Give scheme and host of an address, the form in which `AddressBook` wants its bases."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def is_document(value: object) -> bool:
    """Tell whether a value is rich text."""
    return (
        isinstance(value, dict) and value.get("type") == "doc" and isinstance(value.get("content", []), list)
    )


def walk(document: object) -> Iterator[Node]:
    """Give every node of a document in reading order, at any depth."""
    stack: list[object] = [document]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        yield node
        content = node.get("content")
        if isinstance(content, list):
            stack.extend(reversed(content))


def references(document: object) -> Iterator[Reference]:
    """Give everything that a document refers to, in reading order."""
    for node in walk(document):
        attributes = attributes_of(node)
        kind = node.get("type")
        if kind in MEDIA_NODES and _media_id(attributes) is not None:
            yield Reference(ReferenceKind.MEDIA, str(attributes["id"]))
        elif kind == "mention" and isinstance(attributes.get("id"), str):
            yield Reference(ReferenceKind.PERSON, attributes["id"])
        elif kind in _CARD_NODES:
            yield from _card_references(attributes)
        elif kind == "text" and isinstance(node.get("text"), str) and not _is_code(node):
            yield from text_references(node["text"])
        for mark in _marks(node):
            target = attributes_of(mark).get("href")
            if mark.get("type") == "link" and isinstance(target, str):
                yield Reference(ReferenceKind.ADDRESS, target)


def text_references(text: str) -> Iterator[Reference]:
    """Give the addresses and issue keys of plain text."""
    for found in _IN_TEXT.finditer(text):
        kind = ReferenceKind.ADDRESS if found["address"] is not None else ReferenceKind.ISSUE_KEY
        yield Reference(kind, found[0])


def issue_keys(value: object) -> Iterator[str]:
    """Give what looks like an issue key in rich or plain text, in addresses too, whatever site they lead to."""
    found = text_references(value) if isinstance(value, str) else references(value)
    for reference in found:
        if reference.kind is ReferenceKind.ISSUE_KEY:
            yield reference.value
        elif reference.kind is ReferenceKind.ADDRESS:
            yield from _KEY_IN_ADDRESS.findall(reference.value)


def media_ids(document: object) -> set[str]:
    """Give the media ids that a document shows."""
    return {found.value for found in references(document) if found.kind is ReferenceKind.MEDIA}


def rewrite(document: Node, substitutions: Substitutions) -> Node:
    """Copy a document with its references exchanged; everything else is equal to the original.

    A file whose media has no counterpart becomes a text that names it, at a place where the format allows text.
    """
    result: list[Any] = []
    stack: list[tuple[object, list[Any], bool]] = [(document, result, False)]
    while stack:
        node, out, is_code = stack.pop()
        if not isinstance(node, dict):
            out.append(node)
            continue
        for copy, children in _rewrite_node(node, substitutions, is_code=is_code):
            out.append(copy)
            if children is not None:
                inside: list[Any] = copy.setdefault("content", [])
                inside_code = node.get("type") == "codeBlock"
                stack.extend((child, inside, inside_code) for child in reversed(children))
    rewritten: Node = result[0]
    return rewritten


def _rewrite_node(
    node: Node, substitutions: Substitutions, *, is_code: bool
) -> list[tuple[Node, list[Any] | None]]:
    """Give what stands in a node's place: copies without their children, each with the children still to be copied."""
    kind = node.get("type")
    if kind in _MEDIA_HOLDERS:
        return _rewrite_holder(node, substitutions)
    if kind in MEDIA_NODES and _is_lost(node, substitutions):
        text = lost_file(node)
        return [(text if kind == "mediaInline" else _paragraph(text), None)]
    copy = _shallow(node, substitutions)
    if kind == "text" and isinstance(node.get("text"), str) and not is_code and not _is_code(node):
        copy["text"] = substitutions.text(node["text"]) or node["text"]
    children = node.get("content")
    return [(copy, children if isinstance(children, list) else None)]


def _rewrite_holder(node: Node, substitutions: Substitutions) -> list[tuple[Node, list[Any] | None]]:
    children = node.get("content")
    if not isinstance(children, list):
        return [(_shallow(node, substitutions), None)]
    lost = [child for child in children if _is_lost(child, substitutions)]
    kept = [child for child in children if not any(child is missing for missing in lost)]
    notices: list[tuple[Node, list[Any] | None]] = [(_paragraph(lost_file(child)), None) for child in lost]
    captions = [child for child in kept if isinstance(child, dict) and child.get("type") == "caption"]
    if lost and len(captions) == len(kept):
        # Nothing but a caption is left: a holder without media is not valid, the caption's text is.
        for caption in captions:
            words = caption.get("content")
            notices.append(({"type": "paragraph"}, words if isinstance(words, list) else None))
        return notices
    return [(_shallow(node, substitutions), kept), *notices]


def _shallow(node: Node, substitutions: Substitutions) -> Node:
    """Copy a node without its children, with the references in its attributes and marks exchanged."""
    copy = {name: member for name, member in node.items() if name != "content"}
    if "content" in node and not isinstance(node["content"], list):
        copy["content"] = node["content"]
    attributes = attributes_of(node)
    if attributes:
        copy["attrs"] = _rewrite_attributes(str(node.get("type")), attributes, substitutions)
    if isinstance(node.get("marks"), list):
        copy["marks"] = [_rewrite_mark(mark, substitutions) for mark in node["marks"]]
    return copy


def _rewrite_attributes(kind: str, attributes: Node, substitutions: Substitutions) -> Node:
    if kind in MEDIA_NODES:
        old = _media_id(attributes)
        new = substitutions.media(old) if old is not None else None
        return {**attributes, "id": new} if new is not None else attributes
    if kind == "mention" and isinstance(attributes.get("id"), str):
        return {**attributes, "id": substitutions.person(attributes["id"])}
    return _rewrite_card(attributes, substitutions) if kind in _CARD_NODES else attributes


def _rewrite_card(attributes: Node, substitutions: Substitutions) -> Node:
    """Exchange where a card leads to: its address, that of its own data, and the keys in the query of a list of issues."""
    copy = dict(attributes)
    if isinstance(copy.get("url"), str):
        copy["url"] = substitutions.address(copy["url"])
    data = copy.get("data")
    if isinstance(data, dict) and isinstance(data.get("url"), str):
        copy["data"] = {**data, "url": substitutions.address(data["url"])}
    query = _query_of(attributes)
    if query is not None:
        source = copy["datasource"]
        parameters = {**source["parameters"], "jql": substitutions.text(query)}
        copy["datasource"] = {**source, "parameters": parameters}
    return copy


def _card_references(attributes: Node) -> Iterator[Reference]:
    data = attributes.get("data")
    for found in (attributes.get("url"), data.get("url") if isinstance(data, dict) else None):
        if isinstance(found, str):
            yield Reference(ReferenceKind.ADDRESS, found)
    yield from text_references(_query_of(attributes) or "")


def _query_of(attributes: Node) -> str | None:
    """Give the JQL of a card that lists issues."""
    source = attributes.get("datasource")
    parameters = source.get("parameters") if isinstance(source, dict) else None
    found = parameters.get("jql") if isinstance(parameters, dict) else None
    return found if isinstance(found, str) else None


def _rewrite_mark(mark: object, substitutions: Substitutions) -> object:
    if not isinstance(mark, dict) or mark.get("type") != "link":
        return mark
    attributes = attributes_of(mark)
    target = attributes.get("href")
    if not isinstance(target, str):
        return mark
    return {**mark, "attrs": {**attributes, "href": substitutions.address(target)}}


def _is_lost(node: object, substitutions: Substitutions) -> bool:
    if not isinstance(node, dict) or node.get("type") not in MEDIA_NODES:
        return False
    media = _media_id(attributes_of(node))
    return media is not None and substitutions.media(media) is None


def lost_file_text(name: str) -> str:
    """Say in a document's place of a file that the file is not there; comparison knows this text again."""
    return f"[file not restored: {name}]"


def lost_file(node: Node) -> Node:
    """Give the text node that stands for a media node whose file is not there."""
    attributes = attributes_of(node)
    return {"type": "text", "text": lost_file_text(str(attributes.get("alt") or attributes.get("id")))}


def _paragraph(*inline: Node) -> Node:
    return {"type": "paragraph", "content": list(inline)}


def _media_id(attributes: Node) -> str | None:
    """Give the media id of a stored file; pictures from elsewhere have an address instead."""
    found = attributes.get("id")
    if attributes.get("type") == _EXTERNAL_MEDIA or not isinstance(found, str) or not found:
        return None
    return found


def attributes_of(node: Node) -> Node:
    """Give a node's attributes, none where they are absent or malformed."""
    attributes = node.get("attrs")
    return attributes if isinstance(attributes, dict) else {}


def _marks(node: Node) -> list[Node]:
    marks = node.get("marks")
    return [mark for mark in marks if isinstance(mark, dict)] if isinstance(marks, list) else []


def _is_code(node: Node) -> bool:
    return any(mark.get("type") == "code" for mark in _marks(node))
