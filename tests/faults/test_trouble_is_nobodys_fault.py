"""What the database cannot take at the moment is no fault of a complaint, a notice or a picture: none is given up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from kesu import clock
from kesu.complaints.models import Complaint, Media
from kesu.demo.world import World
from kesu.intake import inbox
from kesu.intake.models import Notice
from kesu.intake.storage import REFUSED, storage
from kesu.sync.models import Refresh
from kesu.threads import in_thread
from tests.desk_seeds import working_day
from tests.stories.witness import at, counted, differences, pushes

M = 1 / 60


@contextmanager
def no_room_for(table: str, event: str = "insert") -> Iterator[None]:
    """PostgreSQL refuses as it does on a full disk (53100), for one table only."""
    with connection.cursor() as cursor:
        cursor.execute(
            "create or replace function no_room() returns trigger language plpgsql as $$ begin"
            " raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$"
        )
        cursor.execute(f"create trigger no_room before {event} on {table} for each row execute function no_room()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"drop trigger no_room on {table}")


@pytest.mark.story
def test_a_complaint_that_cannot_be_stored_for_half_an_hour_is_not_parked(tell: Any):
    async def story(world: World) -> None:
        room = no_room_for("complaints_timelineentry")
        await in_thread(room.__enter__)
        complaint_id = await world.complain(world.merchant)
        await world.advance_to(at(30 * M))
        row = await in_thread(Refresh.objects.get)
        assert (row.state, row.attempts, "No space left" in row.error) == ("waiting", 0, True)
        assert await pushes(world) == []
        await in_thread(room.__exit__, None, None, None)
        await world.advance_to(at(31 * M))
        assert counted(await pushes(world), "new") == {complaint_id: 1}
        assert await differences(world) == {}

    tell(story)


@pytest.mark.story
def test_a_picture_that_cannot_be_stored_is_fetched_again_until_it_can(tell: Any):
    async def story(world: World) -> None:
        room = no_room_for("complaints_mediablob")
        await in_thread(room.__enter__)
        await world.complain(world.merchant, pictures=1)
        await world.advance_to(at(20 * M))
        picture = await in_thread(Media.objects.first)
        assert (picture.state, picture.attempts) == ("waiting", 0)
        await in_thread(room.__exit__, None, None, None)
        await world.advance_to(at(25 * M))
        assert await in_thread(lambda: set(Media.objects.values_list("state", flat=True))) == {"stored"}

    tell(story)


@pytest.mark.story
def test_a_notice_that_cannot_be_taken_up_is_neither_counted_nor_parked(tell: Any):
    async def story(world: World) -> None:
        world.door.open = False
        complaint_id = await world.complain(world.merchant)
        world.door.open = True
        room = no_room_for("sync_refresh")
        await in_thread(room.__enter__)
        world.sandbox.clock.advance(at(M) - world.now())
        await world.sandbox.run_due()
        for _ in range(inbox.MAX_ATTEMPTS + 1):
            with pytest.raises(OperationalError):
                await in_thread(inbox.drain, now=world.now())
        assert await in_thread(lambda: list(Notice.objects.values_list("state", "attempts"))) == [("received", 0)]
        await in_thread(room.__exit__, None, None, None)
        await world.settle()
        assert counted(await pushes(world), "new") == {complaint_id: 1}

    tell(story)


@pytest.mark.parametrize(
    ("language", "words"), [("zh-hans", "您刚才的操作没有保存"), ("en", "What you asked for was not stored")]
)
def test_a_deed_that_could_not_be_stored_is_told_in_the_readers_language(
    transactional_db: Any, language: str, words: str
):
    client = Client(raise_request_exception=False)
    client.force_login(working_day(clock.now())["user"])
    client.cookies["django_language"] = language
    case = Complaint.objects.filter(open=True, claimed_by=None).first()
    assert case is not None
    with no_room_for("complaints_complaint", "update"):
        answer = client.post(f"/cases/{case.pk}/claim")
    text = answer.content.decode()
    assert (answer.status_code, words in text, "Traceback" in text) == (503, True, False)
    assert answer.headers["Retry-After"]
    case.refresh_from_db()
    assert case.claimed_by is None
    assert client.post(f"/cases/{case.pk}/claim").status_code < 400


def test_after_a_refused_notice_readiness_waits_until_something_can_be_written(transactional_db: Any):
    import asyncio

    async def answered(status: int) -> None:
        async def send(message: Any) -> None:
            return None

        await storage().watching(send)({"type": "http.response.start", "status": status})

    asyncio.run(answered(503))
    assert storage().problem() == REFUSED
    storage().try_again()
    assert storage().problem() == ""
    asyncio.run(answered(503))
    asyncio.run(answered(204))
    assert storage().problem() == ""
