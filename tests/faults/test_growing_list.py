"""The list changes under the reader's feet while it is paged: rows may show twice, none may be hidden for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.sandbox.payer_acts import Wish, open_complaint
from kesu.sync import polling
from kesu.sync.models import Poll
from kesu.threads import in_thread
from tests.stories.conftest import MINUTE
from tests.stories.witness import at, counted, differences, pushes

pytestmark = pytest.mark.story

M = 1 / 60


def raise_some(world: World, count: int, *, minutes_ago: float = 0) -> list[str]:
    """Complaints of which no notice will tell."""
    when = world.now() - timedelta(minutes=minutes_ago)
    wish = Wish(mchid=world.merchant, pictures=0)
    return [open_complaint(world.sandbox.platform, wish, now=when).complaint_id for _ in range(count)]


async def poll(world: World, tier: str, between_pages: Callable[[Poll], None]) -> None:
    row = await in_thread(lambda: Poll.objects.select_related("account").get(account__mchid=world.merchant, tier=tier))
    await polling.run_poll(world.gateway, row, between_pages)


def test_a_list_that_grows_with_every_page_is_complete_after_the_next_turn(tell: Any):
    async def story(world: World) -> None:
        world.door.open = False
        random = Random(3)
        made = raise_some(world, 60, minutes_ago=30)

        def more(poll: Poll) -> None:
            if len(made) < 90:
                made.extend(raise_some(world, random.randint(1, 12), minutes_ago=random.choice([0, 5, 29])))

        await poll(world, Poll.Tier.NEWEST, more)
        await world.advance_to(at(12 * M))
        assert await in_thread(Complaint.objects.count) == len(made)
        assert await differences(world) == {}

    tell(story, newest=5 * MINUTE)


def test_what_arrives_on_every_page_boundary_is_told_once(tell: Any):
    async def story(world: World) -> None:
        world.door.open = False
        made = raise_some(world, 8, minutes_ago=10)
        for _ in range(3):
            await poll(world, Poll.Tier.NEWEST, lambda row: made.extend(raise_some(world, 1)))
        await world.advance_to(at(10 * M))
        assert counted(await pushes(world), "new") == dict.fromkeys(made, 1)

    tell(story, newest=5 * MINUTE)


def test_a_case_that_changes_while_it_is_listed_ends_as_the_platform_has_it(tell: Any):
    async def story(world: World) -> None:
        world.door.open = False
        made = raise_some(world, 52, minutes_ago=30)
        await world.advance_to(at(6 * M))
        assert await differences(world) == {}
        fresh: list[str] = []

        def change(poll: Poll) -> None:
            fresh.extend(raise_some(world, 3))

        await world.console(made[0], "reply")
        await world.console(made[-1], "reply")
        await poll(world, Poll.Tier.NEWEST, change)
        await world.console(made[-1], "complete")
        await world.advance_to(at(18 * M))
        assert await differences(world) == {}
        assert await in_thread(Complaint.objects.count) == len(made) + len(fresh)

    tell(story, newest=5 * MINUTE)
