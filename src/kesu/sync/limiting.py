"""Asking daily what the platform forbids the sub-merchants that payers complain about, and telling what changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction

from kesu.alerts.accounts import LIMITATION, AccountCause, owe_about_accounts
from kesu.complaints.models import Complaint
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.limitations import ASK_EVERY, LimitationChange, plan_asking, remember_limitations
from kesu.merchants.models import Account, Limitation, ViolationNotice
from kesu.rules.escalations import UrgencyClass
from kesu.sync.gateway import Gateway
from kesu.threads import database_in_trouble, giving_back, in_thread, side_by_side
from kesu.wechatpay import Limitations, PacingTimeout, RateLimited, WeChatPayError

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)
RETRY = timedelta(minutes=1)
PUNISHED_FOR = timedelta(days=30)
"""So long after a violation notice its sub-merchant is asked about daily; a limited one until it is free anyway."""


def plan(account: Account, *, now: datetime) -> None:
    """Which sub-merchants to ask about. Only service providers (普通服务商) may ask."""
    if account.role != Account.Role.PARTNER:
        return
    plan_asking(account, of_interest(account, now=now), now=now)


def of_interest(account: Account, *, now: datetime) -> set[str]:
    """The sub-merchants that have open complaints, and those that the platform punished of late."""
    open_ones = Complaint.objects.filter(account=account, open=True).exclude(complainted_mchid__in=["", account.mchid])
    punished = ViolationNotice.objects.filter(account=account, received_at__gt=now - PUNISHED_FOR).exclude(sub_mchid="")
    return {
        *open_ones.values_list("complainted_mchid", flat=True).distinct(),
        *punished.values_list("sub_mchid", flat=True).distinct(),
    }


async def ask_due(gateway: Gateway, *, limit: int = 8) -> int:
    """Ask about up to ``limit`` due sub-merchants; returns how many were taken."""
    rows = await in_thread(claim, gateway.now(), limit)
    if rows:
        await side_by_side(
            *(giving_back(_ask(gateway, row), partial(in_thread, _give_back, row, gateway.now())) for row in rows)
        )
    return len(rows)


def claim(now: datetime, limit: int) -> list[Limitation]:
    with transaction.atomic():
        rows = list(
            Limitation.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(due_at__lte=now, account__enabled=True)
            .order_by("due_at", "id")[:limit]
        )
        Limitation.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
    return rows


def _give_back(row: Limitation, now: datetime) -> None:
    Limitation.objects.filter(pk=row.pk).update(due_at=now)


async def _ask(gateway: Gateway, row: Limitation) -> None:
    """One sub-merchant's boundary."""
    try:
        account, client = await gateway.client(row.account_id)
        found = await client.get_limitations(row.sub_mchid)
        await in_thread(record, account, row.sub_mchid, found, now=gateway.now())
    except (RateLimited, PacingTimeout) as error:
        await in_thread(_later, row, error, gateway.now() + RETRY)
    except (WeChatPayError, NoCredentials) as error:
        await in_thread(_later, row, error, gateway.now() + ASK_EVERY)
    except Exception as error:
        log.exception("limitations_failed", account=row.account_id)
        wait = RETRY if database_in_trouble(error) else ASK_EVERY
        await in_thread(_later, row, error, gateway.now() + wait)


@transaction.atomic
def record(account: Account, sub_mchid: str, found: Limitations, *, now: datetime) -> LimitationChange | None:
    """Keep an answer and owe the messages for what changed, together."""
    change = remember_limitations(account, sub_mchid, found, now=now)
    if change is not None:
        log.warning("limitations_changed", account=account.pk, added=change.added, lifted=change.lifted)
        owe_about_accounts([_cause(account, change, found, now)], now=now)
    return change


def _cause(account: Account, change: LimitationChange, found: Limitations, now: datetime) -> AccountCause:
    way_out = found.recovery_specifications[0] if found.recovery_specifications else None
    return AccountCause(
        account_pk=account.pk,
        mchid=account.mchid,
        key=f"limitation:{change.sub_mchid}:{now.isoformat()}",
        kind=LIMITATION,
        urgency=UrgencyClass.URGENT if change.added else UrgencyClass.NORMAL,
        mention=bool(change.added),
        facts={
            "sub_mchid": change.sub_mchid,
            "added": list(change.added),
            "lifted": list(change.lifted),
            "reason": way_out.limitation_reason if way_out else "",
            "recover_way": way_out.recover_way if way_out else "",
        },
    )


def _later(row: Limitation, error: Exception, due_at: datetime) -> None:
    told = f"{type(error).__name__}: {error}"[:300]
    Limitation.objects.filter(pk=row.pk).update(error=told, due_at=due_at)
