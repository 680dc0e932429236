"""Thirty days of complaints stand at the platform when an account is connected."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.sync.models import Poll
from kesu.threads import in_thread
from tests.stories.conftest import START
from tests.stories.witness import at, counted, differences, hour_of, pushes, running, unsent

pytestmark = pytest.mark.story


async def complained(world: World, days_ago: float, *, finished: bool, count: int = 1) -> list[str]:
    made = await world.post(
        "/complaints",
        mchid=world.merchant,
        temperament="none",
        count=count,
        complaint_time=(START - timedelta(days=days_ago)).isoformat(),
    )
    for complaint_id in made["complaint_ids"] if finished else ():
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
    return list(made["complaint_ids"])


def test_open_cases_alert_once_each_and_finished_ones_are_silent(tell):
    async def story(world: World) -> None:
        finished = await complained(world, 20, finished=True, count=60)
        finished += await complained(world, 0.5, finished=True)
        old_open = await complained(world, 12, finished=False)
        fresh_open = await complained(world, 0.25, finished=False, count=2)
        too_old = await complained(world, 40, finished=False)
        await world.connect()
        await world.advance_to(at(0.1))
        told = await pushes(world)
        assert counted(told, "new") == dict.fromkeys([*old_open, *fresh_open], 1)
        assert {push.kind for push in told} == {"new"}
        assert await in_thread(Complaint.objects.count) == len(finished) + 3
        assert not await in_thread(Complaint.objects.filter(complaint_id__in=too_old).exists)
        polls = await in_thread(lambda: list(Poll.objects.filter(account__mchid=world.merchant)))
        assert [poll.finished_at is not None for poll in polls] == [True, True, True]
        # The ladder goes on where the case stands: six hours old, and twelve days.
        await world.advance_to(at(6))
        later = [push.brief for push in (await pushes(world))[len(told) :]]
        due_at = hour_of(START - timedelta(days=12)) + 24
        assert await running(old_open[0]) == [(1, "complete", due_at + 48), (1, "reply", due_at)]
        assert sorted(later) == sorted(
            [(hour, kind, "lisi") for hour in (2, 4, 6) for kind in ("reply_overdue", "complete_overdue")]
            + [(6, "reply_due", "zhangsan")] * 2
        )
        assert await unsent() == []
        assert list(await differences(world)) == too_old

    tell(story, connected=False)


def test_what_arrives_during_the_backfill_is_told_before_it_is_done(tell):
    async def story(world: World) -> None:
        await complained(world, 10, finished=True, count=60)
        await world.connect()
        assert await in_thread(Complaint.objects.count) == 60
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        assert counted(await pushes(world), "new") == {complaint_id: 1}

    tell(story, connected=False)


def test_connecting_again_brings_nothing_twice(tell):
    async def story(world: World) -> None:
        open_one = await complained(world, 2, finished=False)
        await complained(world, 3, finished=True, count=5)
        await world.connect()
        await in_thread(lambda: Poll.objects.update(due_at=world.now(), offset=0))
        await world.advance_to(at(1))
        assert counted(await pushes(world), "new") == {open_one[0]: 1}
        assert await in_thread(Complaint.objects.count) == 6
        assert await differences(world) == {}

    tell(story, connected=False)
