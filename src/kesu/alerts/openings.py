"""What opens a round is also its ladder's step at once: one message, told to whom that step names."""

from __future__ import annotations

from dataclasses import replace

from kesu.alerts.outbox import Cause
from kesu.rules.escalations import AlertEvent, AlertKind, UrgencyClass
from kesu.rules.ladder_steps import Ladder
from kesu.rules.ladders import opening_step

OPENINGS = frozenset({AlertKind.NEW, AlertKind.CONTINUED})


def tells_opening(events: tuple[AlertEvent, ...]) -> bool:
    """Whether what happened opens a round; that stands for every step which is due so far."""
    return any(event.kind in OPENINGS for event in events)


def as_step(told: Cause, ladder: Ladder) -> Cause:
    """An opening as the step at once, as loudly as the louder; everything else as it is."""
    step = opening_step(ladder) if told.kind in OPENINGS else None
    if step is None:
        return told
    people = {"people": [str(target) for target in step.people]} if step.people else {}
    return replace(
        told,
        urgency=step.urgency if told.urgency is UrgencyClass.NORMAL else told.urgency,
        mention=step.mention,
        audience=step.audience,
        robots=step.robots,
        facts=told.facts | people,
    )
