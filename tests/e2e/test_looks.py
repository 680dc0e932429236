"""Every page in both languages, themes and widths: nothing overflows, nothing is refused by the content policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.desk_seeds import make_complaint, make_user
from tests.e2e.conftest import SCREENSHOTS

pytestmark = pytest.mark.e2e

SHAPES = [(1440, "zh-hans", "light"), (390, "zh-hans", "light"), (1440, "en", "dark"), (390, "en", "dark")]

PAGES = ["inbox", "all", "case", "finished", "deliveries", "system", "sign-in", "missing", "no-link"]


def overflow(page: Any) -> list[str]:
    """What sticks out of the window's width, except inside boxes that scroll by themselves."""
    return page.evaluate(
        """() => {
        const width = document.documentElement.clientWidth;
        const scrolls = (element) => {
            for (let e = element.parentElement; e && e !== document.body; e = e.parentElement)
                if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(e).overflowX)) return true;
            return false;
        };
        const out = document.documentElement.scrollWidth > width ? ["the page scrolls sideways"] : [];
        document.querySelectorAll("body *").forEach((e) => {
            const box = e.getBoundingClientRect();
            if (box.width && box.right > width + 1 && !scrolls(e)) out.push(`${e.tagName}.${e.className}`);
        });
        return out;
    }"""
    )


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_the_browser_has_nothing_to_complain_about(open_page, day, name, width, language, theme):
    finished = day["account"].complaint_set.get(state="PROCESSED")
    address = {
        "inbox": "/",
        "all": "/?view=all",
        "case": f"/cases/{day['case'].pk}",
        "finished": f"/cases/{finished.pk}",
        "deliveries": "/deliveries",
        "system": "/system",
        "sign-in": "/sign-in?next=/system",
        "missing": "/cases/999999",
        "no-link": "/open/nonsense",
    }[name]
    page = open_page(address, None if name == "sign-in" else day["user"], width=width, language=language, theme=theme)
    for details in page.query_selector_all(".delivery-tries details"):
        details.evaluate("element => { element.open = true; }")
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{language}-{theme}.png", full_page=True)
    assert overflow(page) == []
    if name in ("missing", "no-link"):
        page.complaints = [said for said in page.complaints if "404" not in said]
    assert page.complaints == []


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_a_desk_without_anything_shows_the_first_steps(open_page, transactional_db, width, language, theme):
    page = open_page("/", make_user(), width=width, language=language, theme=theme)
    page.screenshot(path=SCREENSHOTS / f"first-run-{width}-{language}-{theme}.png", full_page=True)
    assert page.locator("#first-run > li").count() == 5
    assert overflow(page) == []
    assert page.complaints == []


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_everything_that_appears_by_itself_fits_too(virtual_clock, open_page, day, now, width, language, theme):
    page = open_page("/", day["user"], width=width, language=language, theme=theme)
    make_complaint(day["account"], 41, now=now)
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.locator("#arrived").wait_for()
    page.evaluate("document.getElementById('stale').hidden = false")
    page.locator("details.menu summary").click()
    page.screenshot(path=SCREENSHOTS / f"busy-{width}-{language}-{theme}.png")
    assert page.locator(".banner-virtual").is_visible()
    assert overflow(page) == []
    assert page.complaints == []


@pytest.mark.parametrize("width", [320, 360, 390])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_entry_of_the_top_bar_is_there_on_a_phone(open_page, day, width, language):
    owner = make_user("boss", "Boss", role="owner")
    for address in ("/", "/deliveries", "/system", "/settings/"):
        page = open_page(address, owner, width=width, language=language)
        bar = page.locator(".mainnav")
        assert bar.locator("a").count() == 4
        assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth"), (width, address)


def test_a_large_amount_and_a_long_countdown_stand_apart_on_a_phone(open_page, day):
    page = open_page("/", day["user"], width=390, language="en")
    row = page.locator(".case", has_text="1,234,567.89")
    clock, amount = row.locator(".countdown").bounding_box(), row.locator(".case-amount").bounding_box()
    assert clock["x"] + clock["width"] <= amount["x"]
