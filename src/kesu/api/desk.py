"""What is not one complaint: refund requests, deliveries."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts.models import Message
from kesu.api import shapes, told
from kesu.api.authentication import actor_of
from kesu.api.fields import Before, Number
from kesu.commands import refunding
from kesu.commands.models import RefundRequest
from kesu.commands.verbs import Consent
from kesu.complaints.queries import visible_to

router = Router()

PAGE = 50


@router.get("/refund-requests", response=list[shapes.RequestOut], tags=["refund requests"])
def list_requests(request: HttpRequest) -> list[dict[str, Any]]:
    """Refunds that wait for a second person, the oldest first, at most 100."""
    rows = _requests(actor_of(request).user).filter(state=RefundRequest.State.WAITING).order_by("requested_at")
    return [told.request(row) for row in rows[:100]]


@router.post("/refund-requests/{request_id}/decide", response=shapes.RequestOut, tags=["refund requests"])
def decide(request: HttpRequest, request_id: Number, body: shapes.DecisionIn) -> dict[str, Any]:
    """Grant or decline somebody else's refund."""
    actor = actor_of(request, Permission.SECOND_PAIR_OF_EYES)
    row = _requests(actor.user).get(pk=request_id)
    consent = Consent(tuple(body.acknowledged), body.override_reason, None, body.key or "")
    refunding.decide(actor, row, grant=body.grant, note=body.note, consent=consent, now=clock.now())
    return told.request(_requests(actor.user).get(pk=request_id))


@router.get("/deliveries", response=shapes.DeliveryPage, tags=["desk"])
def list_deliveries(request: HttpRequest, before: Before = 0) -> dict[str, Any]:
    """Pushes, the newest first; ``next`` is the following page's ``before``."""
    actor = actor_of(request, Permission.DELIVERIES)
    rows = Message.objects.filter(complaint__in=visible_to(actor.user)).select_related("channel", "complaint")
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.defer("complaint__raw", "channel__settings").order_by("-pk")[: PAGE + 1])
    items = [
        {
            "id": row.pk,
            "complaint_id": row.complaint.complaint_id if row.complaint else None,
            "channel": row.channel.name,
            "kind": row.kind,
            "state": row.state,
            "created_at": row.created_at,
            "attempts": row.attempts,
        }
        for row in found[:PAGE]
    ]
    return {"items": items, "next": str(found[PAGE - 1].pk) if len(found) > PAGE else None}


def _requests(user: User) -> QuerySet[RefundRequest]:
    rows = RefundRequest.objects.select_related("complaint", "order", "resends", "requested_by", "decided_by").defer(
        "card"
    )
    return rows.filter(complaint__in=visible_to(user))
