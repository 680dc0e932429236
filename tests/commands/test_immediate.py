"""Immediate-service messages: one shape, every word looked at, links on the merchant's list, what is pressed comes
back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kesu.commands import immediate, verbs
from kesu.commands.errors import InvalidCommand, Refused
from kesu.commands.models import Allowance, Command
from kesu.commands.verbs import Consent
from kesu.complaints.models import TimelineEntry
from kesu.merchants.models import Account
from kesu.threads import in_thread

WORDS = "您好, 经核实是仓库漏发了这件商品, 请问您希望怎样处理?"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
OWN = "https://help.shop.example/orders?id=1"


def says(content: str) -> dict[str, Any]:
    return {"action_type": "ACTION_TYPE_SEND_MESSAGE", "message_info": {"content": content}}


def opens(url: str) -> dict[str, Any]:
    return {"action_type": "ACTION_TYPE_JUMP_URL", "jump_url": url}


def starts(appid: str) -> dict[str, Any]:
    return {"action_type": "ACTION_TYPE_JUMP_MINI_PROGRAM", "mini_program_jump_info": {"appid": appid}}


TEXT = {"type": "TEXT", "text": {"text": WORDS}}
FAQS = {
    "type": "FAQ_LIST",
    "faq_list": {"faqs": [{"faq_id": "1", "faq_title": "什么时候发货", "action": says("发货?")}]},
}
LINK = {"type": "LINK", "link": {"text": "查看订单", "action": opens(OWN)}}
BOUNDS = {"expired_time": "2036-01-01T00:00:00+08:00", "multi_clickable": False}
BUTTONS = {
    "type": "BUTTON_GROUP",
    "button_group": {
        "buttons": [{"text": "补发", "action": says("请补发")}, {"text": "打开商城", "action": starts("wx1")}],
        "invalid_info": BOUNDS,
    },
}


def message(*blocks: dict[str, Any], **more: Any) -> immediate.Message:
    return immediate.parse({"blocks": [TEXT, *blocks], **more})


async def let_links_pass(office: Any) -> None:
    def allow() -> None:
        Account.objects.update(jumps_allowed=True)
        for account in Account.objects.all():
            for kind, value in (("domain", "shop.example"), ("mini_program", "wx1")):
                Allowance.objects.create(account=account, kind=kind, value=value, created_at=office.now())

    await in_thread(allow)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ([], "blocks"),
        ({"blocks": [TEXT], "sender_identity": "UNKNOWN"}, "sender_identity"),
        ([{"type": "VIDEO"}], "blocks.0"),
        ([{"type": "TEXT"}], "blocks.0.TEXT.text"),
        ([{"type": "LINK", "link": {"text": "看", "action": opens("http://shop.example")}}], "jump_url"),
        ([{"type": "LINK", "link": {"text": "看", "action": opens("https://shop.example@evil.example/")}}], "jump_url"),
        ([{"type": "BUTTON", "button": {"text": "看", "action": {"action_type": "ACTION_TYPE_JUMP_URL"}}}], "jump_url"),
        ([{"type": "BUTTON", "button": {"text": "", "action": says("好")}}], "button.text"),
        ([{"type": "FAQ_LIST", "faq_list": {"faqs": []}}], "faqs"),
        ([{"type": "IMAGE", "media_index": 4}], "media_index"),
        ("words", "message"),
    ],
)
def test_what_is_not_as_documented_is_refused_with_its_place(data, place):
    with pytest.raises(InvalidCommand) as wrong:
        immediate.parse(data)
    assert wrong.value.reason == "blocks"
    assert place in str(wrong.value.values["place"])


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        ([{"type": "IMAGE", "media_index": 0}], "picture_unknown"),
        ([{"type": "BUTTON", "button": {"text": "好", "action": says("好"), "invalid_info": {"expired_time":
          "2026-11-26T23:59:59Z"}}}], "expired_time"),
        ([{"type": "BUTTON", "button": {"text": "好", "action": says("好"), "invalid_info": {"expired_time":
          "2027-02-30T00:00:00Z"}}}], "expired_time"),
    ],
)  # fmt: skip
def test_what_could_never_be_seen_or_pressed_is_refused(blocks, reason):
    with pytest.raises(InvalidCommand) as wrong:
        immediate.check(message(*blocks), 0, now=NOW)
    assert wrong.value.reason == reason


def test_every_text_is_told_also_what_a_press_says():
    told = list(immediate.texts_of(message(FAQS, LINK, BUTTONS)))
    assert told == [WORDS, "什么时候发货", "发货?", "查看订单", "补发", "请补发", "打开商城"]


def test_links_questions_and_buttons_reach_the_payer_and_the_press_comes_back(play):
    async def steps(office):
        await let_links_pass(office)
        complaint = await office.case(need_immediate_service=True)
        sent = message(FAQS, LINK, BUTTONS, sender_identity="MACHINE")
        command = await office.do(verbs.reply_immediately, complaint, sent, consent=Consent(key="k-1"))
        await office.settle()
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        (shown,) = await office.history(complaint)
        assert shown["normal_message"]["sender_identity"] == "MACHINE"
        assert shown["normal_message"]["blocks"][1:3] == [FAQS, LINK]
        assert shown["normal_message"]["blocks"][3]["button_group"]["invalid_info"] == BOUNDS
        await office.payer(complaint.complaint_id, "press", "补发")
        await office.settle()
        pressed = await in_thread(lambda: TimelineEntry.objects.get(operate_type="USER_CLICK_RESPONSE"))
        assert pressed.details == "请补发"

    play(steps)


@pytest.mark.parametrize(
    ("block", "code"),
    [
        ({"type": "BUTTON", "button": {"text": "微信谈", "action": says("加微信 wx_shop_8899")}}, "redline.wechat_id"),
        ({"type": "FAQ_LIST", "faq_list": {"faqs": [{"faq_title": "撤诉后退款", "action": says("好")}]}},
         "redline.withdrawal"),
        ({"type": "LINK", "link": {"text": "看", "action": opens("https://evil.example/")}}, "redline.link"),
        ({"type": "BUTTON", "button": {"text": "看", "action": starts("wx2")}}, "redline.link"),
    ],
)  # fmt: skip
def test_red_lines_read_every_part_and_links_need_the_list(play, block, code):
    async def steps(office):
        await let_links_pass(office)
        complaint = await office.case(need_immediate_service=True)
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reply_immediately, complaint, message(block))
        assert code in {concern.code for concern in refused.value.standing}

    play(steps)


def test_the_idempotent_id_follows_from_case_and_key_for_ever(play):
    async def steps(office):
        complaint = await office.case(need_immediate_service=True)
        command = await office.do(verbs.reply_immediately, complaint, message(), consent=Consent(key="k-1"))
        await office.settle()
        row = await office.fresh(command)
        known = json.loads(row.payload)["idempotent_id"]
        assert known == immediate.idempotent_id(complaint, row.key) != immediate.idempotent_id(complaint, "k-2")

    play(steps)


@pytest.mark.parametrize(
    ("jump", "stands"),
    [
        ({"jump": {"url": OWN, "text": "查看订单"}}, None),
        ({"mini_program": {"appid": "wx1", "path": "pages/order", "text": "打开订单"}}, None),
        ({"jump": {"url": "https://evil.example", "text": "查看订单"}}, "redline.link"),
        ({"jump": {"url": "https://shop.example.evil.example", "text": "查看订单"}}, "redline.link"),
        ({"mini_program": {"appid": "wx9", "path": "pages/order", "text": "打开订单"}}, "redline.link"),
        ({"jump": {"url": OWN, "text": "加微信谈"}}, "redline.wechat_id"),
        ({"jump": {"url": OWN, "text": "一二三四五六七八九十一"}}, "link_text_too_long"),
    ],
)
def test_a_usual_reply_carries_a_link_or_a_mini_program_of_the_merchants_own(play, jump, stands):
    async def steps(office):
        await let_links_pass(office)
        office.sandbox.platform.policy.links_allowed = True
        complaint = await office.case()
        if stands is None:
            command = await office.do(verbs.reply, complaint, WORDS, **jump)
            await office.settle()
            assert (await office.fresh(command)).state == Command.State.CONFIRMED
            return
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reply, complaint, WORDS, **jump)
        assert stands in {concern.code for concern in refused.value.standing}

    play(steps)
