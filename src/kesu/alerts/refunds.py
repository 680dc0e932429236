"""Bad news of a refund: it got stuck, was closed after the platform had taken it, or is followed no longer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kesu.alerts.outbox import Cause, owe
from kesu.complaints.models import Complaint
from kesu.rules.escalations import ALERT_RULES, AlertKind

KIND = AlertKind.REFUND_FAILED


def tell_refund_failed(complaint: Complaint, key: str, told: Mapping[str, Any], *, now: datetime) -> None:
    """Owe a message to all who hear of the case, part of the caller's transaction. ``key`` names this failure within
    the case for ever; ``told``: ``number`` (out_refund_no), ``amount`` (fen), ``state`` (abnormal, closed, or
    unfollowed: it was not settled and is no longer asked for)."""
    cause = Cause(
        complaint_pk=complaint.pk,
        account_pk=complaint.account_id,
        key=key,
        kind=KIND,
        round_number=complaint.round_number,
        urgency=ALERT_RULES[KIND].urgency,
        mention=ALERT_RULES[KIND].mention,
        deadline_at=complaint.next_due_at,
        facts={"refund": dict(told)},
    )
    owe([cause], now=now)
