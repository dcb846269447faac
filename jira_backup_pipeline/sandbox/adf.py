"""What a server must know of the Atlassian Document Format, and no more.

What belongs here: the plain text of a document, a document of plain text, the media ids a document shows, and
why a value is no valid document. Walks go without recursion, so depth does not matter.

What stays out: composing rich documents for made issues (``seed.documents``), turning one into HTML
(``rendering``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jira_backup_pipeline.sandbox.http import Json, JsonObject

_BLOCKS = frozenset(
    [
        "blockquote",
        "blockCard",
        "bodiedExtension",
        "bulletList",
        "codeBlock",
        "decisionList",
        "embedCard",
        "expand",
        "extension",
        "heading",
        "layoutSection",
        "mediaGroup",
        "mediaSingle",
        "nestedExpand",
        "orderedList",
        "panel",
        "paragraph",
        "rule",
        "table",
        "taskList",
        "multiBodiedExtension",
        "extensionFrame",
        "blockTaskItem",
        "syncBlock",
        "bodiedSyncBlock",
    ]
)
_OTHERS = frozenset(
    [
        "doc",
        "text",
        "hardBreak",
        "mention",
        "emoji",
        "inlineCard",
        "date",
        "status",
        "placeholder",
        "inlineExtension",
        "mediaInline",
        "media",
        "caption",
        "listItem",
        "taskItem",
        "decisionItem",
        "tableRow",
        "tableCell",
        "tableHeader",
        "layoutColumn",
    ]
)
NODE_TYPES = _BLOCKS | _OTHERS
_ATTRIBUTE_NEEDED = {
    "mention": "id",
    "emoji": "shortName",
    "date": "timestamp",
    "status": "text",
    "heading": "level",
}


def document(text: str) -> JsonObject:
    """A document with one paragraph for each line of plain text."""
    content = [
        {"type": "paragraph", "content": [{"type": "text", "text": line}]} if line else {"type": "paragraph"}
        for line in text.split("\n")
    ]
    return {"type": "doc", "version": 1, "content": content}


def plain_text(value: Json) -> str:
    """All the text of a document, a line for each block; walks without recursion, so depth does not matter."""
    if not isinstance(value, dict):
        return value if isinstance(value, str) else ""
    parts: list[str] = []
    stack: list[Json] = [value]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        kind = node.get("type")
        if kind in {"paragraph", "heading", "codeBlock"} and parts:
            parts.append("\n")
        attributes = node.get("attrs") or {}
        if kind == "text":
            parts.append(str(node.get("text", "")))
        elif kind in {"mention", "emoji", "status"}:
            parts.append(str(attributes.get("text", "")))
        elif kind in {"inlineCard", "blockCard", "embedCard"}:
            parts.append(str(attributes.get("url", "")))
        elif kind == "hardBreak":
            parts.append("\n")
        stack.extend(reversed(node.get("content") or []))
    return "".join(parts)


def problem(value: Json, refused: Sequence[JsonObject] = ()) -> str | None:
    """Why a value is no valid document, or None. Checked without recursion.

    ``refused`` are nodes (``type`` and ``attrs``) or marks (``mark`` and ``attrs``) that this site does not take.
    """
    if not isinstance(value, dict) or value.get("type") != "doc" or value.get("version") != 1:
        return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    stack: list[Json] = [value]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict) or node.get("type") not in NODE_TYPES or _is_refused(node, refused):
            return "INVALID_INPUT"
        kind = str(node["type"])
        if kind == "text" and (not isinstance(node.get("text"), str) or not node["text"]):
            return "INVALID_INPUT"
        needed = _ATTRIBUTE_NEEDED.get(kind)
        if needed is not None and needed not in (node.get("attrs") or {}):
            return "INVALID_INPUT"
        children = node.get("content")
        if children is not None and not isinstance(children, list):
            return "INVALID_INPUT"
        stack.extend(children or [])
    return None


def _is_refused(node: JsonObject, refused: Sequence[JsonObject]) -> bool:
    return any(_is_like(node, rule) for rule in refused)


def _is_like(node: JsonObject, rule: JsonObject) -> bool:
    """Whether a node, or a mark on it, is of the kind a rule names and has at least the rule's attributes."""
    name = "mark" if "mark" in rule else "type"
    candidates = (node.get("marks") or []) if name == "mark" else [node]
    wanted: JsonObject = rule.get("attrs") or {}
    return any(
        found.get("type") == rule[name] and wanted.items() <= (found.get("attrs") or {}).items()
        for found in candidates
    )


def media_ids(value: Json) -> list[str]:
    """The media ids a document shows (file and link media, not external ones)."""
    found: list[str] = []
    stack: list[Json] = [value]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        if node.get("type") in {"media", "mediaInline"}:
            attributes = node.get("attrs") or {}
            if attributes.get("type") != "external" and attributes.get("id"):
                found.append(str(attributes["id"]))
        stack.extend(reversed(node.get("content") or []))
    return found
