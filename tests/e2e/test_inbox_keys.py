"""The list by keys alone: walk, open, reply, refund, complete, choose, search, and the sheet that tells them."""

from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.e2e


def rows(page) -> list[str]:
    return page.locator("#cases > li").evaluate_all("rows => rows.map(row => row.id)")


def here(page) -> str:
    """The row that has the focus."""
    return page.evaluate("document.activeElement.closest('#cases > li')?.id ?? ''")


def test_j_and_k_walk_the_rows_and_stop_at_the_ends(open_page, day):
    page = open_page("/", day["user"])
    known = rows(page)
    assert len(known) >= 2
    page.keyboard.press("j")
    assert here(page) == known[0]
    page.keyboard.press("j")
    assert here(page) == known[1]
    page.keyboard.press("k")
    page.keyboard.press("k")
    assert here(page) == known[0]
    assert page.complaints == []


@pytest.mark.parametrize(
    ("key", "place"), [("o", ""), ("Enter", ""), ("r", "#reply"), ("e", ""), ("c", "#act-complete")]
)
def test_the_row_in_focus_opens_at_what_is_to_be_done(open_page, day, key, place):
    page = open_page("/", day["user"])
    page.keyboard.press("j")
    number = here(page).removeprefix("case-")
    page.keyboard.press(key)
    page.wait_for_url(re.compile(rf"/cases/{number}\b.*"))
    if place:
        assert page.locator(place).count() == 1


def test_letters_that_are_typed_are_no_keys(open_page, day):
    page = open_page("/", day["user"])
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("jrec?")
    assert page.input_value("#search") == "jrec?"
    assert not page.locator("#keys").is_visible()


def test_the_sheet_of_keys_opens_and_closes(open_page, day):
    page = open_page("/", day["user"])
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_x_chooses_the_row_in_focus(open_page, day):
    page = open_page("/", day["user"])
    page.keyboard.press("j")
    page.keyboard.press("x")
    row = here(page)
    assert page.locator(f"#{row} input[type=checkbox]").is_checked()
