"""Rewriting references in rich text changes the references and nothing else, at any depth."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.references import (
    AddressBook,
    Reference,
    ReferenceKind,
    Substitutions,
    lost_file_text,
    media_ids,
    references,
    rewrite,
    site_base,
    walk,
)

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "adf"

words = st.text(min_size=1, max_size=12)
ids = st.sampled_from([f"m-{number}" for number in range(6)])
text_nodes = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, words),
    st.builds(lambda text: {"type": "text", "text": text, "marks": [{"type": "code"}]}, words),
    st.builds(
        lambda text, target: {
            "type": "text",
            "text": text,
            "marks": [{"type": "strong"}, {"type": "link", "attrs": {"href": target}}],
        },
        words,
        words,
    ),
    st.builds(lambda person: {"type": "mention", "attrs": {"id": person, "text": "@someone"}}, words),
    st.builds(lambda url: {"type": "inlineCard", "attrs": {"url": url}}, words),
    st.builds(lambda media: {"type": "mediaInline", "attrs": {"id": media, "collection": ""}}, ids),
    st.just({"type": "hardBreak"}),
)
paragraphs = st.builds(
    lambda inside: {"type": "paragraph", "content": inside}, st.lists(text_nodes, max_size=4)
)
media_nodes = st.one_of(
    st.builds(lambda media: {"type": "media", "attrs": {"type": "file", "id": media, "collection": ""}}, ids),
    st.just({"type": "media", "attrs": {"type": "external", "url": "https://pictures.example/a.png"}}),
)
blocks = st.recursive(
    st.one_of(
        paragraphs,
        st.just({"type": "rule"}),
        st.builds(
            lambda media: {"type": "mediaGroup", "content": media},
            st.lists(media_nodes, min_size=1, max_size=3),
        ),
        st.builds(
            lambda media: {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [media]},
            media_nodes,
        ),
    ),
    lambda inner: st.builds(
        lambda kind, inside: {"type": kind, "attrs": {"localId": "x"}, "content": inside},
        st.sampled_from(["panel", "blockquote", "bulletList", "listItem", "table"]),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)
documents = st.builds(
    lambda inside: {"type": "doc", "version": 1, "content": inside}, st.lists(blocks, max_size=5)
)


def shout(value: str) -> str:
    return f"<{value}>"


class TestLaws:
    @given(documents)
    def test_rewriting_with_itself_gives_an_equal_document(self, document: dict[str, Any]) -> None:
        assert document == rewrite(document, Substitutions(media=lambda media: media))

    @given(documents)
    def test_the_original_is_never_changed(self, document: dict[str, Any]) -> None:
        before = copy.deepcopy(document)

        rewrite(document, Substitutions(media=shout, person=shout, address=shout, text=shout))

        assert before == document

    @given(documents)
    def test_every_reference_becomes_its_substitute_and_keeps_its_place(
        self, document: dict[str, Any]
    ) -> None:
        kinds = {ReferenceKind.MEDIA, ReferenceKind.PERSON, ReferenceKind.ADDRESS}
        expected = [
            shout(found.value)
            for found in references(document)
            if found.kind in kinds and not is_in_text(found)
        ]

        rewritten = rewrite(document, Substitutions(media=shout, person=shout, address=shout))

        found = [
            found.value for found in references(rewritten) if found.kind in kinds and not is_in_text(found)
        ]
        assert expected == found

    @given(documents)
    def test_rewriting_there_and_back_gives_the_original(self, document: dict[str, Any]) -> None:
        there = rewrite(document, Substitutions(media=shout, person=shout, address=shout))
        back = rewrite(
            there, Substitutions(media=lambda v: v[1:-1], person=lambda v: v[1:-1], address=lambda v: v[1:-1])
        )

        assert document == back

    @given(documents)
    def test_no_media_is_left_where_files_have_no_counterpart(self, document: dict[str, Any]) -> None:
        lost = len(list(media_of(document)))

        rewritten = rewrite(document, Substitutions())

        assert set() == media_ids(rewritten)
        assert lost == sum(
            1 for node in walk(rewritten) if str(node.get("text", "")).startswith("[file not restored:")
        )
        assert not [node for node in walk(rewritten) if node.get("type") in HOLDERS and not has_media(node)]


HOLDERS = {"mediaSingle", "mediaGroup"}


def is_in_text(found: Reference) -> bool:
    return found.kind is ReferenceKind.ADDRESS and found.value.startswith("http")


def media_of(document: dict[str, Any]) -> Any:
    return (
        node
        for node in walk(document)
        if node.get("type") in {"media", "mediaInline"} and "id" in node["attrs"]
    )


def has_media(node: dict[str, Any]) -> bool:
    return any(child.get("type") == "media" for child in node["content"])


class TestPlaces:
    def test_keys_in_code_stay_as_they_are(self) -> None:
        document = {
            "type": "doc",
            "version": 1,
            "content": [
                {"type": "codeBlock", "content": [{"type": "text", "text": "ABC-1"}]},
                {
                    "type": "paragraph",
                    "content": [{"type": "text", "text": "ABC-1", "marks": [{"type": "code"}]}],
                },
                {"type": "paragraph", "content": [{"type": "text", "text": "see ABC-1."}]},
            ],
        }

        rewritten = rewrite(document, Substitutions(text=lambda text: text.replace("ABC-1", "NEW-7")))

        assert [node["text"] for node in walk(rewritten) if "text" in node] == [
            "ABC-1",
            "ABC-1",
            "see NEW-7.",
        ]

    def test_a_caption_outlives_its_lost_picture(self) -> None:
        picture = {
            "type": "media",
            "attrs": {"type": "file", "id": "gone", "collection": "", "alt": "plan.png"},
        }
        caption = {"type": "caption", "content": [{"type": "text", "text": "The plan"}]}
        document = {
            "type": "doc",
            "version": 1,
            "content": [
                {"type": "mediaSingle", "attrs": {"layout": "center"}, "content": [picture, caption]}
            ],
        }

        rewritten = rewrite(document, Substitutions())

        assert [
            {"type": "paragraph", "content": [{"type": "text", "text": lost_file_text("plan.png")}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "The plan"}]},
        ] == rewritten["content"]

    def test_a_group_keeps_the_files_that_are_there(self) -> None:
        group = {
            "type": "mediaGroup",
            "content": [
                {"type": "media", "attrs": {"type": "file", "id": "here", "collection": ""}},
                {"type": "media", "attrs": {"type": "file", "id": "gone", "collection": ""}},
            ],
        }

        rewritten = rewrite(
            {"type": "doc", "version": 1, "content": [group]},
            Substitutions(media={"here": "new"}.get),
        )

        assert {"new"} == media_ids(rewritten)
        assert [node["type"] for node in rewritten["content"]] == ["mediaGroup", "paragraph"]

    def test_a_document_deeper_than_the_interpreter_recurses_is_rewritten(self) -> None:
        node: dict[str, Any] = {"type": "text", "text": "deep"}
        for _ in range(20_000):
            node = {"type": "blockquote", "content": [node]}

        rewritten = rewrite(node, Substitutions(text=str.upper))

        assert [found["text"] for found in walk(rewritten) if "text" in found] == ["DEEP"]


class TestAddresses:
    book = AddressBook(
        source_bases=("https://old.example", "https://api.example/ex/jira/1"),
        target_base="https://new.example",
        keys={"ABC-1": "ABC-2", "ABC-2": "ABC-3"},
        attachments={"10": "77"},
        comments={"5": "6"},
        projects={"ABC": "XYZ"},
    )

    @pytest.mark.parametrize(
        ("address", "expected"),
        [
            ("https://old.example/browse/ABC-1", "https://new.example/browse/ABC-2"),
            (
                "https://old.example/browse/ABC-2?focusedCommentId=5&page=1",
                "https://new.example/browse/ABC-3?focusedCommentId=6&page=1",
            ),
            (
                "https://old.example/secure/attachment/10/ABC.png",
                "https://new.example/secure/attachment/77/ABC.png",
            ),
            (
                "https://old.example/rest/api/3/attachment/content/10",
                "https://new.example/rest/api/3/attachment/content/77",
            ),
            (
                "https://old.example/projects/ABC/board?selectedIssue=ABC-1",
                "https://new.example/projects/XYZ/board?selectedIssue=ABC-2",
            ),
            ("https://old.example/browse/ABC-12", "https://new.example/browse/ABC-12"),
            ("https://other.example/browse/ABC-1", "https://other.example/browse/ABC-1"),
            ("https://old.example.evil/browse/ABC-1", "https://old.example.evil/browse/ABC-1"),
            ("https://old.example/secure/attachment/100/a", "https://new.example/secure/attachment/100/a"),
        ],
    )
    def test_ids_in_addresses_of_the_source_follow_the_maps(self, address: str, expected: str) -> None:
        assert expected == self.book.rewrite_address(address)

    def test_keys_in_text_change_once_and_only_as_whole_words(self) -> None:
        text = "ABC-1, ABC-2 and (ABC-1) but not ABC-11, XABC-1, ABC-1-2, lib/ABC-1 or abc-1"

        assert (
            self.book.rewrite_text(text)
            == "ABC-2, ABC-3 and (ABC-2) but not ABC-11, XABC-1, ABC-1-2, lib/ABC-1 or abc-1"
        )

    def test_an_address_inside_text_is_rewritten_as_an_address(self) -> None:
        assert (
            self.book.rewrite_text("go to https://old.example/browse/ABC-1 or https://x.example/ABC-1")
            == "go to https://new.example/browse/ABC-2 or https://x.example/ABC-1"
        )

    def test_a_base_is_scheme_and_host(self) -> None:
        assert site_base("https://old.example/rest/api/3/project/1") == "https://old.example"


@cache
def schema_validator() -> Any:
    return jsonschema.Draft4Validator(json.loads((SHARED / "adf-full-schema-52.2.2.json").read_text()))


class TestAgainstTheSchema:
    @pytest.mark.skipif(
        not SHARED.is_dir(), reason="the shared rich-text schema lies outside this repository"
    )
    @pytest.mark.parametrize("name", ["jira_epic_description.json", "table_basic.json"])
    @pytest.mark.parametrize("keeps_media", [True, False])
    def test_what_was_valid_stays_valid(self, name: str, *, keeps_media: bool) -> None:
        document = json.loads((SHARED / name).read_text())
        validator = schema_validator()
        assert validator.is_valid(document)

        rewritten = rewrite(
            document,
            Substitutions(media=shout if keeps_media else Substitutions().media, address=shout, text=shout),
        )

        assert [error.message for error in validator.iter_errors(rewritten)] == []

    @pytest.mark.skipif(
        not SHARED.is_dir(), reason="the shared rich-text schema lies outside this repository"
    )
    @given(blocks.filter(lambda block: block["type"] in {"mediaGroup", "mediaSingle", "paragraph"}))
    def test_lost_files_leave_a_valid_document(self, block: dict[str, Any]) -> None:
        validator = schema_validator()
        document = {"version": 1, "type": "doc", "content": [block]}
        if not validator.is_valid(document):
            return

        assert [error.message for error in validator.iter_errors(rewrite(document, Substitutions()))] == []
