"""The system page: whatever failed stands there."""

from __future__ import annotations

import re
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from kesu.alerts.models import BudgetKey, Channel, Message
from kesu.intake.models import Notice
from kesu.worker.models import Heartbeat
from tests.desk_seeds import attempt, make_channel, push


def page_of(desk) -> str:
    answer = desk.get("/system")
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_is_parked_stands_there_with_its_error(desk):
    page = page_of(desk)
    assert "DataError: value too long" in page
    assert "404 RESOURCE_NOT_EXISTS" in page
    assert "通知 1 · 读取 1" in page


def test_polls_callback_channels_and_refusals_are_told(desk):
    page = page_of(desk)
    for word in (
        "401 SIGN_ERROR",
        "失败 3 次",
        "desk.example.com",
        "未登记",
        "93000 invalid webhook url",
        "改由 客服群 推送",
        "微信支付的签名探测",
        "无法解密",
        "1 个正在运行",
    ):
        assert word in page, word


def test_the_secret_of_the_callback_address_is_not_shown(desk):
    assert "secret-token" not in page_of(desk)


def test_a_worker_that_is_gone_is_missed(desk):
    Heartbeat.objects.all().delete()
    assert "没有在运行" in page_of(desk)


def test_late_work_is_counted(desk, day, now):
    assert "通知 0 · 读取 0 · 推送 1" in page_of(desk)
    Message.objects.filter(state="pending").delete()
    assert re.search(r"积压的工作</h2>\s*<p class=\"good\">无", page_of(desk))
    Notice.objects.create(
        account=day["account"],
        envelope_id="late",
        event_type="",
        action_type="",
        complaint_id="9",
        body=b"",
        received_at=day["case"].complaint_time,
        due_at=day["case"].complaint_time,
    )
    assert "通知 1 · 读取 0 · 推送 0" in page_of(desk)


def test_a_desk_without_anything_says_so(empty_desk):
    page = page_of(empty_desk)
    assert "还没有接入商户号" in page
    assert "还通知不到任何人" in page


def test_the_number_of_queries_does_not_grow_with_the_channels(desk, now):
    with CaptureQueriesContext(connection) as few:
        page_of(desk)
    for number in range(20):
        channel = make_channel(now, f"群{number}", fallback=Channel.objects.first(), more_budget_keys=[f"more{number}"])
        BudgetKey.objects.create(key=channel.budget_key)
        attempt(push(channel, None, "heartbeat", now), now, "transient" if number % 2 else "sent")
    with CaptureQueriesContext(connection) as many:
        assert "群19" in page_of(desk)
    assert len(many) == len(few), "\n".join(query["sql"][:200] for query in many)


def test_every_state_of_a_channel_is_said_on_the_system_page_and_the_channels_page(desk, day, now):
    trio = make_channel(now, "三个", more_budget_keys=["b", "c"])
    BudgetKey.objects.create(key="b", gone_until=now + timedelta(minutes=5))
    fast = make_channel(now, "快")
    BudgetKey.objects.create(key=fast.budget_key, paused_until=now + timedelta(minutes=1))
    make_channel(now, "哑", down_since=now, dead_reason="502 bad gateway")
    make_channel(now, "偶")
    attempt(push(Channel.objects.get(name="偶"), None, "test", now), now, "transient")
    attempt(push(trio, None, "test", now), now)
    make_channel(now, "新")
    for address in ("/system", "/settings/channels"):
        page = desk.get(address).content.decode()
        for word in (
            "3 个机器人中有 2 个应答",
            "发得太快, 正在歇息",
            "没有应答</span>",
            "没有其他通道可接替, 会反复重试",
            "最近一次没有应答",
            "还没有发送过",
            "93000 invalid webhook url",
            "改由 客服群 推送",
            "使用中",
        ):
            assert word in page, (address, word)
    assert "已失效: 值班群" in desk.get("/settings/").content.decode()
    Channel.objects.filter(name="值班群").delete()
    assert "没有应答: 哑" in desk.get("/settings/").content.decode()
