"""Budgets with several windows and with a pause of their own, from the outbox to the robot."""

from __future__ import annotations

from datetime import timedelta

from kesu.alerts import queries, services
from kesu.alerts.models import Attempt, BudgetKey
from kesu.sandbox.faults import Fault

from ..conftest import START, Desk
from .conftest import BASE_URL


def feishu(desk: Desk) -> None:
    token = desk.sandbox.chat_robots.create("feishu", "secret").token
    settings = {"webhook_url": f"{BASE_URL}/open-apis/bot/v2/hook/{token}", "secret": "secret"}
    services.add_channel("飞书", "feishu_robot", settings, now=desk.now)
    desk.transports["feishu_robot"] = desk.transports["wecom_robot"]


def dingtalk(desk: Desk) -> None:
    token = desk.sandbox.chat_robots.create("dingtalk", "SECx").token
    settings = {"webhook_url": f"{BASE_URL}/robot/send?access_token={token}", "secret": "SECx"}
    services.add_channel("钉钉", "dingtalk_robot", settings, now=desk.now)
    desk.transports["dingtalk_robot"] = desk.transports["wecom_robot"]


def test_a_burst_of_ten_never_exceeds_five_a_second(desk: Desk) -> None:
    feishu(desk)
    for _ in range(10):
        desk.new()
    desk.until(minutes=1)
    messages = desk.sandbox.chat_robots.messages_after("feishu", 0)
    assert [message.errcode for message in messages] == [0] * 10
    assert messages[-1].time - messages[0].time >= timedelta(seconds=2)


def test_a_dingtalk_robot_that_was_too_fast_rests_for_ten_minutes(desk: Desk) -> None:
    dingtalk(desk)
    desk.sandbox.faults.order(Fault("dingtalk", "errcode", 130101, count=1))
    desk.new()
    desk.dispatch()
    assert BudgetKey.objects.get().paused_until == START + timedelta(minutes=10)
    assert queries.next_due(now=desk.now) == START + timedelta(minutes=10)
    desk.until(minutes=10)
    assert list(Attempt.objects.order_by("pk").values_list("outcome", flat=True)) == ["rate", "sent"]
