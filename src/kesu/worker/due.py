"""When the next thing is due anywhere: what a story on a virtual clock has to wait for."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Min

from kesu.alerts.queries import next_due as next_alert_due
from kesu.commands.journal import UNSETTLED
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.complaints.models import Complaint, Media
from kesu.intake.models import Notice
from kesu.merchants.models import AccountHealth, Limitation
from kesu.sync.models import Poll, Refresh
from kesu.webhooks.queries import next_due as next_webhook_due


def next_due(*, now: datetime) -> datetime | None:
    """The earliest moment after ``now`` at which some loop will find work; None when nothing is planned.

    Each is the first entry of a partial index.
    """
    moments = [
        Notice.objects.filter(state=Notice.State.RECEIVED, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Refresh.objects.filter(state=Refresh.State.WAITING, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Poll.objects.filter(account__enabled=True, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Media.objects.filter(state=Media.State.WAITING, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Complaint.objects.filter(open=True, read_again_at__gt=now).aggregate(at=Min("read_again_at"))["at"],
        AccountHealth.objects.filter(account__enabled=True, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Limitation.objects.filter(account__enabled=True, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Command.objects.filter(state__in=UNSETTLED, due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        Refund.objects.filter(due_at__gt=now).aggregate(at=Min("due_at"))["at"],
        RefundRequest.objects.filter(state=RefundRequest.State.WAITING, remind_at__gt=now).aggregate(
            at=Min("remind_at")
        )["at"],
        next_alert_due(now=now),
        next_webhook_due(now=now),
    ]
    return min((moment for moment in moments if moment is not None and moment > now), default=None)
