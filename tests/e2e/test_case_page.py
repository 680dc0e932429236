"""The case page in a real browser: nothing typed is lost, what stands in the way is said before, keys lead there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kesu.commands.models import Command
from tests.desk_seeds import say
from tests.e2e.conftest import SHAPES, photograph
from tests.e2e.judging import overflow, serious
from tests.e2e.lived_in import lived_in_case

pytestmark = pytest.mark.e2e

WORDS = "您好, 已核实是仓库漏发, 今天可以补发或全额退款, 请问您希望怎样处理?"


@pytest.mark.parametrize(("width", "language", "theme"), SHAPES)
def test_a_refused_reply_fits_and_says_why(open_page, day, now, width, language, theme):
    case = lived_in_case(day, now)
    page = open_page(f"/cases/{case.pk}", day["user"], width=width, language=language, theme=theme)
    page.fill("#reply", "您是职业投诉人吧? 加微信 wx_shop_8899 谈")
    page.locator("#found-reply .finding-block").first.wait_for()
    page.locator(".reply-send button").first.click()
    page.locator("#case-reply [data-standing]").wait_for()
    photograph(page, "refused")
    assert "wx_shop_8899" in page.input_value("#reply")
    assert overflow(page) == []
    assert [said for said in page.complaints if "422" not in said] == []
    assert serious(page) == []


def test_a_draft_survives_reloading_and_is_dropped_once_it_was_taken(open_page, day, now):
    case = day["case"]
    page = open_page(f"/cases/{case.pk}", day["user"])
    page.fill("#reply", WORDS)
    page.reload(wait_until="networkidle")
    assert page.input_value("#reply") == WORDS
    page.locator("#found-reply .finding").first.wait_for()
    for box in page.locator("#found-reply input[type=checkbox]").all():
        box.check()
    page.locator(".reply-send button").first.click()
    page.locator("#case-said .sending").wait_for()
    assert page.input_value("#reply") == ""
    assert Command.objects.get().kind == "reply"
    page.reload(wait_until="networkidle")
    assert page.input_value("#reply") == ""


def test_better_words_take_the_place_of_what_is_marked(open_page, day):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    page.fill("#reply", "😀 您好, 加微信 wx_shop_8899 谈")
    page.locator("#found-reply [data-suggestion]").first.wait_for()
    page.locator("#found-reply [data-suggestion]").first.click()
    said = page.input_value("#reply")
    assert said.startswith("😀 您好, ")
    assert "wx_shop_8899" not in said


def test_what_arrives_while_one_writes_is_shown_and_what_is_written_stays(open_page, day, now):
    case = day["case"]
    page = open_page(f"/cases/{case.pk}", day["user"])
    page.fill("#reply", WORDS)
    say(case, "USER_RESPONSE", now, "我又想了想", "投诉人")
    page.evaluate("document.body.dispatchEvent(new Event('wake'))")
    page.locator("#news").wait_for()
    assert page.locator("#case-talk").get_by_text("我又想了想").is_visible()
    assert page.input_value("#reply") == WORDS
    seen = page.input_value("#reply-form input[name=seen]")
    assert int(seen.split(".")[0]) == case.timeline.order_by("-pk").first().pk


def reply_on_its_way(page: Any) -> list[Any]:
    """WORDS were sent; what holds the request back until it is continued."""
    held: list[Any] = []
    page.route("**/reply", lambda route: held.append(route))
    page.fill("#reply", WORDS)
    page.locator("#found-reply .finding").first.wait_for()
    for box in page.locator("#found-reply input[type=checkbox]").all():
        box.check()
    with page.expect_request("**/reply"):
        page.locator(".reply-send button").first.click()
    return held


@pytest.mark.parametrize(
    ("later", "left"),
    [
        (f"{WORDS}\n另外, 运费我们承担。", "另外, 运费我们承担。"),
        ("换一种说法: 我们马上补发。", "换一种说法: 我们马上补发。"),
    ],
)
def test_what_is_typed_while_a_reply_is_on_its_way_survives_the_answer(open_page, day, later, left):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    held = reply_on_its_way(page)
    page.fill("#reply", later)
    held[0].continue_()
    page.locator("#case-said .sending").wait_for()
    assert page.input_value("#reply") == left
    assert json.loads(Command.objects.get().payload)["text"] == WORDS
    page.reload(wait_until="networkidle")
    assert page.input_value("#reply") == left


def test_what_is_typed_survives_the_answer_though_another_form_was_sent_meanwhile(open_page, day):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    held = reply_on_its_way(page)
    page.fill("#reply", f"{WORDS}\n另外, 运费我们承担。")
    page.fill("#note", "仓库已回复")
    with page.expect_response("**/note"):
        page.locator("form[action$='/note'] button").click()
    page.locator("#note-form, form[action$='/note']").first.wait_for()
    held[0].continue_()
    page.locator("#case-said .sending").wait_for()
    assert page.input_value("#reply") == "另外, 运费我们承担。"


def test_what_is_typed_while_a_refusal_is_on_its_way_survives_it_too(open_page, day):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    held = []
    page.route("**/reply", lambda route: held.append(route))
    page.fill("#reply", "加微信 wx_shop_8899 谈")
    with page.expect_request("**/reply"):
        page.locator(".reply-send button").first.click()
    page.locator("#reply").press_sequentially(" 谢谢")
    held[0].continue_()
    page.locator("#case-reply [data-standing]").wait_for()
    assert page.input_value("#reply") == "加微信 wx_shop_8899 谈 谢谢"


def test_after_a_reply_the_most_urgent_other_case_is_offered(open_page, day):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    page.fill("#reply", WORDS)
    page.locator("#found-reply .finding").first.wait_for()
    for box in page.locator("#found-reply input[type=checkbox]").all():
        box.check()
    page.locator(".reply-send button").first.click()
    page.locator("#case-said .sending").wait_for()
    most_urgent = page.locator("#next-case").get_attribute("href")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.wait_for_url(f"**{most_urgent}")
    assert most_urgent == f"/cases/{day['overdue'].pk}"


def test_keys_lead_to_what_can_be_done(open_page, day):
    page = open_page(f"/cases/{day['case'].pk}", day["user"])
    page.keyboard.press("r")
    assert page.evaluate("document.activeElement.id") == "reply"
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.closest('#act-complete') !== null")
    page.keyboard.press("?")
    assert page.locator("#case-keys").is_visible()
