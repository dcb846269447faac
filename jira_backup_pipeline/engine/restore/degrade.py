"""Ever plainer forms of rich text, for a target that refuses a document as it was.

What belongs here: which nodes become text in which order, and the words of a document as plain text.

What stays out: exchanging references (`domain.references`) and deciding when a document was refused (`writing`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import MEDIA_NODES, attributes_of, lost_file, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from jira_backup_pipeline.domain.references import Node

_BLOCK_LEAVES = frozenset({"paragraph", "heading", "codeBlock", "rule", "blockCard", "embedCard", "media"})
_MARK = "mark:"
_INLINE = frozenset(
    {"mediaInline", "inlineExtension", "placeholder", "inlineCard", "mention", "emoji", "status", "date"}
)
# What every document is made of, and children that mean nothing without their parent: never degraded for themselves.
_PLAIN = frozenset({"doc", "paragraph", "text", "hardBreak"})
_PARTS = frozenset(
    {
        *("media", "caption", "listItem", "taskItem", "blockTaskItem", "decisionItem"),
        *("tableRow", "tableCell", "tableHeader", "layoutColumn", "extensionFrame"),
    }
)
# What editors know best, from what is refused most rarely; everything else comes before it.
_USUAL = (
    *(
        "heading",
        "bulletList",
        "orderedList",
        "codeBlock",
        "blockquote",
        "rule",
        "table",
        "panel",
        "taskList",
    ),
    *("decisionList", "emoji", "date", "status", "mention", "inlineCard", "expand", "layoutSection"),
    *("nestedExpand", "blockCard", "embedCard", "mediaInline", "mediaGroup", "mediaSingle"),
)


@dataclass(frozen=True, slots=True)
class Plainer:
    """A plainer form of a document: which kinds of node or mark it does without, in words and by name."""

    words: str
    document: Node
    without: frozenset[str]


def degradations(document: Node, refused: Collection[str] = ()) -> Iterator[Plainer]:
    """Give ever plainer forms of a document that a site refused.

    First without one kind of node or mark after the other, the rarest first, so that no more is lost than what the site
    does not know; kinds that were `refused` before come first, all at once. Then without more and more kinds together, and
    last as plain paragraphs.
    """
    kinds = sorted(_degradable(document), key=_rarity)
    known = [kind for kind in kinds if kind in refused]
    sets = [known, *([kind] for kind in kinds), *(kinds[:count] for count in range(2, len(kinds) + 1))]
    seen = [document]
    for names in sets:
        form = _without(document, frozenset(names))
        if form not in seen:
            seen.append(form)
            yield Plainer(_words(names), form, frozenset(names))
    plain = plain_document(plain_text(document))
    if plain not in seen:
        yield Plainer("the document became plain paragraphs", plain, frozenset())


def _degradable(document: Node) -> set[str]:
    found = set()
    for node in walk(document):
        kind = str(node.get("type"))
        if kind not in _PLAIN | _PARTS:
            found.add(kind)
        found.update(_mark(mark.get("type")) for mark in _marks_of(node))
    return found


def _rarity(kind: str) -> tuple[int, str]:
    is_mark = kind.startswith(_MARK)
    return (-_USUAL.index(kind) if kind in _USUAL else -len(_USUAL) - 1 - is_mark), kind


def _mark(name: object) -> str:
    return f"{_MARK}{name}"


def _marks_of(node: Node) -> list[Node]:
    found = node.get("marks")
    return [mark for mark in found if isinstance(mark, dict)] if isinstance(found, list) else []


def _words(kinds: Iterable[str]) -> str:
    nodes = [kind for kind in kinds if not kind.startswith(_MARK)]
    marks = [kind.removeprefix(_MARK) for kind in kinds if kind.startswith(_MARK)]
    parts = [f"{', '.join(nodes)} became text"] if nodes else []
    return "; ".join([*parts, *([f"the mark {', '.join(marks)} was taken off"] if marks else [])])


def _without(document: Node, kinds: frozenset[str]) -> Node:
    """Copy a document in which nodes of these kinds became text or paragraphs of their text, and marks are gone."""
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
        copy = _unmarked({name: member for name, member in node.items() if name != "content"}, kinds)
        out.append(copy)
        children = node.get("content")
        if isinstance(children, list):
            inside: list[Any] = []
            copy["content"] = inside
            stack.extend((child, inside) for child in reversed(children))
    flat: Node = result[0]
    return flat


def _unmarked(node: Node, kinds: frozenset[str]) -> Node:
    marks = _marks_of(node)
    kept = [mark for mark in marks if _mark(mark.get("type")) not in kinds]
    if len(kept) == len(marks):
        return node
    return (
        {**node, "marks": kept} if kept else {name: found for name, found in node.items() if name != "marks"}
    )


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
