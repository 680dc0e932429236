"""Open complaints are read again now and then: a second reply made in the platform's console shows in no list
and no notice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from kesu.complaints.models import Complaint
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import waiting


def _due(now: datetime) -> QuerySet[Complaint]:
    return Complaint.objects.filter(open=True, read_again_at__lte=now)


_ANY_DUE = waiting(_due)


def request_rereads(*, now: datetime, limit: int = 30) -> int:
    """Ask for the open complaints that were not read for the longest time; returns how many.

    Bounded, so that with very many open complaints the pause between two reads grows and the platform's limits
    are kept.
    """
    if not _ANY_DUE(now):
        return 0
    with transaction.atomic():
        rows = list(
            _due(now)
            .select_for_update(skip_locked=True)
            .order_by("read_again_at")
            .only("account_id", "complaint_id")[:limit]
        )
        wanted = {(row.account_id, row.complaint_id): "check" for row in rows}
        request_refresh(wanted, priority=Priority.CHECK, now=now)
        later = now + timedelta(seconds=settings.CONFIGURATION.reread_open_seconds)
        Complaint.objects.filter(pk__in=[row.pk for row in rows]).update(read_again_at=later)
    return len(rows)
