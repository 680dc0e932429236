"""How the desk behaves in a hand: clocks tick, new cases are announced, nothing moves under the finger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.complaints.models import Complaint
from tests.desk_seeds import PASSWORD, make_complaint

pytestmark = pytest.mark.e2e

LEFT = "#case-{} [data-left]"


def ask_now(page) -> None:
    """What the page does by itself every ten seconds."""
    with page.expect_response("**/live?*"):
        page.evaluate("document.body.dispatchEvent(new Event('wake'))")


def order(page) -> list[str]:
    return page.locator("#cases > li").evaluate_all("rows => rows.map(row => row.id)")


def test_countdowns_tick_by_the_servers_clock_and_turn_red(virtual_clock, open_page, day, now):
    case = make_complaint(day["account"], 40, now=now, age=timedelta(hours=17, minutes=59))
    virtual_clock(600)  # ten minutes a second
    page = open_page("/", day["user"])
    place = page.locator(LEFT.format(case.pk))
    before = place.inner_text()
    assert page.locator(".banner-virtual").is_visible()
    page.wait_for_function("([selector, before]) => document.querySelector(selector).textContent !== before",
                           arg=[LEFT.format(case.pk), before])  # fmt: skip
    page.wait_for_selector(f"#case-{case.pk} .countdown[data-tone=red]")
    shown = page.locator("[data-clock]").inner_text()
    page.wait_for_function("shown => document.querySelector('[data-clock]').textContent !== shown", arg=shown)
    assert page.complaints == []


def test_the_browsers_own_clock_does_not_matter(open_page, day, browser, live_server):
    page = open_page("/", day["user"])
    expected = page.locator(LEFT.format(day["overdue"].pk)).inner_text()
    page.clock.install(time=0)
    page.reload(wait_until="networkidle")
    assert page.locator(LEFT.format(day["overdue"].pk)).inner_text() == expected == "已超时 2小时"


def test_new_cases_are_announced_and_shown_when_wanted(open_page, day, now):
    page = open_page("/", day["user"])
    before = order(page)
    new = make_complaint(day["account"], 41, now=now, age=timedelta(hours=30))
    ask_now(page)
    page.get_by_text("1 笔新投诉, 点此刷新").wait_for()
    assert order(page) == before
    page.locator("#arrived").click()
    page.wait_for_selector(f"#case-{new.pk}")
    assert order(page)[0] == f"case-{new.pk}"
    assert page.complaints == []


def test_a_row_changes_in_place_and_keeps_the_focus(open_page, day, now):
    page = open_page("/", day["user"])
    before = order(page)
    link = page.locator(f"#case-link-{day['overdue'].pk}")
    link.focus()
    page.evaluate("window.untouched = true")
    Complaint.objects.filter(pk=day["overdue"].pk).update(state="PROCESSED", open=False, replied=True, next_due_at=None)
    ask_now(page)
    page.locator(f"#case-{day['overdue'].pk} .settled").wait_for()
    assert order(page) == before
    assert page.evaluate("window.untouched") is True
    assert page.evaluate("document.activeElement.id") == f"case-link-{day['overdue'].pk}"
    assert page.locator("#view-open .count").inner_text() == "7"
    assert page.complaints == []


def test_claiming_in_the_list_changes_only_the_row(open_page, day):
    page = open_page("/", day["user"])
    before = order(page)
    page.evaluate("window.untouched = true")
    page.locator(f"#claim-{day['overdue'].pk}").click()
    page.locator(f"#case-{day['overdue'].pk} .claimant").wait_for()
    assert page.evaluate("window.untouched") is True
    assert order(page) == before
    day["overdue"].refresh_from_db()
    assert day["overdue"].claimed_by == day["user"]
    assert page.complaints == []


def test_an_open_case_shows_what_the_platform_says_now(open_page, day, now):
    from tests.desk_seeds import say

    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    say(day["case"], "MERCHANT_RESPONSE", now, "今天给您办理退款")
    ask_now(page)
    page.get_by_text("今天给您办理退款").wait_for()
    assert page.complaints == []


def test_a_broken_connection_is_said_and_taken_back(open_page, day):
    page = open_page("/", day["user"])
    page.route("**/live?*", lambda route: route.abort())
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.locator("#stale").wait_for(state="visible")
    page.unroute("**/live?*")
    ask_now(page)
    page.locator("#stale").wait_for(state="hidden")


def test_who_was_signed_out_meanwhile_is_asked_to_sign_in(open_page, day):
    page = open_page("/", day["user"])
    page.context.clear_cookies(name="sessionid")
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.wait_for_url("**/sign-in?next=/")
    page.fill("#id_username", "wang")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#cases")


def test_everything_can_be_reached_and_pressed_by_keyboard(open_page, day):
    page = open_page("/", day["user"])
    reached = []
    for _ in range(45):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert "SUMMARY" in reached
    assert {"view-all", "only-overdue", f"claim-{day['overdue'].pk}", f"case-link-{day['case'].pk}"} <= set(reached)
    page.locator(f"#case-link-{day['case'].pk}").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/{day['case'].pk}")


def test_the_focus_can_be_seen(open_page, day):
    page = open_page("/", day["user"])
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_language_and_theme_are_two_presses_away(open_page, day):
    page = open_page("/", day["user"])
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="Complaints").wait_for()
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_selector("html[data-bs-theme=dark]")
    assert page.complaints == []


def test_the_system_decides_between_light_and_dark_until_a_person_does(open_page, day):
    page = open_page("/", day["user"], theme="dark")
    page.wait_for_selector("html[data-bs-theme=dark]")
    page.emulate_media(color_scheme="light")
    page.wait_for_selector("html[data-bs-theme=light]")
    assert page.complaints == []


def test_the_desk_works_without_javascript(open_page, day):
    page = open_page("/", day["user"], java_script_enabled=False)
    assert page.locator(LEFT.format(day["overdue"].pk)).inner_text() == "已超时 2小时"
    page.locator(f"#claim-{day['overdue'].pk}").click()
    page.wait_for_selector(f"#case-{day['overdue'].pk} .claimant")
    page.locator(f"#case-link-{day['case'].pk}").click()
    page.wait_for_url(f"**/cases/{day['case'].pk}")
    assert page.locator(".moment").count() == 9
