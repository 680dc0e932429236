"""Polling: the platform promises no delivery of notices and pushes nothing of what a merchant does in its console.

Three tiers an account (newest two days, eight days, thirty days), each a row that remembers how far it has
come. A listing only compares; what differs is asked to be read. New rows in the middle of paging can only show
a row twice, never hide one: no complaint leaves a window of days while it is listed.

What a payer says of a finished case (the survey of 满意度) shows in no list and no notice: the nightly listing of the
month therefore asks for every case that was not just read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, partial

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from kesu.clock import beijing_day
from kesu.complaints.models import Complaint
from kesu.merchants.credentials import NoCredentials
from kesu.merchants.models import Account
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import Prepared, giving_back, in_thread, side_by_side, waiting
from kesu.wechatpay import ComplaintPage, WeChatPayError
from kesu.wechatpay.resources import Complaint as Listed

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)
RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=10)
AT_ONCE = 20
SPACING = timedelta(milliseconds=250)
"""A thousand accounts that are connected together begin within some four minutes."""
ROUNDS = 8
"""How many polls a place takes in one batch."""
UNREAD_FOR = timedelta(hours=1)
Progress = Callable[[Poll], None]


@dataclass(frozen=True)
class Tier:
    """``days`` back from today inclusive, in Beijing days; at most 30 (查询投诉单列表: a span of at most 30 days)."""

    days: int
    every: timedelta
    priority: Priority


def tiers() -> dict[str, Tier]:
    """The three tiers with the installation's intervals."""
    configuration = settings.CONFIGURATION
    return {
        Poll.Tier.NEWEST: Tier(2, timedelta(seconds=configuration.poll_newest_seconds), Priority.LISTED),
        Poll.Tier.RECENT: Tier(8, timedelta(seconds=configuration.poll_recent_seconds), Priority.LISTED),
        Poll.Tier.MONTH: Tier(30, timedelta(seconds=configuration.poll_month_seconds), Priority.BACKFILL),
    }


def start_polling(account: Account, *, now: datetime) -> None:
    """Give an account its polls, all due at once: the month's first run is the backfill. Harmless for one that has
    them. Where many accounts begin together, the later ones follow one after the other.
    """
    beginning = Poll.objects.filter(tier=Poll.Tier.NEWEST, finished_at=None, account__enabled=True).count()
    due_at = now + SPACING * max(beginning - AT_ONCE, 0)
    Poll.objects.bulk_create(
        [Poll(account=account, tier=tier, due_at=due_at) for tier in Poll.Tier], ignore_conflicts=True
    )


FREQUENT = (Poll.Tier.NEWEST, Poll.Tier.RECENT)
LONG = (Poll.Tier.MONTH,)


async def poll_due(gateway: Gateway, *, lane: tuple[str, ...] = (*FREQUENT, *LONG), limit: int = 8) -> int:
    """Take due polls to their end, ``limit`` side by side, the longest due first; returns how many were taken.

    A place that is done takes the next poll, so that an account whose platform is slow holds up one place only.
    The two lanes are run apart, so that a backfill of many pages delays no account's newest day.
    """
    left = limit * ROUNDS

    async def place(first: Poll) -> int:
        nonlocal left
        taken, poll = 0, [first]
        while poll:
            await giving_back(run_poll(gateway, poll[0]), partial(in_thread, _give_back, poll[0], gateway.now()))
            taken, left = taken + 1, left - 1
            poll = await in_thread(claim, lane, gateway.now(), 1) if left >= limit and not gateway.closing else []
        return taken

    polls = await in_thread(claim, lane, gateway.now(), limit)
    return sum(await side_by_side(*(place(poll) for poll in polls)))


def _due(lane: tuple[str, ...], now: datetime) -> QuerySet[Poll]:
    return Poll.objects.filter(tier__in=lane, due_at__lte=now, account__enabled=True).order_by("due_at")


@cache
def _any_due(lane: tuple[str, ...]) -> Prepared:
    return waiting(partial(_due, lane))


def claim(lane: tuple[str, ...], now: datetime, limit: int) -> list[Poll]:
    """Lease due polls of enabled accounts; a dead worker's poll is taken over after three minutes, where it stopped."""
    if not _any_due(lane)(now):
        return []
    with transaction.atomic():
        polls = list(
            _due(lane, now).select_for_update(skip_locked=True, of=("self",)).select_related("account")[:limit]
        )
        Poll.objects.filter(pk__in=[poll.pk for poll in polls]).update(due_at=now + LEASE)
    return polls


