"""The clock of the desk's machine jumps by an hour and is set right: what it wrote meanwhile holds nothing up."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role, User
from kesu.alerts.models import Attempt, BudgetKey, Channel
from kesu.commands import verbs
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.rules.budget import LIMIT
from kesu.sync.models import Refresh
from kesu.threads import in_thread
from kesu.webhooks import endpoints
from kesu.worker import watchdog
from tests.stories.conftest import HOUR, MINUTE
from tests.stories.witness import at, differences, hour_of, running, unsent
from tests.webhooks.conftest import subscribe

pytestmark = pytest.mark.story

AN_HOUR = timedelta(hours=1)
M = 1 / 60
BOTH_WAYS = pytest.mark.parametrize("step", [AN_HOUR, -AN_HOUR], ids=["ahead", "behind"])


async def go_on(world: World, hour: float) -> None:
    """As the worker does, which looks now and then for what must always hold."""
    while (world.sandbox.clock.now() - at(hour)).total_seconds() < -1:
        await world.advance_to(min(at(hour), world.sandbox.clock.now() + timedelta(minutes=1)))
        await in_thread(lambda: watchdog.watch(now=world.now()))


async def heard(world: World) -> list[tuple[str, str, float]]:
    """(kind, complaint, hour) of what the robot showed, by the robot's own clock: the desk's log has the wrong one."""
    shown = [message for message in await world.messages() if message["errcode"] == 0]
    sent = Attempt.objects.filter(outcome=Attempt.Outcome.SENT).order_by("pk")
    told = await in_thread(lambda: list(sent.values_list("message__kind", "message__complaint__complaint_id")))
    assert len(shown) == len(told)
    return [
        (kind, complaint_id, hour_of(datetime.fromisoformat(message["time"])))
        for (kind, complaint_id), message in zip(told, shown, strict=True)
    ]


@BOTH_WAYS
def test_complaints_of_a_wrong_hour_are_told_within_minutes_once_the_clock_is_right(tell: Any, step: timedelta):
    async def story(world: World) -> None:
        known = await world.complain(world.merchant)
        await go_on(world, 10 * M)
        world.clock_error = step
        made = [await world.complain(world.merchant)]
        await go_on(world, 30 * M)
        made.append(await world.complain(world.sub_merchants[0]))
        await world.payer(known, "message", "还没有人理我")
        # Whoever signs with a wrong clock is refused, and refuses: nothing is acknowledged that was not checked.
        await go_on(world, 40 * M)
        assert await in_thread(Notice.objects.count) == 1
        world.clock_error = timedelta(0)
        await go_on(world, 46 * M)
        told = Counter((kind, complaint_id) for kind, complaint_id, _hour in await heard(world))
        assert {pair: count for pair, count in told.items() if pair[0] == "new"} == dict.fromkeys(
            [("new", complaint_id) for complaint_id in (known, *made)], 1
        )
        assert told["user_message", known] == 1
        await go_on(world, 60 * M)
        assert await differences(world) == {}
        assert await in_thread(watchdog.look, world.now()) == []
        assert await in_thread(Refresh.objects.count) == 0

    tell(story, newest=MINUTE, recent=10 * MINUTE, reread=10 * MINUTE)


@BOTH_WAYS
def test_a_step_in_the_middle_of_a_ladder_skips_no_deadline_and_repeats_no_step(tell: Any, step: timedelta):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(11.5))
        world.clock_error = step
        await world.advance_to(at(13.5))
        world.clock_error = timedelta(0)
        await go_on(world, 13.5 + M)
        await world.advance_to(at(25))
        told = [(kind, round(hour, 2)) for kind, _complaint, hour in await heard(world)]
        due = [hour for kind, hour in told if kind == "reply_due"]
        # The one step within the wrong hours comes up to an hour off; those after it come when they should.
        assert due[0] == pytest.approx(max(11.5, 12 - step / AN_HOUR), abs=2 * M)
        assert due[1:] == [20, 23]
        assert [hour for kind, hour in told if kind == "reply_overdue"] == [24]
        assert await running(complaint_id) == [(1, "complete", 72), (1, "reply", 24)]
        assert await unsent() == []

    tell(story, newest=HOUR)


def test_a_robot_whose_minute_was_spent_in_the_future_speaks_within_a_minute(tell: Any):
    async def story(world: World) -> None:
        await world.settle()
        world.clock_error = AN_HOUR
        await in_thread(spend_everything, now=world.now())
        world.clock_error = timedelta(0)
        await go_on(world, 1 * M)
        complaint_id = await world.complain(world.merchant)
        await go_on(world, 3 * M)
        assert [(kind, number) for kind, number, _hour in await heard(world)] == [("new", complaint_id)]
        assert max((await in_thread(BudgetKey.objects.get)).used_at) <= world.now().timestamp()

    tell(story)


def test_a_dead_channel_that_was_to_be_probed_in_the_future_is_probed_soon(tell: Any):
    async def story(world: World) -> None:
        waiting = await world.complain(world.merchant)
        await world.settle()
        await world.post("/faults", target="wecom", kind="errcode", value=93000, count=1)
        world.clock_error = AN_HOUR
        await world.advance_to(at(2 * M))  # by this clock nobody has claimed it for an hour
        assert (await in_thread(Channel.objects.get)).dead_since is not None
        world.clock_error = timedelta(0)
        fresh = await world.complain(world.merchant)
        await go_on(world, 6 * M)
        told = [(kind, complaint_id) for kind, complaint_id, _hour in await heard(world)]
        assert sorted(told) == sorted([("new", waiting), ("unclaimed", waiting), ("new", fresh)])
        channel = await in_thread(Channel.objects.get)
        assert (channel.dead_since, channel.probe_at) == (None, None)

    tell(story)


def test_a_reply_written_at_a_machine_an_hour_ahead_is_sent_within_a_minute_and_once(tell: Any):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        world.clock_error = AN_HOUR
        command = await in_thread(reply, complaint_id, now=world.now())
        world.clock_error = timedelta(0)
        await world.advance_to(at(M))
        await in_thread(command.refresh_from_db)
        assert command.state == "planned"  # by the clock of the others its time has not come
        await go_on(world, 3 * M)
        await in_thread(command.refresh_from_db)
        assert (command.state, command.attempts) == ("confirmed", 1)
        await go_on(world, 62 * M)
        assert world.sandbox.state.counters["requests_response"] == 1
        assert await in_thread(watchdog.look, world.now()) == []

    tell(story)


def test_a_delivery_that_was_to_be_tried_in_the_future_arrives_within_minutes_and_once(tell: Any):
    async def story(world: World) -> None:
        await world.settle()
        receiver, endpoint, _secret = await subscribe(world)
        receiver.answer(503)
        world.clock_error = AN_HOUR
        await in_thread(lambda: endpoints.send_test(endpoint, now=world.now()))
        await world.settle()
        refused = len(receiver.at())
        assert refused >= 1
        world.clock_error = timedelta(0)
        receiver.answer(204)
        await world.advance_to(at(M))
        assert len(receiver.at()) == refused
        await go_on(world, 3 * M)
        assert len(receiver.at()) == refused + 1
        await go_on(world, 62 * M)
        assert len(receiver.at()) == refused + 1

    tell(story)


def reply(complaint_id: str, *, now: Any) -> Any:
    owner = User.objects.create_user("boss", password="a-long-password", role=Role.OWNER)
    case = Complaint.objects.select_related("account").get(complaint_id=complaint_id)
    words, consent = "您好, 经核实是仓库漏发, 今天补发, 请您留意", verbs.Consent(acknowledged=("message_unread",))
    return verbs.reply(Actor(owner, Via.PAGE, ""), case, words, consent=consent, now=now)


def spend_everything(*, now: Any) -> None:
    key = Channel.objects.get().budget_key
    stamps = [now.timestamp()] * LIMIT
    BudgetKey.objects.update_or_create(
        pk=key,
        defaults={
            "used_at": stamps,
            "used_by": {"urgent": stamps[:4]},
            "paused_until": now + timedelta(minutes=1),
            "digest_since": now,
            "digest_busy_at": now,
            "digested_at": now,
        },
    )
