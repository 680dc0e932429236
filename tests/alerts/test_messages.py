"""What a message says: short, true at the moment of sending, in two languages, and silent about the payer's person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from kesu.accounts.models import User
from kesu.alerts import messages, services
from kesu.alerts.messages import headline, money
from kesu.alerts.titles import LADDER_KINDS, title_of
from kesu.rules.escalations import AlertKind

from .conftest import Desk

HOUR = 3600


@pytest.mark.parametrize(
    ("clock", "seconds", "chinese", "english"),
    [
        ("reply", 3 * HOUR + 12 * 60, "回复剩 3小时12分 ¥199.00", "Reply 3h12m ¥199.00"),
        ("reply", 24 * HOUR - 1, "回复剩 23小时59分 ¥199.00", "Reply 23h59m ¥199.00"),
        ("reply", 41 * 60 + 59, "回复剩 41分 ¥199.00", "Reply 41m ¥199.00"),
        ("reply", 30, "回复剩 0分 ¥199.00", "Reply 0m ¥199.00"),
        ("reply", -2.5 * HOUR, "回复超时 2小时30分 ¥199.00", "Reply late 2h ¥199.00"),
        ("complete", 71 * HOUR, "办结剩 2天23小时 ¥199.00", "Finish 2d23h ¥199.00"),
        ("complete", 48 * HOUR, "办结剩 2天 ¥199.00", "Finish 2d ¥199.00"),
        ("complete", -26 * HOUR, "办结超时 1天2小时 ¥199.00", "Finish late 1d ¥199.00"),
    ],
)
def test_the_headline_gives_time_and_amount(clock: str, seconds: float, chinese: str, english: str) -> None:
    with override("zh-hans"):
        assert headline(clock, seconds, "¥199.00") == chinese
    with override("en"):
        assert headline(clock, seconds, "¥199.00") == english


@given(st.sampled_from(["reply", "complete"]), st.integers(-100 * HOUR, 72 * HOUR), st.integers(0, 9_999_99))
def test_time_and_amount_fit_a_phone_s_preview(clock: str, seconds: int, fen: int) -> None:
    with override("zh-hans"):
        text = headline(clock, seconds, money(fen))
    assert len(text) <= messages.PREVIEW_CHARACTERS
    assert text.endswith(money(fen))


def test_money_is_exact() -> None:
    assert [money(fen) for fen in (0, 1, 100, 199_00, 1_234_567_89, None)] == [
        "¥0.00",
        "¥0.01",
        "¥1.00",
        "¥199.00",
        "¥1234567.89",
        "",
    ]


def test_every_alert_kind_has_a_title_in_both_languages() -> None:
    for kind in [*AlertKind, *LADDER_KINDS]:
        with override("en"):
            english = title_of(kind, 2)
        with override("zh-hans"):
            chinese = title_of(kind, 2)
        assert english != kind
        assert not chinese.isascii()


def test_a_message_in_full(desk: Desk) -> None:
    desk.channel()
    desk.new(user_tag_list=["HIGH_RISK"], need_immediate_service=True)
    desk.wait(minutes=48)
    desk.dispatch()
    lines = desk.shown()[0].content.split("\n")
    link = lines.pop()
    assert lines == [
        "回复剩 23小时12分 ¥199.00",
        "<@LiSi>",
        '<font color="info">新投诉</font>',
        '<font color="comment">商户</font> 测试商户 1900000001',
        '<font color="comment">类型</font> 申请退款 · 高风险 · 即时服务',
        '<font color="comment">投诉时间</font> 11-20 09:12',
        '<font color="comment">回复截止</font> 11-21 09:12',
        '<font color="comment">办结截止</font> 11-23 09:12',
        '<font color="comment">投诉单号</font> 200201820200101080076600001',
        "> 原话: 说好三天发货, 一周了没人理我",
    ]
    assert link.startswith("[打开投诉单](https://desk.example.com/open/")


def test_an_english_channel_gets_english(desk: Desk) -> None:
    desk.channel(language="en")
    desk.new(complaint_detail="no answer for a week")
    desk.until(minutes=16)
    first, second = (message.content for message in desk.shown())
    assert first.startswith("Reply 1d ¥199.00\n")
    assert "New complaint" in first
    assert "Nobody has claimed it yet · reminder 1" in second
    assert first.isascii() or not [c for c in first if "\u4e00" <= c <= "\u9fff" and c not in "测试商户"]


def test_hostile_payer_text_stays_text(desk: Desk) -> None:
    desk.channel()
    desk.new(
        complaint_detail='<@all> [退款入口](http://evil.example)\n# 已处理 <font color="info">ok</font> `x` 13812345678'
    )
    desk.dispatch()
    shown = desk.shown()[0]
    assert shown.mentions == ["LiSi"]
    quote = next(line for line in shown.content.split("\n") if line.startswith("> "))
    assert "](" not in quote
    assert "<" not in quote
    assert "://" not in quote
    assert "13812345678" not in shown.content
    assert shown.content.count("](") == 1


def test_names_and_ids_cannot_carry_markup_either(desk: Desk) -> None:
    desk.account.name = "<@all>[x](http://evil.example)"
    desk.account.save()
    desk.channel()
    desk.new(problem_type="[NEW](TYPE)<@all>", complainted_mchid="19<@all>")
    desk.dispatch()
    shown = desk.shown()[0]
    assert shown.mentions == ["LiSi"]
    assert shown.content.count("](") == 1


def test_no_phone_and_no_openid_is_ever_pushed(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new(complaint_detail="电话 138 1234 5678, openid oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    desk.tick()
    platform.write("USER_RESPONSE", desk.now, "打 13812345678 或 010-12345678")
    desk.see(platform)
    desk.tick()
    text = " ".join(message.content for message in desk.shown())
    assert len(desk.shown()) == 2
    for secret in ("13812345678", "138 1234 5678", "12345678", "oUpF8uMuAJO", "O＿M2pxb1Q9"):
        assert secret not in text
    assert "138****5678" in text.replace("＊", "*")


def test_what_the_payer_wrote_last_is_what_is_quoted(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    desk.tick()
    platform.write("USER_RESPONSE", desk.now, "人呢")
    desk.see(platform)
    desk.tick()
    assert "原话: 人呢" in desk.shown()[-1].content
    assert "付款人留言" in desk.shown()[-1].content


def test_a_long_story_is_cut_to_its_beginning(desk: Desk) -> None:
    desk.channel()
    desk.new(complaint_detail="冗长" * 200)
    desk.dispatch()
    quote = next(line for line in desk.shown()[0].content.split("\n") if line.startswith("> "))
    assert quote == "> 原话: " + "冗长" * 60 + "…"


def test_reminders_are_counted(desk: Desk) -> None:
    desk.channel()
    desk.new()
    desk.until(hours=21)
    notes = [line for message in desk.shown() for line in message.content.split("\n") if "次提醒" in line]
    assert [f"第{number}次提醒" in note for number, note in enumerate(notes, start=1)] == [True, True, True]


def test_who_claimed_it_is_named(desk: Desk) -> None:
    desk.channel()
    _, complaint = desk.new()
    services.claim(User.objects.create(username="xw", display_name="小王"), complaint, now=desk.now)
    desk.until(hours=12)
    assert '<font color="comment">已认领</font> 小王' in desk.shown()[-1].content


def test_without_a_public_address_there_is_no_dead_link(desk: Desk, settings: object) -> None:
    settings.KESU_PUBLIC_URL = ""  # type: ignore[attr-defined]
    desk.channel()
    desk.new()
    desk.dispatch()
    assert "](" not in desk.shown()[0].content


def test_the_second_person_is_called_when_a_deadline_is_missed(desk: Desk) -> None:
    desk.channel()
    desk.new()
    desk.wait(hours=24)
    desk.tick()
    assert desk.shown()[-1].mentions == ["WangJingLi"]
    assert desk.shown()[-1].time - desk.shown()[0].time == timedelta(0)
