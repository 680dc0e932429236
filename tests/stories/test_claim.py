"""Whoever claims a case silences the call for somebody to take it, and no deadline; nothing following calls others."""

from __future__ import annotations

import pytest

from kesu.accounts.models import User
from kesu.alerts.services import claim, release
from kesu.demo.world import World
from kesu.threads import in_thread
from tests.stories.conftest import HOUR
from tests.stories.witness import at, briefs, ladder, mirror

pytestmark = pytest.mark.story


async def staff(name: str, wecom_userid: str = "") -> User:
    return await in_thread(User.objects.create, username=name, wecom_userid=wecom_userid)


async def claimed(world: World, complaint_id: str, actor: User) -> None:
    await in_thread(claim, actor, await mirror(complaint_id), now=world.now())


def test_a_claim_silences_the_unclaimed_step_only_and_calls_whoever_claimed(tell):
    async def story(world: World) -> None:
        mine, nobodys = await world.complain(world.merchant), await world.complain(world.merchant)
        await world.advance_to(at(0.1))
        await claimed(world, mine, await staff("xiaowang", "xiaowang"))
        await world.advance_to(at(25))
        everything = ladder(0, until=25)
        without_call = [push for push in everything if push[1] != "unclaimed"]
        called = [
            (hour, kind, whom.replace("zhangsan", "xiaowang") if hour else whom) for hour, kind, whom in without_call
        ]
        assert sorted(await briefs(world, mine)) == sorted([*called, (0.6, "claim_stalled", "lisi")])
        assert sorted(await briefs(world, nobodys)) == everything

    tell(story)


def test_a_claim_by_somebody_unknown_to_the_robot_calls_whoever_is_on_duty(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        await claimed(world, complaint_id, await staff("xiaowang"))
        await world.advance_to(at(13))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.5, "claim_stalled", "lisi"),
            (12, "reply_due", "zhangsan"),
        ]

    tell(story)


def test_a_case_given_back_is_called_out_again(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        actor = await staff("xiaowang", "xiaowang")
        await claimed(world, complaint_id, actor)
        await world.advance_to(at(2))
        await in_thread(release, actor, await mirror(complaint_id), now=world.now())
        await world.advance_to(at(13))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.5, "claim_stalled", "lisi"),
            (2, "unclaimed", "zhangsan"),
            (12, "reply_due", "zhangsan"),
        ]

    tell(story)


def test_a_claim_survives_a_continuation_and_reading_again(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        await claimed(world, complaint_id, await staff("xiaowang", "xiaowang"))
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await world.advance_to(at(3.5))
        await world.payer(complaint_id, "continue", "没有解决")
        await world.advance_to(at(16))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.5, "claim_stalled", "lisi"),  # the reply in the console is seen by the poll of the full hour only
            (3.5, "continued", "xiaowang"),
            (4, "claim_stalled", "lisi"),
            (15.5, "reply_due", "xiaowang"),
        ]

    tell(story, newest=HOUR)
