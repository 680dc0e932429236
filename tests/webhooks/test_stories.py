"""Days with a program that listens: each event arrives once, signed, and says what the case is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from kesu.alerts.channels.webhook.settings import WebhookSettings
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.merchants.models import Account
from kesu.threads import in_thread
from kesu.webhooks.models import Delivery, Event, Lookout
from tests.webhooks.conftest import subscribe
from tests.webhooks.receiver import verify

pytestmark = pytest.mark.story

HOUR = timedelta(hours=1)


def test_a_case_is_told_from_its_beginning_to_its_second_end(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, secret = await subscribe(world)
        number = await world.complain(world.merchant, detail="没发货, 打 13812345678")
        await world.settle()
        assert receiver.types() == ["created"]
        await world.console(number, "reply", text="您好, 已安排")
        await world.advance(7 * HOUR)  # nothing of the console is pushed: it is read again
        assert receiver.types() == ["created", "updated"]
        await world.console(number, "complete")
        await world.advance(7 * HOUR)
        await world.payer(number, "continue", "还是没收到")
        await world.settle()
        in_order = sorted(receiver.told(), key=lambda told: told["sequence"])
        types = [told["type"].removeprefix("complaint.") for told in in_order]
        assert types.count("created") == types.count("completed") == types.count("continued") == 1
        assert types.index("completed") < types.index("continued")
        _arrived_once_and_signed(receiver, secret)
        last = in_order[-1]["data"]
        assert last["complaint"]["complaint_id"] == number
        assert last["complaint"]["user_complaint_times"] == last["complaint"]["round_number"] == 2
        assert b"13812345678" not in b"".join(request.content for request in receiver.requests)

    tell(story)


def _arrived_once_and_signed(receiver: Any, secret: str) -> None:
    told = [
        verify(secret, request.headers, request.content, seconds=int(request.headers["webhook-timestamp"]))
        for request in receiver.at()
    ]
    assert len({one["id"] for one in told}) == len(told)
    assert len({one["sequence"] for one in told}) == len(told)


def test_a_reading_that_changes_nothing_tells_nothing(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.created", "complaint.updated"])
        await world.complain(world.merchant)
        await world.advance(5 * HOUR)
        assert receiver.types() == ["created"]

    tell(story, newest=600, reread=600)


def test_neither_phone_nor_openid_is_told(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world)
        await world.complain(world.merchant)
        await world.settle()
        row = await in_thread(Complaint.objects.get)
        assert row.payer_phone
        assert row.payer_openid
        sent = receiver.at()[0].content.decode()
        assert row.payer_phone not in sent
        assert row.payer_openid not in sent
        assert "phone" not in sent
        assert "openid" not in sent

    tell(story)


def test_a_deadline_is_told_six_hours_and_one_hour_before_once_each(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.due_soon"])
        await world.complain(world.merchant)
        begun = world.now()
        await world.advance(17 * HOUR)
        assert receiver.types() == []
        await world.advance(10 * HOUR)
        assert receiver.types() == ["due_soon", "due_soon"]
        first, second = receiver.told()
        assert (first["data"]["hours"], second["data"]["hours"]) == (6, 1)
        assert first["data"]["deadline"] == "reply"
        left = [round((24 * HOUR - _since(begun, one)) / HOUR) for one in (first, second)]
        assert left == [6, 1]

    tell(story)


def _since(begun: Any, told: dict[str, Any]) -> timedelta:
    return datetime.fromisoformat(told["created_at"]) - begun


def test_both_deadlines_of_a_round_are_warned_of(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.due_soon"])
        number = await world.complain(world.merchant)
        await world.settle()
        await world.console(number, "reply", text="您好")
        await world.advance(73 * HOUR)
        assert [told["data"]["deadline"] for told in receiver.told()] == ["complete", "complete"]

    tell(story)


def test_warnings_that_fell_due_while_nobody_worked_speak_once_and_only_the_newest(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.due_soon"])
        await world.complain(world.merchant)
        await world.settle()
        world.sandbox.clock.advance(23.5 * HOUR)  # no worker ran meanwhile
        await world.settle()
        await world.advance(HOUR)
        assert [told["data"]["hours"] for told in receiver.told()] == [1]
        # How far was looked is forgotten: what was told is not told again.
        await in_thread(lambda: Lookout.objects.update(reached=world.now() - 20 * HOUR))
        await world.settle()
        assert len(receiver.at()) == 1

    tell(story)


def test_a_storm_of_deadlines_is_told_whole(tell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages smaller than what comes near at once."""
    monkeypatch.setattr("kesu.webhooks.events.PAGE", 3)

    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.due_soon"])
        for _number in range(8):
            await world.complain(world.merchant)
        await world.advance(25 * HOUR)
        assert len(receiver.at()) == 16

    tell(story)


def test_an_endpoint_of_one_sub_merchant_hears_of_no_other(tell: Any) -> None:
    async def story(world: World) -> None:
        first, second = world.sub_merchants[:2]
        partner = await in_thread(lambda: Account.objects.get(role="partner"))
        receiver, _endpoint, _secret = await subscribe(world, account=partner, sub_mchid=first)
        await subscribe(world, account=partner, name="服务商", path="/partner")
        for mchid in (first, second, world.merchant):
            await world.complain(mchid)
        await world.settle()
        assert [told["data"]["complaint"]["complainted_mchid"] for told in receiver.told()] == [first]
        heard = {told["data"]["complaint"]["complainted_mchid"] for told in receiver.told("/partner")}
        assert heard == {first, second}

    tell(story)


def test_nothing_is_kept_for_nobody(tell: Any) -> None:
    async def story(world: World) -> None:
        await subscribe(world, ["complaint.completed"])
        await world.complain(world.merchant)
        await world.settle()
        assert not await in_thread(Event.objects.exists)

    tell(story)


def test_while_the_program_is_down_it_is_tried_again_and_hears_everything_once(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.created"])
        world.hooks.open = False
        await world.complain(world.merchant)
        await world.advance(HOUR)
        delivery = await in_thread(Delivery.objects.get)
        assert delivery.failures == 5
        world.hooks.open = True
        await world.advance(3 * HOUR)
        assert receiver.types() == ["created"]
        delivery = await in_thread(lambda: Delivery.objects.select_related("endpoint").get())
        assert delivery.state == "delivered"
        assert delivery.endpoint.failing_since is None
        log = await in_thread(lambda: list(delivery.log.order_by("number").values_list("outcome", flat=True)))
        assert log == ["failed"] * 5 + ["delivered"]

    tell(story)


def test_the_secret_is_one_that_every_library_takes() -> None:
    from kesu.webhooks.signing import new_secret

    assert len(WebhookSettings(url="https://example.com/hook", secret=new_secret()).signing_key) == 32


def test_a_payload_is_json_in_utf_8(tell: Any) -> None:
    async def story(world: World) -> None:
        receiver, _endpoint, _secret = await subscribe(world, ["complaint.created"])
        await world.complain(world.merchant, detail="没发货")
        await world.settle()
        request = receiver.at()[0]
        assert request.headers["content-type"] == "application/json"
        assert "没发货" in request.content.decode()
        assert set(json.loads(request.content)) == {"id", "type", "created_at", "sequence", "data"}

    tell(story)
