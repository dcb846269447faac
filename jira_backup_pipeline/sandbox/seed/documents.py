"""Made rich text: documents with every sort of node that Jira writes.

What belongs here: nodes, and their mixture in descriptions and comments, with references to given people and
issues.

What stays out: nodes and marks that few people use (``rare_nodes``), plain prose (``prose``), who and what
may be referred to (``bodies``), and whether a document is valid (``adf``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import SITE_BASE, JsonObject
from jira_backup_pipeline.sandbox.seed import prose
from jira_backup_pipeline.sandbox.seed.rare_nodes import rare_blocks

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a document may refer to: people, other issues' keys and the issue's own media."""

    people: list[tuple[str, str]]
    keys: list[str]
    media: list[str]


def text(value: str, *marks: JsonObject) -> JsonObject:
    """A text node."""
    return {"type": "text", "text": value, "marks": list(marks)} if marks else {"type": "text", "text": value}


def block(kind: str, *content: JsonObject, **attributes: object) -> JsonObject:
    """A node with children and attributes."""
    node: JsonObject = {"type": kind}
    if attributes:
        node["attrs"] = attributes
    if content:
        node["content"] = list(content)
    return node


def paragraph(source: random.Random) -> JsonObject:
    """A paragraph of plain prose."""
    return block("paragraph", text(prose.paragraph(source)))


def _decorated(source: random.Random, around: Surroundings) -> JsonObject:
    account_id, name = source.choice(around.people)
    nodes = [
        text(prose.sentence(source) + " "),
        text(prose.phrase(source, 1, 3), {"type": "strong"}),
        text(" "),
        {"type": "mention", "attrs": {"id": account_id, "text": f"@{name}", "accessLevel": ""}},
        text(" "),
        text("code_name", {"type": "code"}),
        {"type": "emoji", "attrs": {"shortName": ":slight_smile:", "id": "1f642", "text": "🙂"}},
    ]
    if around.keys:
        key = source.choice(around.keys)
        nodes += [
            text(f" See {key} and "),
            text("the other one", {"type": "link", "attrs": {"href": f"{SITE_BASE}/browse/{key}"}}),
            text(" "),
            {"type": "inlineCard", "attrs": {"url": f"{SITE_BASE}/browse/{source.choice(around.keys)}"}},
        ]
    return {"type": "paragraph", "content": nodes}


def _list(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    items = [block("listItem", paragraph(source)) for _ in range(source.randint(2, 4))]
    return block("bulletList", *items) if source.random() < 0.6 else block("orderedList", *items, order=1)


def _heading(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    return block("heading", text(prose.phrase(source, 2, 5)), level=source.randint(1, 4))


def _code(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    lines = [f"{word} = {source.randint(0, 999)}" for word in prose.words(source, source.randint(2, 8))]
    return block("codeBlock", text("\n".join(lines)), language="python")


def _panel(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    return block(
        "panel", paragraph(source), panelType=source.choice(["info", "note", "warning", "success", "error"])
    )


def _table(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    columns = source.randint(2, 3)
    head = [
        block("tableHeader", block("paragraph", text(prose.phrase(source, 1, 2)))) for _ in range(columns)
    ]
    rows = [block("tableRow", *head)]
    for _ in range(source.randint(1, 3)):
        cells = [
            block("tableCell", block("paragraph", text(prose.phrase(source, 1, 4)))) for _ in range(columns)
        ]
        rows.append(block("tableRow", *cells))
    return block("table", *rows, isNumberColumnEnabled=False, layout="default")


def _tasks(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    items = [
        block(
            "taskItem",
            text(prose.sentence(source)),
            localId=f"{source.getrandbits(64):016x}",
            state=source.choice(["TODO", "DONE"]),
        )
        for _ in range(source.randint(1, 3))
    ]
    return block("taskList", *items, localId=f"{source.getrandbits(64):016x}")


def _decisions(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    item = block(
        "decisionItem",
        text(prose.sentence(source)),
        localId=f"{source.getrandbits(64):016x}",
        state="DECIDED",
    )
    return block("decisionList", item, localId=f"{source.getrandbits(64):016x}")


def _quote(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    return block("blockquote", paragraph(source))


def _expand(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    return block("expand", paragraph(source), title=prose.phrase(source, 1, 3))


def _dated(source: random.Random, around: Surroundings) -> JsonObject:
    del around
    return block(
        "paragraph",
        text("Due "),
        {"type": "date", "attrs": {"timestamp": str(1_700_000_000_000 + source.randrange(600) * 86_400_000)}},
        {"type": "hardBreak"},
        {
            "type": "status",
            "attrs": {
                "text": "ON TRACK",
                "color": "green",
                "localId": f"{source.getrandbits(64):016x}",
                "style": "",
            },
        },
    )


def _card(source: random.Random, around: Surroundings) -> JsonObject:
    if not around.keys:
        return {"type": "rule"}
    return {"type": "blockCard", "attrs": {"url": f"{SITE_BASE}/browse/{source.choice(around.keys)}"}}


_RICH: tuple[Callable[[random.Random, Surroundings], JsonObject], ...] = (
    _decorated,
    _list,
    _heading,
    _code,
    _panel,
    _table,
    _tasks,
    _decisions,
    _quote,
    _expand,
    _dated,
    _card,
)


def media(media_uuid: str, *, alt: str = "screenshot") -> JsonObject:
    """A picture in the text: it names the media id, not the attachment id."""
    node = {
        "type": "media",
        "attrs": {
            "type": "file",
            "id": media_uuid,
            "collection": "",
            "width": 640,
            "height": 360,
            "alt": alt,
        },
    }
    return {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [node]}


def description(source: random.Random, around: Surroundings) -> JsonObject:
    """An issue's description: mostly paragraphs, sometimes everything."""
    content = [paragraph(source) for _ in range(source.randint(1, 2))]
    if source.random() < 0.35:
        content.extend(make(source, around) for make in source.sample(_RICH, k=source.randint(1, 3)))
    content.extend(media(media_uuid) for media_uuid in around.media)
    return {"type": "doc", "version": 1, "content": content}


def every_node(source: random.Random, around: Surroundings) -> JsonObject:
    """A document with each sort of node and mark of the published schema."""
    content = [paragraph(source), {"type": "rule"}, *(make(source, around) for make in _RICH)]
    content.extend(rare_blocks(around.keys, around.media))
    content.extend(media(media_uuid) for media_uuid in around.media)
    return {"type": "doc", "version": 1, "content": content}


def note(source: random.Random, around: Surroundings) -> JsonObject:
    """A comment's text."""
    first = _decorated(source, around) if source.random() < 0.15 else paragraph(source)
    content = [first] + ([paragraph(source)] if source.random() < 0.2 else [])
    return {"type": "doc", "version": 1, "content": content}
