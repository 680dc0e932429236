"""The platform punishes and limits sub-merchants: their provider hears of it, once, and can look it up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kesu.alerts.accounts import LIMITATION, VIOLATION
from kesu.alerts.models import Attempt, Message
from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.merchants.models import Limitation, ViolationNotice
from kesu.merchants.queries import limited_sub_merchants, violation_notices
from kesu.threads import in_thread
from tests.stories.witness import at

pytestmark = pytest.mark.story
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def partner_of(world: World) -> str:
    return next(mchid for mchid in world.accounts if mchid != world.merchant)


async def told(world: World, kind: str) -> list[str]:
    """The pushes of one kind that robots accepted."""
    logged = await in_thread(lambda: list(Attempt.objects.order_by("id").values_list("message__kind", "outcome")))
    assert {outcome for _, outcome in logged} <= {"sent"}
    shown = [message["content"] for message in await world.messages() if message["errcode"] == 0]
    return [content for content, (of_kind, _) in zip(shown, logged, strict=True) if of_kind == kind]


def test_a_provider_is_registered_for_violation_notices_silently_and_a_direct_merchant_is_not(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        partner = world.accounts[partner_of(world)]
        registered = world.sandbox.state.violation_urls
        assert registered == {partner.mchid: world.sandbox.state.notify_urls[partner.mchid]}
        await world.advance(HOUR)
        assert await in_thread(Message.objects.count) == 0

    tell(story)


def test_a_punishment_is_pushed_once_and_kept_with_the_platforms_words(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        hostile = "<@all> 关闭支付权限 [点此](http://evil.example)"
        order = {"sub_mchid": world.sub_merchants[0], "record_id": "R-1", "company_name": "某某百货"}
        await world.post("/faults", target="notice", kind="duplicate", value=2)
        await world.post("/violations", **order, punish_plan=hostile)
        await world.settle()
        await world.post("/violations", **order)
        await world.post("/violations", **order, event="APPEAL", risk_type="APPEAL_SUCCESSFUL")
        await world.settle()
        punished, appealed = await told(world, VIOLATION)
        assert "关闭支付权限" in punished
        assert world.sub_merchants[0] in punished
        assert "<@all>" not in punished
        assert "http://evil" not in punished
        assert "<@zhangsan>" in punished
        assert "APPEAL" in appealed.replace("＿", "_")
        rows = await in_thread(violation_notices)
        assert [(row.event_type, row.record_id, row.sub_mchid) for row in rows] == [
            ("VIOLATION.APPEAL", "R-1", world.sub_merchants[0]),
            ("VIOLATION.PUNISH", "R-1", world.sub_merchants[0]),
        ]
        assert rows[1].punish_plan == hostile
        assert rows[1].punished_at == at(0)
        assert await in_thread(lambda: set(Notice.objects.values_list("state", flat=True))) == {"processed"}

    tell(story)


def test_a_violation_and_a_complaint_that_arrive_together_are_both_taken(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        world.door.open = False
        complaint_id = await world.complain(world.sub_merchants[1])
        await world.post("/violations", sub_mchid=world.sub_merchants[1])
        await world.settle()
        world.door.open = True
        await world.advance(10 * MINUTE)
        assert len(await told(world, VIOLATION)) == 1
        (new,) = await told(world, "new")
        assert complaint_id in new

    tell(story)


def test_a_violation_that_no_key_opens_any_more_is_parked_beside_the_others(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        await world.post("/violations", sub_mchid=world.sub_merchants[0])
        await world.sandbox.run_due()
        partner = world.accounts[partner_of(world)]
        await in_thread(partner.apiv3_keys.all().delete)
        complaint_id = await world.complain(world.merchant)
        await world.advance(2 * HOUR)
        states = await in_thread(lambda: dict(Notice.objects.values_list("event_type", "state")))
        assert states == {"VIOLATION.PUNISH": "parked", "COMPLAINT.CREATE": "processed"}
        assert any(complaint_id in push for push in await told(world, "new"))
        assert await in_thread(ViolationNotice.objects.count) == 0

    tell(story)


def test_another_systems_violation_address_is_reported_and_not_taken(tell: Any) -> None:
    async def story(world: World) -> None:
        other = "https://elsewhere.example/hook"
        world.sandbox.state.violation_urls[partner_of(world)] = other
        await world.watch()
        await world.advance(2 * HOUR)
        assert world.sandbox.state.violation_urls[partner_of(world)] == other
        assert len(await told(world, "account_problem")) == 1

    tell(story)


def test_a_violation_address_that_was_ours_is_set_right(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        ours = world.sandbox.state.violation_urls[partner_of(world)]
        world.sandbox.state.violation_urls[partner_of(world)] = "https://elsewhere.example/hook"
        await world.advance(HOUR)
        assert world.sandbox.state.violation_urls[partner_of(world)] == ours
        (push,) = await told(world, "account_problem")
        assert "elsewhere.example" in push

    tell(story)


def test_limitations_of_complained_sub_merchants_are_asked_daily_and_changes_are_told(tell: Any, settings: Any) -> None:
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"watch_seconds": 6 * 3600})

    async def story(world: World) -> None:
        limited, free = world.sub_merchants[0], world.sub_merchants[1]
        for mchid in (limited, free):
            await world.complain(mchid)
        await world.watch()
        await world.advance(HOUR)
        assert await told(world, LIMITATION) == []
        functions = ["NO_WITHDRAWAL", "NO_TRANSACTION"]
        await world.post("/limitations", sub_mchid=limited, limited_functions=functions, other_limited_functions="转账")
        await world.advance(DAY)
        (push,) = await told(world, LIMITATION)
        assert limited in push
        assert "转账" in push
        (row,) = await in_thread(limited_sub_merchants)
        assert (row.sub_mchid, sorted(row.functions), row.other_functions) == (limited, sorted(functions), "转账")
        assert row.recoveries[0]["recover_way"] == "RESOLVE_TRANSACTION_DISPUTES"
        await world.advance(DAY)
        assert len(await told(world, LIMITATION)) == 1
        await world.post("/limitations", sub_mchid=limited)
        await world.advance(DAY)
        assert len(await told(world, LIMITATION)) == 2
        assert await in_thread(limited_sub_merchants) == []
        asked = world.sandbox.state.counters["requests_limitations"]
        assert 8 <= asked <= 10

    tell(story, newest=86_400, reread=86_400)


def test_a_sub_merchant_without_open_complaints_is_asked_about_no_more(tell: Any) -> None:
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.sub_merchants[0])
        await world.watch()
        await world.advance(HOUR)
        await world.console(complaint_id, "reply", text="已退款")
        await world.console(complaint_id, "complete")
        await world.advance(DAY)
        row = await in_thread(Limitation.objects.get)
        assert (row.due_at, row.limited) == (None, False)

    tell(story)
