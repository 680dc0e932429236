"""The platform fails for an hour, or for one complaint only: nothing is lost, others pass, what heals comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.sync.models import Poll, Refresh
from kesu.threads import in_thread
from tests.stories.conftest import MINUTE
from tests.stories.witness import at, briefs, counted, differences, mirror, pushes

pytestmark = pytest.mark.story

M = 1 / 60


async def fault(world: World, **order: Any) -> None:
    await world.post("/faults", target="wechatpay", **order)


async def heal(world: World) -> int:
    """End all faults; how often the first of them had struck."""
    faults = (await world.control.get(f"{world.sandbox.control_url}/faults")).json()
    await world.control.delete(f"{world.sandbox.control_url}/faults")
    return int(faults[0]["struck"])


async def parked() -> list[Mapping[str, Any]]:
    rows = Refresh.objects.filter(state=Refresh.State.PARKED).order_by("pk")
    return await in_thread(lambda: list(rows.values("complaint_id", "attempts", "error")))


@pytest.mark.parametrize(
    "trouble",
    [{"kind": "status", "value": 500}, {"kind": "status", "value": 429}, {"kind": "timeout"}, {"kind": "forge"}],
    ids=["500", "429", "time-out", "badly signed"],
)
def test_after_an_hour_of_trouble_everything_is_caught_up_within_twelve_minutes(tell, trouble):
    async def story(world: World) -> None:
        known = await world.complain(world.merchant)
        finished = await world.complain(world.sub_merchants[0])
        await world.advance_to(at(20 * M))
        await world.console(finished, "reply")
        await world.console(finished, "complete")
        await world.advance_to(at(31 * M))
        told = await briefs(world)
        await fault(world, **trouble)
        await world.advance_to(at(40 * M))
        made = [await world.complain(mchid) for mchid in (world.merchant, world.sub_merchants[1])]
        await world.payer(known, "message", "还没有人理我")
        await world.advance_to(at(60 * M))
        await world.payer(finished, "continue", "没有解决")
        await world.advance_to(at(91 * M))
        assert await briefs(world) == told
        await heal(world)
        await world.advance_to(at(103 * M))
        late = (await pushes(world))[len(told) :]
        assert counted(late, "new") == dict.fromkeys(made, 1)
        assert counted(late, "continued") == {finished: 1}
        assert counted(late, "user_message") == {known: 1}
        assert len(late) == len(made) + 2
        assert await differences(world) == {}
        assert await in_thread(Refresh.objects.count) == 0
        assert await in_thread(Poll.objects.filter(failures__gt=0).count) == 0

    tell(story, newest=10 * MINUTE, recent=20 * MINUTE)


@pytest.mark.parametrize("code", ["RESOURCE_NOT_EXISTS", "NO_AUTH", "PARAM_ERROR"])
def test_a_complaint_that_the_platform_refuses_is_parked_in_sight_and_the_others_pass(tell, code):
    async def story(world: World) -> None:
        poisoned = await world.complain(world.merchant)
        await fault(world, kind="errcode", value=code, path=poisoned)
        other = await world.complain(world.merchant)
        await world.settle()
        assert await briefs(world) == [(0, "new", "zhangsan")]
        assert (await mirror(other)).state == "PENDING"
        await world.advance_to(at(5 * M))
        (row,) = await parked()
        assert (row["complaint_id"], row["attempts"], code in row["error"]) == (poisoned, 3, True)
        third = await world.complain(world.merchant)
        await world.advance_to(at(2))
        # Listed as unread at every poll, it is tried three times each half hour and stays in sight between.
        assert [row["complaint_id"] for row in await parked()] == [poisoned]
        assert await heal(world) <= 3 * 5
        await world.advance_to(at(2.7))
        assert await parked() == []
        assert counted(await pushes(world), "new") == dict.fromkeys((poisoned, other, third), 1)
        assert await differences(world) == {}

    tell(story, newest=5 * MINUTE)


def test_a_parked_complaint_is_read_at_once_when_a_notice_speaks_of_it(tell):
    async def story(world: World) -> None:
        poisoned = await world.complain(world.merchant)
        await fault(world, kind="errcode", value="NO_AUTH", path=poisoned)
        await world.advance_to(at(10 * M))
        assert len(await parked()) == 1
        await heal(world)
        await world.advance_to(at(12 * M))
        assert len(await parked()) == 1
        await world.payer(poisoned, "message", "有人吗")
        await world.settle()
        assert await parked() == []
        assert [push[1] for push in await briefs(world)] == ["new"]
        assert await differences(world) == {}

    tell(story)


def test_a_complaint_that_fails_for_hours_ends_parked_and_comes_back_by_itself(tell):
    async def story(world: World) -> None:
        broken = await world.complain(world.merchant)
        await fault(world, kind="status", value=500, path=broken)
        await world.advance_to(at(0.9))
        assert await parked() == []
        await world.advance_to(at(1.5))
        (row,) = await parked()
        assert (row["complaint_id"], row["attempts"]) == (broken, 12)
        await heal(world)
        await world.advance_to(at(2.2))
        assert await parked() == []
        assert [push[1] for push in await briefs(world)] == ["new"]
        assert await differences(world) == {}

    tell(story, newest=10 * MINUTE)


def test_a_list_that_fails_at_one_account_delays_no_other(tell):
    async def story(world: World) -> None:
        world.door.open = False
        partner = next(account for mchid, account in world.accounts.items() if mchid != world.merchant)
        await in_thread(lambda: partner.merchant_keys.update(current=False))
        await world.gateway.close()
        theirs, own = await world.complain(world.sub_merchants[0]), await world.complain(world.merchant)
        await world.advance_to(at(5.5 * M))
        assert [push.complaint_id for push in await pushes(world)] == [own]
        failing = await in_thread(lambda: Poll.objects.get(account=partner, tier=Poll.Tier.NEWEST))
        assert (failing.failures > 1, failing.error.startswith("NoCredentials")) == (True, True)
        await in_thread(lambda: partner.merchant_keys.update(current=True))
        await world.advance_to(at(16 * M))
        assert counted(await pushes(world), "new") == {own: 1, theirs: 1}
        assert await in_thread(Complaint.objects.count) == 2

    tell(story, newest=MINUTE)
