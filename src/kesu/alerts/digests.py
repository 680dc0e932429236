"""Digests: one message for many, and every case in the log as sent or as part of digest no. k."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import structlog
from django.db.models import F, QuerySet

from kesu.alerts import lanes, recipients
from kesu.alerts.lanes import Lane
from kesu.alerts.models import Channel, Message
from kesu.alerts.relevance import pointless
from kesu.rules.digest import Plan, may_mention, share_of
from kesu.rules.escalations import UrgencyClass

log = structlog.get_logger(__name__)

KIND = "digest"
COVERED_AT_MOST = 5000

Gone = dict[str, list[int]]
"""Messages that no longer matter, by the reason."""


def gather(lane: Lane, plan: Plan, *, now: datetime) -> int:
    """Write a digest for each channel of the lane that has cases waiting; how many messages they cover.

    Covers everything that is due but the plan's ``kept`` most urgent messages. The digests are messages themselves and
    the next to be sent. Call while the lane is held.
    """
    waiting: dict[int, list[Message]] = defaultdict(list)
    gone: Gone = defaultdict(list)
    kept = plan.kept
    for message in _awake(_due(lane, now)[:COVERED_AT_MOST], now):
        if kept and share_of(message.urgency, message.deadline_at, now) is UrgencyClass.URGENT:
            kept -= 1
        elif reason := pointless(message):
            gone[reason].append(message.pk)
        else:
            waiting[message.channel_id].append(message)
    _drop(gone, now)
    for messages in waiting.values():
        _write(messages, now)
    lanes.gathered(lane, plan.mode, now=now)
    return sum(len(messages) for messages in waiting.values())


def covered(digest: Message) -> QuerySet[Message]:
    """The messages a digest stands for, the least time left first, with what a text says of their cases."""
    rows = digest.covered.select_related("complaint__account", "complaint__claimed_by", "channel")
    return rows.defer(*_SEALED).order_by(F("deadline_at").asc(nulls_last=True), "pk")


def follow(digest: Message, successor: Message) -> None:
    """Another channel's digest stands for the same messages from now on."""
    Message.objects.filter(digest=digest).update(digest=successor)


def fail(digest: Message, *, now: datetime) -> None:
    """Nobody got the digest: what it covered failed with it, and says so."""
    lost = Message.objects.filter(digest=digest, state=Message.State.DIGESTED)
    lost.update(state=Message.State.FAILED, error=_failed(digest), due_at=now)


def take_back(digest: Message, *, now: datetime) -> int:
    """The digest is owed again, with what failed with it; how many that is. What no longer matters is dropped, as if it
    had waited for a digest until now."""
    lost = Message.objects.filter(digest=digest, state=Message.State.FAILED, error=_failed(digest))
    held = lost.select_for_update(no_key=True, of=("self",)).select_related("complaint")
    gone: Gone = defaultdict(list)
    kept = []
    for message in held.defer(*(f"complaint__{name}" for name in _PRIVATE)).order_by("pk"):
        if reason := pointless(message):
            gone[reason].append(message.pk)
        else:
            kept.append(message.pk)
    _drop(gone, now)
    Message.objects.filter(pk__in=kept).update(state=Message.State.DIGESTED, error="", due_at=now)
    return len(kept)


def accounts(digest: Message) -> list[int]:
    """The accounts whose cases a digest tells."""
    return list(Message.objects.filter(digest=digest).values_list("complaint__account", flat=True).distinct())


def complaint_ids(digest_pks: Iterable[int]) -> dict[int, list[str]]:
    """The complaints that each digest covers, each once, in the order in which they were owed."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    rows = Message.objects.filter(digest__in=list(digest_pks), complaint__isnull=False).order_by("pk")
    for row in rows.values("digest_id", "complaint__complaint_id"):
        found[row["digest_id"]][row["complaint__complaint_id"]] = None
    return {digest_pk: list(ids) for digest_pk, ids in found.items()}


_PRIVATE = ("raw", "payer_phone", "payer_openid")
_SEALED = ("channel__settings", *(f"complaint__{name}" for name in (*_PRIVATE, "account__token")))


def _failed(digest: Message) -> str:
    return f"digest {digest.pk} failed"


def _drop(gone: Gone, now: datetime) -> None:
    for reason, pks in gone.items():
        rows = Message.objects.filter(pk__in=pks)
        rows.update(state=Message.State.SUPERSEDED, error=reason, digest=None, due_at=now)


def _due(lane: Lane, now: datetime) -> QuerySet[Message]:
    rows = lanes.due_messages(lane, now=now).filter(complaint__isnull=False)
    held = rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).select_related("complaint", "channel")
    return held.defer("channel__settings", *(f"complaint__{name}" for name in _PRIVATE)).order_by(
        F("deadline_at").asc(nulls_last=True), "pk"
    )


def _awake(messages: Iterable[Message], now: datetime) -> list[Message]:
    """Without those that would reach nobody but sleepers by themselves: they wait, as if no storm was on."""
    found = list(messages)
    by_channel: dict[int, list[Message]] = defaultdict(list)
    for message in found:
        by_channel[message.channel_id].append(message)
    asleep = []
    for group in by_channel.values():
        if recipients.is_personal(group[0].channel):
            ends = recipients.asleep_until_each(group[0].channel, group, now=now)
            asleep += [(message, end) for message, end in zip(group, ends, strict=True) if end is not None]
    for message, end in asleep:
        message.due_at = end
    Message.objects.bulk_update([message for message, _ in asleep], ["due_at"], batch_size=500)
    waiting = {message.pk for message, _ in asleep}
    return [message for message in found if message.pk not in waiting]


def _write(messages: list[Message], now: datetime) -> None:
    channel = messages[0].channel
    mention = any(message.mention for message in messages) and (
        recipients.is_personal(channel) or may_mention(channel.digest_mention_at, now)
    )
    digest = Message.objects.create(
        channel=channel,
        kind=KIND,
        facts={"urgent": any(message.urgency == UrgencyClass.URGENT for message in messages)},
        urgency=UrgencyClass.SYSTEM,
        mention=mention,
        dedupe_key=f"digest:{channel.pk}:{now.timestamp():.6f}",
        deadline_at=messages[0].deadline_at,
        created_at=now,
        due_at=now,
    )
    if mention:
        Channel.objects.filter(pk=channel.pk).update(digest_mention_at=now)
    rows = Message.objects.filter(pk__in=[message.pk for message in messages])
    rows.update(state=Message.State.DIGESTED, digest=digest, due_at=now)
    log.info("digest.written", digest=digest.pk, channel=channel.pk, messages=len(messages))
