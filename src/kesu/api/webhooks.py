"""Signed webhooks: endpoints and the log of what was delivered to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.api.authentication import actor_of
from kesu.api.fields import Before, Number
from kesu.api.problems import Problem
from kesu.api.shapes import Input
from kesu.merchants.models import Account
from kesu.webhooks import queries, services
from kesu.webhooks.models import Delivery, Endpoint
from kesu.webhooks.services import EndpointError, Wanted

router = Router(tags=["webhooks"])

EventType = Literal[
    "complaint.created",
    "complaint.updated",
    "complaint.continued",
    "complaint.completed",
    "complaint.due_soon",
]
_PORT = r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}))?"
_PATH = r"([/?][!-~]*)?"
_PUBLIC = rf"https://[A-Za-z0-9][A-Za-z0-9.-]*{_PORT}{_PATH}"
_THIS_MACHINE = rf"http://(localhost|127\.0\.0\.1){_PORT}{_PATH}"
Url = Annotated[str, StringConstraints(max_length=1000, pattern=rf"^({_PUBLIC}|{_THIS_MACHINE})$")]


class OnlyIn(Input):
    """Complaints of one account (``mchid``), or of one sub-merchant of it."""

    mchid: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]
    sub_mchid: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z]*$")] = ""


class WebhookChangeIn(Input):
    """``url`` may be left out: the address stays. ``only`` null is every complaint."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00]*\S[^\x00]*$")]
    url: Url | None = None
    events: Annotated[list[EventType], Field(min_length=1, max_length=5)]
    only: OnlyIn | None = None


class WebhookIn(WebhookChangeIn):
    url: Url


class SwitchIn(Input):
    enabled: bool


class WebhookOut(Schema):
    """``address`` is scheme and host; the rest may be a secret. ``state`` is on, failing or off."""

    id: int
    name: str
    address: str
    events: list[str]
    account: str | None
    sub_mchid: str
    state: str
    disabled_reason: str
    failing_since: datetime | None
    pending: int
    failed: int
    created_at: datetime


class WebhookSecretOut(WebhookOut):
    """``secret`` is shown only now."""

    secret: str


class WebhookAttemptOut(Schema):
    number: int
    at: datetime
    outcome: str
    status: int | None
    error: str
    duration_ms: int
    response: str


class WebhookDeliveryOut(Schema):
    id: int
    webhook: int
    event_id: str
    type: str
    complaint_id: str | None
    state: str
    error: str
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None
    attempts: list[WebhookAttemptOut]


class WebhookDeliveryPage(Schema):
    items: list[WebhookDeliveryOut]
    next: str | None


@router.get("/webhooks", response=list[WebhookOut])
def list_webhooks(request: HttpRequest) -> list[dict[str, Any]]:
    """The oldest first."""
    actor_of(request, Permission.SETTINGS)
    return [_told(health) for health in queries.endpoints()]


@router.post("/webhooks", response={201: WebhookSecretOut})
def add_webhook(request: HttpRequest, body: WebhookIn) -> tuple[int, dict[str, Any]]:
    """The answer holds the secret, which is shown only now."""
    actor = actor_of(request, Permission.SETTINGS)
    try:
        endpoint, secret = services.add_endpoint(actor, _wanted(body), now=clock.now())
    except EndpointError as error:
        raise _problem(error) from None
    return 201, _told(queries.health(endpoint)) | {"secret": secret}


@router.put("/webhooks/{webhook_id}", response=WebhookOut)
def change_webhook(request: HttpRequest, webhook_id: Number, body: WebhookChangeIn) -> dict[str, Any]:
    """Without ``url`` the address stays."""
    actor = actor_of(request, Permission.SETTINGS)
    try:
        endpoint = services.change_endpoint(actor, _endpoint(webhook_id), _wanted(body), now=clock.now())
    except EndpointError as error:
        raise _problem(error) from None
    return _told(queries.health(endpoint))


@router.post("/webhooks/{webhook_id}/switch", response=WebhookOut)
def switch_webhook(request: HttpRequest, webhook_id: Number, body: SwitchIn) -> dict[str, Any]:
    """Off: what it was owed fails. On: it starts afresh."""
    actor = actor_of(request, Permission.SETTINGS)
    services.switch_endpoint(actor, _endpoint(webhook_id), enabled=body.enabled, now=clock.now())
    return _told(queries.health(_endpoint(webhook_id)))


