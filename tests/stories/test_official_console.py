"""Staff work in the platform's own console. None of it is pushed: the desk must notice by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.demo.world import World
from kesu.threads import in_thread
from tests.stories.conftest import DAY, HOUR, MINUTE
from tests.stories.witness import at, briefs, differences, hour_of, ladder, mirror, rounds, running

pytestmark = pytest.mark.story


def test_a_reply_in_the_console_stops_the_reply_clock_at_the_next_poll_and_the_completion_clock_goes_on(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990)
        await world.advance_to(at(1.5))
        await world.console(complaint_id, "reply", text="您好, 正在为您核实")
        await world.advance_to(at(1.99))
        assert (await mirror(complaint_id)).state == "PENDING"
        assert await running(complaint_id) == [(1, "complete", 72), (1, "reply", 24)]
        await world.advance_to(at(2))
        shown = await mirror(complaint_id)
        assert (shown.state, shown.replied, shown.open, shown.next_due_at) == ("PROCESSING", True, True, at(72))
        assert await running(complaint_id) == [(1, "complete", 72)]
        await world.advance_to(at(77))
        assert sorted(await briefs(world)) == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            *ladder(0, until=77, reply_by=None)[1:],
        ]
        assert await rounds(complaint_id) == [(1, 0, 1.5, None)]

    tell(story, newest=2 * HOUR)


def test_a_completion_in_the_console_stops_everything_and_nothing_more_is_said(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1.5))
        await world.console(complaint_id, "reply")
        await world.advance_to(at(50.5))
        await world.console(complaint_id, "complete")
        await world.advance_to(at(52))
        shown = await mirror(complaint_id)
        assert (shown.state, shown.open, shown.next_due_at) == ("PROCESSED", False, None)
        assert await running(complaint_id) == []
        assert await rounds(complaint_id) == [(1, 0, 1.5, 50.5)]
        told = await briefs(world)
        assert told == [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan"), (48, "complete_due", "zhangsan")]
        await world.advance_to(at(90))
        assert await briefs(world) == told
        assert await differences(world) == {}

    tell(story, newest=2 * HOUR, recent=2 * HOUR)


def test_a_second_reply_shows_in_no_list_and_is_found_by_reading_again(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1.5))
        await world.console(complaint_id, "reply", text="您好, 正在为您核实")
        await world.advance_to(at(6))
        read_at = hour_of((await mirror(complaint_id)).history_read_at)
        await world.console(complaint_id, "reply", text="已为您退款, 请查收")
        await world.advance_to(at(read_at) + timedelta(minutes=29))
        assert "已为您退款, 请查收" not in await texts(complaint_id)
        await world.advance_to(at(read_at) + timedelta(minutes=30))
        assert "已为您退款, 请查收" in await texts(complaint_id)
        assert await differences(world) == {}
        assert await briefs(world) == [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan")]

    tell(story, newest=DAY, reread=30 * MINUTE)


def test_whoever_replies_and_completes_between_two_polls_hears_nothing_more(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(11.1))
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await world.advance_to(at(80))
        assert await briefs(world) == [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan")]
        assert await running(complaint_id) == []
        assert await differences(world) == {}

    tell(story, newest=2 * HOUR)


def test_what_a_payer_says_of_a_finished_case_is_found_within_a_day_and_calls_nobody(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1))
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await world.advance_to(at(7))
        await world.payer(complaint_id, "dissatisfied", "根本没有解决")
        await world.advance_to(at(25))
        assert "不满意: 根本没有解决" in await texts(complaint_id)
        opening = [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan")]
        assert await briefs(world) == [*opening, (24, "satisfaction", "")]
        assert await differences(world) == {}

    tell(story)


async def texts(complaint_id: str) -> list[str]:
    shown = await mirror(complaint_id)
    return await in_thread(lambda: list(shown.timeline.values_list("details", flat=True)))
