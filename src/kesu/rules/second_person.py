"""When a refund that waits for a second person is spoken of again: soon, and harder as the case's deadline comes near.

Our own choice; the platform knows nothing of it. Made of the same steps as the ladders of cases.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder import ClockFacts, decide
from kesu.rules.ladder_steps import Audience, ClockKind, Ladder, LadderStep, StepTrigger

LOOK_EVERY = timedelta(hours=1)
"""A deadline may come nearer meanwhile: the payer complained again, or a reply is owed once more."""
AFTER_CLOSING = timedelta(hours=72)
"""How long a request of a case that owes nothing any more may wait before it counts as overdue."""

_SOON = (timedelta(minutes=30), timedelta(hours=2))
_HOURS_LEFT = (12, 6, 3, 1)
_URGENT_FROM = 6
_OVERDUE_EVERY = timedelta(hours=2)


def _steps(clock: ClockKind) -> Iterator[LadderStep]:
    for offset in _SOON:
        yield LadderStep(clock, StepTrigger.AFTER_START, offset)
    for hours in _HOURS_LEFT:
        urgency = UrgencyClass.URGENT if hours <= _URGENT_FROM else UrgencyClass.NORMAL
        yield LadderStep(clock, StepTrigger.BEFORE_DEADLINE, timedelta(hours=hours), urgency=urgency)
    yield LadderStep(
        clock, StepTrigger.OVERDUE_EVERY, _OVERDUE_EVERY, audience=Audience.SECOND, urgency=UrgencyClass.URGENT
    )


LADDER = Ladder("second_person", tuple(step for clock in ClockKind for step in _steps(clock)))


@dataclass(frozen=True, slots=True)
class Reminder:
    """What to say now, if anything: ``key`` names it within its request for ever. ``done`` is kept with the request;
    ``look_at`` is when to ask again, later than now."""

    key: str
    urgency: UrgencyClass
    done: tuple[str, ...]
    look_at: datetime

    @property
    def speaks(self) -> bool:
        return bool(self.key)


def remind(asked_at: datetime, due_at: datetime | None, done: tuple[str, ...], *, now: datetime) -> Reminder:
    """``due_at``: the nearest deadline that the case still owes, None where it owes none; ``done``: of the reminder
    before, () at first. Only the newest step that is due speaks."""
    deadline = due_at or asked_at + AFTER_CLOSING
    facts = ClockFacts(ClockKind.COMPLETE, asked_at, deadline, done)
    decided = decide(LADDER, facts, now)
    key = f"{decided.key}@{decided.due_at:%Y%m%dT%H%M%SZ}" if decided.key and decided.due_at else ""
    urgency = decided.step.urgency if decided.step else UrgencyClass.NORMAL
    return Reminder(key, urgency, decided.done, min(decided.next_due_at, now + LOOK_EVERY))
