"""Bad news travels first: what makes a case dangerous is told at once, loudly, by name, and each thing once."""

from __future__ import annotations

import pytest

from kesu.demo.world import World
from tests.stories.conftest import HOUR
from tests.stories.witness import ON_DUTY, at, differences, mirror, pushes

pytestmark = pytest.mark.story

Told = list[tuple[float, str, str]]


async def loud(world: World) -> Told:
    """(hour, kind, urgency) of every push but the ladder's; all of them call whoever is on duty."""
    told = [push for push in await pushes(world) if push.kind not in ("unclaimed", "reply_due", "reply_overdue")]
    assert all(push.mentions == ON_DUTY for push in told)
    return [(push.hour, push.kind, push.urgency) for push in told]


def test_a_high_risk_complaint_that_wants_immediate_service_says_so_beside_the_new_complaint(tell):
    async def story(world: World) -> None:
        await world.complain(world.merchant, user_tag_list=["HIGH_RISK"], need_immediate_service=True)
        await world.complain(world.merchant)
        await world.settle()
        assert sorted(await loud(world)) == [
            (0, "high_risk", "urgent"),
            (0, "immediate_service", "urgent"),
            (0, "new", "normal"),
            (0, "new", "normal"),
        ]
        await world.advance_to(at(10))
        assert len(await loud(world)) == 4

    tell(story)


def test_platform_service_and_urging_are_told_when_they_happen(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1))
        await world.payer(complaint_id, "apply_platform_service", "商家一直不处理, 请平台介入")
        await world.advance_to(at(2))
        await world.payer(complaint_id, "platform_urge", "请尽快处理")
        await world.advance_to(at(3))
        await world.payer(complaint_id, "platform_message", "请与用户协商")
        await world.advance_to(at(4))
        await world.payer(complaint_id, "platform_urge", "请再次尽快处理")
        await world.advance_to(at(11))
        assert await loud(world) == [
            (0, "new", "normal"),
            (1, "platform_service", "urgent"),
            (2, "platform_reminder", "urgent"),
            (3, "platform_message", "normal"),
            (4, "platform_reminder", "urgent"),
        ]
        told = {push.hour: push.content for push in await pushes(world)}
        assert "商家一直不处理" in told[1]
        assert "请尽快处理" in told[2]
        assert "请再次尽快处理" in told[4]
        assert (await mirror(complaint_id)).in_platform_service
        assert await differences(world) == {}

    tell(story)


def test_the_payers_own_words_are_told_with_every_message(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, detail="没收到货")
        for hour, words in ((1, "有人吗"), (2, "再不回我找媒体")):
            await world.advance_to(at(hour))
            await world.payer(complaint_id, "message", words)
        await world.settle()
        said = [(push.hour, push.kind) for push in await pushes(world) if push.kind == "user_message"]
        assert said == [(1, "user_message"), (2, "user_message")]
        told = {push.hour: push.content for push in await pushes(world)}
        assert ("有人吗" in told[1], "再不回我找媒体" in told[2]) == (True, True)

    tell(story)


def test_a_tag_that_the_platform_adds_later_is_found_by_polling(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1.5))
        world.sandbox.platform.complaint(complaint_id).tags.append("HIGH_RISK")
        await world.advance_to(at(8))
        assert await loud(world) == [(0, "new", "normal"), (2, "high_risk", "urgent")]
        assert await differences(world) == {}

    tell(story, newest=HOUR)


def test_a_finished_case_that_was_dangerous_is_silent(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, user_tag_list=["HIGH_RISK"])
        await world.advance_to(at(1))
        await world.console(complaint_id, "reply")
        await world.console(complaint_id, "complete")
        await world.advance_to(at(9))
        assert await loud(world) == [(0, "new", "normal"), (0, "high_risk", "urgent")]
        assert await differences(world) == {}

    tell(story, newest=HOUR)
