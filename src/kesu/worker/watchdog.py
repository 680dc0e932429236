"""The watchdog: what must always hold, looked at every half minute, told when it does not, repaired where it is safe.

An invariant that is violated is a defect of Kesu, or a clock that was put back after it ran ahead. Either way a
deadline could be slept through, so it is an error in the log, a metric and a finding of ``kesu doctor``. A repair
decides nothing about a complaint: it asks for the complaint to be read, which arms and stops clocks, or makes work due.
Only missing clocks are armed at once, by what is known: the platform may be down, and a deadline does not wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from kesu.alerts.arming import arm_from_mirror
from kesu.alerts.models import Attempt, Clock, Message
from kesu.complaints.models import Complaint
from kesu.intake import inbox
from kesu.intake.models import Notice
from kesu.merchants.models import Account
from kesu.merchants.watch import start_watching
from kesu.sync import polling, refreshing
from kesu.sync.models import Poll, Refresh
from kesu.sync.requests import Priority, request_refresh
from kesu.worker import ahead
from kesu.worker.invariants import AHEAD, Found, Invariant, due_now
from kesu.worker.models import Watch

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30
AT_ONCE = 200
SHOWN = 5
WATCH_LOCK = 0x6B736477  # "ksdw"
BEGINNING = timedelta(hours=1)
"""Where thousands of accounts begin together, the first poll of the last may be due that late."""


@dataclass(frozen=True)
class Violation:
    """``examples`` are primary keys; ``count`` stops at ``AT_ONCE`` + 1; ``healed`` were repaired, or a repair asked
    for.
    """

    invariant: str
    count: int
    examples: list[Any]
    healed: int = 0


def look(now: datetime) -> list[Violation]:
    """Every violation, without touching anything."""
    found = [(invariant, _keys(invariant, now)) for invariant in INVARIANTS]
    return [Violation(invariant.name, len(keys), keys[:SHOWN]) for invariant, keys in found if keys]


def watch(*, now: datetime) -> int:
    """Look, repair, and note what was found; 0, since the next look can wait. One process at a time does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [WATCH_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        for invariant in INVARIANTS:
            _note(invariant.name, _examine(invariant, now), now)
    return 0


def open_without_clock() -> int:
    """The invariant that matters most: how many open complaints lack a running clock for what they owe."""
    return sum(_without_clock(kind).count() for kind in Clock.Kind)


def _examine(invariant: Invariant, now: datetime) -> Violation | None:
    keys = _keys(invariant, now)
    if not keys:
        return None
    healed = invariant.heal(keys[:AT_ONCE], now)
    violation = Violation(invariant.name, len(keys), keys[:SHOWN], healed)
    log.error(
        "invariant_violated",
        invariant=invariant.name,
        violations=violation.count,
        examples=violation.examples,
        healed=healed,
    )
    return violation


def _keys(invariant: Invariant, now: datetime) -> list[Any]:
    return list(invariant.violations(now).order_by("pk").values_list("pk", flat=True)[: AT_ONCE + 1])


def _note(name: str, violation: Violation | None, now: datetime) -> None:
    row = Watch.objects.filter(pk=name).first() or Watch(name=name)
    row.violations = violation.count if violation else 0
    row.examples = violation.examples if violation else []
    row.since = (row.since or now) if violation else None
    row.healed += violation.healed if violation else 0
    row.checked_at = now
    row.save()


def _without_clock(kind: str) -> QuerySet[Complaint]:
    """Open complaints whose round owes ``kind`` and has no running clock for it."""
    running = Clock.objects.filter(
        complaint=OuterRef("pk"), round_number=OuterRef("round_number"), kind=kind, stopped_at__isnull=True
    )
    owing = Complaint.objects.filter(open=True).filter(~Exists(running))
    return owing.filter(replied=False) if kind == Clock.Kind.REPLY else owing


def _open_without(now: datetime) -> Found:
    return Complaint.objects.filter(
        Q(pk__in=_without_clock(Clock.Kind.COMPLETE).values("pk"))
        | Q(pk__in=_without_clock(Clock.Kind.REPLY).values("pk"))
    )


def _closed_with(now: datetime) -> Found:
    return Complaint.objects.filter(
        open=False, pk__in=Clock.objects.filter(stopped_at__isnull=True, complaint__open=False).values("complaint_id")
    )


def _read_again(keys: Sequence[Any], now: datetime) -> int:
    """Reading sets the clocks right. One that is asked for already, or rests after failing, is not asked for again."""
    in_hand = Refresh.objects.filter(account=OuterRef("account"), complaint_id=OuterRef("complaint_id")).filter(
        Q(state=Refresh.State.WAITING) | Q(due_at__gt=now)
    )
    rows = Complaint.objects.filter(pk__in=keys).filter(~Exists(in_hand)).values_list("account_id", "complaint_id")
    wanted = dict.fromkeys(rows, "watchdog")
    request_refresh(wanted, priority=Priority.HEARD, now=now)
    return len(wanted)


def _arm(keys: Sequence[Any], now: datetime) -> int:
    """By the mirror at once, by a reading soon; how many were armed or are to be read."""
    armed = arm_from_mirror(keys, now=now)
    return max(armed, _read_again(keys, now))


def _unread(now: datetime) -> Found:
    latest = now + timedelta(seconds=settings.CONFIGURATION.reread_open_seconds) + AHEAD
    return Complaint.objects.filter(open=True).filter(Q(read_again_at__isnull=True) | Q(read_again_at__gt=latest))


def _refreshes(now: datetime) -> Found:
    out_of_reach = Q(leased_until__gt=now + 2 * refreshing.LEASE) | Q(due_at__gt=now + 2 * refreshing.LONGEST_WAIT)
    return Refresh.objects.filter(out_of_reach, state=Refresh.State.WAITING)


def _notices(now: datetime) -> Found:
    return Notice.objects.filter(state=Notice.State.RECEIVED).filter(
        Q(due_at__gt=now + inbox.RETRY * 2**inbox.MAX_ATTEMPTS + AHEAD) | Q(attempts=0, due_at__gt=now + AHEAD)
    )


def _messages(now: datetime) -> Found:
    """Pushes whose turn was set by a clock that ran ahead. One that is held back on purpose was written in the past."""
    tried = Attempt.objects.filter(message=OuterRef("pk"), at__gt=now + AHEAD)
    return Message.objects.filter(state=Message.State.PENDING, due_at__gt=now + AHEAD).filter(
        Q(created_at__gt=now + AHEAD) | Exists(tried)
    )


def _orphans(now: datetime) -> Found:
    return Message.objects.filter(state=Message.State.PENDING, channel__enabled=False)


def _polls(now: datetime) -> Found:
    tiers = polling.tiers()
    late = Q()
    for name, tier in tiers.items():
        longest = max(tier.every, polling.LONGEST_RETRY) + AHEAD
        late |= Q(tier=name, due_at__gt=now + longest, finished_at__isnull=False)
        late |= Q(tier=name, due_at__gt=now + longest + BEGINNING)
    return Poll.objects.filter(late, account__enabled=True)


def _accounts(now: datetime) -> Found:
    return (
        Account.objects.filter(enabled=True)
        .annotate(tiers=Count("poll"))
        .filter(tiers__lt=len(Poll.Tier))
        .defer("token")
    )


def _read_now(keys: Sequence[Any], now: datetime) -> int:
    return Complaint.objects.filter(pk__in=keys).update(read_again_at=now)


def _tell_nobody(keys: Sequence[Any], now: datetime) -> int:
    """As when a channel is switched off: what it owes is told nowhere, and the outbox says so."""
    return Message.objects.filter(pk__in=keys).update(
        state=Message.State.SUPERSEDED, error="channel switched off", due_at=now
    )


def _poll(keys: Sequence[Any], now: datetime) -> int:
    for account in Account.objects.filter(pk__in=keys).defer("token"):
        polling.start_polling(account, now=now)
    return len(keys)


def _unwatched(now: datetime) -> Found:
    """Accounts that an older version added have none."""
    return Account.objects.filter(enabled=True, health__isnull=True).defer("token")


def _start_watching(keys: Sequence[Any], now: datetime) -> int:
    for account in Account.objects.filter(pk__in=keys).defer("token"):
        start_watching(account, now=now)
    return len(keys)


INVARIANTS = (
    Invariant("open_without_clock", _open_without, _arm),
    Invariant("closed_with_clock", _closed_with, _read_again),
    Invariant("open_never_read_again", _unread, _read_now),
    Invariant("refresh_out_of_reach", _refreshes, due_now(Refresh, leased_until=None)),
    Invariant("notice_out_of_reach", _notices, due_now(Notice)),
    Invariant("message_out_of_reach", _messages, due_now(Message)),
    Invariant("message_without_channel", _orphans, _tell_nobody),
    Invariant("poll_out_of_reach", _polls, due_now(Poll)),
    Invariant("account_without_polls", _accounts, _poll),
    Invariant("account_unwatched", _unwatched, _start_watching),
    *ahead.INVARIANTS,
)
