"""When the orders complained about were paid: asked for once, when a case is first opened.

Nothing waits for it. What cannot be learnt in a few tries stays unknown; the platform itself refuses what is too old.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet

from kesu.complaints.models import Complaint, Order
from kesu.merchants.credentials import NoCredentials
from kesu.sync.gateway import Gateway
from kesu.sync.requests import wake_loop
from kesu.threads import database_in_trouble, giving_back, in_thread, side_by_side, waiting
from kesu.wechatpay import NotFound, WeChatPayError

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
MOST_TRIES = 3
AGAIN_AFTER = timedelta(minutes=10)


def ask_for(complaint: Complaint, *, now: datetime) -> None:
    """Have the payments of its orders read, unless that was asked for before. ``orders`` may be prefetched."""
    unasked = [order.pk for order in complaint.orders.all() if _is_unasked(order)]
    if unasked:
        rows = Order.objects.filter(pk__in=unasked, payment_tries=0, payment_due_at=None, paid_at=None)
        rows.update(payment_due_at=now)
        wake_loop("payments")


def _is_unasked(order: Order) -> bool:
    return order.paid_at is None and order.payment_due_at is None and order.payment_tries == 0


async def read_due(gateway: Gateway, *, limit: int = 4) -> int:
    """Ask for up to ``limit`` payments at once; returns how many were taken."""
    orders = await in_thread(claim, gateway.now(), limit)
    if orders:
        await side_by_side(
            *(
                giving_back(_read(gateway, order), partial(in_thread, _give_back, order, gateway.now()))
                for order in orders
            )
        )
    return len(orders)


def _due(now: datetime) -> QuerySet[Order]:
    return Order.objects.filter(payment_due_at__lte=now)


_ANY_DUE = waiting(_due)


def claim(now: datetime, limit: int) -> list[Order]:
    if not _ANY_DUE(now):
        return []
    with transaction.atomic():
        rows = list(
            _due(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("complaint__account")
            .defer("complaint__raw")
            .order_by("payment_due_at")[:limit]
        )
        Order.objects.filter(pk__in=[row.pk for row in rows]).update(payment_due_at=now + LEASE)
    return rows


def _give_back(order: Order, now: datetime) -> None:
    Order.objects.filter(pk=order.pk, payment_due_at__isnull=False).update(payment_due_at=now)


async def _read(gateway: Gateway, order: Order) -> None:
    account = order.complaint.account
    mchid = order.complaint.complainted_mchid or account.mchid
    try:
        _, client = await gateway.client(account.pk)
        found = await client.query_order(
            transaction_id=order.transaction_id, sub_mchid=None if mchid == account.mchid else mchid
        )
        await in_thread(_settle, order, found.success_time)
    except NotFound as error:
        await in_thread(_settle, order, None, str(error))
    except (WeChatPayError, NoCredentials) as error:
        await in_thread(_put_off, order, error, gateway.now())
    except Exception as error:
        if database_in_trouble(error):  # asked again when the lease is over; that is no try
            log.warning("payment_not_stored", order=order.pk, error=type(error).__name__)
            return
        log.exception("payment_failed", order=order.pk)
        await in_thread(_put_off, order, error, gateway.now())


def _settle(order: Order, paid_at: datetime | None, error: str = "") -> None:
    """Known, or never to be: asking again would tell nothing else."""
    Order.objects.filter(pk=order.pk).update(
        paid_at=paid_at, payment_due_at=None, payment_tries=order.payment_tries + 1
    )
    if paid_at is None:
        log.info("payment_unknown", order=order.pk, error=error)


def _put_off(order: Order, error: Exception, now: datetime) -> None:
    tries = order.payment_tries + 1
    log.warning("payment_not_read", order=order.pk, tries=tries, error=type(error).__name__)
    due_at = None if tries >= MOST_TRIES else now + AGAIN_AFTER
    Order.objects.filter(pk=order.pk).update(payment_due_at=due_at, payment_tries=tries)
