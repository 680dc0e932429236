"""Who gets a push by themselves: whom a group is to call, or everybody to whom a personal channel sends.

A group keeps the text for those who sleep. A personal channel keeps it for nobody whom it leaves out: they get a copy
of their own, a message that is due when they wake.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from kesu.alerts import people
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import PersonalKind
from kesu.alerts.models import Channel, Message
from kesu.alerts.people import COPY_FOR
from kesu.rules import quiet
from kesu.rules.quiet import QuietHours

TEST = "test"
"""A person waits for it, so that it waits for nobody."""

EVERYBODY = "@all"


@dataclass(frozen=True, slots=True)
class Copy:
    """A message that somebody in quiet hours is to get later, by themselves."""

    message: Message
    person: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Recipients:
    """``mentions`` are called; ``left_out``, whom the channel's settings always name, are not told by this push."""

    mentions: tuple[str, ...]
    left_out: frozenset[str] = frozenset()
    copies: tuple[Copy, ...] = ()


def is_personal(channel: Channel) -> bool:
    """Whether a channel's pushes reach exactly their recipients, and no group."""
    return isinstance(kind_named(channel.kind), PersonalKind)


def of_push(channel: Channel, messages: Collection[Message], *, now: datetime) -> Recipients:
    """Of one push for one message, or for many as a digest."""
    standing = _standing(channel)
    if standing is None:
        return Recipients(people.mentions_of_all(messages, now=now))
    wanted = _wanted(messages, standing, now)
    hours = people.quiet_hours_of(wanted)
    waiting = {name: _waits(name, told, hours, now) for name, told in wanted.items()}
    # Nobody is awake: they fell asleep since it was asked whether it may go, and somebody has to get it.
    mentions = tuple(name for name, copies in waiting.items() if not copies) or tuple(wanted)
    copies = tuple(copy for name, found in waiting.items() if name not in mentions for copy in found)
    return Recipients(mentions, frozenset(standing) - set(mentions), copies)


def asleep_until(message: Message, *, now: datetime) -> datetime | None:
    """Until when a message waits because everybody whom it is for is in quiet hours; None: it goes now."""
    return asleep_until_each(message.channel, [message], now=now)[0]


def asleep_until_each(channel: Channel, messages: Collection[Message], *, now: datetime) -> list[datetime | None]:
    """The same for many messages of one channel."""
    standing = _standing(channel) or ()
    called = [
        dict.fromkeys((*names, *_told(message, standing)))
        for message, names in zip(messages, people.called_by_each(messages, now=now), strict=True)
    ]
    everybody = {name for names in called for name in names}
    hours = people.quiet_hours_of(everybody) if everybody else {}
    return [
        quiet.held_until((hours.get(name) for name in names), message.urgency, message.deadline_at, now)
        for message, names in zip(messages, called, strict=True)
    ]


def leave_copies(channel: Channel, copies: Iterable[Copy], *, now: datetime) -> None:
    """Write what sleepers get when they wake, once for each message and person."""
    rows = [_copied(channel, copy, now) for copy in copies]
    Message.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _standing(channel: Channel) -> tuple[str, ...] | None:
    """Whom a personal channel tells whatever is pushed; None where a group, or the whole company, is told."""
    kind = kind_named(channel.kind)
    if not isinstance(kind, PersonalKind):
        return None
    found = kind.receivers(kind.parse(json.loads(channel.settings)))
    return None if EVERYBODY in found else found


def _told(message: Message, standing: tuple[str, ...]) -> tuple[str, ...]:
    return () if message.facts.get(COPY_FOR) else standing


def _wanted(messages: Collection[Message], standing: tuple[str, ...], now: datetime) -> dict[str, list[Message]]:
    """Who is to get which of the messages, without those of which a copy of their own tells them."""
    called = people.called_by_each(messages, now=now)
    pairs = [
        (name, message)
        for message, names in zip(messages, called, strict=True)
        for name in dict.fromkeys((*names, *_told(message, standing)))
    ]
    keys = [_key(message, name) for name, message in pairs]
    channels = {message.channel_id for message in messages}
    rows = Message.objects.filter(channel__in=channels, dedupe_key__in=keys) if keys else Message.objects.none()
    known = set(rows.values_list("dedupe_key", flat=True))
    wanted: dict[str, list[Message]] = {}
    for (name, message), key in zip(pairs, keys, strict=True):
        if key not in known:
            wanted.setdefault(name, []).append(message)
    return wanted


def _waits(name: str, messages: Iterable[Message], hours: Mapping[str, QuietHours | None], now: datetime) -> list[Copy]:
    """What somebody gets later; nothing if they get the push: awake, or needed for one of its messages at once."""
    copies = []
    for message in messages:
        until = quiet.held_until([hours.get(name)], message.urgency, message.deadline_at, now)
        if until is None or message.kind == TEST or message.facts.get(COPY_FOR):
            return []
        copies.append(Copy(message, name, until))
    return copies


def _copied(channel: Channel, copy: Copy, now: datetime) -> Message:
    message = copy.message
    facts: dict[str, Any] = message.facts | {COPY_FOR: copy.person, "copy_of": message.pk}
    fields = ("complaint_id", "kind", "round_number", "urgency", "audience", "deadline_at")
    return Message(
        channel=channel,
        facts=facts,
        mention=True,
        dedupe_key=_key(message, copy.person),
        created_at=now,
        due_at=copy.due_at,
        **{name: getattr(message, name) for name in fields},
    )


def _key(message: Message, name: str) -> str:
    """Names the cause and the person, within what a key may hold."""
    key = f"{message.dedupe_key}:for:{name}"
    longest = Message._meta.get_field("dedupe_key").max_length or 200
    return key if len(key) <= longest else f"copy:{sha256(key.encode()).hexdigest()}"
