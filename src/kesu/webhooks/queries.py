"""Reads for screens, commands and the worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Count, Min, Prefetch, Q, QuerySet

from kesu.complaints.models import Complaint
from kesu.rules.hooks import HookEvent
from kesu.threads import Prepared, waiting
from kesu.webhooks.models import Delivery, DeliveryAttempt, Endpoint

PAGE = 50


def warned() -> QuerySet[Endpoint]:
    """Who wants to hear that a deadline comes near."""
    return Endpoint.objects.filter(enabled=True, events__contains=[str(HookEvent.DUE_SOON)])


anybody_warned = waiting(lambda now: warned())


@dataclass(frozen=True, slots=True)
class Health:
    """An endpoint and how it is. ``state`` is on, failing or off; ``address`` hides what may be a secret."""

    endpoint: Endpoint
    address: str
    state: str
    pending: int
    failed: int


def endpoints() -> list[Health]:
    """The oldest first."""
    counted = Delivery.objects.filter(~Q(state=Delivery.State.DELIVERED)).values("endpoint", "state").order_by()
    numbers = {(row["endpoint"], row["state"]): row["n"] for row in counted.annotate(n=Count("pk"))}
    rows = Endpoint.objects.select_related("account", "created_by").defer("account__token")
    return [
        Health(
            one,
            address(one),
            state(one),
            numbers.get((one.pk, Delivery.State.PENDING), 0),
            numbers.get((one.pk, Delivery.State.FAILED), 0),
        )
        for one in rows.defer("secret", "previous_secret", "account__token").order_by("pk")
    ]


def health(endpoint: Endpoint) -> Health:
    waiting = endpoint.deliveries.filter(state=Delivery.State.PENDING).count()
    failed = endpoint.deliveries.filter(state=Delivery.State.FAILED).count()
    return Health(endpoint, address(endpoint), state(endpoint), waiting, failed)


def address(endpoint: Endpoint) -> str:
    """Scheme and host; the path may be a secret."""
    parts = urlsplit(endpoint.url)
    return f"{parts.scheme}://{parts.netloc}/…"


def state(endpoint: Endpoint) -> str:
    if not endpoint.enabled:
        return "off"
    return "failing" if endpoint.failing_since else "on"


def log(endpoint: Endpoint | None = None, *, state: str = "", before: int = 0, limit: int = PAGE) -> list[Delivery]:
    """Deliveries with their tries, the newest first, from below the number ``before`` on (0: from the top)."""
    rows: QuerySet[Delivery] = Delivery.objects.select_related("event__complaint", "endpoint")
    rows = rows.filter(endpoint=endpoint) if endpoint else rows
    rows = rows.filter(state=state) if state else rows
    rows = rows.filter(pk__lt=before) if before else rows
    tries = Prefetch("log", DeliveryAttempt.objects.order_by("number"))
    return list(rows.defer(*_SEALED).prefetch_related(tries).order_by("-pk")[:limit])


_DELIVERY = Prepared(
    lambda now: (
        Delivery.objects.filter(state=Delivery.State.PENDING, endpoint__enabled=True, due_at__gt=now)
        .order_by("due_at")
        .values_list("due_at")
    )
)


def next_due(*, now: datetime) -> datetime | None:
    """The earliest moment after ``now`` at which something is to be sent, or a deadline comes near."""
    moments = [_DELIVERY(now)]
    if anybody_warned(now):
        for lead in settings.KESU_WEBHOOK_DUE_SOON:
            ahead = Complaint.objects.filter(open=True, next_due_at__gt=now + lead).aggregate(at=Min("next_due_at"))
            moments.append(ahead["at"] - lead if ahead["at"] else None)
    return min((moment for moment in moments if moment is not None), default=None)


_SEALED = (
    "event__data",
    "event__complaint__raw",
    "event__complaint__payer_phone",
    "event__complaint__payer_openid",
    "endpoint__url",
    "endpoint__secret",
    "endpoint__previous_secret",
)
