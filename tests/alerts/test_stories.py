"""The ladder, from a complaint's first sight to the platform's word that it is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from kesu.accounts.models import User
from kesu.alerts import queries, services
from kesu.alerts.models import Clock, Message
from kesu.complaints.services import mirror
from tests.factories import make_account

from .conftest import START, Desk

pytestmark = pytest.mark.story

REPLY_STEPS = [0, 0.25, 12, 20, 23]
COMPLETE_STEPS = [48, 60, 66, 69, 71]


def test_nobody_reacts_for_80_hours_and_the_pushes_never_end(desk: Desk) -> None:
    desk.channel()
    desk.new()
    desk.until(hours=80)
    overdue_reply = list(range(24, 81, 2))
    overdue_completion = list(range(72, 81, 2))
    assert desk.hours() == sorted([*REPLY_STEPS, *overdue_reply, *COMPLETE_STEPS, *overdue_completion])
    first, unclaimed = desk.shown()[:2]
    assert first.content.startswith("回复剩 1天 ¥199.00\n")
    assert "新投诉" in first.content
    assert "尚无人认领 · 第1次提醒" in unclaimed.content
    assert first.mentions == ["LiSi"]
    last = desk.shown()[-1]
    assert last.mentions == ["WangJingLi"]
    assert "超时" in last.content.split("\n")[0]


def test_a_reply_in_the_official_console_stops_the_reply_clock_only(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    desk.until(hours=13)
    desk.answered(platform)
    desk.until(hours=62)
    assert desk.hours() == [0, 0.25, 12, 48, 60]
    assert desk.shown()[-1].content.startswith("办结剩 12小时 ¥199.00\n")


def test_nothing_is_pushed_after_the_platform_says_that_it_is_over(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    desk.until(hours=1)
    desk.answered(platform)
    desk.closed(platform)
    desk.until(hours=200)
    assert desk.hours() == [0, 0.25]
    assert not Clock.objects.filter(stopped_at__isnull=True).exists()
    assert queries.next_due(now=desk.now) is None


def test_a_continuation_restarts_both_clocks(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    desk.until(hours=1)
    desk.answered(platform)
    desk.until(hours=2)
    desk.closed(platform)
    desk.until(hours=30)
    desk.continued(platform)
    desk.until(hours=43)
    assert desk.hours() == [0, 0.25, 30, 30.25, 42]
    again = desk.shown()[2]
    assert "再次投诉: 第2次投诉" in again.content
    assert "没退款你们就结了?" in again.content
    assert again.mentions == ["LiSi"]
    running = Clock.objects.filter(stopped_at__isnull=True).values_list("round_number", "kind").order_by("kind")
    assert list(running) == [(2, "complete"), (2, "reply")]


def test_a_claim_silences_the_unclaimed_step_and_is_called_out_when_nothing_follows(desk: Desk) -> None:
    desk.channel()
    actor = User.objects.create(username="xiaowang", wecom_userid="XiaoWang")
    _, complaint = desk.new()
    desk.tick()
    services.claim(actor, complaint, now=desk.now)
    desk.until(hours=24)
    assert desk.hours() == [0, 0.5, 12, 20, 23, 24]
    second, owner = ["WangJingLi"], ["XiaoWang"]
    assert [message.mentions for message in desk.shown()][1:] == [second, owner, owner, owner, second]


def test_a_released_case_is_called_out_again(desk: Desk) -> None:
    desk.channel()
    actor = User.objects.create(username="xiaowang")
    _, complaint = desk.new()
    desk.tick()
    services.claim(actor, complaint, now=desk.now)
    desk.until(hours=1)
    services.release(actor, complaint, now=desk.now)
    desk.until(hours=2)
    assert desk.hours() == [0, 0.5, 1]
    assert "尚无人认领" in desk.shown()[-1].content


def test_only_the_newest_step_is_pushed_after_downtime(desk: Desk) -> None:
    desk.channel()
    desk.new()
    desk.wait(hours=23, minutes=30)
    desk.tick()
    assert [message.content.split("\n")[0] for message in desk.shown()] == ["回复剩 30分 ¥199.00"] * 2
    kinds = list(Message.objects.order_by("pk").values_list("kind", "facts__step"))
    assert kinds == [("new", None), ("reply_due", "before:1h")]


def test_an_open_case_found_by_a_backfill_alerts_once(desk: Desk) -> None:
    desk.channel()
    platform = desk.complaint()
    desk.wait(hours=21)
    desk.see(platform)
    desk.tick()
    assert len(desk.shown()) == 1
    desk.until(hours=23)
    assert desk.hours() == [21, 23]


def test_a_finished_case_found_by_a_backfill_is_silent(desk: Desk) -> None:
    desk.channel()
    platform = desk.complaint(complaint_state="PROCESSED")
    platform.write("MERCHANT_CONFIRM_COMPLETE", desk.now)
    desk.wait(hours=21)
    desk.see(platform)
    desk.until(hours=100)
    assert desk.shown() == []
    assert Clock.objects.count() == 0


def test_seeing_the_same_again_changes_nothing(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    clocks = list(Clock.objects.order_by("pk").values())
    desk.wait(minutes=1)
    desk.see(platform)
    desk.see(platform)
    assert list(Clock.objects.order_by("pk").values()) == clocks
    assert Message.objects.count() == 1


def test_a_late_old_snapshot_restarts_nothing(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    old = platform.snapshot(desk.now)
    desk.wait(minutes=5)
    desk.answered(platform)
    desk.closed(platform)
    with transaction.atomic():
        change = mirror(desk.account, old, now=desk.now)
        services.follow(change, now=desk.now)
    assert not change.applied
    assert not Clock.objects.filter(stopped_at__isnull=True).exists()


def test_bad_news_is_told_at_once_and_each_once(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new(user_tag_list=["HIGH_RISK"])
    desk.tick()
    desk.wait(minutes=2)
    platform.write("PLATFORM_HELP_APPLICATION", desk.now, "请尽快处理")
    platform.write("USER_APPLY_PLATFORM_SERVICE", desk.now, "商家不理人")
    platform.detail |= {"in_platform_service": True, "need_immediate_service": True}
    desk.see(platform)
    desk.see(platform)
    desk.tick()
    told = " ".join(message.content for message in desk.shown())
    for title in ("高风险投诉", "平台催办", "付款人申请平台协助", "需要即时服务"):
        assert told.count(title) == 1, title
    assert all(message.mentions == ["LiSi"] for message in desk.shown())


def test_a_case_without_any_channel_is_still_clocked(desk: Desk) -> None:
    desk.new()
    desk.tick()
    channel = desk.channel()
    desk.until(hours=13)
    assert desk.hours() == [0.25, 12]
    assert Message.objects.exclude(channel=channel).count() == 0


def test_a_channel_for_other_accounts_hears_nothing(desk: Desk) -> None:
    desk.channel(accounts=[make_account("1900000002", now=START)])
    mine = desk.another_channel(accounts=[desk.account])
    desk.new()
    assert list(Message.objects.values_list("channel_id", flat=True)) == [mine.pk]


def test_a_deadline_that_moves_moves_its_clock(desk: Desk) -> None:
    desk.channel()
    platform = desk.complaint(user_complaint_times=2)  # the continuation is not in the history yet
    desk.wait(hours=5)
    desk.see(platform)
    first = Clock.objects.get(kind="reply")
    platform.write("USER_CONTINUE_COMPLAINT", desk.now, "还没好")
    desk.wait(minutes=1)
    desk.see(platform)
    moved = Clock.objects.get(kind="reply")
    assert moved.pk == first.pk
    assert moved.deadline_at - first.deadline_at == timedelta(hours=5)


def test_what_was_answered_while_it_waited_is_dropped_and_logged(desk: Desk) -> None:
    desk.channel()
    platform, _ = desk.new()
    desk.answered(platform)
    desk.dispatch()
    message = Message.objects.get(kind="new")
    assert (message.state, message.error) == ("superseded", "answered")
    assert desk.shown() == []
