"""Plainer forms of rich text: single nodes and marks taken out of a document, their words and children kept.

What belongs here: which nodes can be refused for themselves, what stands in their place, and a document's words as plain text.

What stays out: exchanging references (`domain.references`) and finding out which nodes a target refuses (`refusals`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jira_backup_pipeline.domain.references import MEDIA_NODES, attributes_of, lost_file, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from jira_backup_pipeline.domain.references import Node

_BLOCK_LEAVES = frozenset({"paragraph", "heading", "codeBlock", "rule", "blockCard", "embedCard", "media"})
_MARK = "mark:"
_INLINE = frozenset(
    {
        *("text", "hardBreak", "mediaInline", "inlineExtension", "placeholder"),
        *("inlineCard", "mention", "emoji", "status", "date"),
    }
)
# Whatever stands in these is part of a line, also a kind that this code does not know.
_LINES = frozenset({"paragraph", "heading", "taskItem", "decisionItem", "caption", "codeBlock"})
# What every document is made of, and children that mean nothing without their parent: never degraded for themselves.
_PLAIN = frozenset({"doc", "paragraph", "text", "hardBreak"})
_PARTS = frozenset(
    {
        *("media", "caption", "listItem", "taskItem", "blockTaskItem", "decisionItem"),
        *("tableRow", "tableCell", "tableHeader", "layoutColumn", "extensionFrame"),
    }
)
# Their words are all there is to keep: no child of theirs stands for itself.
_LEAVES = frozenset({"codeBlock", "mediaSingle", "mediaGroup"})
_EXPAND_INSIDE = "nestedExpand"
_HOLDS_NESTED = frozenset({"tableCell", "tableHeader", "expand"})

Path = tuple[int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A node or mark of a document: the positions that lead to it from the root, and its kind (`mark:` before marks)."""

    path: Path
    name: str

    @property
    def is_node(self) -> bool:
        """Tell a node from a mark on one."""
        return not self.name.startswith(_MARK)

    def is_mark(self, mark: object) -> bool:
        """Tell whether this names the given mark."""
        return isinstance(mark, dict) and self.name == _mark(mark.get("type"))

    @property
    def kind(self) -> str:
        """Give the kind for people."""
        return self.name if self.is_node else f"mark {self.name.removeprefix(_MARK)}"

    @property
    def steps(self) -> str:
        """Give the positions as a path, `0/3/1`."""
        return "/".join(map(str, self.path))

    def __str__(self) -> str:
        """Name it for people and reports: kind and path."""
        return f"{self.kind} at {self.steps}"


@dataclass(frozen=True, slots=True)
class _Item:
    """A node on its way into the copy. `into` is the kind of node that takes it, `path` None for one of our own making."""

    node: Any
    path: Path | None
    into: str
    out: list[Any]
    is_lifted: bool = False
    children: tuple[tuple[Any, Path], ...] | None = None


def degradable(document: Node) -> tuple[Place, ...]:
    """Give every node and mark that a site may refuse while it takes the rest, in reading order."""
    found: list[Place] = []
    stack: list[tuple[object, Path]] = [(document, ())]
    while stack:
        node, path = stack.pop()
        if not isinstance(node, dict):
            continue
        kind = str(node.get("type"))
        if kind not in _PLAIN | _PARTS:
            found.append(Place(path, kind))
        found.extend(dict.fromkeys(Place(path, _mark(mark.get("type"))) for mark in _marks_of(node)))
        stack.extend(reversed(_children_of(node, path)))
    return tuple(found)


