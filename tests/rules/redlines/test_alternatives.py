"""A quickened pattern finds what the pattern found."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.redlines.alternatives import quickened

LETTERS = "傻逼子蠢货你您a1，"
EXPRESSIONS = [
    "傻逼|傻子|蠢货",
    "傻(?:逼|子)?|蠢[货子]|[您你]蠢",
    "(?<!您)傻|(?:您|你)?蠢货|a{0,2}1",
    "[^，]傻|蠢",
    "^傻|a(?:1|，)|(?:傻|)蠢",
    "[a-c]1|\\+|傻(?=子|，|$)",
    "傻",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(text=st.text(LETTERS, max_size=30))
def test_the_same_places_are_found(expression: str, text: str) -> None:
    starts = [match.start() for match in re.finditer(expression, text)]
    assert [match.start() for match in re.finditer(quickened(expression), text)] == starts


def test_alternatives_are_sorted_by_their_first_character() -> None:
    assert quickened("傻逼|傻子|蠢货") == "(?=[傻蠢])(?:傻(?:逼|子)|蠢货)"


@pytest.mark.parametrize("expression", ["[^，]傻|蠢", "\\d傻|蠢"])
def test_what_may_begin_with_anything_is_tried_everywhere(expression: str) -> None:
    assert not quickened(expression).startswith("(?=")
