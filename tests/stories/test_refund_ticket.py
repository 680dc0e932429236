"""A ticket of type REFUND (极速退款): an approved refund that arrives finishes it, a rejection finishes it at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.demo.world import World
from tests.stories.conftest import HOUR
from tests.stories.witness import at, briefs, differences, mirror, running

pytestmark = pytest.mark.story

OPENING = [(0, "new", "zhangsan"), (0.25, "unclaimed", "zhangsan")]


def test_an_approval_answers_the_payer_and_the_refunds_arrival_finishes_the_case(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990, problem_type="REFUND")
        await world.advance_to(at(0.9))
        await world.console(complaint_id, "approve", day=0)
        await world.advance_to(at(1))
        assert ((await mirror(complaint_id)).state, await running(complaint_id)) == (
            "PROCESSING",
            [(1, "complete", 72)],
        )
        await world.advance_to(at(49))
        await world.console(complaint_id, "refund")
        await world.settle()
        assert await running(complaint_id) == [(1, "complete", 72)]  # accepted is not arrived
        await world.advance(timedelta(minutes=2))
        shown = await mirror(complaint_id)
        assert (shown.state, shown.full_refunded, shown.open) == ("PROCESSED", True, False)
        assert await running(complaint_id) == []
        await world.advance_to(at(80))
        assert await briefs(world) == [*OPENING, (48, "complete_due", "zhangsan")]
        assert await differences(world) == {}

    tell(story, newest=HOUR, recent=4 * HOUR)


def test_a_rejection_finishes_the_case_at_once(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.sub_merchants[0], amount=1990, problem_type="REFUND")
        await world.advance_to(at(0.9))
        await world.console(complaint_id, "reject", text="已超过退款期限")
        await world.advance_to(at(1))
        assert ((await mirror(complaint_id)).state, await running(complaint_id)) == ("PROCESSED", [])
        await world.advance_to(at(30))
        assert await briefs(world) == OPENING
        assert await differences(world) == {}

    tell(story, newest=HOUR)


def test_a_refund_alone_finishes_no_other_kind_of_case(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990, problem_type="OTHERS")
        await world.advance_to(at(1))
        await world.console(complaint_id, "refund")
        await world.advance_to(at(13))
        shown = await mirror(complaint_id)
        assert (shown.state, shown.full_refunded, shown.open) == ("PENDING", True, True)
        assert await running(complaint_id) == [(1, "complete", 72), (1, "reply", 24)]
        assert await briefs(world) == [*OPENING, (12, "reply_due", "zhangsan")]
        assert await differences(world) == {}

    tell(story)


def test_a_partial_refund_of_an_approved_ticket_finishes_it(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, amount=1990, problem_type="REFUND")
        await world.advance_to(at(0.5))
        await world.console(complaint_id, "approve", day=0)
        await world.console(complaint_id, "refund", amount=1000)
        await world.advance_to(at(1))
        shown = await mirror(complaint_id)
        assert (shown.state, shown.full_refunded, await running(complaint_id)) == ("PROCESSED", False, [])
        await world.advance_to(at(26))
        assert await briefs(world) == OPENING
        assert await differences(world) == {}

    tell(story, newest=HOUR)