def degraded(document: Node, places: Collection[Place]) -> Node:
    """Copy a document in which these nodes and marks are no more.

    A mark is taken off. A node within a line becomes its words; a block gives way to its own blocks and lines, which stand
    in its place, or to its words where it has none. Walks without recursion, so depth does not matter.
    """
    gone = frozenset(places)
    result: list[Any] = []
    stack = [_Item(document, (), "", result)]
    while stack:
        item = stack.pop()
        node = item.node
        if not isinstance(node, dict):
            item.out.append(node)
            continue
        kind = str(node.get("type"))
        is_gone = item.path is not None and Place(item.path, kind) in gone
        if is_gone or (item.is_lifted and kind in _PARTS and not _is_at_home(kind, item.into)):
            stack.extend(reversed(_in_place_of(item)))
            continue
        copy = _unmarked(
            {name: member for name, member in node.items() if name != "content"}, item.path, gone
        )
        if kind == _EXPAND_INSIDE and item.is_lifted and item.into not in _HOLDS_NESTED:
            copy["type"] = "expand"
        item.out.append(copy)
        children = item.children
        if children is None and "content" in node:
            if not isinstance(node["content"], list):
                copy["content"] = node["content"]
                continue
            children = tuple(_children_of(node, item.path or ()))
        if children is not None:
            inside: list[Any] = []
            copy["content"] = inside
            stack.extend(_Item(child, path, kind, inside) for child, path in reversed(children))
    flat: Node = result[0]
    return flat


def _in_place_of(item: _Item) -> list[_Item]:
    """Give what stands in the place of a node that is no more."""
    node, kind = item.node, str(item.node.get("type"))
    if kind in _INLINE or item.into in _LINES:
        words = plain_text(node).replace("\n", " ") or f"[{kind}]"
        return [_Item({"type": "text", "text": words}, None, item.into, item.out)]
    children = _children_of(node, item.path or ())
    title = attributes_of(node).get("title")
    ours = [_paragraph(title)] if isinstance(title, str) and title else []
    if not children or kind in _LEAVES:
        words = plain_text(node)
        ours += plain_document(words)["content"] if words else []
        if not ours and not item.is_lifted:
            ours = [_paragraph(f"[{attributes_of(node).get('extensionKey') or kind}]")]
    result = [_Item(made, None, item.into, item.out) for made in ours]
    if kind in _LEAVES:
        return result
    line: list[tuple[Any, Path]] = []
    for child, path in children:
        name = str(child.get("type")) if isinstance(child, dict) else ""
        if name in _INLINE or kind in _LINES:
            line.append((child, path))
            continue
        result += _line(item, line)
        line = []
        result.append(_Item(child, path, item.into, item.out, is_lifted=True))
    return result + _line(item, line)


def _line(item: _Item, children: list[tuple[Any, Path]]) -> list[_Item]:
    """Wrap what was a line of a heading, task or the like into a paragraph."""
    if not children:
        return []
    return [_Item({"type": "paragraph"}, None, item.into, item.out, children=tuple(children))]


def _is_at_home(kind: str, into: str) -> bool:
    """Tell whether a part may stand where it was lifted to: a task of a list inside a list of tasks."""
    return into == "taskList" and kind in {"taskItem", "blockTaskItem"}


def _children_of(node: Node, path: Path) -> list[tuple[Any, Path]]:
    children = node.get("content")
    if not isinstance(children, list):
        return []
    return [(child, (*path, position)) for position, child in enumerate(children)]


def _mark(name: object) -> str:
    return f"{_MARK}{name}"


def _marks_of(node: Node) -> list[Node]:
    found = node.get("marks")
    return [mark for mark in found if isinstance(mark, dict)] if isinstance(found, list) else []


def _unmarked(node: Node, path: Path | None, gone: frozenset[Place]) -> Node:
    marks = _marks_of(node)
    kept = [mark for mark in marks if path is None or Place(path, _mark(mark.get("type"))) not in gone]
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


def names_of(places: Iterable[Place]) -> str:
    """Name nodes and marks in one line."""
    return ", ".join(str(place) for place in sorted(places))


def _paragraph(text: str) -> Node:
    return {"type": "paragraph", "content": [{"type": "text", "text": text}]}