def _give_back(poll: Poll, now: datetime) -> None:
    """Its place in the listing is kept."""
    Poll.objects.filter(pk=poll.pk).update(due_at=now)


async def run_poll(gateway: Gateway, poll: Poll, progress: Progress | None = None) -> None:
    """One account's boundary: an account whose keys fail delays no other."""
    tier = tiers()[poll.tier]
    started_at = gateway.now()
    begin, end = _window(poll, tier, started_at)
    try:
        _, client = await gateway.client(poll.account_id)
        async for page in client.iterate_complaints(begin, end, offset=poll.offset):
            await in_thread(_take_page, poll, tier, page, begin, end, gateway.now())
            if progress is not None:
                progress(poll)
        await in_thread(_finish, poll, tier, gateway.now())
    except (WeChatPayError, NoCredentials) as error:
        await in_thread(_fail, poll, error, gateway.now())
    except Exception as error:
        log.exception("poll_failed", account=poll.account_id, tier=poll.tier)
        await in_thread(_fail, poll, error, gateway.now())


def _window(poll: Poll, tier: Tier, now: datetime) -> tuple[date, date]:
    """Where an interrupted run continues, or the days up to today. A window of yesterday is not resumed but begun
    anew.
    """
    today = beijing_day(now)
    if poll.offset and poll.begin_day and poll.end_day == today:
        return poll.begin_day, poll.end_day
    poll.offset = poll.listed = 0
    return today - timedelta(days=tier.days - 1), today


@transaction.atomic
def _take_page(poll: Poll, tier: Tier, page: ComplaintPage, begin: date, end: date, now: datetime) -> None:
    """Ask for what is new or differs, and remember the place, together."""
    changed = _changed(poll.account_id, page.complaints, now - UNREAD_FOR if poll.tier == Poll.Tier.MONTH else None)
    wanted = {(poll.account_id, complaint_id): f"poll:{poll.tier}" for complaint_id in changed}
    request_refresh(wanted, priority=tier.priority, now=now)
    for row in page.malformed:
        log.error("listed_row_without_id", account=poll.account_id, keys=sorted(row) if isinstance(row, dict) else None)
    poll.begin_day, poll.end_day = begin, end
    poll.offset = page.offset + page.rows
    poll.listed += page.rows
    poll.total = page.total_count if page.total_count is not None else poll.total
    poll.due_at = now + LEASE
    poll.save(update_fields=["begin_day", "end_day", "offset", "listed", "total", "due_at"])


def _changed(account_id: int, listed: Sequence[Listed], unread_since: datetime | None) -> list[str]:
    """Those of which the mirror shows anything else than the list, or that were not read since. A difference only
    leads to a read.
    """
    rows = Complaint.objects.filter(account_id=account_id, complaint_id__in=[item.complaint_id for item in listed])
    if unread_since is not None:
        rows = rows.filter(history_read_at__gt=unread_since)
    known = {row.complaint_id: _face(row) for row in rows.defer("raw", "payer_phone", "payer_openid")}
    return [item.complaint_id for item in listed if known.get(item.complaint_id) != _listed_face(item)]


def _face(row: Complaint) -> tuple[object, ...]:
    return (
        row.state,
        row.user_complaint_times,
        row.incoming_user_response,
        row.full_refunded,
        row.in_platform_service,
        row.need_immediate_service,
        tuple(row.user_tags),
    )


def _listed_face(item: Listed) -> tuple[object, ...]:
    return (
        item.complaint_state[:30],
        max(item.user_complaint_times, 1),
        item.incoming_user_response,
        item.complaint_full_refunded,
        bool(item.in_platform_service),
        bool(item.need_immediate_service),
        tuple(sorted(set(item.user_tag_list))),
    )


def _finish(poll: Poll, tier: Tier, now: datetime) -> None:
    Poll.objects.filter(pk=poll.pk).update(
        due_at=now + tier.every, offset=0, listed=0, failures=0, error="", finished_at=now
    )


def _fail(poll: Poll, error: Exception, now: datetime) -> None:
    """Sooner than the next turn, later with each failure; the place is kept."""
    failures = poll.failures + 1
    log.warning("poll_retry", account=poll.account_id, tier=poll.tier, failures=failures, error=type(error).__name__)
    Poll.objects.filter(pk=poll.pk).update(
        failures=failures,
        error=f"{type(error).__name__}: {error}"[:300],
        due_at=now + min(RETRY * 2 ** min(failures - 1, 6), LONGEST_RETRY),
    )
