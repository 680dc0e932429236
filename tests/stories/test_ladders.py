"""Ladders people can live with: an on-call rota, a swap, a claim that nothing follows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kesu.accounts.models import User
from kesu.alerts import preview, rotas, services
from kesu.alerts.models import Rota
from kesu.demo.world import World
from kesu.threads import in_thread
from tests.stories.conftest import START
from tests.stories.witness import at, briefs, mirror

pytestmark = pytest.mark.story

DAY = 24
WEEK = 7 * DAY
NIGHT_LADDER: dict[str, Any] = {
    "ladders": {
        "night": [
            {"clock": "reply", "after": "0m"},
            {"clock": "reply", "after": "1h", "to": ["rota:night"], "only_unclaimed": True},
            {"clock": "reply", "before": "1h", "to": ["rota:night"], "urgency": "urgent"},
            {"clock": "reply", "overdue_every": "24h", "to": ["second"], "urgency": "urgent"},
            {"clock": "complete", "overdue_every": "24h", "to": ["second"], "urgency": "urgent"},
        ]
    },
    "rules": [{"ladder": "night"}],
}


def _set_up(now: Any) -> None:
    people = [User.objects.create(username=name, wecom_userid=name) for name in ("wang", "li", "zhao")]
    rotas.create("night", people, 1, 9, now=now)  # START is a Monday, 09:00 in Beijing
    services.set_ladders(NIGHT_LADDER, now=now)


async def told(world: World, hours: float) -> list[tuple[float, str, str]]:
    """Pushes of a complaint raised now, up to ``hours`` later, in hours after it was raised; then it is closed."""
    before = (world.now() - START).total_seconds() / 3600
    complaint_id = await world.complain(world.merchant)
    await world.advance(timedelta(hours=hours))
    found = await briefs(world, complaint_id)
    await world.console(complaint_id, "reply")
    await world.console(complaint_id, "complete")
    return [(round(hour - before, 2), kind, whom) for hour, kind, whom in found]


def test_the_person_on_call_changes_with_the_week_and_with_a_swap(tell):
    async def story(world: World) -> None:
        await in_thread(_set_up, world.now())
        assert await told(world, 23.5) == [(0, "new", "zhangsan"), (1, "unclaimed", "wang"), (23, "reply_due", "wang")]
        await world.advance_to(at(WEEK - 12))
        # The turn changes in the midst of a case: whoever is on call when the step comes is called.
        assert await told(world, 23.5) == [(0, "new", "zhangsan"), (1, "unclaimed", "wang"), (23, "reply_due", "li")]
        row = await in_thread(Rota.objects.get)
        await in_thread(rotas.swap, row, at(2 * WEEK), at(3 * WEEK))
        await world.advance_to(at(2 * WEEK))
        assert await told(world, 2) == [(0, "new", "zhangsan"), (1, "unclaimed", "wang")]
        await world.advance_to(at(3 * WEEK))
        assert await told(world, 2) == [(0, "new", "zhangsan"), (1, "unclaimed", "zhao")]

    tell(story)


def test_a_preview_promised_what_happened(tell):
    async def story(world: World) -> None:
        await in_thread(_set_up, world.now())
        account = world.accounts[world.merchant]
        promised = (await in_thread(preview.preview, account, at=world.now())).wakes
        complaint_id = await world.complain(world.merchant)
        await world.advance(timedelta(hours=27))
        expected = [
            (round((wake.delivered_at - START).total_seconds() / 3600, 2), wake.kind, " ".join(wake.called))
            for wake in promised
            if wake.delivered_at <= at(27)
        ]
        found = [(round(hour, 2), kind, whom) for hour, kind, whom in await briefs(world, complaint_id)]
        assert found == expected
        assert [kind for _, kind, _ in found] == ["new", "unclaimed", "reply_due", "reply_overdue"]

    tell(story)


def test_a_claim_that_nothing_follows_calls_a_second_person_and_the_deadline_stays(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(0.1))
        actor = await in_thread(User.objects.create, username="wang", wecom_userid="wang")
        await in_thread(services.claim, actor, await mirror(complaint_id), now=world.now())
        await world.advance_to(at(13))
        assert await briefs(world) == [
            (0, "new", "zhangsan"),
            (0.6, "claim_stalled", "lisi"),
            (12, "reply_due", "wang"),
        ]

    tell(story)
