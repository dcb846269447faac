"""Ever plainer forms of rich text, for a target that refuses a document as it was.

What belongs here: which nodes become text in which order, and the words of a document as plain text.

What stays out: exchanging references (`domain.references`) and deciding when a document was refused (`writing`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import MEDIA_NODES, attributes_of, lost_file, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jira_backup_pipeline.domain.references import Node

_BLOCK_LEAVES = frozenset({"paragraph", "heading", "codeBlock", "rule", "blockCard", "embedCard", "media"})
_NOT_IN_EVERY_EDITOR = frozenset(
    {
        "bodiedExtension",
        "extension",
        "inlineExtension",
        "multiBodiedExtension",
        "extensionFrame",
        "syncBlock",
        "bodiedSyncBlock",
        "placeholder",
        "layoutSection",
        "nestedExpand",
        "expand",
        "blockTaskItem",
    }
)
_INLINE = frozenset({"mediaInline", "inlineExtension", "placeholder", "inlineCard", "mention", "emoji"})


def degradations(document: Node) -> Iterator[tuple[str, Node]]:
    """Give ever plainer forms of a document that a site refused, each with the words for the report.

    First files, then app content, then cards and people become text; last the whole document becomes plain paragraphs.
    Forms that equal the one before are left out.
    """
    before = document
    rungs = (
        ("files became text", frozenset({"mediaSingle", "mediaGroup", "media", "mediaInline"})),
        ("app content became text", _NOT_IN_EVERY_EDITOR),
        (
            "cards and mentions became text",
            frozenset({"inlineCard", "blockCard", "embedCard", "mention", "emoji"}),
        ),
    )
    flattened: frozenset[str] = frozenset()
    for words, kinds in rungs:
        flattened |= kinds
        form = _flatten(document, flattened)
        if form != before:
            before = form
            yield words, form
    plain = plain_document(plain_text(document))
    if plain != before:
        yield "the document became plain paragraphs", plain


def _flatten(document: Node, kinds: frozenset[str]) -> Node:
    """Copy a document in which nodes of these kinds became text or paragraphs of their text."""
    result: list[Any] = []
    stack: list[tuple[object, list[Any]]] = [(document, result)]
    while stack:
        node, out = stack.pop()
        if not isinstance(node, dict):
            out.append(node)
            continue
        if node.get("type") in kinds:
            words = plain_text(node) or f"[{node.get('type')}]"
            is_inline = node["type"] in _INLINE
            out.extend([{"type": "text", "text": words}] if is_inline else plain_document(words)["content"])
            continue
        copy = {name: member for name, member in node.items() if name != "content"}
        out.append(copy)
        children = node.get("content")
        if isinstance(children, list):
            inside: list[Any] = []
            copy["content"] = inside
            stack.extend((child, inside) for child in reversed(children))
    flat: Node = result[0]
    return flat


def plain_text(document: object) -> str:
    """Give all the words of a document, a line for each block."""
    parts: list[str] = []
    for node in walk(document):
        kind = node.get("type")
        attributes = attributes_of(node)
        if kind in _BLOCK_LEAVES and parts:
            parts.append("\n")
        if kind == "hardBreak":
            parts.append("\n")
        elif kind in MEDIA_NODES:
            parts.append(str(lost_file(node)["text"]))
        else:
            words = node.get("text", attributes.get("text", attributes.get("url", "")))
            parts.append(words if isinstance(words, str) else "")
    return "".join(parts).strip("\n")


def plain_document(text: str) -> Node:
    """Make a document of plain text, a paragraph for each line."""
    lines = text.split("\n") if text else []
    content = [_paragraph(line) if line else {"type": "paragraph"} for line in lines]
    return {"type": "doc", "version": 1, "content": content}


def _paragraph(text: str) -> Node:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}
