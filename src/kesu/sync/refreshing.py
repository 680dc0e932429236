"""Reading complaints: claim a few, read history and detail, record. Nothing here decides anything about a complaint."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from types import MappingProxyType

import structlog
from django.db import transaction

from kesu.complaints.models import Complaint
from kesu.complaints.snapshots import Snapshot
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.models import Account
from kesu.sync import turns
from kesu.sync.gateway import Gateway
from kesu.sync.models import Refresh
from kesu.sync.recording import record_snapshot
from kesu.sync.requests import Priority
from kesu.threads import Prepared, database_in_trouble, giving_back, in_thread, waiting
from kesu.wechatpay import (
    CipherError,
    Client,
    Endpoint,
    PacingTimeout,
    RateLimited,
    UnexpectedAnswer,
    WeChatPayError,
    decrypt_sensitive,
)
from kesu.wechatpay.resources import Complaint as Detail

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=120)
MAX_ATTEMPTS = 12
MAX_ATTEMPTS_REFUSED = 3
LONGEST_WAIT = timedelta(minutes=10)
ROUNDS = 4
"""How many complaints a place takes in one batch while another read is kept waiting."""
TRIES = 3
"""How often a claim looks further, past what other workers are claiming this moment."""
WAIT_FOR_A_TURN = timedelta(seconds=15)
PARKED_FOR = timedelta(minutes=30)
"""How long polls leave a parked complaint alone. A notice about it is followed at once."""

PATIENCE_SECONDS = 1.0
"""The platform allows 200 histories a minute: a new complaint in a storm is told from its detail, history follows."""

FOREGROUND = (Priority.HEARD, Priority.LISTED)
BACKGROUND = (Priority.FOLLOWING, Priority.CHECK, Priority.BACKFILL)


async def refresh_due(
    gateway: Gateway, *, lane: tuple[Priority, ...] = (*FOREGROUND, *BACKGROUND), limit: int = 8
) -> int:
    """Read up to ``limit`` due complaints at once, half of them of one account; returns how many were taken.

    Lanes keep a backfill of ten thousand from standing before the complaint that arrived this second. Reads that have
    no answer after PATIENCE_SECONDS stand aside: their places go to what is due of other accounts.
    """
    hand: dict[asyncio.Task[None], _Read] = {}
    ended: list[asyncio.Task[None]] = []
    share, taken, slow = max(1, limit // 2), 0, False
    try:
        while True:
            aside = {read.account_id for read in hand.values() if read.is_slow()}
            in_places = sum(not read.is_slow() for read in hand.values())
            slow = slow or bool(aside)
            room = min(limit - in_places, limit * (ROUNDS if slow else 1) - taken)
            if room > 0 and (slow or not hand) and not (taken and gateway.closing):
                held = Counter(read.account_id for read in hand.values()) | Counter(dict.fromkeys(aside, share))
                jobs = await in_thread(claim, lane, gateway.now(), room, share=share, held=held)
                hand |= {asyncio.create_task(_in_hand(gateway, job)): _Read(job.account_id) for job in jobs}
                taken += len(jobs)
            if not hand:
                break
            done, _ = await asyncio.wait(hand, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            ended += done
            hand = {task: read for task, read in hand.items() if task not in done}
    except asyncio.CancelledError:
        for task in hand:
            task.cancel()
        raise
    finally:
        if hand:
            await asyncio.wait(hand)
    for task in ended:
        task.result()
    return taken


@dataclass(frozen=True)
class _Read:
    """One that was begun, of an account."""

    account_id: int
    begun: float = field(default_factory=time.monotonic)

    def is_slow(self) -> bool:
        return time.monotonic() - self.begun >= PATIENCE_SECONDS


async def _in_hand(gateway: Gateway, job: Refresh) -> None:
    await giving_back(_refresh(gateway, job), partial(in_thread, _give_back, job))


@cache
def _waiting(lane: tuple[Priority, ...]) -> Prepared:
    return waiting(
        lambda now: Refresh.objects.filter(state=Refresh.State.WAITING, priority__in=[*lane], due_at__lte=now)
    )


def claim(
    lane: tuple[Priority, ...],
    now: datetime,
    limit: int,
    *,
    share: int | None = None,
    held: Mapping[int, int] = MappingProxyType({}),
) -> list[Refresh]:
    """Lease due rows, of one account no more than ``share`` with those that are ``held`` by the caller already.

    A worker that dies keeps its lease for two minutes; then another reads the complaint.
    """
    if not _waiting(lane)(now):
        return []
    jobs: list[Refresh] = []
    passed_over: list[int] = []
    with transaction.atomic():
        for _ in range(TRIES):
            have = Counter(held) + Counter(job.account_id for job in jobs)
            found = turns.next_due(
                lane, now, limit - len(jobs), share=share or limit, held=have, passed_over=passed_over
            )
            jobs += (
                Refresh.objects.select_for_update(skip_locked=True)
                .filter(pk__in=found, state=Refresh.State.WAITING, due_at__lte=now)
                .exclude(leased_until__gt=now)
                .order_by("priority", "due_at", "pk")
            )
            passed_over += found
            if not found or len(jobs) == len(passed_over):
                break
        Refresh.objects.filter(pk__in=[job.pk for job in jobs]).update(leased_until=now + LEASE)
    return jobs


def _give_back(job: Refresh) -> None:
    Refresh.objects.filter(pk=job.pk).update(leased_until=None)


async def _refresh(gateway: Gateway, job: Refresh) -> None:
    """One job's boundary: whatever goes wrong with one complaint is noted on its row and stops no other."""
    try:
        account, client = await gateway.client(job.account_id)
        crowded = _is_crowded(client, job)
        if crowded and await in_thread(_is_known, job):
            await in_thread(_hand_on, job, gateway.now())
            return
        snapshot = await _read_in_haste(client, job) if crowded else None
        history_follows = snapshot is not None
        snapshot = snapshot or await read_snapshot(client, job.complaint_id)
        await in_thread(_finish, account, job, snapshot, gateway.now(), history_follows=history_follows)
    except (RateLimited, PacingTimeout) as error:
        await in_thread(_retry, job, error, gateway.now(), wait=WAIT_FOR_A_TURN)
    except (WeChatPayError, NoCredentials) as error:
        await in_thread(_retry, job, error, gateway.now())
    except Exception as error:
        if database_in_trouble(error):  # no failure of the complaint: it must not be parked for a full disk
            await in_thread(_retry, job, error, gateway.now(), wait=WAIT_FOR_A_TURN)
            return
        log.exception("refresh_failed", complaint_id=job.complaint_id, account=job.account_id)
        await in_thread(_retry, job, error, gateway.now())


