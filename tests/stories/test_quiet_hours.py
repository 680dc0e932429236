"""Nights: what can wait comes in the morning, what cannot comes at once, and nothing is lost between them."""

from __future__ import annotations

import pytest

from kesu.alerts.models import Channel
from kesu.alerts.services import set_quiet_hours
from kesu.demo.world import ROBOT, World
from kesu.threads import in_thread
from tests.stories.conftest import HOUR
from tests.stories.witness import at, briefs, unsent

pytestmark = pytest.mark.story

# Hours after START, which is 09:00 in Beijing.
TEN_IN_THE_EVENING, ELEVEN, EIGHT_IN_THE_MORNING = 13, 14, 23


async def quiet(world: World, hours: str = "22:00-08:00") -> None:
    channel = await in_thread(Channel.objects.get, name=ROBOT)
    await in_thread(set_quiet_hours, channel, hours, now=world.now())


def test_a_complaint_of_the_night_waits_until_morning(tell):
    async def story(world: World) -> None:
        await quiet(world)
        await world.advance_to(at(ELEVEN))
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(EIGHT_IN_THE_MORNING - 0.01))
        assert await briefs(world) == []
        assert sorted(await unsent()) == [("new", "pending"), ("unclaimed", "pending")]
        await world.advance_to(at(24))
        assert sorted(await briefs(world, complaint_id)) == [
            (EIGHT_IN_THE_MORNING, "new", "zhangsan"),
            (EIGHT_IN_THE_MORNING, "unclaimed", "zhangsan"),
        ]
        assert await unsent() == []

    tell(story)


def test_what_is_urgent_and_what_has_little_time_left_wakes_people_at_night(tell):
    async def story(world: World) -> None:
        await quiet(world)
        tired = await world.complain(world.merchant)  # its reply is due at 09:00
        await world.advance_to(at(TEN_IN_THE_EVENING + 0.5))
        risky = await world.complain(world.merchant, user_tag_list=["HIGH_RISK"])
        await world.advance_to(at(24.01))
        assert [brief[:2] for brief in await briefs(world, tired)] == [
            (0, "new"),
            (0.25, "unclaimed"),
            (12, "reply_due"),  # 21:00, before the quiet hours
            (20, "reply_due"),  # 05:00, four hours left
            (23, "reply_due"),
            (24, "reply_overdue"),
        ]
        assert [brief[:2] for brief in await briefs(world, risky)][:1] == [(TEN_IN_THE_EVENING + 0.5, "high_risk")]

    tell(story, newest=HOUR)


def test_a_case_answered_in_the_night_is_not_told_in_the_morning(tell):
    async def story(world: World) -> None:
        await quiet(world)
        await world.advance_to(at(ELEVEN))
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await world.advance_to(at(24))
        assert await briefs(world) == []
        assert await unsent() == []

    tell(story, newest=HOUR)
