"""Made rich text that few people write: the nodes and marks of the published schema that ``documents`` does not mix in.

What belongs here: one fixed sample of each, where the schema allows it to stand.

What stays out: common nodes and their mixture (``documents``), and whether a document is valid (``adf``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jira_backup_pipeline.sandbox.http import SITE_BASE

if TYPE_CHECKING:
    from jira_backup_pipeline.sandbox.http import JsonObject

_EXTENSION = {"extensionType": "com.example.made.app", "extensionKey": "made-macro"}
_LOCAL = "5a3c9f1e-0000-4000-8000-00000000000"


def _text(words: str, *marks: JsonObject) -> JsonObject:
    return {"type": "text", "text": words, "marks": list(marks)} if marks else {"type": "text", "text": words}


def _paragraph(*inline: JsonObject, marks: list[JsonObject] | None = None) -> JsonObject:
    node: JsonObject = {"type": "paragraph", "content": list(inline)}
    return {**node, "marks": marks} if marks else node


def rare_blocks(keys: list[str], media: list[str]) -> list[JsonObject]:
    """Blocks with each rare node and mark; links lead to these issues, files are these media."""
    address = f"{SITE_BASE}/browse/{keys[0]}" if keys else f"{SITE_BASE}/projects"
    return [*_marked(address), *_framed(), *_linked(address, keys), *_extended(), *_files(media, address)]


def _marked(address: str) -> list[JsonObject]:
    words = _paragraph(
        _text("slanted", {"type": "em"}),
        _text("struck", {"type": "strike"}),
        _text("under", {"type": "underline"}),
        _text("2", {"type": "subsup", "attrs": {"type": "sup"}}),
        _text("red", {"type": "textColor", "attrs": {"color": "#ff5630"}}),
        _text("lit", {"type": "backgroundColor", "attrs": {"color": "#fedec8"}}),
        _text(
            "noted", {"type": "annotation", "attrs": {"id": f"{_LOCAL}1", "annotationType": "inlineComment"}}
        ),
        _text("led", {"type": "link", "attrs": {"href": address, "title": "the other one"}}),
    )
    return [
        words,
        _paragraph(_text("in the middle"), marks=[{"type": "alignment", "attrs": {"align": "center"}}]),
        _paragraph(_text("further in"), marks=[{"type": "indentation", "attrs": {"level": 2}}]),
    ]


def _framed() -> list[JsonObject]:
    column: JsonObject = {
        "type": "layoutColumn",
        "attrs": {"width": 50},
        "content": [_paragraph(_text("half"))],
    }
    wide: JsonObject = {
        "type": "layoutSection",
        "marks": [{"type": "breakout", "attrs": {"mode": "wide"}}],
        "content": [column, column],
    }
    inner: JsonObject = {
        "type": "nestedExpand",
        "attrs": {"title": "more"},
        "content": [_paragraph(_text("inside"))],
    }
    table: JsonObject = {
        "type": "table",
        "attrs": {"isNumberColumnEnabled": True, "layout": "wide", "localId": f"{_LOCAL}2"},
        "marks": [{"type": "fragment", "attrs": {"localId": f"{_LOCAL}3", "name": "numbers"}}],
        "content": [
            {
                "type": "tableRow",
                "content": [
                    {
                        "type": "tableCell",
                        "attrs": {"colspan": 2, "rowspan": 1, "colwidth": [120, 80], "background": "#deebff"},
                        "content": [inner],
                    }
                ],
            }
        ],
    }
    task: JsonObject = {
        "type": "taskList",
        "attrs": {"localId": f"{_LOCAL}4"},
        "content": [
            {
                "type": "blockTaskItem",
                "attrs": {"localId": f"{_LOCAL}5", "state": "TODO"},
                "content": [_paragraph(_text("a task of two"), {"type": "hardBreak"}, _text("lines"))],
            }
        ],
    }
    items: list[JsonObject] = [
        {"type": "listItem", "content": [_paragraph(_text(word))]} for word in ("first", "next")
    ]
    counted: JsonObject = {"type": "orderedList", "attrs": {"order": 3}, "content": items}
    return [wide, table, task, counted]


def _linked(address: str, keys: list[str]) -> list[JsonObject]:
    query = f"key in ({keys[0]}) ORDER BY key" if keys else "ORDER BY key"
    source: JsonObject = {
        "id": f"{_LOCAL}8",
        "parameters": {"cloudId": f"{_LOCAL}9", "jql": query},
        "views": [{"type": "table", "properties": {"columns": [{"key": "summary"}]}}],
    }
    return [
        {"type": "blockCard", "attrs": {"datasource": source, "layout": "wide"}},
        {"type": "embedCard", "attrs": {"url": address, "layout": "center", "width": 80}},
        _paragraph({"type": "placeholder", "attrs": {"text": "fill this in"}}),
    ]


def _extended() -> list[JsonObject]:
    source: JsonObject = {"type": "dataConsumer", "attrs": {"sources": [f"{_LOCAL}3"]}}
    return [
        {
            "type": "extension",
            "attrs": {**_EXTENSION, "parameters": {"depth": 3, "nested": {"list": [1, "two"]}}},
            "marks": [source],
        },
        {
            "type": "bodiedExtension",
            "attrs": {**_EXTENSION, "layout": "default"},
            "content": [_paragraph(_text("a body"))],
        },
        _paragraph({"type": "inlineExtension", "attrs": {**_EXTENSION, "text": "in line"}}),
        {"type": "syncBlock", "attrs": {"resourceId": "made/1", "localId": f"{_LOCAL}6"}},
        {
            "type": "bodiedSyncBlock",
            "attrs": {"resourceId": "made/2", "localId": f"{_LOCAL}7"},
            "content": [_paragraph(_text("shared words"))],
        },
    ]


def _files(media: list[str], address: str) -> list[JsonObject]:
    elsewhere: JsonObject = {
        "type": "mediaSingle",
        "attrs": {"layout": "center"},
        "content": [
            {"type": "media", "attrs": {"type": "external", "url": "https://docs.example.invalid/a.png"}},
            {"type": "caption", "content": [_text("from elsewhere")]},
        ],
    }
    blocks = [elsewhere]
    for found in media[:1]:
        marks: list[JsonObject] = [
            {"type": "border", "attrs": {"size": 2, "color": "#091e4224"}},
            {"type": "link", "attrs": {"href": address}},
        ]
        file: JsonObject = {"type": "media", "attrs": {"type": "file", "id": found, "collection": ""}}
        blocks += [
            {"type": "mediaGroup", "content": [file]},
            _paragraph(
                _text("see "),
                {"type": "mediaInline", "attrs": {"type": "file", "id": found, "collection": ""}},
            ),
            {
                "type": "mediaSingle",
                "attrs": {"layout": "wrap-left", "width": 40},
                "content": [
                    {**file, "marks": marks},
                    {"type": "caption", "content": [_text("with words below")]},
                ],
            },
        ]
    return blocks
