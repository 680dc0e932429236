"""The platform says what it never said before: it is kept, told, and stops nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.sync.models import Refresh
from kesu.threads import in_thread
from kesu.wechatpay import signed_headers
from tests.stories.conftest import MINUTE
from tests.stories.witness import at, counted, pushes

pytestmark = pytest.mark.story

M = 1 / 60


class Changed(httpx2.AsyncBaseTransport):
    """The platform after a release: its answers, changed and signed again."""

    def __init__(self, world: World, change: Callable[[dict[str, Any]], None]) -> None:
        self.world, self.change = world, change

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.world.platform.handle_async_request(request)
        raw = await answer.aread()
        if "complaints-v2" not in request.url.path or answer.status_code != 200:
            return httpx2.Response(answer.status_code, headers=answer.headers, content=raw)
        body = json.loads(raw)
        for item in body.get("data") or [body]:
            if "complaint_id" in item or "log_id" in item:
                self.change(item)
        raw = json.dumps(body, ensure_ascii=False).encode()
        serial = self.world.sandbox.description()["wechatpay"]["public_key_id"]
        key = self.world.sandbox.identity.platform.private_key
        headers = signed_headers(key, serial, raw, now=self.world.sandbox.clock.now())
        return httpx2.Response(200, headers={**headers, "Content-Type": "application/json"}, content=raw)


def new_words(item: dict[str, Any]) -> None:
    """Values no page lists."""
    if "complaint_id" in item:
        item |= {"problem_type": "BRAND_NEW", "user_tag_list": ["NEW_TAG"], "a_new_field": {"deep": [1, {"er": None}]}}
        item["complaint_media_list"] = [{"media_type": "HOLOGRAM", "media_url": []}]
    elif item["operate_type"] == "USER_RESPONSE":
        item["operate_type"] = "USER_SANG_A_SONG"


def new_shapes(item: dict[str, Any]) -> None:
    """What was a list is a single one, numbers are digits, flags are words, what was there is null."""
    if "complaint_id" in item:
        item |= {
            "user_complaint_times": str(item["user_complaint_times"]),
            "incoming_user_response": str(item["incoming_user_response"]).lower(),
            "complaint_media_list": {},
            "user_tag_list": "TRUSTED",
            "payer_openid": None,
            "amount": "100",
        }
        item["complaint_order_info"] = item["complaint_order_info"][0]
    else:
        item |= {"complaint_media_list": None, "image_list": "", "operate_details": ["a", "list"]}


@pytest.mark.parametrize("change", [new_words, new_shapes])
def test_new_words_and_shapes_keep_no_complaint_out_and_wake_people_all_the_same(tell: Any, change: Any):
    async def story(world: World) -> None:
        await world.gateway.close()
        world.gateway._transport = Changed(world, change)
        made = [await world.complain(mchid) for mchid in (world.merchant, world.sub_merchants[0])]
        await world.advance_to(at(10 * M))
        await world.payer(made[0], "message", "还没有人理我")
        await world.console(made[1], "reply")
        await world.advance_to(at(30 * M))
        assert counted(await pushes(world), "new") == dict.fromkeys(made, 1)
        states = await in_thread(lambda: dict(Complaint.objects.values_list("complaint_id", "state")))
        assert states == {made[0]: "PENDING", made[1]: "PROCESSING"}
        assert await in_thread(Refresh.objects.filter(state="parked").count) == 0
        kept = await in_thread(lambda: Complaint.objects.get(complaint_id=made[0]).timeline.count())
        assert kept == len(world.sandbox.platform.complaint(made[0]).history)

    tell(story, newest=5 * MINUTE, reread=10 * MINUTE)


def test_a_state_that_nobody_knows_is_kept_in_sight_and_its_clocks_run(tell: Any):
    def frozen(item: dict[str, Any]) -> None:
        if "complaint_id" in item:
            item["complaint_state"] = "FROZEN"

    async def story(world: World) -> None:
        await world.gateway.close()
        world.gateway._transport = Changed(world, frozen)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(12.1))
        case = await in_thread(Complaint.objects.get)
        assert (case.state, case.open) == ("FROZEN", True)
        assert counted(await pushes(world), "new", "reply_due") == {complaint_id: 2}

    tell(story)
