"""Messages owed: which channels carry them, and the rows that say so, written in the transaction of their cause."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from kesu.alerts.models import Channel, Message
from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder_steps import Audience

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why people are to be told, before it is known through which channels. ``key`` names it within its complaint.

    ``robots`` name the channels that alone carry it, if they can; empty: all that serve the account.
    """

    complaint_pk: int
    account_pk: int
    key: str
    kind: str
    round_number: int
    urgency: UrgencyClass
    mention: bool
    deadline_at: datetime | None
    audience: Audience = Audience.ON_DUTY
    robots: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def owe(causes: Collection[Cause], *, now: datetime) -> int:
    """Write a message for each cause and each channel that serves its account; told once, a cause is never told again.

    Returns how many rows were asked for (those that existed already are left as they are).
    """
    if not causes:
        return 0
    serving = carriers({cause.account_pk for cause in causes})
    rows = [
        _message(cause, channel, now)
        for cause in causes
        for channel in serving[cause.account_pk].of(cause.kind, cause.robots)
    ]
    unheard = sum(1 for cause in causes if not serving[cause.account_pk].channels)
    if unheard:
        log.warning("alerts.no_channel", causes=unheard)
    Message.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    return len(rows)


@dataclass(frozen=True, slots=True)
class Carriers:
    """The channels that serve an account, those that only stand by included."""

    channels: tuple[Channel, ...] = ()

    def of(self, kind: str, robots: Collection[str] = ()) -> list[Channel]:
        """Those that carry an alert of a kind: whichever it names, standing by or not, else all that do not stand by,
        else all that do. Where these do not carry the kind, nobody steps in."""
        named = [channel for channel in self.channels if channel.name in robots]
        usual = [channel for channel in self.channels if not channel.standby]
        return [channel for channel in named or usual or self.channels if kind not in channel.muted_kinds]


def carriers(account_pks: Iterable[int]) -> dict[int, Carriers]:
    """The channels that carry each account's alerts: switched on, restricted to it or to none."""
    if not (account_pks := set(account_pks)):
        return {}
    channels = list(Channel.objects.filter(enabled=True).defer("settings").order_by("id"))
    restricted: dict[int, set[int]] = defaultdict(set)
    links = Channel.accounts.through.objects.filter(channel__in=channels).values_list("channel_id", "account_id")
    for channel_pk, account_pk in links:
        restricted[channel_pk].add(account_pk)
    return {
        account_pk: Carriers(tuple(c for c in channels if c.pk not in restricted or account_pk in restricted[c.pk]))
        for account_pk in account_pks
    }


def substitutes(channel: Channel, account_pk: int | None) -> list[Channel]:
    """Who may carry a message instead of ``channel``: its fallback, then any live channel that serves the account."""
    live = Channel.objects.filter(enabled=True, dead_since__isnull=True).exclude(pk=channel.pk).defer("settings")
    if account_pk is not None:
        live = live.exclude(pk__in=_serving_others(account_pk))
    found = {candidate.pk: candidate for candidate in live.order_by("standby", "id")}
    fallback = channel.fallback
    first = {fallback.pk: fallback} if fallback and fallback.enabled and fallback.dead_since is None else {}
    return list((first | found).values())


def copy_for(message: Message, channel: Channel, *, now: datetime) -> Message:
    """The same message on another channel; the one that is there already when it was owed to both."""
    fields = ("complaint_id", "kind", "round_number", "urgency", "mention", "audience", "dedupe_key", "deadline_at")
    row = Message(
        channel=channel,
        facts=message.facts | {"instead_of": message.facts.get("instead_of") or message.channel.name},
        doubtful=message.doubtful,
        created_at=now,
        due_at=now,
        **{name: getattr(message, name) for name in fields},
    )
    Message.objects.bulk_create([row], ignore_conflicts=True)
    return Message.objects.get(channel=channel, dedupe_key=message.dedupe_key)


def _serving_others(account_pk: int) -> list[int]:
    through = Channel.accounts.through.objects
    mine = through.filter(account_id=account_pk).values("channel_id")
    return list(through.exclude(channel_id__in=mine).values_list("channel_id", flat=True).distinct())


def _message(cause: Cause, channel: Channel, now: datetime) -> Message:
    return Message(
        channel=channel,
        complaint_id=cause.complaint_pk,
        kind=cause.kind,
        facts=cause.facts,
        round_number=cause.round_number,
        urgency=cause.urgency,
        mention=cause.mention,
        audience=cause.audience,
        dedupe_key=f"{cause.complaint_pk}:{cause.key}",
        deadline_at=cause.deadline_at,
        created_at=now,
        due_at=now,
    )
