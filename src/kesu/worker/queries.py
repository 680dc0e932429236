"""The state of the machinery: what arrives, what is stuck, who can be reached. A fixed number of queries."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, Exists, Max, OuterRef, Prefetch, Q, Sum, When

from kesu import clock
from kesu.accounts.roles import Permission, Person, require, sees_all_merchants
from kesu.alerts.health import Health, healths
from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.queries import messages_by_channel
from kesu.intake.models import Notice, Rejection
from kesu.merchants.grants import accounts_visible_to, granted
from kesu.merchants.models import Account
from kesu.rules.classify import ErrorClass
from kesu.sync.models import Poll, Refresh
from kesu.worker.models import Heartbeat

PARKED_LIMIT = 50
RECENT_ATTEMPTS = 500
PATIENCE = timedelta(minutes=1)
"""Work and heartbeats older than this are late. Real time: a demo's clock runs faster than its worker."""


@dataclass(frozen=True)
class Rejected:
    """Refused notices of one reason."""

    reason: str
    account: Account | None
    count: int
    last_at: datetime


@dataclass(frozen=True)
class ChannelHealth:
    """``accepted`` and ``refused`` count the newest ``RECENT_ATTEMPTS`` attempts of all channels."""

    channel: Channel
    health: Health
    waiting: int
    failed: int
    accepted: int
    refused: int
    last: Attempt | None


@dataclass(frozen=True)
class Late:
    """Work that should have been taken up by now: something is down when this does not go away."""

    notices: int
    refreshes: int
    messages: int

    @property
    def total(self) -> int:
        return self.notices + self.refreshes + self.messages


@dataclass(frozen=True)
class State:
    """Each list is bounded; ``workers`` are those that were seen alive lately."""

    accounts: list[Account]
    last_notice: Notice | None
    parked_notices: list[Notice]
    parked_refreshes: list[Refresh]
    rejections: list[Rejected]
    channels: list[ChannelHealth]
    late: Late
    workers: list[Heartbeat]


def state(actor: Person, *, now: datetime) -> State:
    """As far as it is about merchants that this person sees. Raises Forbidden."""
    require(actor, Permission.SYSTEM)
    patience = PATIENCE * max(clock.speed(), 1)
    return State(
        accounts=_accounts(actor),
        last_notice=_last_notice(actor),
        parked_notices=_parked_notices(actor),
        parked_refreshes=_parked_refreshes(actor),
        rejections=_rejections(actor),
        channels=_channels(actor, now=now),
        late=_late(before=now - patience),
        workers=_workers(since=now - patience),
    )


def _accounts(actor: Person) -> list[Account]:
    often = Case(*(When(tier=tier, then=place) for place, tier in enumerate(Poll.Tier.values)), default=len(Poll.Tier))
    polls = Prefetch("poll_set", queryset=Poll.objects.order_by(often))
    return list(accounts_visible_to(actor).defer("token").prefetch_related(polls).order_by("mchid"))


def _last_notice(actor: Person) -> Notice | None:
    found = Notice.objects.filter(_of_accounts(actor)).select_related("account").defer("body", "account__token")
    return found.order_by("-pk").first()


def _parked_notices(actor: Person) -> list[Notice]:
    found = Notice.objects.filter(_of_accounts(actor), state=Notice.State.PARKED)
    return list(found.select_related("account").defer("body", "account__token").order_by("-pk")[:PARKED_LIMIT])


def _parked_refreshes(actor: Person) -> list[Refresh]:
    found = Refresh.objects.filter(_of_accounts(actor), state=Refresh.State.PARKED)
    return list(found.select_related("account").defer("account__token").order_by("-pk")[:PARKED_LIMIT])


def _rejections(actor: Person) -> list[Rejected]:
    """The kept refusals by reason and account, the newest reason first."""
    found = Rejection.objects.filter(_of_accounts(actor)).values("reason", "account")
    groups = list(found.annotate(total=Sum("count"), last=Max("at")).order_by("-last"))
    owners = Account.objects.defer("token").in_bulk({group["account"] for group in groups if group["account"]})
    return [Rejected(group["reason"], owners.get(group["account"]), group["total"], group["last"]) for group in groups]


def _of_accounts(actor: Person) -> Q:
    """Rows that name an account and no sub-merchant are for whoever sees the whole account."""
    return granted(actor, account="account", sub_mchid=None)


def _channels(actor: Person, *, now: datetime) -> list[ChannelHealth]:
    """Those that carry anything of what this person sees."""
    recent = list(Attempt.objects.order_by("-pk")[:RECENT_ATTEMPTS])
    outcomes = Counter((attempt.channel_id, attempt.outcome == ErrorClass.SENT) for attempt in recent)
    last: dict[int, Attempt] = {}
    for attempt in recent:
        last.setdefault(attempt.channel_id, attempt)
    found = Channel.objects.select_related("fallback").defer("settings", "fallback__settings").order_by("name")
    if not sees_all_merchants(actor):
        carries = Channel.accounts.through.objects.filter(channel=OuterRef("pk"))
        found = found.filter(~Exists(carries) | Exists(carries.filter(account__in=accounts_visible_to(actor))))
    waiting, failed = messages_by_channel(Message.State.PENDING), messages_by_channel(Message.State.FAILED)
    conditions = healths(found, now=now)
    return [
        ChannelHealth(
            channel,
            conditions[channel.pk],
            waiting.get(channel.pk, 0),
            failed.get(channel.pk, 0),
            outcomes[channel.pk, True],
            outcomes[channel.pk, False],
            last.get(channel.pk),
        )
        for channel in found
    ]


def _workers(*, since: datetime) -> list[Heartbeat]:
    """The worker processes that were seen alive after ``since``."""
    return list(Heartbeat.objects.filter(seen_at__gt=since).order_by("name"))


def _late(*, before: datetime) -> Late:
    """Work that was due ``before``; counted by the partial indexes that workers claim by."""
    return Late(
        notices=Notice.objects.filter(state=Notice.State.RECEIVED, due_at__lt=before).count(),
        refreshes=Refresh.objects.filter(state=Refresh.State.WAITING, due_at__lt=before).count(),
        messages=Message.objects.filter(state=Message.State.PENDING, due_at__lt=before).count(),
    )
