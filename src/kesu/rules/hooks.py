"""What a merchant's own systems are told of a complaint, and when a delivery to them is tried again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kesu.rules.escalations import Facts
from kesu.rules.states import Round, is_open


class HookEvent(StrEnum):
    """``type`` of a payload; ``webhook.test`` is asked for by a person and cannot be subscribed to."""

    CREATED = "complaint.created"
    UPDATED = "complaint.updated"
    CONTINUED = "complaint.continued"
    COMPLETED = "complaint.completed"
    DUE_SOON = "complaint.due_soon"
    TEST = "webhook.test"


SUBSCRIBABLE = tuple(event for event in HookEvent if event is not HookEvent.TEST)

RETRY_AFTER = (5, 30, 120, 600, 3_600, 10_800, 21_600, 43_200)
"""Seconds after the first, second, ... failed try; some 22 hours altogether (our own choice, near the schedule that
https://www.standardwebhooks.com recommends). The try after the last of them is the last."""

JITTER_SHARE = 0.2
GIVE_UP_ON_ENDPOINT_AFTER = timedelta(days=3)
"""An endpoint that took nothing for so long is switched off."""


@dataclass(frozen=True, slots=True)
class HookCause:
    """Why something is told. ``key`` names it within its complaint for ever; "" for what is new each time."""

    event: HookEvent
    key: str
    round_number: int


def causes_of(before: Facts | None, rounds: Sequence[Round], *, changed: bool) -> Iterator[HookCause]:
    """What one reading of a complaint gives cause to tell, in the order in which it happened.

    ``before`` is None for a complaint that is met for the first time: whatever its rounds, only that is told.
    ``changed``: a field that is told, or the history, is another than before.
    """
    current = rounds[-1].number
    if before is None:
        yield HookCause(HookEvent.CREATED, "created", current)
        return
    was_open = is_open(before.state)
    for one in sorted(rounds, key=lambda one: one.number):
        if one.number > before.user_complaint_times:
            yield HookCause(HookEvent.CONTINUED, f"continued:{one.number}", one.number)
        ended_since = one.number > before.user_complaint_times or (
            one.number == before.user_complaint_times and was_open
        )
        if one.completed and ended_since:
            yield HookCause(HookEvent.COMPLETED, f"completed:{one.number}", one.number)
    if changed:
        yield HookCause(HookEvent.UPDATED, "", current)


def lead_of(leads: Iterable[timedelta], left: timedelta) -> timedelta | None:
    """The shortest of the leads that has come when so much time is left: only the newest warning speaks."""
    return min((lead for lead in leads if left <= lead), default=None)


def due_soon_key(round_number: int, deadline: datetime, lead: timedelta) -> str:
    """Once per round, deadline and lead."""
    return f"due_soon:{round_number}:{deadline.isoformat()}:{lead.total_seconds():.0f}"


def retry_after(failures: int, jitter: float = 0.0) -> timedelta | None:
    """How long to wait after so many failed tries (from 1 on); None when they were enough.

    ``jitter``, between 0 and 1 and drawn by the caller, adds up to a fifth.
    """
    if failures < 1:
        raise ValueError("Failures count from 1.")
    if failures > len(RETRY_AFTER):
        return None
    return timedelta(seconds=RETRY_AFTER[failures - 1] * (1 + JITTER_SHARE * jitter))


def is_given_up(failing_since: datetime | None, now: datetime) -> bool:
    """Whether an endpoint has refused everything for too long."""
    return failing_since is not None and now - failing_since >= GIVE_UP_ON_ENDPOINT_AFTER
