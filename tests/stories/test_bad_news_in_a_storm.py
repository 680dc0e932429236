"""Sixty complaints at once, more than a desk may read at once: bad news in between is told right and once."""

from __future__ import annotations

import pytest

from kesu.demo.world import World
from tests.stories.witness import at, counted, differences, pushes, running, unsent

pytestmark = pytest.mark.story


def test_bad_news_in_a_storm_is_told_once_and_with_the_right_deadline(tell):
    async def story(world: World) -> None:
        helped, continued = await world.complain(world.merchant), await world.complain(world.merchant)
        await world.settle()
        await world.console(continued, "reply")
        await world.console(continued, "complete")
        await world.advance_to(at(30))
        await world.post("/complaints", mchid=world.merchant, temperament="none", count=60)
        await world.payer(helped, "apply_platform_service", "请平台介入")
        await world.payer(continued, "continue", "没有解决")
        await world.advance_to(at(30.2))
        told = [push for push in await pushes(world) if push.hour >= 30]
        assert counted(told, "platform_service") == {helped: 1}
        assert counted(told, "continued") == {continued: 1}
        assert "没有解决" in next(push.content for push in told if push.kind == "continued")
        assert "请平台介入" in next(push.content for push in told if push.kind == "platform_service")
        assert await running(continued) == [(2, "complete", 102), (2, "reply", 54)]
        assert counted(told, "reply_overdue")[continued] == 0
        assert await unsent() == []
        assert await differences(world) == {}

    tell(story)
