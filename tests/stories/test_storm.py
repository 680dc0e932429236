"""A storm: a thousand complaints in ten minutes, and a robot that takes twenty messages a minute."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from kesu.alerts.models import Message
from kesu.alerts.queries import outbox
from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.rules.digest import MENTION_EVERY, share_of
from kesu.threads import in_thread
from tests.stories.witness import START, unsent

pytestmark = pytest.mark.story

COMPLAINTS, MINUTES, AT_ONCE = 1000, 10, 10
EVERY = timedelta(minutes=MINUTES) / (COMPLAINTS // AT_ONCE)


def busiest_minute(messages: list[Any]) -> int:
    times = sorted(datetime.fromisoformat(message["time"]) for message in messages)
    return max(sum(1 for other in times if when <= other < when + timedelta(seconds=60)) for when in times)


async def whole_outbox() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while page := await in_thread(outbox, after=rows[-1]["id"] if rows else 0, limit=1000):
        rows += page
    return rows


def overtaken(rows: list[Message]) -> list[tuple[int, int]]:
    """Pairs of messages where the first was sent by itself although the second, of the same class, was waiting too and
    its case had less time left."""
    single = [row for row in rows if row.state == "sent" and row.complaint_id]
    return [(sent.pk, other.pk) for sent in single for other in rows if _was_passed_over(other, sent)]


def _was_passed_over(other: Message, sent: Message) -> bool:
    at, told_at = sent.sent_at, other.sent_at or (other.digest.sent_at if other.digest else None)
    if not (at and told_at and other.deadline_at and sent.deadline_at) or not other.created_at < at < told_at:
        return False
    same = share_of(other.urgency, other.deadline_at, at) is share_of(sent.urgency, sent.deadline_at, at)
    return same and other.deadline_at < sent.deadline_at


@pytest.mark.timeout(900)
def test_a_thousand_complaints_in_ten_minutes(tell):
    async def story(world: World) -> None:
        raised: list[str] = []
        for number in range(COMPLAINTS // AT_ONCE):
            # Now and then some that the platform has held for most of a day: the most urgent come last.
            age = timedelta(hours=20) if number % 10 == 9 else timedelta(0)
            made = await world.post(
                "/complaints",
                mchid=[world.merchant, *world.sub_merchants][number % 3],
                temperament="none",
                count=AT_ONCE,
                complaint_time=(world.now() - age).isoformat(),
            )
            raised += made["complaint_ids"]
            await world.advance_to(START + EVERY * (number + 1))
        await world.advance(timedelta(minutes=4))

        messages = await world.messages()
        # The robot itself never said too often, and the desk stayed below what it allows itself.
        assert {message["errcode"] for message in messages} == {0}
        assert busiest_minute(messages) <= 18
        assert datetime.fromisoformat(messages[0]["time"]) - START <= timedelta(seconds=2)

        # Nothing is unaccounted for: each complaint was told by itself or as part of a digest that was sent.
        rows = await whole_outbox()
        assert await unsent() == []
        new = Counter(number for row in rows if row["kind"] == "new" for number in row["complaint_ids"])
        assert new == Counter(raised)
        told = {number for row in rows if row["state"] == "sent" for number in row["complaint_ids"]}
        assert told == set(raised) == set(await in_thread(_numbers))
        sent = {row["id"] for row in rows if row["state"] == "sent"}
        assert {row["digest_id"] for row in rows if row["state"] == "digested"} <= sent
        assert len(sent) == len(messages)

        # It was told in time: a digest a minute.
        assert await in_thread(_longest_wait) <= timedelta(seconds=61)
        digests = [row for row in rows if row["kind"] == "digest"]
        assert MINUTES - 1 <= len(digests) <= MINUTES + 3
        assert sum(len(row["complaint_ids"]) for row in digests) > COMPLAINTS * 0.8

        # The most urgent never stood behind the oldest.
        assert overtaken(await in_thread(_told)) == []
        calls = await in_thread(_digest_calls)
        assert all(later - earlier >= MENTION_EVERY for earlier, later in pairwise(calls))

    tell(story)


def test_after_two_quiet_minutes_each_complaint_is_told_by_itself_again(tell):
    async def story(world: World) -> None:
        await world.post("/complaints", mchid=world.merchant, temperament="none", count=40)
        await world.advance(timedelta(minutes=5))
        digests = await in_thread(Message.objects.filter(kind="digest").count)
        made = await world.post("/complaints", mchid=world.merchant, temperament="none", count=3)
        await world.settle()
        rows = [row for row in await whole_outbox() if row["complaint_ids"] and row["kind"] != "digest"]
        last = [row for row in rows if row["complaint_ids"][0] in made["complaint_ids"]]
        assert [row["state"] for row in last] == ["sent"] * 3
        assert 1 <= digests == await in_thread(Message.objects.filter(kind="digest").count)

    tell(story)


def _numbers() -> list[str]:
    return list(Complaint.objects.values_list("complaint_id", flat=True))


def _told() -> list[Message]:
    return list(Message.objects.select_related("digest").order_by("pk"))


def _longest_wait() -> timedelta:
    told = [(row.sent_at or (row.digest.sent_at if row.digest else None), row) for row in _told()]
    return max(at - row.created_at for at, row in told if at is not None)


def _digest_calls() -> list[datetime]:
    rows = Message.objects.filter(kind="digest", mention=True).order_by("pk")
    return list(rows.values_list("created_at", flat=True))
