"""What must always hold is looked at, told, and repaired without anybody's help."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kesu import clock
from kesu.alerts.dispatch import Dispatcher
from kesu.alerts.models import Channel, Clock, Message
from kesu.commands.models import Command, Refund
from kesu.complaints.models import Complaint, Order
from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.merchants.models import AccountHealth
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll, Refresh
from kesu.sync.polling import start_polling
from kesu.threads import in_thread
from kesu.webhooks.models import Delivery, Endpoint, Event, Lookout
from kesu.worker import doctor, watchdog
from kesu.worker.loops import Worker, upkeep
from kesu.worker.models import Watch
from tests.desk_seeds import make_complaint
from tests.factories import NOW, make_account

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def account(transactional_db: Any) -> Any:
    made = make_account()
    start_polling(made, now=NOW)
    return made


def violated() -> dict[str, int]:
    return {violation.invariant: violation.count for violation in watchdog.look(NOW)}


def make_channel(**fields: Any) -> Channel:
    values = {"name": "群", "kind": "wecom_robot", "settings": "{}", "budget_key": "k", "created_at": NOW}
    return Channel.objects.create(**values | fields)


def make_message(channel: Channel, **fields: Any) -> Message:
    values = {"kind": "test", "dedupe_key": "k", "created_at": NOW, "due_at": NOW}
    return Message.objects.create(channel=channel, **values | fields)


def make_command(case: Complaint, **fields: Any) -> Command:
    values = {"kind": "refund", "payload": "{}", "key": "k", "via": "page", "planned_at": NOW}
    return Command.objects.create(account=case.account, complaint=case, **values | fields)


def make_refund(command: Command, **fields: Any) -> Refund:
    order = Order.objects.create(complaint=command.complaint, transaction_id=str(command.pk), amount=100)
    values = {"out_refund_no": str(command.pk), "amount": 100, "total": 100, "state": "processing", "created_at": NOW}
    about = {"account": command.account, "complaint": command.complaint, "order": order, "command": command}
    return Refund.objects.create(**about, **values | fields)


def make_delivery(endpoint: Endpoint, case: Complaint, **fields: Any) -> Delivery:
    event = Event.objects.create(
        event_id=uuid4(), complaint=case, type="complaint.updated", cause=uuid4().hex, created_at=NOW
    )
    return Delivery.objects.create(endpoint=endpoint, event=event, created_at=NOW, **fields)


def test_a_case_that_lost_its_clocks_is_armed_again_and_wakes_people(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance(HOUR)
        before = len(await world.messages())
        await in_thread(Clock.objects.all().delete)
        assert await in_thread(watchdog.open_without_clock) == 2  # neither reply nor completion
        await in_thread(lambda: watchdog.watch(now=world.now()))
        row = await in_thread(Watch.objects.get, pk="open_without_clock")
        assert (row.violations, row.healed, row.since) == (1, 1, world.now())
        await world.settle()
        kinds = await in_thread(lambda: sorted(Clock.objects.filter(stopped_at=None).values_list("kind", flat=True)))
        assert kinds == ["complete", "reply"]
        await in_thread(lambda: watchdog.watch(now=world.now()))
        row = await in_thread(Watch.objects.get, pk="open_without_clock")
        assert (row.violations, row.healed, row.since) == (0, 1, None)
        await world.advance(12 * HOUR)
        told = (await world.messages())[before:]
        assert any(complaint_id in message["content"] for message in told)

    tell(story)


def test_lost_clocks_are_armed_by_what_is_known_while_the_platform_does_not_answer(tell):
    async def story(world: World) -> None:
        await world.complain(world.merchant)
        await world.advance(HOUR)
        before = len(await world.messages())
        await world.post("/faults", target="wechatpay", kind="status", value=500)
        await in_thread(Clock.objects.all().delete)
        await in_thread(lambda: watchdog.watch(now=world.now()))
        assert await in_thread(watchdog.open_without_clock) == 0
        await world.advance(12 * HOUR)
        told = [message["content"] for message in (await world.messages())[before:]]
        # What was told before is not told again: only the step at twelve hours left comes.
        assert len(told) == 1
        assert "尚未回复" in told[0]

    tell(story)


def test_an_account_that_an_older_version_added_is_watched(account):
    AccountHealth.objects.all().delete()
    assert violated() == {"account_unwatched": 1}
    watchdog.watch(now=NOW)
    assert AccountHealth.objects.get().due_at == NOW
    assert violated() == {}


def test_a_clock_that_runs_for_a_closed_case_is_stopped(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        await world.console(complaint_id, "reply", text="您好")
        await world.console(complaint_id, "complete")
        await world.advance(13 * HOUR)
        assert not (await in_thread(Complaint.objects.get)).open
        await in_thread(lambda: Clock.objects.update(stopped_at=None, due_at=world.now() + HOUR))
        await in_thread(lambda: watchdog.watch(now=world.now()))
        await world.settle()
        assert not await in_thread(Clock.objects.filter(stopped_at=None).exists)

    tell(story)


def test_a_desk_at_work_violates_nothing(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        for _ in range(4):
            await world.advance(3 * HOUR)
            assert await in_thread(watchdog.look, world.now()) == []
        await world.console(complaint_id, "reply", text="您好")
        await world.advance(7 * HOUR)
        assert await in_thread(watchdog.look, world.now()) == []

    tell(story)


def test_a_case_is_not_asked_for_twice_while_its_reading_is_under_way(account):
    # Without its round a case cannot be armed by what is known: only the reading heals it.
    make_complaint(account, 1, now=NOW).rounds.all().delete()
    Clock.objects.all().delete()
    watchdog.watch(now=NOW)
    watchdog.watch(now=NOW + timedelta(seconds=30))
    assert Refresh.objects.get().wanted == 1
    Refresh.objects.update(state="parked", attempts=3, due_at=NOW + HOUR)
    watchdog.watch(now=NOW + timedelta(seconds=60))
    assert Refresh.objects.get().state == "parked"
    watchdog.watch(now=NOW + 2 * HOUR)
    assert Refresh.objects.get().state == "waiting"


def test_work_planned_by_a_clock_that_ran_ahead_is_made_due(account):
    later = NOW + 3 * HOUR
    refresh = {"priority": 0, "requested_at": later, "reason": "x"}
    Refresh.objects.create(account=account, complaint_id="1", due_at=NOW, leased_until=later, **refresh)
    Refresh.objects.create(account=account, complaint_id="2", due_at=later, **refresh)
    Notice.objects.create(account=account, envelope_id="e", complaint_id="1", body=b"", received_at=later, due_at=later)
    make_message(make_channel(), created_at=later, due_at=later)
    Poll.objects.filter(tier="newest").update(due_at=later)
    assert violated() == {
        "refresh_out_of_reach": 2,
        "notice_out_of_reach": 1,
        "message_out_of_reach": 1,
        "poll_out_of_reach": 1,
    }
    watchdog.watch(now=NOW)
    assert violated() == {}
    assert Refresh.objects.filter(due_at__lte=NOW, leased_until=None).count() == 2
    assert Message.objects.get().due_at == NOW


def test_acts_and_deliveries_of_a_clock_that_ran_ahead_are_made_due(account):
    case = make_complaint(account, 1, now=NOW)
    sent = make_command(case, state="sending", sent_at=NOW, due_at=NOW + HOUR)
    other = make_complaint(account, 2, now=NOW)
    looked_for = make_command(other, state="unknown", sent_at=NOW, due_at=NOW + 5 * MINUTE)
    soon = NOW + 40 * MINUTE
    refunds = [make_refund(looked_for, due_at=soon), make_refund(sent, due_at=soon, looks=8)]
    hook = Endpoint.objects.create(name="工单系统", url="https://hook.test", created_at=NOW)
    fresh = make_delivery(hook, case, due_at=NOW + HOUR)
    failed = make_delivery(hook, case, due_at=NOW + HOUR, failures=5)
    told = {"command_out_of_reach": 1, "refund_out_of_reach": 1, "delivery_out_of_reach": 1}
    assert violated().items() >= told.items()
    watchdog.watch(now=NOW)
    assert not violated().keys() & told.keys()
    due = [sent, looked_for, *refunds, fresh, failed]
    for row in due:
        row.refresh_from_db()
    assert [(row.due_at - NOW) / MINUTE for row in due] == [0, 5, 0, 40, 0, 60]
    assert (sent.state, sent.attempts) == ("sending", 0)  # to be read for, not to be sent


def test_a_lookout_that_ran_ahead_looks_again_at_what_it_passed_over(account, settings):
    lead, other = settings.KESU_WEBHOOK_DUE_SOON[:2]
    Lookout.objects.create(lead_seconds=lead.total_seconds(), reached=NOW + HOUR + lead)
    Lookout.objects.create(lead_seconds=other.total_seconds(), reached=NOW + other)
    assert violated() == {"lookout_out_of_reach": 1}
    watchdog.watch(now=NOW)
    assert violated() == {}
    assert Lookout.objects.get(pk=lead.total_seconds()).reached == NOW + lead


def test_a_push_held_back_on_purpose_is_left_alone(account):
    make_message(make_channel(), due_at=NOW + 20 * HOUR)
    watchdog.watch(now=NOW)
    assert Message.objects.get().due_at == NOW + 20 * HOUR


def test_a_push_on_a_channel_that_was_switched_off_is_ended_with_a_reason(account):
    make_message(make_channel(enabled=False))
    watchdog.watch(now=NOW)
    message = Message.objects.get()
    assert (message.state, message.error) == ("superseded", "channel switched off")


def test_an_account_without_polls_gets_them(account):
    Poll.objects.all().delete()
    assert violated() == {"account_without_polls": 1}
    watchdog.watch(now=NOW)
    assert Poll.objects.filter(account=account).count() == 3


def test_a_violation_is_an_error_in_the_log(account, caplog):
    from structlog.testing import capture_logs

    Poll.objects.all().delete()
    with capture_logs() as lines:
        watchdog.watch(now=NOW)
    [line] = [line for line in lines if line["event"] == "invariant_violated"]
    assert line["log_level"] == "error"
    assert (line["invariant"], line["violations"], line["healed"]) == ("account_without_polls", 1, 1)


def test_two_watchdogs_do_not_watch_at_once(account):
    from django.db import connection, transaction

    Poll.objects.all().delete()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [watchdog.WATCH_LOCK])

        async def other() -> None:
            await in_thread(lambda: watchdog.watch(now=NOW))

        asyncio.run(other())
        assert not Watch.objects.exists()
    watchdog.watch(now=NOW)
    assert Watch.objects.count() == len(watchdog.INVARIANTS)


def test_the_doctor_shows_what_is_violated(account):
    Poll.objects.update(due_at=clock.now())
    levels = {finding.check: finding.level for finding in doctor.examine(None)}
    assert (levels["clocks"], levels["invariants"]) == ("ok", "ok")
    Poll.objects.all().delete()
    [finding] = [finding for finding in doctor.examine(None) if finding.check == "invariants"]
    assert finding.level == "failed"
    assert "account_without_polls (1)" in finding.text


def test_every_worker_runs_the_watchdog_every_thirty_seconds(transactional_db):
    [loop] = [loop for loop in upkeep(lambda: NOW) if loop.name == "watchdog"]
    assert loop.idle_seconds == 30

    async def work() -> None:
        worker = Worker(Gateway(lambda: NOW), Dispatcher(lambda: NOW))
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(30):
            while not await in_thread(Watch.objects.exists):
                await asyncio.sleep(0.02)
        worker.stop()
        await running

    asyncio.run(work())
