"""Pagers read every list to its end and none for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jira_backup_pipeline.domain.errors import UnexpectedAnswer
from jira_backup_pipeline.jira.wire import pages
from jira_backup_pipeline.jira.wire.pages import FeedPager, OffsetPager, StartOnlyPager, TokenPager


@given(
    size=st.integers(0, 500),
    asked=st.integers(1, 100),
    cap=st.integers(1, 100),
    tells_total=st.booleans(),
    tells_last=st.booleans(),
)
def test_a_list_by_offset_comes_whole_whatever_the_server_makes_of_the_page_size(
    *, size: int, asked: int, cap: int, tells_total: bool, tells_last: bool
) -> None:
    things, got = list(range(size)), list[int]()
    pager: OffsetPager | None = OffsetPager(asked)
    questions = 0
    while pager is not None:
        questions += 1
        page = things[pager.start_at : pager.start_at + min(asked, cap)]
        got += page
        is_last = pager.start_at + len(page) >= size
        pager = pager.after(
            len(page), total=size if tells_total else None, is_last=is_last if tells_last else None
        )

    assert things == got
    assert questions <= size // min(asked, cap) + 2


def test_is_last_is_not_believed_while_the_total_promises_more() -> None:
    assert OffsetPager(50).after(20, total=30, is_last=True) == OffsetPager(50, start_at=20, pages=1)


def test_a_total_that_is_reached_does_not_end_a_list_that_says_it_goes_on() -> None:
    assert OffsetPager(50).after(50, total=50, is_last=False) == OffsetPager(50, start_at=50, pages=1)


def test_an_empty_page_ends_every_list_by_offset() -> None:
    assert OffsetPager(50, start_at=50).after(0, total=1_000, is_last=False) is None
    assert StartOnlyPager(50, start_at=50).after(0) is None


def test_a_bare_list_goes_on_after_a_short_page_from_what_came() -> None:
    assert StartOnlyPager(1_000).after(40) == StartOnlyPager(1_000, start_at=40, pages=1)


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_or_empty_token_is_the_end(token: str | None) -> None:
    assert TokenPager().after(token) is None


def test_is_last_ends_a_list_although_a_token_came() -> None:
    assert TokenPager().after("stale", is_last=True) is None


@given(st.lists(st.sampled_from("abcdef"), min_size=7, max_size=30))
def test_a_token_that_comes_back_is_an_error_and_not_a_circle(tokens: list[str]) -> None:
    def walk() -> None:
        pager: TokenPager | None = TokenPager()
        for token in tokens:
            assert pager is not None
            pager = pager.after(token)

    with pytest.raises(UnexpectedAnswer, match="same page token twice"):
        walk()


def test_a_token_that_is_no_text_is_an_error() -> None:
    with pytest.raises(UnexpectedAnswer, match="a page token is a int"):
        TokenPager().after(7)


def test_a_feed_goes_on_at_until_and_ends_at_its_last_page() -> None:
    pager = FeedPager(0).after(500, is_last=False)

    assert pager == FeedPager(500, pages=1)
    assert pager is not None
    assert pager.query == (("since", "500"),)
    assert pager.after(900, is_last=True) is None


@pytest.mark.parametrize("until", [None, 500, 499])
def test_a_feed_that_does_not_move_on_is_an_error(until: int | None) -> None:
    with pytest.raises(UnexpectedAnswer, match="does not move on"):
        FeedPager(500).after(until, is_last=False)


def test_no_list_has_more_pages_than_the_cap() -> None:
    last = pages.PAGE_CAP
    for ask_on in (
        lambda: OffsetPager(1, pages=last).after(1),
        lambda: StartOnlyPager(1, pages=last).after(1),
        lambda: TokenPager(pages=last).after("next"),
        lambda: FeedPager(1, pages=last).after(2, is_last=False),
    ):
        with pytest.raises(UnexpectedAnswer, match="more than 100000 pages"):
            ask_on()
