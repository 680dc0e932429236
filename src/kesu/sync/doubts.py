"""Reading a complaint before a reminder speaks of it, where what the desk knows of it may be old.

After a night without the desk, clocks are due that the platform may have stopped meanwhile: somebody answered in its
console. Such a clock is put off for as long as one reading takes, at most ``PATIENCE``. If it was read by then, the
state decides as ever; if the platform did not answer, the clock speaks and says of when its news are.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet

from kesu.alerts import services as alerts
from kesu.alerts.models import Clock
from kesu.sync.requests import Priority, request_refresh

log = structlog.get_logger(__name__)

LATE = timedelta(minutes=5)
"""A step that speaks later than this was kept from speaking: nobody ticked. What was read since is fresh enough."""
PATIENCE = timedelta(seconds=60)
READINGS_MISSED = 3
"""A mirror older than so many pauses between two readings of an open case is in doubt, even if the step is on time."""
BATCH = 200
"""As many as speak at once."""


def raise_due_clocks(*, now: datetime) -> int:
    """First ask for what is in doubt, then let the other due clocks speak; how many clocks were handled."""
    if not alerts.any_clock_due(now):
        return 0
    return put_off(now=now) + alerts.raise_due_clocks(now=now)


def put_off(*, now: datetime) -> int:
    """Put every due clock in doubt off and ask for its complaint to be read; how many. Each step is put off once.

    In small transactions. A clock's row is locked before its refresh row, as by whoever records a snapshot; one that
    is being recorded now is passed over, and needs no other reading.
    """
    total = 0
    while number := _put_off_some(now):
        total += number
    if total:
        log.info("clocks.put_off", clocks=total)
    return total


@transaction.atomic
def _put_off_some(now: datetime) -> int:
    rows = _in_doubt(now).select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("due_at", "id")
    found = list(rows.values_list("pk", "complaint__account_id", "complaint__complaint_id")[:BATCH])
    Clock.objects.filter(pk__in=[pk for pk, _account, _complaint in found]).update(asked_at=now, due_at=now + PATIENCE)
    # Listed, not heard: news of this moment are read before it.
    wanted = {(account, complaint): "clock" for _pk, account, complaint in found}
    request_refresh(wanted, priority=Priority.LISTED, now=now)
    return len(found)


def _in_doubt(now: datetime) -> QuerySet[Clock]:
    stale = max(READINGS_MISSED * timedelta(seconds=settings.CONFIGURATION.reread_open_seconds), LATE)
    # One that was put off for an earlier step has been set to a later moment since.
    not_asked = Q(asked_at__isnull=True) | Q(due_at__gt=F("asked_at") + PATIENCE)
    due = alerts.due_clocks(now)
    # Only those that would speak next: with thousands due, each batch must not look at all of them.
    head = due.order_by("due_at", "id").values("pk")[:BATCH]
    return (
        due.filter(not_asked, pk__in=head)
        .filter(complaint__history_read_at__lte=now - LATE)
        .filter(Q(due_at__lte=now - LATE) | Q(complaint__history_read_at__lte=now - stale))
    )
