"""When the next thing is due anywhere: what a story on a virtual clock has to wait for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from kesu.alerts.queries import next_due as next_alert_due
from kesu.commands.journal import UNSETTLED
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.complaints.models import Complaint, Media
from kesu.intake.models import Notice
from kesu.merchants.models import AccountHealth, Limitation
from kesu.sync.models import Poll, Refresh
from kesu.threads import Prepared
from kesu.webhooks.queries import next_due as next_webhook_due


def _first(rows: QuerySet[Any], column: str = "due_at") -> Prepared:
    """The earliest of a column, the first entry of a partial index."""
    return Prepared(lambda now: rows.filter(**{f"{column}__gt": now}).order_by(column).values_list(column))


_MOMENTS = (
    _first(Notice.objects.filter(state=Notice.State.RECEIVED)),
    _first(Refresh.objects.filter(state=Refresh.State.WAITING)),
    _first(Poll.objects.filter(account__enabled=True)),
    _first(Media.objects.filter(state=Media.State.WAITING)),
    _first(Complaint.objects.filter(open=True), "read_again_at"),
    _first(AccountHealth.objects.filter(account__enabled=True)),
    _first(Limitation.objects.filter(account__enabled=True)),
    _first(Command.objects.filter(state__in=UNSETTLED)),
    _first(Refund.objects.all()),
    _first(RefundRequest.objects.filter(state=RefundRequest.State.WAITING), "remind_at"),
)


def next_due(*, now: datetime) -> datetime | None:
    """The earliest moment after ``now`` at which some loop will find work; None when nothing is planned."""
    moments = [first(now) for first in _MOMENTS] + [next_alert_due(now=now), next_webhook_due(now=now)]
    return min((moment for moment in moments if moment is not None and moment > now), default=None)
