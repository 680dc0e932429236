"""Taking what is due, and settling what came of it. Each is one short transaction; nothing is sent inside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.rules.hooks import is_given_up, retry_after
from kesu.threads import waiting
from kesu.webhooks.models import Delivery, DeliveryAttempt, Endpoint

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
"""Longer than a send may take, so that nobody else sends the same meanwhile."""
GONE = 410
NOT_WANTED = "the endpoint answered 410 Gone"
REFUSED_TOO_LONG = "took nothing for three days"
SWITCHED_OFF = "the endpoint is switched off"
Outcome = DeliveryAttempt.Outcome


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery a worker has in hand until its lease ends. ``number`` counts its tries: another worker's is higher."""

    delivery_pk: int
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. ``status`` is HTTP's, None without an answer; ``response`` the beginning of the answer."""

    status: int | None = None
    error: str = ""
    response: str = ""

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


_WAITING = waiting(lambda now: Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=now))


def due_endpoints(*, now: datetime, limit: int = 200) -> list[int]:
    """Endpoints that something is due for."""
    if not _WAITING(now):
        return []
    waiting = Delivery.objects.filter(state=Delivery.State.PENDING, due_at__lte=now, endpoint__enabled=True)
    return list(waiting.order_by("endpoint").values_list("endpoint", flat=True).distinct()[:limit])


@transaction.atomic
def claim(endpoint_pk: int, *, now: datetime, limit: int) -> list[Claim]:
    """Lease what is due for an endpoint, the longest due first, and write down that it is tried."""
    rows = Delivery.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    due = rows.filter(endpoint=endpoint_pk, endpoint__enabled=True, state=Delivery.State.PENDING, due_at__lte=now)
    return _lease(list(due.order_by("due_at", "id")[:limit]), now)


@transaction.atomic
def claim_only(delivery_pk: int, *, now: datetime) -> list[Claim]:
    """Lease one delivery, due or not; empty when somebody else has it."""
    rows = Delivery.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    wanted = rows.filter(pk=delivery_pk, endpoint__enabled=True, state=Delivery.State.PENDING)
    return _lease(list(wanted), now)


def _lease(found: list[Delivery], now: datetime) -> list[Claim]:
    left_behind = DeliveryAttempt.objects.filter(delivery__in=found, outcome=Outcome.SENDING)
    left_behind.update(outcome=Outcome.INTERRUPTED, error="the worker died or lost its lease")
    for delivery in found:
        delivery.attempts += 1
        delivery.due_at = now + LEASE
    Delivery.objects.bulk_update(found, ["attempts", "due_at"])
    DeliveryAttempt.objects.bulk_create(
        [DeliveryAttempt(delivery=delivery, number=delivery.attempts, at=now) for delivery in found]
    )
    return [Claim(delivery.pk, delivery.attempts) for delivery in found]


@transaction.atomic
def settle(claim: Claim, answer: Answer, *, now: datetime, milliseconds: int, jitter: float) -> Delivery.State:
    """Log the answer and settle the delivery; its state then.

    A try whose lease another worker took over is logged, and settles the delivery only when it was taken. A delivery
    that was removed meanwhile is FAILED.
    """
    delivery = _held(claim.delivery_pk)
    if delivery is None:
        return Delivery.State.FAILED
    DeliveryAttempt.objects.filter(delivery=delivery, number=claim.number).update(
        outcome=Outcome.DELIVERED if answer.taken else Outcome.FAILED,
        status=answer.status,
        error=answer.error[:200],
        response=answer.response[:500],
        duration_ms=milliseconds,
    )
    if answer.taken:
        _delivered(delivery, now)
    elif delivery.attempts == claim.number and delivery.state == Delivery.State.PENDING:
        _failed(delivery, answer, now, jitter)
    log.info(
        "webhook.tried", delivery=delivery.pk, endpoint=delivery.endpoint_id, status=answer.status, state=delivery.state
    )
    return Delivery.State(delivery.state)


@transaction.atomic
def give_back(claim: Claim, *, now: datetime) -> None:
    """The worker stops before the answer: it may have arrived, and is due again at once, with the same event id."""
    rows = Delivery.objects.filter(pk=claim.delivery_pk, attempts=claim.number, state=Delivery.State.PENDING)
    if rows.update(due_at=now):
        tries = DeliveryAttempt.objects.filter(delivery=claim.delivery_pk, number=claim.number)
        tries.update(outcome=Outcome.INTERRUPTED, error="the worker stopped before the answer")


def switch_off(endpoint: Endpoint, reason: str) -> None:
    """Nothing goes there any more; what was owed is failed and can be delivered by hand later."""
    Endpoint.objects.filter(pk=endpoint.pk).update(enabled=False, disabled_reason=reason)
    Delivery.objects.filter(endpoint=endpoint, state=Delivery.State.PENDING).update(
        state=Delivery.State.FAILED, error=SWITCHED_OFF
    )


def _held(delivery_pk: int) -> Delivery | None:
    """The delivery, locked after its endpoint: whoever switches an endpoint off takes them in this order too."""
    endpoints = Endpoint.objects.select_for_update(no_key=True).filter(deliveries=delivery_pk)
    endpoint = endpoints.defer("url", "secret", "previous_secret").first()
    delivery = Delivery.objects.select_for_update(no_key=True).filter(pk=delivery_pk).first()
    if delivery is not None and endpoint is not None:
        delivery.endpoint = endpoint
    return delivery


def _delivered(delivery: Delivery, now: datetime) -> None:
    delivery.state, delivery.error = Delivery.State.DELIVERED, ""
    delivery.delivered_at = delivery.delivered_at or now
    delivery.save(update_fields=["state", "error", "delivered_at"])
    Endpoint.objects.filter(pk=delivery.endpoint_id, failing_since__isnull=False).update(failing_since=None)


def _failed(delivery: Delivery, answer: Answer, now: datetime, jitter: float) -> None:
    delivery.failures += 1
    delivery.error = answer.error[:200]
    wait = None if answer.status == GONE else retry_after(delivery.failures, jitter)
    if wait is None:
        delivery.state = Delivery.State.FAILED
    else:
        delivery.due_at = now + wait
    delivery.save(update_fields=["failures", "error", "state", "due_at"])
    endpoint = delivery.endpoint
    if endpoint.failing_since is None:
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
    if answer.status == GONE:
        _disable(endpoint, NOT_WANTED, now)
    elif wait is None and is_given_up(endpoint.failing_since, now):
        _disable(endpoint, REFUSED_TOO_LONG, now)


def _disable(endpoint: Endpoint, reason: str, now: datetime) -> None:
    if not endpoint.enabled:
        return
    switch_off(endpoint, reason)
    log.error("webhook.disabled", endpoint=endpoint.pk, reason=reason)
    record(None, Action.SETTING_CHANGED, f"webhook:{endpoint.name}", {"disabled": reason}, now=now)
