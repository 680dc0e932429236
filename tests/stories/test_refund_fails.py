"""A refund that does not arrive wakes whoever serves the case, once each time it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role, User
from kesu.commands import refunding, resending
from kesu.commands.models import Refund
from kesu.commands.verbs import Consent
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.threads import in_thread
from tests.stories.witness import ON_DUTY, Push, at, pushes

pytestmark = pytest.mark.story

Do = Callable[..., Awaitable[Any]]


async def refunded(world: World) -> tuple[str, Do]:
    """A complaint of ¥19.90 whose refund was just accepted; and how the owner does more about it."""

    def boss() -> Actor:
        return Actor(User.objects.create_user("boss", password="a-long-password", role=Role.OWNER), Via.PAGE, "")

    owner = await in_thread(boss)
    number = await world.complain(world.merchant, amount=1990, problem_type="OTHERS")
    await world.settle()

    async def do(verb: Callable[..., Any], **more: Any) -> Any:
        case = await in_thread(lambda: Complaint.objects.select_related("account").get(complaint_id=number))
        done = await in_thread(lambda: verb(owner, case, **more, now=world.now()))
        await world.settle()
        return done

    await do(refunding.refund)
    return number, do


async def bad_news(world: World) -> list[Push]:
    return [push for push in await pushes(world) if push.kind == "refund_failed"]


def test_a_stuck_refund_calls_whoever_is_on_duty_and_says_which_and_what_to_do(tell):
    async def story(world: World) -> None:
        number, _do = await refunded(world)
        await world.post(f"/complaints/{number}/refunds", status="ABNORMAL")
        await world.advance_to(at(12))
        (told,) = await bad_news(world)
        out_refund_no = (await in_thread(Refund.objects.get)).out_refund_no
        assert (told.urgency, told.mentions, told.complaint_id) == ("urgent", ON_DUTY, number)
        assert told.hour < 0.1
        for words in ("退款没有退到付款人", "¥19.90 异常: 请在投诉页改退到别处, 不要重新退款", out_refund_no):
            assert words in told.content

    tell(story)


def test_one_that_was_closed_is_told_too_and_asks_for_a_new_one(tell):
    async def story(world: World) -> None:
        number, _do = await refunded(world)
        await world.post(f"/complaints/{number}/refunds", status="CLOSED")
        await world.advance_to(at(12))
        (told,) = await bad_news(world)
        assert "已关闭, 钱未退出" in told.content

    tell(story)


def test_one_that_arrives_is_no_news(tell):
    async def story(world: World) -> None:
        await refunded(world)
        await world.advance_to(at(12))
        assert await bad_news(world) == []

    tell(story)


def test_sent_elsewhere_and_stuck_again_is_told_again(tell):
    async def story(world: World) -> None:
        number, do = await refunded(world)
        await world.post(f"/complaints/{number}/refunds", status="ABNORMAL")
        await world.advance_to(at(1))
        await do(resending.resend_refund, consent=Consent(acknowledged=("resend_to_merchant",)))
        await world.post(f"/complaints/{number}/refunds", status="ABNORMAL")
        await world.advance_to(at(2))
        assert [round(push.hour) for push in await bad_news(world)] == [0, 1]

    tell(story)


def test_a_finished_case_is_told_of_as_well(tell):
    async def story(world: World) -> None:
        number, _do = await refunded(world)
        await world.console(number, "reply")
        await world.console(number, "complete")
        await world.post(f"/complaints/{number}/refunds", status="ABNORMAL")
        await world.advance_to(at(12))
        assert not (await in_thread(lambda: Complaint.objects.get(complaint_id=number))).open
        assert len(await bad_news(world)) == 1

    tell(story)