def _is_crowded(client: Client, job: Refresh) -> bool:
    """Whether reading the history would keep this lane's others waiting. The background lane has the time."""
    return job.priority in FOREGROUND and client.pacer.waiting_time(Endpoint.HISTORY) > PATIENCE_SECONDS


def _is_known(job: Refresh) -> bool:
    return Complaint.objects.filter(account_id=job.account_id, complaint_id=job.complaint_id).exists()


def _hand_on(job: Refresh, now: datetime) -> None:
    """What happens in a known case is told in its history's words: it waits for them, first in the other lane."""
    Refresh.objects.filter(pk=job.pk).update(priority=Priority.FOLLOWING, leased_until=None, due_at=now)


async def _read_in_haste(client: Client, job: Refresh) -> Snapshot | None:
    """The detail alone; None for a complaint with a past, whose deadlines and urgency only its history tells."""
    snapshot = await read_snapshot(client, job.complaint_id, with_history=False)
    has_past = snapshot.detail.user_complaint_times > 1 or snapshot.detail.in_platform_service
    return None if has_past else snapshot


async def read_snapshot(client: Client, complaint_id: str, *, with_history: bool = True) -> Snapshot:
    """History first, then detail: the detail that orders snapshots is then never older than the history beside it.

    Raises the errors of ``kesu.wechatpay``.
    """
    entries = (await client.whole_history(complaint_id)).entries if with_history else []
    detail = await client.get_complaint(complaint_id)
    if detail.answered_at is None:
        raise ValueError("the SDK gave a detail without its time")
    return Snapshot(detail, entries, detail.answered_at, _phone(client, detail))


def _phone(client: Client, detail: Detail) -> str | None:
    """``payer_phone`` is sealed to the caller's certificate (敏感信息加密说明).

    One that we cannot open is no reason to lose a case.
    """
    if not detail.payer_phone:
        return None
    try:
        return decrypt_sensitive(client.credentials.private_keys, detail.payer_phone)
    except CipherError:
        log.warning("payer_phone_not_opened", complaint_id=detail.complaint_id)
        return None


@transaction.atomic
def _finish(
    account: Account, job: Refresh, snapshot: Snapshot, now: datetime, *, history_follows: bool = False
) -> None:
    """Record, and take the row away; if the complaint was asked for again meanwhile, it stays due.

    A state that changed without a word of history changed between the two reads: the words follow.
    """
    change = record_snapshot(account, snapshot, now=now)
    torn = change.before is not None and change.before.state != change.after.state and not change.entries
    rows = Refresh.objects.filter(pk=job.pk)
    if (history_follows or torn) and rows.filter(wanted=job.wanted).update(
        priority=Priority.FOLLOWING, leased_until=None, attempts=0, error="", due_at=now
    ):
        return
    if not rows.filter(wanted=job.wanted).delete()[0]:
        rows.update(leased_until=None, attempts=0, error="", due_at=now)


def _retry(job: Refresh, error: Exception, now: datetime, *, wait: timedelta | None = None) -> None:
    """Later, with growing pauses; after a bounded number of tries the row is parked, where ``doctor`` and the
    desk show it.

    A parked complaint comes back by itself: at once when a notice speaks of it, after PARKED_FOR when a poll lists it
    as unread or changed. One that was asked for during its last try is not parked. Being asked to ``wait`` for a turn
    is no failure of the complaint and does not count.
    """
    attempts = job.attempts + (wait is None)
    # A genuine answer of which a part is missing is the platform's trouble, and passes.
    retryable = getattr(error, "retryable", False) or isinstance(error, UnexpectedAnswer)
    parked = attempts >= (MAX_ATTEMPTS if retryable else MAX_ATTEMPTS_REFUSED)
    wait = wait or min(timedelta(seconds=5 * 2 ** min(attempts, 10)), LONGEST_WAIT)
    log.warning(
        "refresh_retry", complaint_id=job.complaint_id, attempts=attempts, parked=parked, error=type(error).__name__
    )
    told = {"leased_until": None, "error": f"{type(error).__name__}: {error}"[:300]}
    rows = Refresh.objects.filter(pk=job.pk)
    if parked and rows.filter(wanted=job.wanted).update(
        **told, attempts=attempts, state=Refresh.State.PARKED, due_at=now + PARKED_FOR
    ):
        return
    rows.update(**told, attempts=0 if parked else attempts, due_at=now + wait)
