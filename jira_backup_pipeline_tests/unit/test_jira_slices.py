"""Slices are the very bytes that Jira sent, whatever a page holds, and one odd record never spoils its page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.jira.wire import scanner, slices
from jira_backup_pipeline.jira.wire.messages import Garbled

_SPACES = st.text(alphabet=" \t\r\n", max_size=3)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def written_values(draw: st.DrawFn) -> bytes:
    """A JSON value in one of the many ways in which it can be written."""
    value = draw(_VALUES)
    separators = draw(st.sampled_from([(",", ":"), (" , ", " : "), (",\n", ":\t")]))
    return json.dumps(value, ensure_ascii=draw(st.booleans()), separators=separators).encode(
        "utf-8", "surrogatepass"
    )


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[bytes], bytes]:
    elements = draw(st.lists(written_values(), max_size=6))
    gaps = [draw(_SPACES).encode() for _ in range(2 * len(elements) + 2)]
    inside = b",".join(
        gaps[2 * place] + element + gaps[2 * place + 1] for place, element in enumerate(elements)
    )
    return elements, gaps[-1] + b"[" + inside + b"]" + gaps[-2]


@given(arrays())
def test_the_slices_of_an_array_are_its_exact_bytes(case: tuple[list[bytes], bytes]) -> None:
    elements, body = case

    assert elements == [bytes(item) for item in slices.split_array(body)]


@given(arrays())
def test_the_forgiving_scanner_cuts_as_the_strict_decoder_does(case: tuple[list[bytes], bytes]) -> None:
    elements, body = case

    assert elements == scanner.split_array(body)


@given(st.dictionaries(st.text(max_size=8).filter(str.isprintable), written_values(), max_size=6))
def test_the_slices_of_an_object_are_its_exact_bytes(members: dict[str, bytes]) -> None:
    body = (
        b"{" + b", ".join(json.dumps(name).encode() + b" :" + value for name, value in members.items()) + b"}"
    )

    assert members == {name: bytes(item) for name, item in slices.split_object(body).items()}
    assert members == scanner.split_object(body)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_json_never_come_through_as_slices_of_something_else(body: bytes) -> None:
    try:
        found = slices.split_array(body)
    except Garbled:
        return
    assert all(bytes(item) in body for item in found)
    assert body.strip(b" \t\r\n\xef\xbb\xbf").startswith(b"[")


@given(written_values().filter(lambda value: value[:1] in b"[{" and len(value) > 2), st.data())
def test_an_answer_cut_anywhere_is_noticed(value: bytes, data: st.DataObject) -> None:
    body = b'{"values":[' + value + b"]}"
    cut = body[: data.draw(st.integers(min_value=0, max_value=len(body) - 1))]

    with pytest.raises(Garbled):
        slices.Page.read(cut, "values")


_ODD_RECORDS = {
    "a lone surrogate": rb'{"id":"2","fields":{"summary":"\ud800 alone"}}',
    "deep nesting": b'{"id":"2","fields":{"x":' + b"[" * 3_000 + b"]" * 3_000 + b"}}",
    "bytes that are not UTF-8": b'{"id":"2","fields":{"summary":"caf\xe9"}}',
    "a control character": b'{"id":"2","fields":{"summary":"a\x01b"}}',
    "a number beyond a float": b'{"id":"2","fields":{"x":1e999}}',
}


@pytest.mark.parametrize("odd", _ODD_RECORDS.values(), ids=_ODD_RECORDS.keys())
def test_one_odd_record_keeps_its_bytes_and_leaves_its_neighbours_alone(odd: bytes) -> None:
    body = b'{"issues":[{"id":"1"},' + odd + b',{"id":"3"}],"total":3}'

    page = slices.Page.read(body, "issues")

    assert [b'{"id":"1"}', odd, b'{"id":"3"}'] == [bytes(item) for item in page.items]
    assert page.number("total") == 3
    values: list[Any] = [slices.read_value(item) for item in page.items]
    assert [value["id"] for value in values] == ["1", "2", "3"]


def test_what_can_be_read_of_a_record_is_read_although_one_member_cannot() -> None:
    deep = b"[" * 5_000 + b"]" * 5_000
    value = slices.read_value(b'{"id":"7","fields":{"summary":"kept","odd":' + deep + b"}}")

    assert value == {"id": "7", "fields": {"summary": "kept", "odd": [None]}}


def test_of_what_cannot_be_read_at_all_an_empty_mapping_remains() -> None:
    assert slices.read_value(b"nonsense") == {}
    assert slices.read_value(b"null") is None


def test_numbers_beyond_sixty_four_bits_stay_exact() -> None:
    assert slices.read_value(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_brackets_inside_texts_mean_nothing() -> None:
    body = rb'[{"a":"]}\"[{","b":"\\"},"]"]'

    assert scanner.split_array(body) == [rb'{"a":"]}\"[{","b":"\\"}', b'"]"']


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[1}",
        b'["a',
        b"[1] 2",
        b"{}",
        b"<html>",
        b"[{]}",
        b"[1 2]",
        b"[,]",
    ],
)
def test_what_is_no_whole_array_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        scanner.split_array(body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,}', b"{1:2}", b'{"a" 1}', b"[]", b'{"a":1}}']
)
def test_what_is_no_whole_object_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        scanner.split_object(body)


def test_a_page_without_its_list_is_garbled() -> None:
    with pytest.raises(Garbled, match="no member 'issues'"):
        slices.Page.read(b'{"errorMessages":[]}', "issues")


def test_the_last_of_equal_names_counts_in_both_ways_of_cutting() -> None:
    body = b'{"a":1,"a":2}'

    assert bytes(slices.split_object(body)["a"]) == b"2"
    assert scanner.split_object(body) == {"a": b"2"}


def test_a_byte_order_mark_before_the_answer_is_passed_over() -> None:
    assert [bytes(item) for item in slices.split_array(b"\xef\xbb\xbf[1]")] == [b"1"]


def test_an_empty_answer_is_nothing_and_a_cut_one_is_garbled() -> None:
    assert slices.read_answer(b" \n") is None
    with pytest.raises(Garbled):
        slices.read_answer(b'{"id":"1",')
    with pytest.raises(Garbled):
        slices.read_answer(b'{"id":"1"} and more')


@pytest.mark.parametrize("body", [b"nonsense", b"<html>", b"nul", b"{]"])
def test_an_answer_that_is_no_json_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        slices.read_answer(body)


def test_an_odd_answer_is_read_as_far_as_it_goes() -> None:
    assert slices.read_answer(rb'{"id":"1","text":"\ud800"}') == {"id": "1", "text": "\ud800"}
