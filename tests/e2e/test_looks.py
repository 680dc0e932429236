"""What a walk through the pages does not see: what appears by itself, the narrowest phones, long words."""

from __future__ import annotations

import pytest

from tests.desk_seeds import make_complaint, make_user
from tests.e2e.conftest import SHAPES, photograph
from tests.e2e.judging import overflow, shifted

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_everything_that_appears_by_itself_fits_too(virtual_clock, open_page, day, now, width, language, theme):
    page = open_page("/", day["user"], width=width, language=language, theme=theme)
    make_complaint(day["account"], 41, now=now)
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.locator("#arrived").wait_for()
    page.evaluate("document.getElementById('stale').hidden = false")
    page.locator("details.menu summary").click()
    photograph(page, "busy", full=False)
    assert page.locator(".banner-virtual").is_visible()
    assert overflow(page) == []
    assert page.complaints == []


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("role", ["owner", "manager", "auditor"])
def test_every_entry_of_the_top_bar_is_there_on_a_phone(open_page, day, role, language):
    entries = {"owner": 4, "manager": 4, "auditor": 4}[role]
    page = open_page("/", make_user("boss", "Boss", role=role), width=390, language=language)
    bar = page.locator(".mainnav")
    assert bar.locator("a").count() == entries
    for width in (320, 360, 390):
        page.set_viewport_size({"width": width, "height": 844})
        last, menu = bar.locator("a").last.bounding_box(), page.locator(".menu").bounding_box()
        assert last["x"] + last["width"] <= menu["x"], width
        assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth"), width


def test_a_large_amount_and_a_long_countdown_stand_apart_on_a_phone(open_page, day):
    page = open_page("/", day["user"], width=390, language="en")
    row = page.locator(".case", has_text="1,234,567.89")
    clock, amount = row.locator(".countdown").bounding_box(), row.locator(".case-amount").bounding_box()
    assert clock["x"] + clock["width"] <= amount["x"]


def test_what_changes_and_arrives_in_the_list_moves_nothing(open_page, day, now):
    page = open_page("/", day["user"])
    make_complaint(day["account"], 41, now=now)
    day["overdue"].claimed_by = day["other_user"]
    day["overdue"].save(update_fields=["claimed_by"])
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.locator("#arrived").wait_for()
    assert shifted(page) == []
