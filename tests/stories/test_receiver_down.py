"""The receiver is dead: polling alone keeps the desk correct, and notices that come late do no harm."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.threads import in_thread
from tests.stories.conftest import MINUTE
from tests.stories.witness import at, briefs, differences, mirror, running

pytestmark = pytest.mark.story

M = 1 / 60  # a minute in hours


def hours(minutes: float) -> float:
    return round(minutes / 60, 4)


def test_everything_is_seen_within_a_minute_by_polling_alone(tell):
    async def story(world: World) -> None:
        world.door.open = False
        await world.advance_to(at(0.5 * M))
        complaint_id = await world.complain(world.merchant, amount=1990)
        await world.advance_to(at(1 * M))
        assert await briefs(world) == [(hours(1), "new", "zhangsan")]
        await world.advance_to(at(5.4 * M))
        await world.console(complaint_id, "reply")
        await world.advance_to(at(6 * M))
        assert [clock[1] for clock in await running(complaint_id)] == ["complete"]
        await world.advance_to(at(7.2 * M))
        await world.payer(complaint_id, "message", "什么时候退款?")
        await world.advance_to(at(8 * M))
        assert (await briefs(world))[-1] == (hours(8), "user_message", "zhangsan")
        await world.advance_to(at(9.5 * M))
        await world.console(complaint_id, "complete")
        await world.advance_to(at(10 * M))
        assert await running(complaint_id) == []
        await world.advance_to(at(11.3 * M))
        await world.payer(complaint_id, "continue", "钱没退就结了?")
        await world.advance_to(at(12 * M))
        assert (await briefs(world))[-1] == (hours(12), "continued", "zhangsan")
        assert [clock[:2] for clock in await running(complaint_id)] == [(2, "complete"), (2, "reply")]
        assert await differences(world) == {}

    tell(story, newest=MINUTE)


def test_notices_that_come_when_the_receiver_is_back_alert_nobody_twice(tell):
    async def story(world: World) -> None:
        world.door.open = False
        first = await world.complain(world.merchant)
        second = await world.complain(world.sub_merchants[1])
        await world.advance_to(at(2.2 * M))
        await world.console(first, "reply")
        await world.console(first, "complete")
        await world.advance_to(at(4.2 * M))
        await world.payer(first, "continue", "没有解决")
        await world.advance_to(at(6 * M))
        told = await briefs(world)
        assert sorted(told) == [
            (hours(1), "new", "zhangsan"),
            (hours(1), "new", "zhangsan"),
            (hours(5), "continued", "zhangsan"),
        ]
        assert await in_thread(Notice.objects.count) == 0
        world.door.open = True
        await world.advance_to(at(1))
        notices = world.sandbox.state.notices.values()
        assert Counter(notice.status for notice in notices) == {"acked": 3}
        assert all(notice.attempts > 1 for notice in notices)
        assert await in_thread(Notice.objects.filter(state="processed").count) == 3
        # The second was first told at its poll, a minute late; its clock counts from the complaint.
        later = [push for push in await briefs(world) if push not in told]
        assert later == [(0.25, "unclaimed", "zhangsan"), (hours(19.2), "unclaimed", "zhangsan")]
        assert (await mirror(second)).user_complaint_times == 1
        assert await differences(world) == {}

    tell(story, newest=MINUTE)


def test_a_message_of_a_payer_who_still_waits_shows_in_no_list_and_is_found_by_reading_again(tell):
    async def story(world: World) -> None:
        world.door.open = False
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(3.5 * M))
        # Since the complaint itself awaits an answer, the list says the same as before.
        await world.payer(complaint_id, "message", "人呢?")
        read_at = (await mirror(complaint_id)).history_read_at
        await world.advance_to(read_at + timedelta(minutes=10) - timedelta(seconds=1))
        assert [push[1] for push in await briefs(world)] == ["new"]
        await world.advance_to(read_at + timedelta(minutes=10))
        assert [push[1] for push in await briefs(world)] == ["new", "user_message"]
        assert await differences(world) == {}

    tell(story, newest=MINUTE, reread=10 * MINUTE)
