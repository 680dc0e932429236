"""Quiet hours: a message waits until they end. None is dropped, and nothing urgent waits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kesu.rules.deadlines import BEIJING
from kesu.rules.digest import URGENT_WITHIN, share_of
from kesu.rules.escalations import UrgencyClass

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until just before `end`, minutes after midnight in Beijing; over midnight when `end` is smaller."""

    start: int
    end: int

    def __str__(self) -> str:
        return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (self.start, self.end))


def parse(text: str) -> QuietHours | None:
    """`22:00-08:00`, or "" for none. Raises ValueError for anything else, and for a span of no length."""
    if not text:
        return None
    found = _SPAN.fullmatch(text)
    if found is None or found[1] + found[2] == found[3] + found[4]:
        raise ValueError("Quiet hours are written 22:00-08:00.")
    return QuietHours(int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4]))


def quiet_until(hours: QuietHours | None, at: datetime) -> datetime | None:
    """When the quiet hours that hold `at` end; None when none do."""
    if hours is None:
        return None
    local = at.astimezone(BEIJING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    over_midnight = hours.end <= hours.start
    for day in (-1, 0):
        begin = midnight + timedelta(days=day, minutes=hours.start)
        end = midnight + timedelta(days=day + over_midnight, minutes=hours.end)
        if begin <= local < end:
            return end.astimezone(UTC)
    return None


def held_until(
    quiet: Iterable[QuietHours | None], urgency: str, deadline_at: datetime | None, now: datetime
) -> datetime | None:
    """When a message may go that is due at `now` to people with these quiet hours; None: now.

    It goes when the first of them may be disturbed, and at the latest when its case has six hours left. An urgent one
    never waits, nor one that is for nobody in particular.
    """
    if share_of(urgency, deadline_at, now) is UrgencyClass.URGENT:
        return None
    ends = [quiet_until(hours, now) for hours in quiet]
    awaited = [end for end in ends if end is not None]
    if not ends or len(awaited) < len(ends):
        return None
    end = min(awaited)
    latest = deadline_at - URGENT_WITHIN if deadline_at is not None and urgency != UrgencyClass.SYSTEM else end
    return min(end, latest) if latest > now else None
