"""What an event says: JSON, the shape that the API gives a complaint, without phone and openid."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kesu.alerts.text import cover_numbers
from kesu.complaints.models import Complaint
from kesu.webhooks.models import Event

SAME = (
    "complaint_id",
    "complainted_mchid",
    "state",
    "open",
    "complaint_time",
    "problem_type",
    "amount",
    "apply_refund_amount",
    "user_complaint_times",
    "user_tags",
    "full_refunded",
    "incoming_user_response",
    "in_platform_service",
    "need_immediate_service",
    "round_number",
    "replied",
    "reply_due_at",
    "complete_due_at",
    "next_due_at",
    "first_seen_at",
)
WORDS = ("detail", "problem_description")


def of_complaint(row: Complaint) -> dict[str, Any]:
    """The case as it stands. Numbers in the payer's words are covered: they could be somebody's."""
    told = {name: _plain(getattr(row, name)) for name in SAME}
    told |= {name: cover_numbers(getattr(row, name)) for name in WORDS}
    claimed_by = row.claimed_by.username if row.claimed_by else None
    return told | {"account_mchid": row.account.mchid, "claimed_by": claimed_by}


def sealed(data: Mapping[str, Any]) -> str:
    """As ``Event.data`` keeps it."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True)


def body(event: Event) -> bytes:
    """What is sent, the same bytes with every try: UTF-8, at most some kilobytes."""
    told = {
        "id": str(event.event_id),
        "type": event.type,
        "created_at": _plain(event.created_at),
        "sequence": event.pk,
        "data": json.loads(event.data or "{}"),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
