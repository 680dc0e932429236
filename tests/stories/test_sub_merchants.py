"""A service provider with three sub-merchants: one account, told apart by the number complained about."""

from __future__ import annotations

import pytest

from kesu.alerts.services import add_channel
from kesu.demo.world import ROBOT, World
from kesu.merchants.models import SubMerchant
from kesu.threads import in_thread
from tests.stories.witness import at, counted, differences, mirror, pushes

pytestmark = pytest.mark.story


async def another_robot(world: World, name: str, mchid: str) -> None:
    """A robot of its own for one account."""
    robot = await world.post("/robots")
    await in_thread(
        add_channel,
        name=name,
        kind="wecom_robot",
        settings={"webhook_url": world.loopback(robot["webhook_url"])},
        accounts=[world.accounts[mchid]],
        mentions=["wangwu"],
        now=world.now(),
    )


def partner_of(world: World) -> str:
    return next(mchid for mchid in world.accounts if mchid != world.merchant)


def test_complaints_of_sub_merchants_come_through_the_providers_account_and_keep_their_number(tell):
    async def story(world: World) -> None:
        made = {mchid: await world.complain(mchid, amount=1990) for mchid in world.sub_merchants}
        await world.settle()
        partner = world.accounts[partner_of(world)]
        for mchid, complaint_id in made.items():
            shown = await mirror(complaint_id)
            assert (shown.account_id, shown.complainted_mchid) == (partner.pk, mchid)
            told = await pushes(world, complaint_id)
            assert [push.brief for push in told] == [(0, "new", "zhangsan")]
            assert mchid in told[0].content
            assert not any(other in told[0].content for other in made if other != mchid)
        known = await in_thread(lambda: set(SubMerchant.objects.values_list("account__mchid", "mchid")))
        assert known == {(partner.mchid, mchid) for mchid in made}
        assert await differences(world) == {}

    tell(story)


def test_a_channel_for_one_account_does_not_get_the_others_messages(tell):
    async def story(world: World) -> None:
        await another_robot(world, "服务商群", partner_of(world))
        await another_robot(world, "直营群", world.merchant)
        own = await world.complain(world.merchant)
        theirs = [await world.complain(mchid) for mchid in world.sub_merchants]
        await world.advance_to(at(13))
        told = await pushes(world)
        heard = {
            channel: dict(counted([push for push in told if push.channel == channel], "new", "unclaimed", "reply_due"))
            for channel in (ROBOT, "服务商群", "直营群")
        }
        assert heard == {
            ROBOT: dict.fromkeys([own, *theirs], 3),
            "服务商群": dict.fromkeys(theirs, 3),
            "直营群": {own: 3},
        }
        assert {push.mentions for push in told if push.channel != ROBOT} == {("wangwu",)}

    tell(story)


def test_a_sub_merchant_seen_for_the_first_time_is_remembered(tell):
    async def story(world: World) -> None:
        newcomer = world.sub_merchants[1]
        await in_thread(lambda: SubMerchant.objects.filter(mchid=newcomer).delete())
        await world.complain(newcomer)
        await world.settle()
        assert await in_thread(SubMerchant.objects.filter(mchid=newcomer).count) == 1

    tell(story)
