"""From an owed message to the end that is known of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import httpx2

from kesu.accounts.models import User
from kesu.alerts import breaker, deliveries, queries, services, settlement
from kesu.alerts.channels.base import Receipt
from kesu.alerts.dispatch import Dispatcher, dispatch_due
from kesu.alerts.models import Attempt, BudgetKey, Channel, Message

from .conftest import START, Desk

Outcomes = Callable[[], list[str]]
States = Callable[[], list[tuple[str, str]]]


def test_a_message_is_sent_when_the_robot_says_errcode_0(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.dispatch()
    message = Message.objects.get()
    attempt = Attempt.objects.get()
    assert (message.state, message.attempts, message.sent_at, message.due_at) == ("sent", 1, desk.now, desk.now)
    assert (attempt.outcome, attempt.code, attempt.http_status) == ("sent", "0", 200)
    assert len(attempt.payload_sha256) == 64


def test_a_robot_that_answers_nobody_is_left_alone_while_another_can_stand_in(desk: Desk, outcomes: Outcomes) -> None:
    first = desk.channel()
    second = desk.another_channel("备用群", standby=True)
    desk.trouble("status", 502, path=desk.sandbox.identity.robot_key)
    for _ in range(6):
        desk.new()
    desk.until(minutes=1)
    first.refresh_from_db()
    assert first.dead_since is not None
    tries = Attempt.objects.filter(channel=first)
    assert tries.count() == breaker.DOWN_AFTER
    told = Message.objects.filter(channel=second, state="sent")
    assert sorted(told.values_list("kind", flat=True)) == ["channel_down", *["new"] * 6]

    desk.sandbox.faults.clear()
    desk.until(minutes=12)
    desk.new()  # the next real message after ten minutes is the probe
    desk.dispatch()
    first.refresh_from_db()
    assert first.dead_since is None
    assert tries.latest("pk").outcome == "sent"


def test_a_robot_that_answers_nobody_is_tried_on_where_no_other_can_stand_in(desk: Desk, outcomes: Outcomes) -> None:
    channel = desk.channel()
    desk.trouble("status", 502)
    for _ in range(6):
        desk.new()
    desk.until(minutes=1)
    channel.refresh_from_db()
    assert channel.dead_since is None
    desk.sandbox.faults.clear()
    desk.until(minutes=12)
    assert not Message.objects.filter(state="pending").exists()
    assert outcomes().count("sent") >= 1


def test_a_worker_that_stops_in_the_middle_of_a_send_gives_the_message_back(desk: Desk, outcomes: Outcomes) -> None:
    class Silent(httpx2.AsyncBaseTransport):
        def __init__(self) -> None:
            self.asked = asyncio.Event()

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            self.asked.set()
            await asyncio.Event().wait()
            raise AssertionError

    async def work() -> int:
        silent = Silent()
        dispatcher = Dispatcher(lambda: desk.now, transports={"wecom_robot": silent})
        await dispatcher.start_due()
        await silent.asked.wait()
        await dispatcher.wind_down(0)
        started = await dispatcher.start_due()
        await dispatcher.close()
        return started

    desk.channel()
    desk.new()
    assert asyncio.run(work()) == 0
    message = Message.objects.get()
    assert (message.state, message.due_at, message.failures, message.doubtful) == ("pending", desk.now, 0, True)
    desk.dispatch()
    assert outcomes() == ["interrupted", "sent"]


def test_a_busy_robot_is_tried_again_with_growing_pauses(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.trouble("errcode", -1, count=3)
    desk.until(minutes=5)
    times = [attempt.at - START for attempt in Attempt.objects.order_by("pk")]
    assert [time.total_seconds() for time in times] == [0, 5, 35, 155]
    assert outcomes() == ["transient", "transient", "transient", "sent"]


def test_too_fast_rests_the_key_for_a_minute_and_keeps_the_message(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.new()
    desk.trouble("errcode", 45009, count=1)
    desk.dispatch()
    assert outcomes() == ["rate"]
    assert Message.objects.filter(state="pending").count() == 2
    assert queries.next_due(now=desk.now) == START + timedelta(seconds=60)
    desk.until(seconds=61)
    assert outcomes() == ["rate", "sent", "sent"]
    assert Message.objects.filter(failures__gt=0).count() == 0


def test_a_refused_text_is_shortened_and_sent_once_more(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.trouble("errcode", 40058, count=1)
    desk.dispatch()
    assert outcomes() == ["payload", "sent"]
    shown = desk.shown()[0]
    assert shown.msgtype == "text"
    assert len(shown.content.encode()) <= 900


def test_a_text_refused_twice_fails_visibly_and_the_ladder_goes_on(desk: Desk, states: States) -> None:
    desk.channel()
    desk.new()
    desk.trouble("errcode", 40058, count=2)
    desk.until(minutes=16)
    assert states() == [("new", "failed"), ("unclaimed", "sent")]
    assert queries.outbox_counts()["failed"] == 1
    assert queries.outbox(state="failed")[0]["error"].startswith("40058")


def test_no_answer_is_unknown_and_repeated_once_with_a_marker(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.trouble("timeout", count=1)
    desk.until(minutes=1)
    assert outcomes() == ["unknown", "sent"]
    first, second = desk.shown()
    assert "可能重复" not in first.content
    assert "可能重复" in second.content


def test_no_answer_four_times_ends_the_message_visibly(desk: Desk, outcomes: Outcomes, states: States) -> None:
    desk.channel()
    desk.new()
    desk.trouble("timeout", count=4)
    desk.until(minutes=10)
    assert outcomes() == ["unknown"] * 4
    assert states() == [("new", "failed")]


def test_an_answer_that_is_not_json_is_no_delivery(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.trouble("status", 200, count=1)
    desk.until(minutes=1)
    assert outcomes() == ["transient", "sent"]


def test_a_robot_that_stays_away_ends_in_failure_not_in_silence(desk: Desk, outcomes: Outcomes) -> None:
    desk.channel()
    desk.new()
    desk.trouble("status", 502)
    desk.until(hours=4)
    new = Message.objects.get(kind="new")
    assert (new.state, new.failures, new.log.count()) == ("failed", 12, 12)
    assert Message.objects.filter(state="pending").count() + Message.objects.filter(state="failed").count() == 2


def test_a_removed_robot_hands_over_to_its_fallback_at_once(desk: Desk, states: States) -> None:
    second = desk.another_channel("值班群", standby=True)
    first = desk.channel(fallback=second)
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.new()
    desk.dispatch()
    desk.dispatch()
    first.refresh_from_db()
    assert first.dead_since == desk.now
    assert first.dead_reason.startswith("93000")
    moved = Message.objects.get(kind="new", channel=first)
    assert (moved.state, moved.moved_to.channel_id, moved.moved_to.state) == ("moved", second.pk, "sent")
    told = [message.content for message in desk.shown()]
    assert any("代“客服群”发送" in content for content in told)
    assert any(content.startswith("通道失效: 客服群") for content in told)


def test_a_dead_channel_is_not_tried_but_probed_now_and_then(desk: Desk, outcomes: Outcomes) -> None:
    second = desk.another_channel("值班群", standby=True)
    first = desk.channel(fallback=second)
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.new()
    desk.until(minutes=1)
    desk.new()
    desk.until(minutes=2)
    assert Attempt.objects.filter(channel=first).count() == 1
    desk.sandbox.state.robot_keys.append(desk.sandbox.identity.robot_key)
    desk.wait(minutes=15)
    desk.new()
    desk.dispatch()
    first.refresh_from_db()
    assert first.dead_since is None
    assert Attempt.objects.filter(channel=first).order_by("pk").last().outcome == "sent"


def test_a_dead_channel_without_another_keeps_its_messages_for_a_while(desk: Desk) -> None:
    channel = desk.channel()
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.new()
    desk.until(minutes=11)
    assert Message.objects.get(kind="new").state == "pending"
    key = desk.sandbox.robots.create()
    url = f"http://127.0.0.1:1/cgi-bin/webhook/send?key={key}"
    services.change_settings(channel, {"webhook_url": url}, now=desk.now)
    desk.until(minutes=25)
    assert Message.objects.get(kind="new").state == "sent"


def test_when_every_channel_is_dead_the_message_fails_visibly_in_the_end(desk: Desk) -> None:
    first = desk.channel()
    second = desk.another_channel()
    for key in list(desk.sandbox.state.robot_keys):
        desk.sandbox.robots.remove(key)
    desk.new()
    desk.until(hours=3)
    assert not Channel.objects.filter(dead_since__isnull=True).exists()
    ends = Message.objects.filter(kind="new", channel__in=[first, second]).values_list("state", flat=True)
    assert set(ends) <= {"failed", "moved"}
    assert "failed" in ends


def test_both_channels_owed_the_same_message_do_not_double_it_when_one_dies(desk: Desk) -> None:
    desk.channel()
    desk.another_channel()
    desk.sandbox.robots.remove(desk.sandbox.identity.robot_key)
    desk.new()
    desk.until(minutes=1)
    assert [message.content.count("新投诉") for message in desk.shown()].count(1) == 1


def test_a_key_never_sends_more_than_18_in_any_minute(desk: Desk) -> None:
    desk.channel()
    for second in range(120):
        desk.new(user_tag_list=["HIGH_RISK"] if second % 3 else [])
        desk.until(seconds=second + 1)
    desk.until(minutes=12)
    times = [message.time for message in desk.shown()]
    assert all(sum(1 for t in times if at <= t < at + timedelta(seconds=60)) <= 18 for at in times)
    assert not [message for message in desk.sandbox.robots.messages_after(0) if message.errcode == 45009]
    assert set(Message.objects.values_list("state", flat=True)) == {"sent", "digested"}


def test_two_dispatchers_at_once_share_one_budget_and_double_nothing(desk: Desk) -> None:
    desk.channel("甲")
    desk.channel("乙")  # the same robot under another name
    for _ in range(6):
        desk.new()

    async def race() -> Sequence[int]:
        dispatchers = [desk.dispatcher(), desk.dispatcher()]
        try:
            return await asyncio.gather(*(dispatcher.dispatch_due() for dispatcher in dispatchers))
        finally:
            for dispatcher in dispatchers:
                await dispatcher.close()

    counts = asyncio.run(race())
    assert sum(counts) == 12
    assert len(desk.shown()) == 12
    assert Message.objects.filter(state="sent", attempts=1).count() == 12
    assert len(BudgetKey.objects.get().used_at) == 12


def test_a_slow_robot_holds_up_nobody_else(desk: Desk) -> None:
    desk.channel("慢")
    desk.another_channel("快")
    desk.new()
    slow_key = desk.sandbox.identity.robot_key

    class SlowForOne(httpx2.AsyncBaseTransport):
        def __init__(self) -> None:
            self.inner = desk.transports["wecom_robot"]
            self.answer_now = asyncio.Event()

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if slow_key in str(request.url):
                await self.answer_now.wait()
            return await self.inner.handle_async_request(request)

    async def story() -> tuple[int, int, int]:
        transport = SlowForOne()
        dispatcher = Dispatcher(lambda: desk.now, transports={"wecom_robot": transport})
        try:
            started = await dispatcher.start_due()
            while len(desk.shown()) < 1:
                await asyncio.sleep(0.01)
            again = await dispatcher.start_due()
            before = len(desk.shown())
            transport.answer_now.set()
        finally:
            await dispatcher.close()
        return started, again, before

    assert asyncio.run(story()) == (2, 0, 1)
    assert len(desk.shown()) == 2


def test_the_nearest_deadline_goes_first_whatever_is_older(desk: Desk) -> None:
    desk.channel()
    late = desk.complaint(complaint_detail="最急")
    desk.wait(hours=5)
    desk.new(complaint_detail="较早看到")
    desk.see(late)
    desk.dispatch()
    assert ["最急" in message.content for message in desk.shown()] == [True, False]


def test_what_a_crashed_worker_had_in_hand_is_sent_again_with_a_marker(desk: Desk, outcomes: Outcomes) -> None:
    channel = desk.channel()
    desk.new()
    assert deliveries.claim_next(channel.budget_key, now=desk.now) is not None
    assert desk.dispatch() == 0
    desk.until(seconds=61)
    assert outcomes() == ["interrupted", "sent"]
    assert "可能重复" in desk.shown()[0].content


def test_a_try_whose_lease_was_lost_does_not_unsettle_what_came_after(desk: Desk) -> None:
    channel = desk.channel()
    desk.new()
    lost = deliveries.claim_next(channel.budget_key, now=desk.now)
    assert lost is not None
    desk.until(seconds=61)
    settlement.record(lost, "transient", Receipt(answer="late"), now=desk.now)
    message = Message.objects.get()
    assert (message.state, message.failures) == ("sent", 0)


def test_a_message_that_cannot_be_made_does_not_stop_the_others(desk: Desk) -> None:
    channel = desk.channel()
    desk.new()
    desk.new()
    Message.objects.filter(pk=Message.objects.first().pk).update(urgency="nonsense")
    desk.dispatch()
    assert sorted(Message.objects.values_list("state", flat=True)) == ["failed", "sent"]
    assert Attempt.objects.filter(channel=channel, answer__contains="could not be made").count() == 2


def test_a_reminder_overtaken_by_a_newer_one_is_dropped(desk: Desk, states: States) -> None:
    desk.channel()
    desk.new()
    desk.dispatch()
    for hours in (12, 8):
        desk.wait(hours=hours)
        services.raise_due_clocks(now=desk.now)
    desk.dispatch()
    assert states() == [("new", "sent"), ("reply_due", "superseded"), ("reply_due", "sent")]


def test_the_message_for_unclaimed_cases_is_dropped_when_somebody_claims_first(desk: Desk, states: States) -> None:
    desk.channel()
    _, complaint = desk.new()
    desk.dispatch()
    desk.wait(minutes=15)
    services.raise_due_clocks(now=desk.now)
    services.claim(User.objects.create(username="xiaowang"), complaint, now=desk.now)
    desk.dispatch()
    assert states() == [("new", "sent"), ("unclaimed", "superseded")]


def test_least_spacing_is_kept_where_it_is_set(desk: Desk) -> None:
    channel = desk.channel()
    BudgetKey.objects.create(key=channel.budget_key, spacing_seconds=3)
    desk.new()
    desk.new()
    desk.until(seconds=10)
    first, second = desk.shown()
    assert second.time - first.time == timedelta(seconds=3)


def test_dispatch_due_alone_sends_what_is_due(desk: Desk) -> None:
    desk.channel()
    desk.new()
    assert asyncio.run(dispatch_due(now=desk.now, transports=desk.transports)) == 1
    assert asyncio.run(dispatch_due(now=desk.now, transports=desk.transports)) == 0


def test_the_log_never_holds_the_robot_s_key(desk: Desk) -> None:
    channel = desk.channel()
    key = desk.sandbox.identity.robot_key

    async def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"errcode": 93000, "errmsg": f"invalid webhook url {request.url}"})

    desk.transports = {"wecom_robot": httpx2.MockTransport(echo)}  # type: ignore[dict-item]
    desk.new()
    desk.dispatch()
    rows = [*Attempt.objects.values_list("answer", flat=True), *Message.objects.values_list("error", flat=True)]
    channel.refresh_from_db()
    assert key not in " ".join([*rows, channel.dead_reason, queries.address_of(channel)])
    assert queries.address_of(channel).endswith(f"/cgi-bin/webhook/send?key=****{key[-4:]}")
