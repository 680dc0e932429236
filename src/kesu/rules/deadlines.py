"""When a reply and a completion are due, and how urgent what is left of the time is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Beijing has had no daylight saving time since 1991, so a fixed offset is exact and needs no zone files."""

RED_BELOW = timedelta(hours=6)


class LimitKind(StrEnum):
    ROLLING = "rolling"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Limit:
    """A time allowed from a start: `amount` hours (rolling), or until 24:00 Beijing of day + `amount` (calendar)."""

    kind: LimitKind
    amount: int

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError("A limit must be at least one hour or one day.")


@dataclass(frozen=True, slots=True)
class DeadlineProfile:
    """Which limits hold for an account.

    `restart_on_continue`: a continued complaint gets new clocks from the continuation. No official text says
    whether the platform does so (assumption, therefore configurable).
    """

    name: str
    reply: Limit
    complete: Limit
    restart_on_continue: bool = True


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Both instants in UTC. The act is late from this instant on."""

    reply_due_at: datetime
    complete_due_at: datetime


PROFILES: dict[str, DeadlineProfile] = {
    "rolling": DeadlineProfile(
        name="rolling",
        reply=Limit(LimitKind.ROLLING, 24),
        complete=Limit(LimitKind.ROLLING, 72),
    ),
    "calendar": DeadlineProfile(
        name="calendar",
        reply=Limit(LimitKind.CALENDAR, 1),
        complete=Limit(LimitKind.CALENDAR, 3),
    ),
}
"""The two readings of the platform's limits.

rolling: first reply within 24 h and completion within 72 h of the ticket's creation
(消费者投诉处理指南, https://kf.qq.com/faq/230125a6NbmA230125vMNZnE.html).
calendar: reply by 24:00 of the next day, completion by 24:00 of day + 3 (the guide's older text, reprinted at
https://www.diancipan.com/d/254228.html). Neither page exempts holidays: the clocks run 7 x 24.
"""

DEFAULT_PROFILE = "rolling"
"""The current official text, and the stricter of the two."""


class Urgency(StrEnum):
    NEUTRAL = "neutral"
    AMBER = "amber"
    RED = "red"
    OVERDUE = "overdue"


def require_aware(instant: datetime) -> None:
    """Raise ValueError for a datetime without a time zone: a guess here would shift a deadline by hours."""
    if instant.utcoffset() is None:
        raise ValueError("An instant needs a time zone.")


def round_deadlines(profile: DeadlineProfile, started_at: datetime) -> Deadlines:
    """The two deadlines of a round that started at `started_at` (aware). Source: see PROFILES.

    Raises ValueError when `started_at` is naive.
    """
    return Deadlines(
        reply_due_at=_due(profile.reply, started_at),
        complete_due_at=_due(profile.complete, started_at),
    )


def urgency(started_at: datetime, due_at: datetime, now: datetime) -> Urgency:
    """How much of the time is left, as the colour a page shows (our own scale).

    More than half left is neutral, from half down amber, under six hours red; from `due_at` on it is overdue.
    """
    left = due_at - now
    if left <= timedelta(0):
        return Urgency.OVERDUE
    if left < RED_BELOW:
        return Urgency.RED
    return Urgency.NEUTRAL if left * 2 > due_at - started_at else Urgency.AMBER


def split_duration(seconds: float) -> tuple[int, int, int]:
    """Days, hours and minutes of a duration, cut down to the minute so that time left is never overstated.

    The sign is dropped: -7200 (two hours overdue) gives (0, 2, 0).
    """
    minutes = int(abs(seconds) // 60)
    days, minutes = divmod(minutes, 24 * 60)
    hours, minutes = divmod(minutes, 60)
    return days, hours, minutes


def _due(limit: Limit, started_at: datetime) -> datetime:
    require_aware(started_at)
    if limit.kind is LimitKind.ROLLING:
        return started_at.astimezone(UTC) + timedelta(hours=limit.amount)
    day = started_at.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    # 24:00 of a day is 00:00 of the day after it.
    return (day + timedelta(days=limit.amount + 1)).astimezone(UTC)
