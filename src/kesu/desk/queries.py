"""Reads across apps for the delivery log and the system page. A fixed number of queries each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Exists, Max, OuterRef, Prefetch, Q, QuerySet, Sum, When

from kesu.accounts.roles import Person, sees_all_merchants
from kesu.alerts.health import Health, healths
from kesu.alerts.models import Attempt, Channel, Message
from kesu.alerts.queries import messages_by_channel
from kesu.complaints.queries import visible_to
from kesu.intake.models import Notice, Rejection
from kesu.merchants.grants import accounts_visible_to, granted
from kesu.merchants.models import Account, SubMerchant
from kesu.rules.classify import ErrorClass
from kesu.sync.models import Poll, Refresh
from kesu.worker.models import Heartbeat

PAGE_SIZE = 50
PARKED_LIMIT = 50
RECENT_ATTEMPTS = 500
MERCHANT_NAMES = 200


@dataclass(frozen=True)
class Deliveries:
    """``next_before`` is 0 on the last page."""

    messages: list[Message]
    next_before: int


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


def _messages(actor: Person) -> QuerySet[Message]:
    """Pushes about complaints that this person may see. Those about none (tests, reports, digests, which tell of many)
    are for whoever sees every merchant."""
    seen = Q(complaint__in=visible_to(actor))
    seen |= Q(complaint=None) if sees_all_merchants(actor) else Q()
    attempts = Attempt.objects.select_related("channel").order_by("pk").defer("channel__settings")
    return (
        Message.objects.filter(seen)
        .select_related("channel", "complaint")
        .defer("channel__settings", "complaint__raw", "complaint__payer_phone", "complaint__payer_openid")
        .prefetch_related(Prefetch("log", queryset=attempts))
    )


def deliveries(actor: Person, *, state: str = "", before: int = 0) -> Deliveries:
    """One page of the delivery log, newest first, older than the message number ``before``."""
    found = _messages(actor)
    if state in Message.State.values:
        found = found.filter(state=state)
    if before:
        found = found.filter(pk__lt=before)
    messages = list(found.order_by("-pk")[: PAGE_SIZE + 1])
    more = len(messages) > PAGE_SIZE
    messages = messages[:PAGE_SIZE]
    return Deliveries(messages, messages[-1].pk if more else 0)


def deliveries_of(actor: Person, complaint_pk: int, limit: int = 20) -> list[Message]:
    """The newest pushes about one complaint."""
    return list(_messages(actor).filter(complaint=complaint_pk).order_by("-pk")[:limit])


def merchant_names(actor: Person) -> list[tuple[str, str]]:
    """Numbers and names to choose from, accounts and sub-merchants, at most ``MERCHANT_NAMES``."""
    subs = SubMerchant.objects.filter(granted(actor, account="account", sub_mchid="mchid"))
    own = accounts_visible_to(actor).order_by().values_list("mchid", "name")
    found = own.union(subs.order_by().exclude(name="").values_list("mchid", "name")[:MERCHANT_NAMES])
    return list(found.order_by("mchid")[:MERCHANT_NAMES])


def last_poll() -> datetime | None:
    """When any account was last listed to the end."""
    finished: datetime | None = Poll.objects.aggregate(last=Max("finished_at"))["last"]
    return finished


def accounts(actor: Person) -> list[Account]:
    often = Case(*(When(tier=tier, then=place) for place, tier in enumerate(Poll.Tier.values)), default=len(Poll.Tier))
    polls = Prefetch("poll_set", queryset=Poll.objects.order_by(often))
    return list(accounts_visible_to(actor).defer("token").prefetch_related(polls).order_by("mchid"))


def last_notice(actor: Person) -> Notice | None:
    found = Notice.objects.filter(_of_accounts(actor)).select_related("account").defer("body", "account__token")
    return found.order_by("-pk").first()


def parked_notices(actor: Person) -> list[Notice]:
    found = Notice.objects.filter(_of_accounts(actor), state=Notice.State.PARKED)
    return list(found.select_related("account").defer("body", "account__token").order_by("-pk")[:PARKED_LIMIT])


def parked_refreshes(actor: Person) -> list[Refresh]:
    found = Refresh.objects.filter(_of_accounts(actor), state=Refresh.State.PARKED)
    return list(found.select_related("account").defer("account__token").order_by("-pk")[:PARKED_LIMIT])


def rejections(actor: Person) -> list[Rejected]:
    """The kept refusals by reason and account, the newest reason first."""
    found = Rejection.objects.filter(_of_accounts(actor)).values("reason", "account")
    groups = list(found.annotate(total=Sum("count"), last=Max("at")).order_by("-last"))
    owners = Account.objects.defer("token").in_bulk({group["account"] for group in groups if group["account"]})
    return [Rejected(group["reason"], owners.get(group["account"]), group["total"], group["last"]) for group in groups]


def _of_accounts(actor: Person) -> Q:
    """Rows that name an account and no sub-merchant are for whoever sees the whole account."""
    return granted(actor, account="account", sub_mchid=None)


def channels(actor: Person, *, now: datetime) -> list[ChannelHealth]:
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


def workers(*, since: datetime) -> list[Heartbeat]:
    """The worker processes that were seen alive after ``since``."""
    return list(Heartbeat.objects.filter(seen_at__gt=since).order_by("name"))


def late(*, before: datetime) -> Late:
    """Work that was due ``before``; counted by the partial indexes that workers claim by."""
    return Late(
        notices=Notice.objects.filter(state=Notice.State.RECEIVED, due_at__lt=before).count(),
        refreshes=Refresh.objects.filter(state=Refresh.State.WAITING, due_at__lt=before).count(),
        messages=Message.objects.filter(state=Message.State.PENDING, due_at__lt=before).count(),
    )
