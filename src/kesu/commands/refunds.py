"""Following refunds until they arrive, are closed, or turn abnormal."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet

from kesu.commands.aftermath import FINAL, next_look, note_refund, tell_of_refund
from kesu.commands.models import COUNTED, Refund
from kesu.complaints.models import Order
from kesu.merchants.credentials import NoCredentials
from kesu.sync.gateway import Gateway
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import giving_back, in_thread, side_by_side, waiting
from kesu.wechatpay import WeChatPayError

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
FOLLOWED_FOR = timedelta(days=60)


def left_of(order: Order) -> int:
    """What may still be refunded, fen: the order's amount less every refund of ours that counts. Refunds made in
    the platform's console are not known; the platform itself refuses what is too much."""
    if order.amount is None:
        return 0
    refunded = sum(refund.amount for refund in order.refunds.all() if refund.state in COUNTED)
    return 0 if order.complaint.full_refunded else max(order.amount - refunded, 0)


async def follow_due(gateway: Gateway, *, limit: int = 8) -> int:
    """Ask how due refunds stand; returns how many were asked."""
    due = await in_thread(_claim, gateway.now(), limit)
    if due:
        await side_by_side(
            *(
                giving_back(_follow(gateway, refund), partial(in_thread, _give_back, refund.pk, gateway.now()))
                for refund in due
            )
        )
    return len(due)


def _due(now: datetime) -> QuerySet[Refund]:
    return Refund.objects.filter(due_at__lte=now)


_ANY_DUE = waiting(_due)


def _claim(now: datetime, limit: int) -> list[Refund]:
    if not _ANY_DUE(now):
        return []
    with transaction.atomic():
        rows = list(
            _due(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("account", "complaint")
            .order_by("due_at")[:limit]
        )
        Refund.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
    return rows


def _give_back(pk: int, now: datetime) -> None:
    Refund.objects.filter(pk=pk, due_at__isnull=False).update(due_at=now)


async def _follow(gateway: Gateway, refund: Refund) -> None:
    mchid = refund.complaint.complainted_mchid or refund.account.mchid
    sub_mchid = None if mchid == refund.account.mchid else mchid
    try:
        _, client = await gateway.client(refund.account_id)
        found = await client.query_refund(refund.out_refund_no, sub_mchid=sub_mchid)
    except (WeChatPayError, NoCredentials) as error:
        await in_thread(_put_off, refund.pk, str(error), gateway.now())
        return
    await in_thread(_note, refund.pk, found, gateway.now())


@transaction.atomic
def _note(pk: int, found: object, now: datetime) -> None:
    refund = Refund.objects.select_for_update(of=("self",)).select_related("complaint").get(pk=pk)
    before = refund.state
    refund.looks += 1
    note_refund(refund, found, now=now)  # type: ignore[arg-type]
    given_up = now - (refund.resent_at or refund.created_at) > FOLLOWED_FOR
    if refund.state == Refund.State.ABNORMAL or given_up:
        refund.due_at = None if given_up else now + timedelta(hours=6)
        refund.save(update_fields=["due_at"])
    if given_up and refund.state not in FINAL:
        tell_of_refund(refund, "unfollowed", now=now)
    if refund.state != before:
        log.info("refund.changed", refund=refund.pk, state=refund.state)
        key = (refund.account_id, refund.complaint.complaint_id)
        request_refresh({key: "refund_changed"}, priority=Priority.HEARD, now=now)


def _put_off(pk: int, error: str, now: datetime) -> None:
    refund = Refund.objects.get(pk=pk)
    refund.looks += 1
    refund.due_at, refund.error = now + next_look(refund.looks), error[:300]
    refund.save(update_fields=["looks", "due_at", "error"])
