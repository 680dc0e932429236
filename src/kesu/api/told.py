"""Rows as the API tells them."""

from __future__ import annotations

from typing import Any

from kesu.api import shapes
from kesu.commands.checks import Concern
from kesu.commands.models import Command, RefundRequest
from kesu.commands.seen import Seen
from kesu.commands.wording import outcome
from kesu.complaints.models import Complaint
from kesu.rules.rates import Rate, window


def complaint(row: Complaint) -> dict[str, Any]:
    same = (
        "complaint_id state open complaint_time detail problem_type problem_description amount apply_refund_amount"
        " user_complaint_times user_tags full_refunded incoming_user_response in_platform_service"
        " need_immediate_service payer_phone_tail round_number replied reply_due_at complete_due_at next_due_at"
        " first_seen_at complainted_mchid"
    )
    told = {name: getattr(row, name) for name in same.split()}
    claimed = row.claimed_by.username if row.claimed_by else None
    return told | {"account_mchid": row.account.mchid, "claimed_by": claimed}


def case(row: Complaint) -> dict[str, Any]:
    """With everything that belongs to it. ``row`` comes from ``queries.case``."""
    return complaint(row) | {
        "seen": str(Seen.of(row)),
        "orders": list(row.orders.all()),
        "rounds": list(row.rounds.all()),
        "timeline": list(row.timeline.all()),
        "refunds": [
            {
                "out_refund_no": refund.out_refund_no,
                "transaction_id": refund.order.transaction_id,
                "amount": refund.amount,
                "total": refund.total,
                "state": refund.state,
                "created_at": refund.created_at,
                "arrived_at": refund.arrived_at,
                "resent_to": refund.resent_to,
                "resent_at": refund.resent_at,
            }
            for refund in row.refunds.select_related("order").order_by("pk")
        ],
        "pictures": list(row.media.all()),
        "agreed": list(row.agreements.order_by("pk").values_list("log_id", flat=True)),
        "notes": [
            {"id": note.pk, "author": str(note.author or ""), "text": note.text, "created_at": note.created_at}
            for note in row.notes.select_related("author").order_by("pk")
        ],
    }


def command(row: Command) -> dict[str, Any]:
    return {
        "id": row.pk,
        "complaint_id": row.complaint.complaint_id,
        "kind": row.kind,
        "state": row.state,
        "message": outcome(row),
        "failure": row.failure,
        "error_code": row.error_code,
        "error": row.error,
        "request_id": row.request_id,
        "planned_at": row.planned_at,
        "settled_at": row.settled_at,
        "by": row.actor.username if row.actor else "",
    }


def request(row: RefundRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "complaint_id": row.complaint.complaint_id,
        "transaction_id": row.order.transaction_id,
        "amount": row.amount,
        "reason": row.reason,
        "resends": row.resends.out_refund_no if row.resends else None,
        "resend_to": row.resend_to,
        "state": row.state,
        "requested_by": row.requested_by.username if row.requested_by else "",
        "requested_at": row.requested_at,
        "decided_by": row.decided_by.username if row.decided_by else None,
        "decided_at": row.decided_at,
        "note": row.decision_note,
        "command": row.command_id,
    }


def done(result: Command | RefundRequest) -> dict[str, Any]:
    if isinstance(result, Command):
        return {"command": command(result), "request": None}
    return {"command": None, "request": request(result)}


def concern(found: Concern) -> shapes.ConcernOut:
    return shapes.ConcernOut(**found.as_json())


def rate(counted: Rate) -> dict[str, Any]:
    first, last = window(counted.definition, counted.today)
    return {
        "name": counted.definition.name.value,
        "numerator": counted.numerator,
        "denominator": counted.denominator,
        "basis_points": counted.basis_points,
        "limit": counted.definition.limit,
        "sample_suffices": counted.sample_suffices,
        "within_limit": counted.within_limit,
        "affordable": counted.affordable,
        "first_day": first.isoformat(),
        "last_day": last.isoformat(),
    }
