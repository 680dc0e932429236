"""A complaint comes in and nobody reacts: people are woken again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.demo.world import World
from tests.stories.witness import briefs, differences, ladder, pushes, running

pytestmark = pytest.mark.story


def test_nobody_reacts_for_80_hours(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990, detail="说好三天发货, 一周了没人理我")
        await world.advance(timedelta(hours=80))
        told = await briefs(world)
        assert [push[:2] for push in told[:7]] == [
            (0, "new"),
            (0.25, "unclaimed"),
            (12, "reply_due"),
            (20, "reply_due"),
            (23, "reply_due"),
            (24, "reply_overdue"),
            (26, "reply_overdue"),
        ]
        assert sorted(told) == ladder(0, until=80)
        assert all("19.90" in push.content.split("\n")[0] for push in await pushes(world))
        assert await running(complaint_id) == [(1, "complete", 72), (1, "reply", 24)]
        assert await differences(world) == {}

    tell(story)


def test_each_complaint_climbs_its_own_ladder(tell):
    async def story(world: World) -> None:
        first = await world.complain(world.merchant, amount=1990)
        await world.advance(timedelta(hours=5))
        second = await world.complain(world.sub_merchants[0], amount=500)
        await world.advance(timedelta(hours=26))
        assert sorted(await briefs(world, first)) == ladder(0, until=31)
        assert sorted(await briefs(world, second)) == ladder(5, until=31)

    tell(story)
