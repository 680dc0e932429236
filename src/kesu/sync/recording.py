"""Where every reading ends: one transaction for the mirror, the clocks, the pushes and the webhooks it causes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.alerts import services as alerts
from kesu.complaints.services import Change, mirror
from kesu.complaints.snapshots import Snapshot
from kesu.merchants.models import Account
from kesu.webhooks import events as webhooks


@transaction.atomic
def record_snapshot(account: Account, snapshot: Snapshot, *, now: datetime) -> Change:
    """Push, poll and our own commands all end here. Idempotent; orders by what the platform says, not by arrival."""
    change = mirror(account, snapshot, now=now)
    alerts.follow(change, now=now)
    webhooks.follow(change, now=now)
    return change
