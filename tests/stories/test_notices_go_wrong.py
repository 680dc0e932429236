"""Notices get lost, come twice, late, in the wrong order, forged: the mirror ends like the platform all the same."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random

import pytest

from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.threads import in_thread
from tests.stories.conftest import HOUR
from tests.stories.witness import at, briefs, counted, differences, pushes, unsent

pytestmark = pytest.mark.story

TROUBLES = (
    {"kind": "drop", "rate": 0.3},
    {"kind": "duplicate", "rate": 0.3, "value": 3},
    {"kind": "reorder", "rate": 0.4, "value": 900},
    {"kind": "forge", "rate": 0.4},
    {"kind": "signtest", "rate": 0.5},
)


async def act(world: World, complaint_id: str, random: Random) -> None:
    """Something that is possible in the state the complaint is in, by the payer, the platform or in the console."""
    complaint = world.sandbox.platform.complaint(complaint_id)
    if complaint.state == "PROCESSED":
        await world.payer(complaint_id, "continue", "没有解决")
        return
    possible = ["message", "platform_urge", "platform_message", "reply", "reply"]
    possible += ["complete", "complete"] if complaint.state == "PROCESSING" else []
    possible += [] if complaint.in_platform_service else ["apply_platform_service"]
    deed = random.choice(possible)
    await (world.console if deed in ("reply", "complete") else world.payer)(complaint_id, deed)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_to_notices_the_mirror_ends_like_the_platform(tell, seed):
    async def story(world: World) -> None:
        random = Random(seed)
        for trouble in TROUBLES:
            await world.post("/faults", target="notice", **trouble)
        made = [await world.complain(random.choice([world.merchant, *world.sub_merchants])) for _ in range(6)]
        await world.advance_to(at(1))
        for step in range(18):
            await act(world, random.choice(made), random)
            await world.advance_to(at(1) + timedelta(minutes=7 * (step + 1)))
        await world.control.delete(f"{world.sandbox.control_url}/faults")
        await world.advance_to(at(5))
        assert await differences(world) == {}
        told = await pushes(world)
        assert counted(told, "new") == dict.fromkeys(made, 1)
        continued = {number: world.sandbox.platform.complaint(number).times - 1 for number in made}
        assert counted(told, "continued") == {number: times for number, times in continued.items() if times}
        assert await unsent() == []
        assert world.sandbox.state.counters["notices_pushed"] > 10
        assert world.sandbox.state.counters.get("notices_forge_accepted", 0) == 0
        assert world.sandbox.state.counters.get("notices_signtest_accepted", 0) == 0

    tell(story, newest=HOUR, reread=HOUR)


def test_a_notice_that_comes_a_day_late_is_followed_and_alerts_nobody(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="notice", kind="reorder", value=86_400, count=1)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(2.5))
        assert (await briefs(world))[0] == (1, "new", "zhangsan")
        await world.console(complaint_id, "reply")
        await world.advance_to(at(3.5))
        await world.console(complaint_id, "complete")
        await world.advance_to(at(23.9))
        told = await briefs(world)
        assert await in_thread(Notice.objects.count) == 0
        await world.advance_to(at(25))
        assert await in_thread(Notice.objects.filter(state="processed").count) == 1
        assert await briefs(world) == told == [(1, "new", "zhangsan")]
        assert await differences(world) == {}

    tell(story, newest=HOUR)


def test_a_notice_pushed_five_times_is_one_notice(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="notice", kind="duplicate", value=4, count=1)
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        assert world.sandbox.state.counters["notices_pushed"] == 5
        assert await in_thread(Notice.objects.count) == 1
        assert counted(await pushes(world), "new") == {complaint_id: 1}

    tell(story)


def test_an_answer_that_gets_lost_brings_the_notice_again_and_alerts_once(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="notice", kind="timeout", count=3)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(0.1))
        assert [notice.attempts for notice in world.sandbox.state.notices.values()] == [4]
        assert await in_thread(Notice.objects.count) == 1
        assert counted(await pushes(world), "new") == {complaint_id: 1}

    tell(story)


def test_forged_notices_and_probes_are_refused_and_noted(tell):
    async def story(world: World) -> None:
        await world.post("/faults", target="notice", kind="forge", count=1)
        await world.complain(world.merchant)
        await world.settle()
        await world.post("/faults", target="notice", kind="signtest", count=1)
        await world.complain(world.sub_merchants[0])
        await world.settle()
        counters = world.sandbox.state.counters
        assert (counters["notices_forge"], counters["notices_signtest"]) == (1, 1)
        assert ("notices_forge_accepted" in counters, "notices_signtest_accepted" in counters) == (False, False)
        assert await in_thread(Notice.objects.count) == 2
        refused = Counter(entry.reason for entry in world.rejections.take())
        assert refused == {"bad_signature": 1, "signature_probe": 1}
        assert [push[1] for push in await briefs(world)] == ["new", "new"]

    tell(story)
