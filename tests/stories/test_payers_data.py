"""What a payer gave in confidence is sealed, and pictures are kept before their addresses die."""

from __future__ import annotations

import hashlib

import pytest
from django.db import connection

from kesu.complaints.models import Media, MediaBlob
from kesu.demo.world import World
from kesu.sandbox.pictures import draw
from kesu.sandbox.state import Upload
from kesu.threads import in_thread
from tests.stories.conftest import HOUR, MINUTE
from tests.stories.witness import at, mirror, pushes

pytestmark = pytest.mark.story

PHONE = "13800138000"


def everything_stored() -> bytes:
    """The bytes of every row of the tables that know of a payer, as the database holds them."""
    found = b""
    with connection.cursor() as cursor:
        for table in ("complaints_complaint", "complaints_timelineentry", "alerts_message", "intake_notice"):
            cursor.execute(f"select row_to_json(t)::text from {table} t")
            found += b"\n".join(row[0].encode() for row in cursor.fetchall())
    return found


async def media() -> list[tuple[str, str, str]]:
    """(place, state, hash) of every picture; the place is "case" or "history"."""
    rows = await in_thread(lambda: list(Media.objects.order_by("pk").values_list("log_id", "state", "blob_id")))
    return [("history" if log_id else "case", state, digest) for log_id, state, digest in rows]


async def downloads(world: World) -> int:
    return world.sandbox.state.counters.get("requests_download", 0)


def test_the_payers_phone_is_opened_and_sealed(tell):
    async def story(world: World) -> None:
        first = await world.complain(world.merchant, phone=PHONE)
        second = await world.complain(world.sub_merchants[0], phone=PHONE)
        await world.settle()
        shown, other = await mirror(first), await mirror(second)
        assert (shown.payer_phone, shown.payer_phone_tail) == (PHONE, "8000")
        assert shown.payer_phone_fingerprint == other.payer_phone_fingerprint != ""
        openid = world.sandbox.platform.order_of(world.sandbox.platform.complaint(first)).openid
        assert shown.payer_openid == openid
        stored = await in_thread(everything_stored)
        assert PHONE.encode() not in stored
        assert openid.encode() not in stored
        assert PHONE.encode().hex().encode() not in stored
        assert all(PHONE not in push.content for push in await pushes(world))

    tell(story)


def test_pictures_are_fetched_once_and_stored_by_their_content(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, pictures=2)
        await world.settle()
        digests = [hashlib.sha256(draw(f"{complaint_id}-{n}")).hexdigest() for n in range(2)]
        shown = [(place, "stored", digest) for place in ("case", "history") for digest in digests]
        assert sorted(await media()) == sorted(shown)
        assert await in_thread(MediaBlob.objects.count) == 2
        assert await downloads(world) == 2  # shown with the case and in its history
        await world.advance_to(at(5))
        assert (await mirror(complaint_id)).history_read_at > at(4)
        assert await downloads(world) == 2
        assert len(await media()) == 4

    tell(story, reread=30 * MINUTE)


def test_a_picture_whose_address_changes_with_every_reading_is_fetched_once(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, pictures=0)
        await replied_with_picture(world, complaint_id)
        await world.advance_to(at(1))
        assert [(place, state) for place, state, _digest in await media()] == [("history", "stored")]
        await world.advance_to(at(6))
        assert (len(await media()), await downloads(world)) == (1, 1)

    tell(story, newest=HOUR, reread=30 * MINUTE)


def test_a_picture_that_could_not_be_fetched_within_its_hour_comes_with_the_next_address(tell):
    async def story(world: World) -> None:
        complaint_id = await world.complain(world.merchant, pictures=0)
        await world.post("/faults", target="wechatpay", kind="status", value=500, path="/images/")
        await replied_with_picture(world, complaint_id)
        await world.advance_to(at(4.9))
        assert [state for _place, state, _digest in await media()] == ["lost"]
        await world.control.delete(f"{world.sandbox.control_url}/faults")
        await world.advance_to(at(7))
        assert [(place, state) for place, state, _digest in await media()] == [("history", "stored")]

    tell(story, newest=2 * HOUR, reread=2 * HOUR)


async def replied_with_picture(world: World, complaint_id: str) -> None:
    """Somebody answers in the console with a picture, whose address lives an hour from each reading."""
    digest = world.sandbox.platform.pictures.put(draw("answer"))
    complaint = world.sandbox.platform.complaint(complaint_id)
    await world.console(complaint_id, "reply")
    complaint.history[-1].pictures = ["answer.png"]
    world.sandbox.state.uploads["answer.png"] = Upload("answer.png", world.merchant, digest, "image/png")
