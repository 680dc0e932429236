"""What must always hold is looked at, told, and repaired without anybody's help."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kesu import clock
from kesu.alerts.dispatch import Dispatcher
from kesu.alerts.models import Channel, Clock, Message
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.merchants.models import AccountHealth
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll, Refresh
from kesu.sync.polling import start_polling
from kesu.threads import in_thread
from kesu.worker import doctor, watchdog
from kesu.worker.loops import Worker, upkeep
from kesu.worker.models import Watch
from tests.factories import NOW, make_account

HOUR = timedelta(hours=1)


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
    from tests.desk_seeds import make_complaint

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
