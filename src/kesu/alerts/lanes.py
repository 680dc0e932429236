"""A lane: one robot key, or those of several robots in one group, with what waits for it and what it may send now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db import connection
from django.db.models import DateTimeField, F, Func, Q, QuerySet
from django.db.models.lookups import LessThanOrEqual

from kesu.alerts import budgets
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import Budget
from kesu.alerts.models import BudgetKey, Channel, Message
from kesu.rules import digest
from kesu.rules.digest import Mode, Plan, Rate, Robot, Waiting
from kesu.rules.escalations import UrgencyClass


@dataclass(frozen=True, slots=True)
class Lane:
    """``rows`` are the keys of its robots, the one that names the lane first; its row holds the lane's mode."""

    key: str
    budget: Budget
    rows: Sequence[BudgetKey]
    channels: Sequence[Channel]

    @property
    def rate(self) -> Rate:
        return Rate(self.budget.limit, self.budget.window)

    @property
    def open_channels(self) -> list[int]:
        """The channels that carry what waits for the lane: those switched on."""
        return [channel.pk for channel in self.channels if channel.enabled]


def locked(key: str, *, wait: bool = False) -> Lane | None:
    """The lane, its keys' rows held until the transaction ends.

    None when no channel uses the key any more, or when somebody else holds it and we do not ``wait``: whoever does is
    busy with what waits there.
    """
    found = list(_channels([key]))
    if not found:
        return None
    keys = [key, *found[0].more_budget_keys]
    held = _held(keys, wait)
    if len(held) < len(keys):
        BudgetKey.objects.bulk_create([BudgetKey(key=one) for one in keys], ignore_conflicts=True)
        held = _held(keys, wait)
    if len(held) < len(keys):
        return None
    return Lane(key, kind_named(found[0].kind).budget, [held[one] for one in keys], found)


def _held(keys: list[str], wait: bool) -> dict[str, BudgetKey]:
    rows = BudgetKey.objects.select_for_update(skip_locked=not wait).filter(pk__in=keys).order_by("pk")
    return {row.key: row for row in rows}


def peeked(keys: Iterable[str]) -> list[Lane]:
    """The lanes as they are, nothing held."""
    channels: dict[str, list[Channel]] = defaultdict(list)
    for channel in _channels(keys):
        channels[channel.budget_key].append(channel)
    robots = {key: [key, *found[0].more_budget_keys] for key, found in channels.items()}
    rows = BudgetKey.objects.in_bulk([one for keys in robots.values() for one in keys])
    return [
        Lane(
            key,
            kind_named(found[0].kind).budget,
            [rows.get(one) or BudgetKey(key=one) for one in robots[key]],
            found,
        )
        for key, found in channels.items()
    ]


def plan(lane: Lane, *, now: datetime) -> Plan:
    """What the lane may do now."""
    return plans([lane], now=now)[lane.key]


def plans(lanes: Collection[Lane], *, now: datetime) -> dict[str, Plan]:
    """What each lane may do now, by its key."""
    waiting = _waiting(lanes, now)
    return {lane.key: _plan(lane, waiting[lane.key], now) for lane in lanes}


def _plan(lane: Lane, waiting: Waiting, now: datetime) -> Plan:
    robots = [_robot(row, lane.budget, now) for row in lane.rows]
    return digest.plan(_mode(lane.rows[0]), waiting, robots, lane.rate, now)


def keep_mode(lane: Lane, mode: Mode) -> None:
    """Remember in which mode the lane is."""
    row = lane.rows[0]
    if mode != _mode(row):
        row.digest_since, row.digest_busy_at, row.digested_at = mode.since, mode.busy_at, mode.gathered_at
        row.save(update_fields=["digest_since", "digest_busy_at", "digested_at"])


def gathered(lane: Lane, mode: Mode, *, now: datetime) -> None:
    """Remember that a digest was made."""
    keep_mode(lane, replace(mode, gathered_at=now))


def first_free(lane: Lane, *, now: datetime) -> tuple[int, datetime]:
    """The robot that may send first whatever it sends, and when."""
    at, number = min((_usable_at(row, lane.budget, now), number) for number, row in enumerate(lane.rows))
    return number, at


