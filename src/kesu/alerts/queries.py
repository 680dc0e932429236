"""Reads for the delivery log, the outbox and the state of channels; and when there is something to do next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery

from kesu.accounts.roles import Person, sees_all_merchants
from kesu.alerts import budgets, digests, lanes
from kesu.alerts.channels import kind_named
from kesu.alerts.health import Health, healths
from kesu.alerts.models import Attempt, BudgetKey, Card, Channel, Clock, Message
from kesu.complaints import queries as complaints
from kesu.threads import Prepared, waiting


@dataclass(frozen=True, slots=True)
class LogPage:
    """One page of the delivery log, newest first. ``next_before`` is the key of the next page, None at the end."""

    attempts: Sequence[Attempt]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel does, and what passes through it. ``address`` is masked."""

    channel: Channel
    address: str
    health: Health
    last_attempt_at: datetime | None
    last_outcome: str
    last_sent_at: datetime | None
    pending: int
    failed: int
    free_at: datetime

    @property
    def state(self) -> str:
        return str(self.health.state)


def visible_to(actor: Person) -> QuerySet[Message]:
    """Messages about complaints that this person may see. Those about none (tests, reports, digests, which tell of
    many) are for whoever sees every merchant."""
    seen = Q(complaint__in=complaints.visible_to(actor))
    return Message.objects.filter(seen | Q(complaint=None) if sees_all_merchants(actor) else seen)


def delivery_log(
    *,
    before: int | None = None,
    limit: int = 50,
    channel: Channel | None = None,
    complaint_pk: int | None = None,
    outcome: str = "",
) -> LogPage:
    """Tries, newest first, paged by key: pass ``next_before`` of a page as ``before`` of the next."""
    rows = Attempt.objects.select_related("message__complaint__account", "channel").order_by("-id")
    rows = rows.defer("channel__settings", *(f"message__complaint__{name}" for name in _SEALED))
    if before is not None:
        rows = rows.filter(id__lt=before)
    if channel is not None:
        rows = rows.filter(channel=channel)
    if complaint_pk is not None:
        digests_of = Message.objects.filter(complaint=complaint_pk, digest__isnull=False).values("digest")
        rows = rows.filter(Q(message__complaint=complaint_pk) | Q(message__in=digests_of))
    if outcome:
        rows = rows.filter(outcome=outcome)
    found = list(rows[: limit + 1])
    return LogPage(found[:limit], found[limit - 1].pk if len(found) > limit else None)


def outbox(
    *,
    after: int = 0,
    limit: int = 200,
    state: str = "",
    channel: Channel | None = None,
    complaint_pk: int | None = None,
) -> list[dict[str, Any]]:
    """Messages by id, from the one after ``after``: a dict each, ready for JSON but for its datetimes.

    ``complaint_ids`` of a digest are all that it covers; a message in state digested names it as ``digest_id``.
    ``due_at``: when to try it, or when it was due; while a worker tries, when its lease ends.
    """
    rows = Message.objects.filter(pk__gt=after).order_by("pk")
    if state:
        rows = rows.filter(state=state)
    if channel is not None:
        rows = rows.filter(channel=channel)
    if complaint_pk is not None:
        rows = rows.filter(complaint_id=complaint_pk)
    fields = ("id", "kind", "state", "created_at", "due_at", "sent_at", "attempts", "error", "moved_to_id", "digest_id")
    found = list(rows.values(*fields, "channel__name", "complaint__complaint_id")[:limit])
    covered = digests.complaint_ids(row["id"] for row in found if row["kind"] == digests.KIND)
    return [
        {
            "id": row["id"],
            "channel": row["channel__name"],
            "kind": row["kind"],
            "complaint_ids": [row["complaint__complaint_id"]]
            if row["complaint__complaint_id"]
            else covered.get(row["id"], []),
            **{name: row[name] for name in fields[2:]},
        }
        for row in found
    ]


def outbox_counts() -> dict[str, int]:
    """How many messages are in each state, all states named."""
    found = dict(Message.objects.values_list("state").annotate(number=Count("pk")).order_by())
    return {str(state): found.get(str(state), 0) for state in Message.State}


def channel_health(*, only: int | None = None, now: datetime) -> list[ChannelHealth]:
    """Every channel, by name, or the ``only`` one, by its primary key."""
    latest = Attempt.objects.filter(channel=OuterRef("pk")).order_by("-id")
    arrived = latest.filter(outcome=Attempt.Outcome.SENT)
    channels = Channel.objects.select_related("fallback").defer("fallback__settings").order_by("name")
    channels = channels.annotate(
        last_attempt_at=Subquery(latest.values("at")[:1]),
        last_outcome=Subquery(latest.values("outcome")[:1]),
        last_sent_at=Subquery(arrived.values("at")[:1]),
    )
    channels = channels if only is None else channels.filter(pk=only)
    pending, failed = messages_by_channel(Message.State.PENDING), messages_by_channel(Message.State.FAILED)
    keys = BudgetKey.objects.in_bulk([channel.budget_key for channel in channels])
    found = healths(channels, now=now)
    return [
        ChannelHealth(
            channel=channel,
            address=address_of(channel),
            health=found[channel.pk],
            last_attempt_at=channel.last_attempt_at,
            last_outcome=channel.last_outcome or "",
            last_sent_at=channel.last_sent_at,
            pending=pending.get(channel.pk, 0),
            failed=failed.get(channel.pk, 0),
            free_at=budgets.free_at(
                keys.get(channel.budget_key) or BudgetKey(), kind_named(channel.kind).budget, now=now
            ),
        )
        for channel in channels
    ]


def messages_by_channel(state: Message.State) -> dict[int, int]:
    """How many messages of one unsettled state (they have an index) each channel has, by its primary key."""
    return dict(Message.objects.filter(state=state).order_by().values_list("channel").annotate(total=Count("pk")))


def address_of(channel: Channel) -> str:
    """Where a channel's pushes go, with every secret masked."""
    kind = kind_named(channel.kind)
    return kind.address(kind.parse(json.loads(channel.settings)))


_CLOCK = Prepared(lambda now: Clock.objects.filter(stopped_at__isnull=True).order_by("due_at").values_list("due_at"))
_CARD = Prepared(lambda now: Card.objects.filter(due_at__isnull=False).order_by("due_at").values_list("due_at"))
_MESSAGE = waiting(lambda now: Message.objects.filter(state=Message.State.PENDING))


def next_due(*, now: datetime) -> datetime | None:
    """The earliest instant, from ``now`` on, at which a clock speaks, a message may be tried or a card changed."""
    instants = [max(at, now) for at in (_CLOCK(now), _CARD(now)) if at]
    if not _MESSAGE(now):
        return min(instants, default=None)
    waiting = Message.objects.filter(state=Message.State.PENDING, channel__enabled=True)
    keys = dict(
        waiting.values_list("channel__budget_key").annotate(at=Min("due_at", filter=Q(due_at__gt=now))).order_by()
    )
    instants += [at for at in keys.values() if at]
    instants += [at for lane in lanes.peeked(keys) if (at := lanes.plan(lane, now=now).at)]
    return min(instants, default=None)


_SEALED = ("raw", "payer_phone", "payer_openid", "account__token")
