"""继续投诉: a payer who was not settled comes back, and everything begins anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kesu.demo.world import World
from kesu.merchants.models import Account
from kesu.rules.deadlines import PROFILES
from kesu.threads import in_thread
from tests.stories.conftest import HOUR
from tests.stories.witness import at, briefs, differences, ladder, mirror, pushes, rounds, running

pytestmark = pytest.mark.story


async def close(world: World, complaint_id: str, *, reply_at: float, complete_at: float) -> None:
    await world.advance_to(at(reply_at))
    await world.console(complaint_id, "reply")
    await world.advance_to(at(complete_at))
    await world.console(complaint_id, "complete")


async def continued(world: World, complaint_id: str, hour: float, text: str) -> None:
    await world.advance_to(at(hour))
    await world.payer(complaint_id, "continue", text)


async def use_profile(world: World, name: str) -> None:
    await in_thread(Account.objects.update, deadline_profile=name)
    await world.gateway.close()  # clients know their account as it was when they were opened


def test_a_continuation_wakes_people_at_once_and_starts_both_clocks_anew(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990)
        await close(world, complaint_id, reply_at=0.4, complete_at=1.4)
        await continued(world, complaint_id, 30, "钱没退就结了?")
        await world.advance_to(at(30))
        told = (await pushes(world))[-1]
        assert (told.brief, told.urgency) == ((30, "continued", "zhangsan"), "urgent")
        assert "钱没退就结了" in told.content
        shown = await mirror(complaint_id)
        assert (shown.state, shown.round_number, shown.user_complaint_times) == ("PENDING", 2, 2)
        assert await running(complaint_id) == [(2, "complete", 102), (2, "reply", 54)]
        await world.advance_to(at(105))
        first = [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan")]
        assert sorted(await briefs(world)) == first + ladder(30, until=105, opening="continued")
        assert await rounds(complaint_id) == [(1, 0, 0.4, 1.4), (2, 30, None, None)]
        assert await differences(world) == {}

    tell(story, newest=2 * HOUR)


def test_a_third_round_is_a_round_like_the_others(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.sub_merchants[2], amount=1990)
        await close(world, complaint_id, reply_at=0.4, complete_at=1.4)
        await continued(world, complaint_id, 30, "钱没退就结了?")
        await close(world, complaint_id, reply_at=31.4, complete_at=32.4)
        await continued(world, complaint_id, 40, "还是没退")
        await world.advance_to(at(53))
        assert await running(complaint_id) == [(3, "complete", 112), (3, "reply", 64)]
        assert await rounds(complaint_id) == [(1, 0, 0.4, 1.4), (2, 30, 31.4, 32.4), (3, 40, None, None)]
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            *ladder(30, until=31, opening="continued"),
            *ladder(40, until=53, opening="continued"),
        ]
        assert [push.content.count("还是没退") for push in await pushes(world)][-3:] == [1, 0, 0]
        assert await differences(world) == {}

    tell(story, newest=2 * HOUR)


def test_a_continuation_before_anybody_noticed_the_completion_is_told_as_one(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1.1))
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await continued(world, complaint_id, 1.2, "没人联系我")
        await world.advance_to(at(2))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            *ladder(1.2, until=2, opening="continued"),
        ]
        assert await rounds(complaint_id) == [(1, 0, 1.1, 1.1), (2, 1.2, None, None)]

    tell(story, newest=2 * HOUR)


def test_by_the_calendar_profile_a_continuation_counts_from_its_own_day(tell):
    async def story(world: World) -> None:
        await use_profile(world, "calendar")
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        # 09:00 on Monday: the reply is due by 24:00 of Tuesday, the completion by 24:00 of Thursday.
        assert await running(complaint_id) == [(1, "complete", 87), (1, "reply", 39)]
        await close(world, complaint_id, reply_at=0.4, complete_at=1.4)
        # 05:00 on Tuesday: by 24:00 of Wednesday, by 24:00 of Friday.
        await continued(world, complaint_id, 20, "没有解决")
        await world.advance_to(at(66))
        assert await running(complaint_id) == [(2, "complete", 111), (2, "reply", 63)]
        assert sorted(await briefs(world)) == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            *ladder(20, until=66, opening="continued", reply_by=43, complete_by=91),
        ]

    tell(story, newest=2 * HOUR)


def test_where_a_continuation_restarts_nothing_the_first_deadlines_still_hold(tell, monkeypatch):
    monkeypatch.setitem(PROFILES, "strict", replace(PROFILES["rolling"], name="strict", restart_on_continue=False))

    async def story(world: World) -> None:
        await use_profile(world, "strict")
        complaint_id = await world.complain(world.merchant)
        await close(world, complaint_id, reply_at=0.4, complete_at=1.4)
        await continued(world, complaint_id, 29, "没有解决")
        await world.advance_to(at(29))
        assert await running(complaint_id) == [(2, "complete", 72), (2, "reply", 24)]
        await world.advance_to(at(49))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.25, "unclaimed", "zhangsan"),
            (29, "continued", "zhangsan"),
            (29.25, "unclaimed", "zhangsan"),
            *[(hour, "reply_overdue", "lisi") for hour in range(30, 48, 2)],
            (48, "reply_overdue", "lisi"),
            (48, "complete_due", "zhangsan"),
        ]

    tell(story, newest=2 * HOUR)