@router.post("/webhooks/{webhook_id}/rotate", response=WebhookSecretOut)
def rotate_webhook(request: HttpRequest, webhook_id: Number) -> dict[str, Any]:
    """A new secret, shown only now; the one before signs too for 24 hours."""
    actor = actor_of(request, Permission.SETTINGS)
    endpoint = _endpoint(webhook_id)
    secret = services.rotate_secret(actor, endpoint, now=clock.now())
    return _told(queries.health(endpoint)) | {"secret": secret}


@router.post("/webhooks/{webhook_id}/test", response={202: WebhookDeliveryOut})
def test_webhook(request: HttpRequest, webhook_id: Number) -> tuple[int, dict[str, Any]]:
    """Send an event that means nothing; 409 when the webhook is off."""
    actor = actor_of(request, Permission.SETTINGS)
    try:
        delivery = services.send_test(actor, _endpoint(webhook_id), now=clock.now())
    except EndpointError as error:
        raise Problem(409, "webhook_off", str(error)) from None
    return 202, _delivery(delivery)


@router.delete("/webhooks/{webhook_id}", response={204: None})
def remove_webhook(request: HttpRequest, webhook_id: Number) -> tuple[int, None]:
    """With its log."""
    actor = actor_of(request, Permission.SETTINGS)
    services.remove_endpoint(actor, _endpoint(webhook_id), now=clock.now())
    return 204, None


@router.get("/webhook-deliveries", response=WebhookDeliveryPage)
def list_webhook_deliveries(
    request: HttpRequest,
    webhook: Annotated[int, Query(ge=0, le=2**62)] = 0,
    state: Literal["", "pending", "delivered", "failed"] = "",
    before: Before = 0,
) -> dict[str, Any]:
    """The newest first, with every try; ``webhook`` 0 is all. ``next`` is the following page's ``before``."""
    actor_of(request, Permission.SETTINGS)
    endpoint = _endpoint(webhook) if webhook else None
    found = queries.log(endpoint, state=state, before=before, limit=queries.PAGE + 1)
    page = found[: queries.PAGE]
    return {"items": [_delivery(row) for row in page], "next": str(page[-1].pk) if len(found) > len(page) else None}


@router.post("/webhook-deliveries/{delivery_id}/redeliver", response={202: WebhookDeliveryOut})
def redeliver_webhook(request: HttpRequest, delivery_id: Number) -> tuple[int, dict[str, Any]]:
    """Once more, with the same id; 409 when the webhook is off or the payer's data was erased."""
    actor = actor_of(request, Permission.SETTINGS)
    try:
        row = services.redeliver(actor, Delivery.objects.get(pk=delivery_id), now=clock.now())
    except EndpointError as error:
        raise Problem(409, "not_deliverable", str(error)) from None
    return 202, _delivery(row)


def _endpoint(number: int) -> Endpoint:
    return Endpoint.objects.select_related("account").get(pk=number)


def _wanted(body: WebhookChangeIn) -> Wanted:
    if body.only is None:
        return Wanted(body.name, body.url, body.events)
    account = Account.objects.defer("token").get(mchid=body.only.mchid)
    return Wanted(body.name, body.url, body.events, account, body.only.sub_mchid)


def _problem(error: EndpointError) -> Problem:
    return Problem(409, "name_taken", str(error)) if error.field == "name" else Problem(422, error.field, str(error))


def _told(health: queries.Health) -> dict[str, Any]:
    row = health.endpoint
    return {
        "id": row.pk,
        "name": row.name,
        "address": health.address,
        "events": row.events,
        "account": row.account.mchid if row.account else None,
        "sub_mchid": row.sub_mchid,
        "state": health.state,
        "disabled_reason": row.disabled_reason,
        "failing_since": row.failing_since,
        "pending": health.pending,
        "failed": health.failed,
        "created_at": row.created_at,
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "webhook": row.endpoint_id,
        "event_id": str(row.event.event_id),
        "type": row.event.type,
        "complaint_id": row.event.complaint.complaint_id if row.event.complaint else None,
        "state": row.state,
        "error": row.error,
        "created_at": row.created_at,
        "due_at": row.due_at,
        "delivered_at": row.delivered_at,
        "attempts": list(row.log.all()),
    }
