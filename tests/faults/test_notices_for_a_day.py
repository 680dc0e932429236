"""A day on which three in ten notices are lost, doubled or late, and strangers knock all the time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from kesu.demo.world import PUBLIC_URL, World
from kesu.intake.models import Notice
from kesu.intake.receiver import MAX_BODY_BYTES
from kesu.merchants.services import NOTIFY_PATH
from kesu.threads import in_thread
from kesu.wechatpay import seal_notice, signed_headers
from tests.stories.conftest import HOUR
from tests.stories.test_notices_go_wrong import act
from tests.stories.witness import at, counted, differences, pushes, unsent

pytestmark = pytest.mark.story

TROUBLES = (
    {"kind": "drop", "rate": 0.3},
    {"kind": "duplicate", "rate": 0.3, "value": 2},
    {"kind": "reorder", "rate": 0.3, "value": 3 * 3600},
    {"kind": "status", "rate": 0.3},
    {"kind": "forge", "rate": 0.3},
    {"kind": "signtest", "rate": 0.5},
)


def test_after_a_day_of_lost_doubled_late_and_forged_notices_the_mirror_is_true(tell: Any):
    async def story(world: World) -> None:
        random = Random(7)
        for trouble in TROUBLES:
            await world.post("/faults", target="notice", **trouble)
        made = [await world.complain(random.choice([world.merchant, *world.sub_merchants])) for _ in range(8)]
        for hour in range(1, 25):
            await world.advance_to(at(hour))
            for _ in range(3):
                await act(world, random.choice(made), random)
        await world.control.delete(f"{world.sandbox.control_url}/faults")
        await world.advance_to(at(32))
        assert await differences(world) == {}
        told = await pushes(world)
        assert counted(told, "new") == dict.fromkeys(made, 1)
        rounds = {number: world.sandbox.platform.complaint(number).times - 1 for number in made}
        assert counted(told, "continued") == {number: times for number, times in rounds.items() if times}
        assert await unsent() == []
        counters = world.sandbox.state.counters
        assert min(counters[f"notices_{name}"] for name in ("lost", "duplicated", "forge")) >= 5
        assert {name for name in counters if name.endswith("_accepted") and "notices" in name} == set()

    tell(story, newest=2 * HOUR, recent=6 * HOUR, reread=2 * HOUR)


class Stranger:
    """Whoever knows the address, with genuine notices to play with."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = world.accounts[world.merchant]
        self.identity = world.sandbox.identity
        self.serial = next(iter(world.sandbox.description()["wechatpay"][name] for name in ("public_key_id",)))
        self.http = httpx2.AsyncClient(transport=world.door, base_url=PUBLIC_URL)

    def notice(self, **changes: Any) -> tuple[dict[str, str], bytes]:
        values: dict[str, Any] = {
            "private_key": self.identity.platform.private_key,
            "serial": self.serial,
            "apiv3_key": self.identity.account(self.world.merchant).apiv3_key,
            "payload": {"complaint_id": "200201820200101080076610000", "action_type": "USER_RESPONSE"},
            "now": self.world.now(),
            "id": "7c1f9a2e-0000-4000-8000-000000000001",
            "event_type": "COMPLAINT.STATE_CHANGE",
        }
        return seal_notice(**(values | changes))

    def signed(self, body: bytes) -> tuple[dict[str, str], bytes]:
        """Anything, with the platform's own signature."""
        key = self.identity.platform.private_key
        return signed_headers(key, self.serial, body, now=self.world.now()), body

    async def send(self, request: tuple[dict[str, str], bytes]) -> int:
        headers, body = request
        answer = await self.http.post(NOTIFY_PATH + self.account.token, headers=headers, content=body)
        return answer.status_code


def test_whatever_knocks_at_the_door_is_answered_and_only_what_is_genuine_is_stored(tell: Any):
    async def story(world: World) -> None:
        stranger = Stranger(world)
        headers, body = stranger.notice()
        nested = b'{"id":"x","resource":' * 40_000 + b"1" + b"}" * 40_000
        knocks = {
            "truncated": (headers, body[: len(body) // 2]),
            "forged": (headers, body.replace(b"STATE_CHANGE", b"STATE_CHANGED")),
            "probe": (headers | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc/def"}, body),
            "stale": stranger.notice(now=world.now() - timedelta(minutes=6)),
            "from the future": stranger.notice(now=world.now() + timedelta(minutes=6)),
            "signed, truncated": stranger.signed(body[: len(body) // 2]),
            "signed, nested": stranger.signed(nested),
            "signed, GBK": stranger.signed("投诉通知".encode("gbk")),
            "signed, UTF-16": stranger.signed(body.decode().encode("utf-16")),
            "signed, empty": stranger.signed(b""),
            "too large by one": stranger.signed(b" " * (MAX_BODY_BYTES + 1)),
        }
        answered = {name: await stranger.send(knock) for name, knock in knocks.items()}
        assert answered == {
            **dict.fromkeys(("truncated", "forged", "probe", "stale", "from the future"), 401),
            **dict.fromkeys(("signed, truncated", "signed, nested", "signed, GBK"), 400),
            **dict.fromkeys(("signed, UTF-16", "signed, empty"), 400),
            "too large by one": 413,
        }
        assert await in_thread(Notice.objects.count) == 0
        assert sum(row.count for row in world.rejections.take()) == len(knocks)
        await stranger.http.aclose()

    tell(story)


def test_a_genuine_notice_may_have_a_megabyte_and_a_replayed_one_changes_nothing(tell: Any):
    async def story(world: World) -> None:
        stranger = Stranger(world)
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        payload = {"complaint_id": complaint_id, "action_type": "USER_RESPONSE"}
        genuine = stranger.notice(payload=payload)
        _, body = genuine
        largest = stranger.signed(body[:-1] + b" " * (MAX_BODY_BYTES - len(body)) + b"}")
        assert [await stranger.send(one) for one in (genuine, genuine, largest)] == [204, 204, 204]
        await world.advance(timedelta(minutes=10))
        assert await stranger.send(genuine) == 401  # the same bytes, later: the signature is too old
        resigned = stranger.signed(body)
        assert await stranger.send(resigned) == 204  # the platform itself sends again with a new signature
        assert await in_thread(Notice.objects.filter(envelope_id__startswith="7c1f9a2e").count) == 1
        await world.settle()
        assert Counter(push.kind for push in await pushes(world)) == {"new": 1}
        await stranger.http.aclose()

    tell(story)
