"""The platform answers by halves: nothing of it is believed, nothing is lost, and nothing is read twice as news."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.merchants.services import sandbox_accounts, save_account
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll, Refresh
from kesu.threads import in_thread
from kesu.wechatpay import TimedOut
from tests.faults.serving import FaultyDesk
from tests.stories.conftest import MINUTE
from tests.stories.witness import at, briefs, counted, differences, pushes

M = 1 / 60
HALVES = ["cut", "short", "signed", "empty", "page"]


async def heal(world: World) -> int:
    """End the trouble; how often it had struck."""
    [fault] = (await world.control.get(f"{world.sandbox.control_url}/faults")).json()
    await world.control.delete(f"{world.sandbox.control_url}/faults")
    return int(fault["struck"])


@pytest.mark.story
@pytest.mark.parametrize("half", ["cut", "signed", "page"])
def test_after_an_hour_of_half_answers_everything_is_caught_up(tell: Any, half: str):
    async def story(world: World) -> None:
        known = await world.complain(world.merchant)
        await world.advance_to(at(20 * M))
        told = await briefs(world)
        await world.post("/faults", target="wechatpay", kind="half", value=half)
        made = [await world.complain(mchid) for mchid in (world.merchant, world.sub_merchants[0])]
        await world.payer(known, "message", "还没有人理我")
        await world.advance_to(at(80 * M))
        assert await briefs(world) == told
        assert await in_thread(Complaint.objects.count) == 1
        assert await heal(world) > 3
        await world.advance_to(at(91 * M))
        late = (await pushes(world))[len(told) :]
        assert counted(late, "new") == dict.fromkeys(made, 1)
        assert counted(late, "user_message") == {known: 1}
        assert await differences(world) == {}
        assert await in_thread(Refresh.objects.count) == 0
        assert await in_thread(Poll.objects.filter(failures__gt=0).count) == 0

    tell(story, newest=10 * MINUTE, recent=20 * MINUTE, reread=20 * MINUTE)


@pytest.mark.story
@pytest.mark.parametrize("half", HALVES)
def test_a_history_that_came_by_half_is_not_taken_for_the_whole(tell: Any, half: str):
    async def story(world: World) -> None:
        await world.post("/faults", target="wechatpay", kind="half", value=half, count=2, path="/negotiation-historys")
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(5 * M))
        assert counted(await pushes(world), "new") == {complaint_id: 1}
        assert await differences(world) == {}

    tell(story)


def test_a_connection_cut_in_the_middle_of_the_body_is_no_answer(served: FaultyDesk, transactional_db: Any):
    """Over real sockets, with the platform's own head before the half body."""
    import asyncio

    complaint_id = served.sandbox.complain(served.sandbox.merchant()["mchid"])[0]

    async def read() -> Mapping[str, Any]:
        new = next(one for one in sandbox_accounts(served.sandbox.described) if one.role == "merchant")
        gateway = Gateway(served.sandbox.now)
        try:
            account = await in_thread(save_account, new, now=served.sandbox.now())
            _, client = await gateway.client(account.pk)
            served.sandbox.control("/faults", {"target": "wechatpay", "kind": "half", "count": 3, "path": complaint_id})
            with pytest.raises(TimedOut):
                await client.get_complaint(complaint_id)
            return (await client.get_complaint(complaint_id)).raw
        finally:
            await gateway.close()

    assert asyncio.run(read())["complaint_id"] == complaint_id


def test_the_sandbox_knows_each_half(tmp_path: Path):
    from kesu.sandbox.faults import KINDS

    assert all(half in KINDS["wechatpay"]["half"] for half in HALVES)