def spend(lane: Lane, robot: int, share: UrgencyClass, *, now: datetime) -> None:
    """Count one send of a robot, under its part of the budget."""
    row = lane.rows[robot]
    if share is not UrgencyClass.NORMAL:
        row.used_by = {**row.used_by, str(share): [*row.used_by.get(str(share), []), now.timestamp()]}
    budgets.spend(row, lane.budget, now=now)
    kept = set(row.used_at)
    row.used_by = {name: [stamp for stamp in stamps if stamp in kept] for name, stamps in row.used_by.items()}
    row.save(update_fields=["used_at", "used_by"])


def due_messages(lane: Lane, *, now: datetime) -> QuerySet[Message]:
    """What waits for a lane and may be tried now.

    By the index of its channels: a storm begins when PostgreSQL still believes that nothing waits anywhere, and then it
    reads all that is due for every lane if it is let to. Hence channels by number, and a moment that no index holds.
    """
    pending = Message.objects.filter(state=Message.State.PENDING, channel__in=lane.open_channels)
    return pending.filter(LessThanOrEqual(Func(F("due_at"), template=_UNINDEXED, output_field=DateTimeField()), now))


def of_share(share: UrgencyClass, *, now: datetime) -> Q:
    """``rules.digest.share_of`` for the database."""
    system, urgent = Q(urgency=UrgencyClass.SYSTEM), Q(urgency=UrgencyClass.URGENT)
    soon = Q(deadline_at__isnull=False, deadline_at__lt=now + digest.URGENT_WITHIN)
    return {
        UrgencyClass.SYSTEM: system,
        UrgencyClass.URGENT: urgent | (soon & ~system),
        UrgencyClass.NORMAL: ~system & ~urgent & ~soon,
    }[share]


def _channels(keys: Iterable[str]) -> QuerySet[Channel]:
    """Of channels with one address all say the same about its robots: ``services`` refuses another list."""
    return Channel.objects.filter(budget_key__in=list(keys)).defer("settings").order_by("-enabled", "pk")


_UNINDEXED = "(%(expressions)s + interval '0')"
# ``due_messages`` by hand: it is asked before every single push, and to compose it by the ORM takes longer than to
# answer it.
_WAITING = """
    select channel_id, complaint_id is not null, urgency, coalesce(deadline_at < %s, false), count(*)
    from alerts_message
    where state = 'pending' and channel_id = any(%s) and due_at + interval '0' <= %s
    group by 1, 2, 3, 4
"""


def _waiting(lanes: Collection[Lane], now: datetime) -> dict[str, Waiting]:
    """How many of ``due_messages`` wait for each lane, by class."""
    cases: dict[str, Counter[UrgencyClass]] = {lane.key: Counter() for lane in lanes}
    alone: dict[str, Counter[UrgencyClass]] = {lane.key: Counter() for lane in lanes}
    lane_of = {channel: lane.key for lane in lanes for channel in lane.open_channels}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [now + digest.URGENT_WITHIN, list(lane_of), now])
        for channel, about_a_case, urgency, soon, number in cursor:
            share = digest.share_of(urgency, now if soon else None, now)
            (cases if about_a_case else alone)[lane_of[channel]][share] += number
    return {lane.key: Waiting(cases[lane.key], alone[lane.key]) for lane in lanes}


def _mode(row: BudgetKey) -> Mode:
    return Mode(row.digest_since, row.digest_busy_at, row.digested_at)


def _robot(row: BudgetKey, budget: Budget, now: datetime) -> Robot:
    left = {share: list(row.used_by.get(str(share), [])) for share in (UrgencyClass.URGENT, UrgencyClass.SYSTEM)}
    sent = []
    for stamp in row.used_at:
        share = next((share for share, stamps in left.items() if stamp in stamps), UrgencyClass.NORMAL)
        if share is not UrgencyClass.NORMAL:
            left[share].remove(stamp)
        sent.append((datetime.fromtimestamp(stamp, tz=UTC), share))
    return Robot(tuple(sent), _usable_at(row, budget, now))


def _usable_at(row: BudgetKey, budget: Budget, now: datetime) -> datetime:
    return max(budgets.free_at(row, budget, now=now), row.gone_until or now)
