"""Quiet hours of channels and people: what is not urgent waits for their end, as a row that is due then."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db.models import F, Value
from django.db.models.fields import DateTimeField
from django.db.models.functions import Least

from kesu.alerts import digests, lanes, recipients
from kesu.alerts.lanes import Lane
from kesu.alerts.models import Channel, Message
from kesu.rules import quiet
from kesu.rules.digest import URGENT_WITHIN
from kesu.rules.escalations import UrgencyClass

log = structlog.get_logger(__name__)

NEVER_HELD = (recipients.TEST, digests.KIND)
"""A person waits for a test; a digest holds what was told it could go."""


def hold(lane: Lane, *, now: datetime) -> int:
    """Let what is due to channels of the lane in their quiet hours wait; how many messages.

    For ``rules.quiet.held_until`` in bulk: until the end of the hours, or until the case has six hours left.
    """
    held = 0
    for channel in (channel for channel in lane.channels if channel.enabled and channel.quiet_hours):
        until = quiet.quiet_until(quiet.parse(channel.quiet_hours), now)
        if until is None:
            continue
        due = lanes.due_messages(lane, now=now).filter(channel=channel).exclude(kind__in=NEVER_HELD)
        end = Value(until, DateTimeField())
        held += due.filter(lanes.of_share(UrgencyClass.SYSTEM, now=now)).update(due_at=end)
        normal = due.filter(lanes.of_share(UrgencyClass.NORMAL, now=now)).exclude(deadline_at=now + URGENT_WITHIN)
        held += normal.update(due_at=Least(end, F("deadline_at") - URGENT_WITHIN))
    if held:
        log.info("messages.held", key=lane.key[:8], messages=held)
    return held


def held_for_people(message: Message, *, now: datetime) -> datetime | None:
    """Until when a message waits because everybody whom it calls is in quiet hours; None: it goes now."""
    return None if message.kind in NEVER_HELD else recipients.asleep_until(message, now=now)


def wait(message: Message, until: datetime) -> None:
    message.due_at = until
    message.save(update_fields=["due_at"])


def let_go(channel: Channel, *, now: datetime) -> None:
    """After a channel's quiet hours changed: ask anew what waits there untried."""
    waiting = Message.objects.filter(channel=channel, state=Message.State.PENDING, attempts=0, due_at__gt=now)
    waiting.update(due_at=now)
