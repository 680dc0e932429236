"""The desk stands still for three days. On its return people hear what counts now, once, and no flood of the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from kesu.alerts.models import Clock
from kesu.demo.world import World
from kesu.threads import in_thread
from tests.stories.conftest import DAY, HOUR
from tests.stories.witness import at, briefs, counted, differences, mirror, pushes, rounds, running, unsent

pytestmark = pytest.mark.story


async def without_the_desk(world: World, until: datetime) -> None:
    """Time goes on at the platform only; its notices meet a closed door."""
    world.door.open = False
    await world.sandbox.run_due()
    while (moment := world.sandbox.next_due()) is not None and moment < until:
        await jump(world, moment)
    await jump(world, until)


async def jump(world: World, moment: datetime) -> None:
    world.sandbox.clock.advance(max(moment - world.now(), timedelta(0)) + timedelta(microseconds=1))
    await world.sandbox.run_due()


async def back(world: World, hour: float) -> None:
    world.door.open = True
    await world.advance_to(at(hour))


def test_after_three_days_only_the_latest_step_of_each_clock_is_said(tell):
    async def story(world: World) -> None:
        waiting = await world.complain(world.merchant)
        await world.advance_to(at(1))
        await without_the_desk(world, at(73))
        assert [push[0] for push in await briefs(world)] == [0, 0.25]
        await back(world, 73.01)
        late = [(round(hour), kind, whom) for hour, kind, whom in (await briefs(world))[2:]]
        assert sorted(late) == [(73, "complete_overdue", "lisi"), (73, "reply_overdue", "lisi")]
        done = await in_thread(lambda: dict(Clock.objects.values_list("kind", "done_steps")))
        assert done == {"reply": ["overdue:25"], "complete": ["overdue:1"]}
        await world.advance_to(at(75))
        assert sorted(await briefs(world, waiting))[4:] == [
            (74, "complete_overdue", "lisi"),
            (74, "reply_overdue", "lisi"),
        ]

    tell(story)


def test_what_happened_meanwhile_is_in_the_mirror_and_said_once(tell):
    async def story(world: World) -> None:
        continued = await world.complain(world.merchant)
        await world.advance_to(at(1))
        await world.console(continued, "reply")
        await world.console(continued, "complete")
        await world.advance_to(at(6))
        await without_the_desk(world, at(10))
        fresh = await world.complain(world.sub_merchants[0])
        over = await world.complain(world.sub_merchants[1])
        await without_the_desk(world, at(30))
        await world.payer(continued, "continue", "没有解决")
        await world.console(over, "reply")
        await world.console(over, "complete")
        await without_the_desk(world, at(74.9))
        await back(world, 75)
        late = [(round(hour, 1), kind, whom) for hour, kind, whom in (await briefs(world))[2:]]
        assert sorted(late) == [(74.9, "continued", "zhangsan"), (74.9, "new", "zhangsan")]
        assert counted(await pushes(world), "new", "continued") == {continued: 2, fresh: 1}
        # What stood before the return is said to be done; the next steps come at their own time.
        assert await running(fresh) == [(1, "complete", 82), (1, "reply", 34)]
        assert await running(continued) == [(2, "complete", 102), (2, "reply", 54)]
        assert await rounds(continued) == [(1, 0, 1, 1), (2, 30, None, None)]
        await world.advance_to(at(79.5))
        assert [push for push in sorted(await briefs(world, fresh)) if push[0] > 75] == [
            (76, "complete_due", "zhangsan"),
            (76, "reply_overdue", "lisi"),
            (78, "reply_overdue", "lisi"),
            (79, "complete_due", "zhangsan"),
        ]
        assert [push for push in sorted(await briefs(world, continued)) if push[0] > 75] == [
            (76, "reply_overdue", "lisi"),
            (78, "complete_due", "zhangsan"),
            (78, "reply_overdue", "lisi"),
        ]
        assert await briefs(world, over) == []
        assert await differences(world) == {}
        assert await unsent() == []

    tell(story)


def test_a_case_that_was_settled_in_the_console_meanwhile_is_not_called_overdue(tell):
    async def story(world: World) -> None:
        settled = await world.complain(world.merchant)
        answered = await world.complain(world.merchant)
        await world.advance_to(at(1))
        await without_the_desk(world, at(20))
        await world.console(settled, "reply")
        await world.console(settled, "complete")
        await world.console(answered, "reply")
        await without_the_desk(world, at(71.5))
        await back(world, 71.6)
        opening = ["new", "unclaimed"]
        assert [push[1] for push in await briefs(world, settled)] == opening
        assert [push[1] for push in await briefs(world, answered)] == [*opening, "complete_due"]
        assert ((await mirror(settled)).state, (await mirror(answered)).state) == ("PROCESSED", "PROCESSING")
        assert await differences(world) == {}

    tell(story, newest=HOUR, recent=HOUR)


def test_a_late_reminder_waits_until_its_case_was_read_and_is_silent_if_that_settled_it(tell):
    async def story(world: World) -> None:
        settled = await world.complain(world.merchant)
        owed = await world.complain(world.merchant)
        await world.advance_to(at(12.5))
        told = sorted(await briefs(world))
        await without_the_desk(world, at(15))
        await world.console(settled, "reply")
        await world.console(settled, "complete")
        await without_the_desk(world, at(23 - 0.1))
        await back(world, 23 - 0.1 + 1 / 30)
        late = [push for push in await pushes(world) if push.brief not in told]
        assert [(push.complaint_id, push.kind) for push in late] == [(owed, "reply_due")]
        assert "截至" not in late[0].content
        assert (await mirror(settled)).state == "PROCESSED"

    # No poll and no reading of its own is due when the desk returns: only the late clocks ask.
    tell(story, newest=12 * HOUR, recent=DAY, reread=DAY)


def test_a_late_reminder_of_a_platform_that_does_not_answer_says_of_when_its_news_are(tell):
    async def story(world: World) -> None:
        await world.complain(world.merchant)
        await world.advance_to(at(12.5))
        told = len(await briefs(world))
        await without_the_desk(world, at(22))
        await world.post("/faults", target="wechatpay", kind="status", value=500)
        await back(world, 22.2)
        late = (await pushes(world))[told:]
        assert [(push.hour, push.kind) for push in late] == [(22.0167, "reply_due")]
        assert "截至 11-23 09:00 的情况, 之后未能读取" in late[0].content

    tell(story, newest=12 * HOUR, recent=DAY, reread=DAY)


def test_ten_days_of_silence_are_caught_up_by_the_listing_of_the_month(tell):
    async def story(world: World) -> None:
        await without_the_desk(world, at(3))
        old = await world.complain(world.merchant)
        await without_the_desk(world, at(240))
        await back(world, 240.1)
        assert counted(await pushes(world), "new") == {old: 1}
        assert await differences(world) == {}

    tell(story)
