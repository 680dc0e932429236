"""What is not one complaint: refund requests, deliveries."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Router

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import queries as pushes
from kesu.alerts import resending
from kesu.alerts.models import Message
from kesu.alerts.resending import ResendError
from kesu.api import shapes, told
from kesu.api.authentication import actor_of
from kesu.api.fields import Before, Number
from kesu.api.problems import Problem
from kesu.commands import refunding
from kesu.commands.checks import Concern
from kesu.commands.models import RefundRequest
from kesu.commands.verbs import Consent
from kesu.complaints.queries import visible_to

router = Router()

PAGE = 50
PushState = Literal["", "pending", "sent", "superseded", "moved", "failed", "digested"]


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
def list_deliveries(request: HttpRequest, before: Before = 0, state: PushState = "") -> dict[str, Any]:
    """Pushes, the newest first; ``next`` is the following page's ``before``."""
    actor = actor_of(request, Permission.DELIVERIES)
    rows = pushes.visible_to(actor.user).select_related("channel", "complaint")
    if state:
        rows = rows.filter(state=state)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.defer("complaint__raw", "channel__settings").order_by("-pk")[: PAGE + 1])
    items = [_delivery(row) for row in found[:PAGE]]
    return {"items": items, "next": str(found[PAGE - 1].pk) if len(found) > PAGE else None}


@router.post("/deliveries/{delivery_id}/resend", response={202: shapes.DeliveryOut}, tags=["desk"])
def resend_delivery(request: HttpRequest, delivery_id: Number, body: shapes.Confirming) -> tuple[int, dict[str, Any]]:
    """Send a failed push again; 409 says why not. What may have arrived needs ``may_have_arrived`` acknowledged."""
    actor = actor_of(request, Permission.RESEND)
    yes = resending.MAY_HAVE_ARRIVED in body.acknowledged
    try:
        return 202, _delivery(resending.resend(actor, delivery_id, now=clock.now(), yes=yes))
    except ResendError as error:
        if not error.needs_yes:
            raise Problem(409, error.reason, str(error)) from None
        concern = Concern(error.reason, "confirm", str(error))
        raise Problem(409, "refused", str(error), concerns=[concern.as_json()]) from None


def _delivery(row: Message) -> dict[str, Any]:
    return {
        "id": row.pk,
        "complaint_id": row.complaint.complaint_id if row.complaint else None,
        "channel": row.channel.name,
        "kind": row.kind,
        "state": row.state,
        "error": row.error,
        "may_have_arrived": row.doubtful,
        "created_at": row.created_at,
        "attempts": row.attempts,
    }


def _requests(user: User) -> QuerySet[RefundRequest]:
    rows = RefundRequest.objects.select_related("complaint", "order", "resends", "requested_by", "decided_by").defer(
        "card"
    )
    return rows.filter(complaint__in=visible_to(user))
