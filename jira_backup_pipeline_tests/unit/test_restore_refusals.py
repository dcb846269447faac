"""A target refuses single nodes of a document: these and no others become text, and few questions find them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.references import walk
from jira_backup_pipeline.engine.restore.degrade import Place, degradable, degraded, plain_text
from jira_backup_pipeline.engine.restore.refusals import MOST_TRIES, Plainer, RefusedNodes, find_taken

if TYPE_CHECKING:
    from collections.abc import Callable

Node = dict[str, Any]


def text(words: str, *marks: str) -> Node:
    return {"type": "text", "text": words} | ({"marks": [{"type": mark} for mark in marks]} if marks else {})


def line(*inline: Node) -> Node:
    return {"type": "paragraph", "content": list(inline)}


def block(kind: str, *children: Node, **attributes: object) -> Node:
    return {"type": kind, "content": list(children)} | ({"attrs": attributes} if attributes else {})


def doc(*blocks: Node) -> Node:
    return {"type": "doc", "version": 1, "content": list(blocks)}


def panel(number: int, *children: Node) -> Node:
    return block("panel", *(children or (line(text(f"panel {number}")),)), panelType="info", number=number)


class Target:
    """Takes documents without certain nodes, and remembers what it was asked and what it holds."""

    def __init__(self, is_refused: Callable[[Node], bool]) -> None:
        self._is_refused = is_refused
        self.asked = 0
        self.holds: Node | None = None

    def accepts(self, document: Node) -> bool:
        self.asked += 1
        if any(self._is_refused(node) for node in walk(document)):
            return False
        self.holds = document
        return True

    def find(self, document: Node, known: RefusedNodes | None = None) -> Plainer:
        found = find_taken(document, self.accepts, known or RefusedNodes())
        assert found is not None
        assert self.holds == found.document
        return found


def numbered(*numbers: int) -> Callable[[Node], bool]:
    return lambda node: node.get("attrs", {}).get("number") in numbers


def test_one_panel_of_several_gives_way_to_its_own_children() -> None:
    mention = {"type": "mention", "attrs": {"id": "a", "text": "@A"}}
    document = doc(panel(1), panel(2, line(text("hello "), mention), block("bulletList")), panel(3))
    target = Target(numbered(2))

    found = target.find(document)

    assert found.places == (Place((1,), "panel"),)
    assert found.document == doc(panel(1), line(text("hello "), mention), block("bulletList"), panel(3))
    assert "panel at 1" in found.words


def test_only_the_mark_that_is_refused_is_taken_off() -> None:
    document = doc(line(text("words", "glow", "strong"), text("more", "strong")))

    found = Target(lambda node: any(mark["type"] == "glow" for mark in node.get("marks", ()))).find(document)

    assert found.places == (Place((0, 0), "mark:glow"),)
    assert found.document == doc(line(text("words", "strong"), text("more", "strong")))


def test_a_refused_table_leaves_the_lines_and_nodes_of_its_cells() -> None:
    emoji = {"type": "emoji", "attrs": {"shortName": ":smile:", "text": "☺"}}
    inside = block("nestedExpand", line(text("deep")), title="More")
    row = block("tableRow", block("tableCell", line(text("a"), emoji)), block("tableHeader", inside))

    found = Target(lambda node: node["type"] in {"table", "nestedExpand"}).find(doc(block("table", row)))

    # Outside of a cell the nested form is not valid: it is the ordinary one there.
    assert found.document == doc(line(text("a"), emoji), block("expand", line(text("deep")), title="More"))
    assert found.places == (Place((0,), "table"),) or len(found.places) == 2


def test_lists_tasks_and_titles_keep_their_words() -> None:
    tasks = block(
        "taskList",
        block("taskItem", text("do it"), state="TODO"),
        block("taskList", block("taskItem", text("and this"))),
    )
    document = doc(block("expand", block("heading", text("head", "em"), level=2), tasks, title="Title"))
    places = degradable(document)

    flat = degraded(document, places)

    assert flat == doc(line(text("Title")), line(text("head")), line(text("do it")), line(text("and this")))
    inner = next(place for place in places if place.name == "taskList" and len(place.path) == 3)
    lifted = degraded(document, [inner])["content"][0]["content"][1]
    assert [item["type"] for item in lifted["content"]] == ["taskItem", "taskItem"]


def test_what_has_no_words_is_named() -> None:
    document = doc(block("extension", extensionKey="toc"), line({"type": "inlineExtension", "attrs": {}}))

    assert plain_text(degraded(document, degradable(document))) == "[toc]\n[inlineExtension]"


def test_what_was_refused_before_is_tried_first_and_still_told_from_its_likes() -> None:
    known = RefusedNodes()
    Target(numbered(7)).find(doc(*(panel(number) for number in range(40))), known)
    target = Target(numbered(7))

    found = target.find(doc(*(panel(number) for number in range(40))), known)

    assert found.places == (Place((7,), "panel"),)
    assert target.asked == 1


def test_a_text_that_is_refused_for_itself_is_not_changed_in_vain() -> None:
    long = Target(lambda node: len(node.get("text", "")) > 5)

    assert find_taken(doc(panel(1, line(text("much too long")))), long.accepts, RefusedNodes()) is None
    assert long.asked <= 2


def test_a_document_that_goes_only_as_plain_paragraphs_goes_so() -> None:
    strict = Target(lambda node: node["type"] == "hardBreak")

    found = strict.find(doc(line(text("a"), {"type": "hardBreak"}, text("b"))))

    assert (found.places, found.document) == ((), doc(line(text("a")), line(text("b"))))


@given(
    st.integers(1, 90).flatmap(
        lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
    )
)
def test_exactly_the_refused_nodes_go_and_the_questions_grow_with_the_logarithm(
    case: tuple[int, set[int]],
) -> None:
    count, refused = case
    # Every third stands inside the one before it.
    blocks: list[Node] = []
    for number in range(count):
        if number % 3 == 2:
            blocks[-1]["content"].append(panel(number))
        else:
            blocks.append(panel(number))
    target = Target(numbered(*refused))

    found = target.find(doc(*blocks))

    left = {node["attrs"]["number"] for node in walk(found.document) if node["type"] == "panel"}
    assert left == set(range(count)) - refused
    assert len(found.places) == len(refused)
    assert target.asked <= 3 + len(refused) * (2 * math.ceil(math.log2(count + 1)) + 2)


def test_the_questions_are_bounded_and_no_word_is_lost() -> None:
    blocks = [panel(number) for number in range(400)]
    target = Target(lambda node: node.get("attrs", {}).get("number", 1) % 2 == 0)

    found = target.find(doc(*blocks))

    assert target.asked <= MOST_TRIES + 2
    assert "not told apart" in found.words
    assert plain_text(found.document) == plain_text(doc(*blocks))
