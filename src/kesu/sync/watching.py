"""Looking after every account's line to the platform, twice an hour: callback addresses, keys, certificates, clocks.

A problem is told when it comes and when it gets worse, at most once a day, and stays on the account's row until it is
gone; a look that fails leaves what was known of the addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from kesu import clock
from kesu.alerts.accounts import PROBLEM, AccountCause, owe_about_accounts
from kesu.clock import beijing_day
from kesu.merchants import watch
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.models import Account, AccountHealth
from kesu.merchants.rotation import forget_ended_apiv3_keys
from kesu.merchants.watch import Problem
from kesu.rules.escalations import UrgencyClass
from kesu.sync import limiting
from kesu.sync.gateway import Gateway
from kesu.threads import giving_back, in_thread, side_by_side
from kesu.wechatpay import Client, WeChatPayError

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)
RETRY = timedelta(minutes=5)
CERTIFICATES_EVERY = timedelta(days=1)


@dataclass
class Look:
    """What one look found. ``seen``: kinds of addresses that could be read; of the others the old findings stand."""

    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    error: str = ""
    skew_seconds: float | None = None
    certificates_fetched: bool = False
    violations_offered: bool = False


async def watch_due(gateway: Gateway, *, limit: int = 8) -> int:
    """Look at up to ``limit`` accounts side by side; returns how many were due."""
    rows = await in_thread(claim, gateway.now(), limit)
    if rows:
        await side_by_side(
            *(giving_back(_watch(gateway, row), partial(in_thread, _give_back, row, gateway.now())) for row in rows)
        )
    return len(rows)


async def look_now(gateway: Gateway, account_pk: int) -> str:
    """Look at one account out of turn; what kept the platform from answering, or nothing."""
    row = await in_thread(_row_of, account_pk, gateway.now())
    await _watch(gateway, row)
    return row.error


def _row_of(account_pk: int, now: datetime) -> AccountHealth:
    """An account of an older version may have none yet."""
    AccountHealth.objects.get_or_create(account_id=account_pk, defaults={"due_at": now, "certificates_due_at": now})
    return AccountHealth.objects.select_related("account").get(pk=account_pk)


def claim(now: datetime, limit: int) -> list[AccountHealth]:
    """Lease due rows of enabled accounts, the longest due first."""
    with transaction.atomic():
        rows = list(
            AccountHealth.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("account")
            .filter(due_at__lte=now, account__enabled=True)
            .order_by("due_at")[:limit]
        )
        AccountHealth.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
    return rows


def _give_back(row: AccountHealth, now: datetime) -> None:
    AccountHealth.objects.filter(pk=row.pk).update(due_at=now)


async def _watch(gateway: Gateway, row: AccountHealth) -> None:
    """One account's boundary: an account whose keys fail delays no other."""
    found = Look()
    try:
        _, client = await gateway.client(row.account_id)
        await _ask(gateway, row.account, client, row, found)  # the client's own account may be some seconds old
    except NoCredentials as error:
        found.error = str(error)
    except Exception as error:
        log.exception("watch_failed", account=row.account_id)
        found.error = type(error).__name__
    await in_thread(_record, row, found, gateway.now())


async def _ask(gateway: Gateway, account: Account, client: Client, row: AccountHealth, found: Look) -> None:
    """Everything that the platform can tell. A refusal ends the look, and is a finding too."""
    try:
        if account.notify_url:
            await _check_addresses(account, client, row, found)
        if row.certificates_due_at <= gateway.now():
            if await in_thread(watch.uses_certificates, account):
                await gateway.download_certificates(account.pk)
            found.certificates_fetched = True
    except WeChatPayError as error:
        found.error = f"{type(error).__name__}: {error}"[:300]
        log.warning("watch_refused", account=account.pk, error=type(error).__name__)
        found.problems += watch.refusal_problems(error, clock_is_off=abs(client.clock_skew or 0) > watch.SKEW_ALERT)
    found.skew_seconds = client.clock_skew
    found.problems += watch.clock_problems(client.clock_skew, patience=max(clock.speed(), 1.0))


async def _check_addresses(account: Account, client: Client, row: AccountHealth, found: Look) -> None:
    address = watch.complaint_address(account, client)
    found.problems += await watch.check_address(address, repair=account.repair_callback)
    found.seen.add("callback")
    if account.role in watch.PROVIDERS:
        registered = row.violations_registered_at is not None
        problems = await watch.check_violation_address(account, client, registered=registered)
        found.violations_offered = problems is not None
        found.problems += problems or []
        found.seen.add("violations")


@transaction.atomic
def _record(row: AccountHealth, found: Look, now: datetime) -> None:
    """Keep the findings and owe the messages for what is new, together."""
    account = row.account
    found.problems += watch.key_problems(account, now=now)
    forget_ended_apiv3_keys(account, now=now)
    known = {(old["kind"], old["subject"], old["step"]): old for old in row.problems}
    fresh = [problem for problem in found.problems if problem.name not in known]
    owe_about_accounts([_cause(account, problem, now) for problem in fresh], now=now)
    for problem in fresh:
        log.warning("account_problem", account=account.pk, kind=problem.kind, step=problem.step, **problem.facts)
    unseen = [old for old in row.problems if old["kind"] in watch.CALLBACK_KINDS - found.seen]
    lasting = [problem.stored(now) for problem in found.problems if problem.lasting]
    for stored in lasting:
        before = known.get((stored["kind"], stored["subject"], stored["step"]))
        stored["since"] = before["since"] if before else stored["since"]
    row.problems = [*unseen, *lasting]
    _note(row, found, now)
    row.save()
    limiting.plan(account, now=now)


def _note(row: AccountHealth, found: Look, now: datetime) -> None:
    """What one look changes on the account's row besides its problems."""
    row.error, row.failures = found.error, row.failures + 1 if found.error else 0
    row.due_at = now + (min(RETRY, _every()) if found.error else _every())
    row.clock_skew_seconds = found.skew_seconds
    if not found.error:
        row.checked_at = now
    if found.certificates_fetched:
        row.certificates_due_at = now + CERTIFICATES_EVERY
    if found.violations_offered and row.violations_registered_at is None:
        row.violations_registered_at = now if not _violations_elsewhere(found) else None
    if any(problem.step.startswith("repaired") for problem in found.problems):
        row.repaired_at = now


def _every() -> timedelta:
    return timedelta(seconds=settings.CONFIGURATION.watch_seconds)


def _violations_elsewhere(found: Look) -> bool:
    return any(problem.kind == "violations" for problem in found.problems)


def _cause(account: Account, problem: Problem, now: datetime) -> AccountCause:
    urgent = problem.level == "failed"
    stored: dict[str, Any] = problem.stored(now)
    return AccountCause(
        account_pk=account.pk,
        mchid=account.mchid,
        key=f"{':'.join(problem.name)}:{beijing_day(now)}",
        kind=PROBLEM,
        urgency=UrgencyClass.URGENT if urgent else UrgencyClass.NORMAL,
        mention=urgent,
        facts={"problem": stored},
    )
