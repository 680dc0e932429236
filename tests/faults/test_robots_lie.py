"""Robots that are down, slow, or say yes to everything: only a receipt is a delivery, and nobody waits for another."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from kesu.alerts.dispatch import Dispatcher
from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.services import add_channel
from kesu.demo.world import World
from kesu.threads import in_thread
from kesu.worker.loops import Worker
from tests.stories.witness import at, counted, pushes, unsent

M = 1 / 60
LIES = ["page", "empty", "no_code", "text_code", "null_code", "list"]


async def outcomes(kind: str) -> list[tuple[str, int | None]]:
    rows = Attempt.objects.filter(message__kind=kind).order_by("pk")
    return await in_thread(lambda: list(rows.values_list("outcome", "http_status")))


@pytest.mark.story
@pytest.mark.parametrize("lie", LIES)
def test_a_yes_without_a_receipt_is_no_delivery_and_the_message_comes_when_the_robot_is_honest(tell: Any, lie: str):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", kind="lie", value=lie, count=3)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(1 * M))
        assert await unsent() == [("new", "pending")]
        await world.advance_to(at(10 * M))
        assert await outcomes("new") == [("transient", 200)] * 3 + [("sent", 200)]
        assert counted(await pushes(world), "new") == {complaint_id: 1}
        assert await unsent() == []

    tell(story)


@pytest.mark.story
def test_a_robot_that_lies_for_hours_ends_in_a_failure_that_is_seen_and_the_ladder_goes_on(tell: Any):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", kind="lie")
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(11))
        failed = await in_thread(lambda: Message.objects.filter(kind="new", state="failed").count())
        assert failed == 1
        await world.control.delete(f"{world.sandbox.control_url}/faults")
        await world.advance_to(at(12.1))
        assert counted(await pushes(world), "reply_due") == {complaint_id: 1}

    tell(story)


@pytest.mark.story
def test_a_message_that_was_shown_before_the_connection_broke_says_so_when_it_comes_again(tell: Any):
    async def story(world: World) -> None:
        await world.post("/faults", target="wecom", kind="drop", value="after", count=1)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(5 * M))
        shown = [message["content"] for message in await world.messages() if complaint_id in message["content"]]
        assert len(shown) == 2
        assert shown[0] != shown[1]  # the second says that it may be a repetition
        assert [outcome for outcome, _status in await outcomes("new")] == ["unknown", "sent"]

    tell(story)


@pytest.mark.story
@pytest.mark.parametrize("trouble", [{"kind": "lie"}, {"kind": "status", "value": 503}, {"kind": "drop"}])
def test_the_trouble_of_one_robot_is_nobody_elses(tell: Any, trouble: dict[str, Any]):
    async def story(world: World) -> None:
        robot = await world.post("/robots")
        await add_robot(world, "wecom_robot", robot["webhook_url"])
        await world.post("/faults", target="wecom", path=world.sandbox.identity.robot_key, **trouble)
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        shown = [m["key"] for m in await world.messages() if m["errcode"] == 0 and complaint_id in m["content"]]
        assert shown == [robot["key"]]

    tell(story)


@pytest.mark.story
@pytest.mark.parametrize("lie", ["page", "no_code", "text_code"])
@pytest.mark.parametrize("robot", ["dingtalk", "feishu"])
def test_the_robots_of_other_houses_are_believed_no_sooner(tell: Any, robot: str, lie: str):
    async def story(world: World) -> None:
        made = await world.post(f"/{robot}/robots")
        channel = await add_robot(world, f"{robot}_robot", made["webhook_url"])
        await world.post("/faults", target=robot, kind="lie", value=lie, count=1)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(2 * M))
        tries = Attempt.objects.filter(channel=channel, message__kind="new").order_by("pk")
        assert await in_thread(lambda: list(tries.values_list("outcome", flat=True))) == ["transient", "sent"]
        shown = (await world.control.get(f"{world.sandbox.control_url}/{robot}/messages?after=0")).json()
        assert [complaint_id in message["content"] for message in shown if message["accepted"]] == [True]

    tell(story)


async def add_robot(world: World, kind: str, url: str) -> Channel:
    settings = {"webhook_url": world.loopback(url)}
    return await in_thread(add_channel, name="二群", kind=kind, settings=settings, now=world.now())


class Hanging(httpx2.AsyncBaseTransport):
    """One robot takes the message and says nothing; the others are as they were."""

    def __init__(self, inside: httpx2.AsyncBaseTransport, key: str) -> None:
        self.inside, self.key, self.let_go = inside, key, asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.key in str(request.url):
            await self.let_go.wait()
        return await self.inside.handle_async_request(request)


def test_a_robot_that_hangs_holds_up_neither_the_other_robots_nor_the_other_loops_of_a_worker(tell: Any):
    async def story(world: World) -> None:
        robot = await world.post("/robots")
        await add_robot(world, "wecom_robot", robot["webhook_url"])
        hanging = Hanging(world.platform, world.sandbox.identity.robot_key)
        worker = Worker(world.gateway, Dispatcher(world.now, transports={"wecom_robot": hanging}))
        running = asyncio.create_task(worker.run())
        try:
            for _ in range(2):
                # Each is read, recorded and told in the second group while the first one's robot hangs.
                complaint_id = await world.complain(world.merchant)
                await world.sandbox.run_due()
                async with asyncio.timeout(30):
                    while complaint_id not in await shown_by(world, robot["key"]):
                        await asyncio.sleep(0.02)
            assert await shown_by(world, world.sandbox.identity.robot_key) == ""
        finally:
            hanging.let_go.set()
            worker.stop()
            await running

    tell(story)


async def shown_by(world: World, key: str) -> str:
    return "".join(m["content"] for m in await world.messages() if m["key"] == key and m["errcode"] == 0)
