"""What can be done about alerts: follow a change, claim a case, set up a channel and prove that it works."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import structlog
from django.db import IntegrityError, transaction

from kesu.accounts.models import User
from kesu.alerts import cards, holding, ladders, openings
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import GroupKind, SettingsError
from kesu.alerts.clocks import any_clock_due, due_clocks, raise_due_clocks, rearm, rearm_all, set_clocks
from kesu.alerts.dispatch import Dispatcher, Transports
from kesu.alerts.models import Attempt, Channel, Message, PersonAddress, PersonHours
from kesu.alerts.outbox import Cause, owe
from kesu.complaints.models import Complaint
from kesu.complaints.services import Change
from kesu.merchants.models import Account
from kesu.rules import quiet
from kesu.rules.escalations import AlertEvent, UrgencyClass, events_of
from kesu.rules.ladder_steps import ClockKind
from kesu.vault import keyring

__all__ = [
    "ClaimedError",
    "SettingsError",
    "add_channel",
    "any_clock_due",
    "change_settings",
    "claim",
    "due_clocks",
    "follow",
    "raise_due_clocks",
    "release",
    "remove_ladder",
    "set_address",
    "set_ladders",
    "set_personal_quiet_hours",
    "set_quiet_hours",
    "switch",
    "test_channel",
]

log = structlog.get_logger(__name__)


class ClaimedError(Exception):
    """Somebody else has claimed the case."""

    def __init__(self, owner: User) -> None:
        super().__init__(f"claimed by {owner}")
        self.owner = owner


def follow(change: Change, *, now: datetime) -> None:
    """Arm or stop clocks and owe messages for what a snapshot changed, in the transaction that recorded it.

    Idempotent, and the order in which snapshots arrive makes no difference to which clocks run or what is told.
    """
    events = events_of(change.before, change.after, change.entries, now=now)
    set_clocks(change.complaint, change.rounds, openings.tells_opening(events), now=now)
    owe([_cause(change.complaint, event) for event in events], now=now)
    cards.review(change.complaint, now=now)


@transaction.atomic
def claim(actor: User, complaint: Complaint, *, now: datetime) -> Complaint:
    """Take a case on. Only the step for unclaimed cases falls silent; deadlines go on. Raises ClaimedError.

    Claiming one's own case again changes nothing. Returns the complaint as given, with its claim filled in.
    """
    row = Complaint.objects.select_for_update(no_key=True, of=("self",)).select_related("claimed_by")
    owner = row.only("claimed_by").get(pk=complaint.pk).claimed_by
    if owner is not None and owner.pk != actor.pk:
        raise ClaimedError(owner)
    if owner is None:
        _set_claim(complaint, actor, now)
        cards.review(complaint, now=now)
        log.info("complaint.claimed", complaint=complaint.pk, actor=actor.pk)
    return complaint


@transaction.atomic
def release(actor: User, complaint: Complaint, *, now: datetime) -> Complaint:
    """Give a case back, whoever claimed it; the step for unclaimed cases counts again."""
    _set_claim(complaint, None, None)
    cards.review(complaint, now=now)
    log.info("complaint.released", complaint=complaint.pk, actor=actor.pk)
    return complaint


@transaction.atomic
def add_channel(
    name: str,
    kind: str,
    settings: Mapping[str, Any],
    *,
    now: datetime,
    accounts: Iterable[Account] = (),
    mentions: Sequence[str] = (),
    second_mentions: Sequence[str] = (),
    language: str = "zh-hans",
    fallback: Channel | None = None,
    standby: bool = False,
) -> Channel:
    """Set up a way to reach people; ``settings`` are the kind's own. Raises SettingsError, which repeats no secret."""
    channel = Channel(
        name=name.strip(),
        kind=kind,
        mentions=list(mentions),
        second_mentions=list(second_mentions),
        language=language,
        fallback=fallback,
        standby=standby,
        created_at=now,
    )
    if not channel.name:
        raise SettingsError({"name": "must not be empty"})
    _fill_settings(channel, settings)
    try:
        with transaction.atomic():
            channel.save(force_insert=True)
    except IntegrityError:
        raise SettingsError({"name": "is taken"}) from None
    channel.accounts.set(accounts)
    log.info("channel.added", channel=channel.pk, kind=kind)
    return channel


@transaction.atomic
def change_settings(channel: Channel, settings: Mapping[str, Any], *, now: datetime) -> Channel:
    """Replace a channel's own settings; a dead channel gets a fresh start at once. Raises SettingsError."""
    _fill_settings(channel, settings)
    channel.dead_since = channel.probe_at = channel.down_since = None
    channel.dead_reason, channel.address_since = "", now
    channel.save()
    Message.objects.filter(channel=channel, state=Message.State.PENDING, attempts=0).update(due_at=now)
    log.info("channel.changed", channel=channel.pk)
    return channel


@transaction.atomic
def switch(channel: Channel, *, enabled: bool, now: datetime) -> Channel:
    """Switch a channel on or off. What it still owed when switched off is told nowhere, and the outbox says so."""
    channel.enabled = enabled
    channel.save(update_fields=["enabled"])
    if not enabled:
        pending = Message.objects.filter(channel=channel, state=Message.State.PENDING)
        covered = Message.objects.filter(digest__in=pending, state=Message.State.DIGESTED)
        covered.update(state=Message.State.SUPERSEDED, error="channel switched off", due_at=now)
        pending.update(state=Message.State.SUPERSEDED, error="channel switched off", due_at=now)
    log.info("channel.switched", channel=channel.pk, enabled=enabled)
    return channel


@transaction.atomic
def set_quiet_hours(channel: Channel, hours: str, *, now: datetime) -> Channel:
    """``22:00-08:00`` in Beijing, or "" for none: what is not urgent waits. Raises ValueError for other writings."""
    quiet.parse(hours)
    channel.quiet_hours = hours
    channel.save(update_fields=["quiet_hours"])
    holding.let_go(channel, now=now)
    log.info("channel.quiet_hours", channel=channel.pk, hours=hours)
    return channel


@transaction.atomic
def set_personal_quiet_hours(user: User, hours: str) -> None:
    """The same for a person: a message that is for nobody else waits. Raises ValueError for other writings."""
    if quiet.parse(hours) is None:
        PersonHours.objects.filter(user=user).delete()
    else:
        PersonHours.objects.update_or_create(user=user, defaults={"quiet_hours": hours})


def set_ladders(data: Mapping[str, Any], *, now: datetime) -> int:
    """Store ladders and rules (``ladders.store``) and let every running clock climb what is meant for it now.

    Returns how many clocks run. Raises LadderFormatError and LadderError, and changes nothing then.
    """
    ladders.store(data, now=now)
    return rearm_all()


def remove_ladder(name: str) -> int:
    """Take a ladder away (``ladders.remove``); running clocks climb what is meant for them now, how many there are."""
    ladders.remove(name)
    return rearm_all()


@transaction.atomic
def set_address(user: User, kind: str, address: str) -> None:
    """What a kind of channel (``PersonAddress.Kind``) calls somebody by; "" for nothing. Raises ValueError."""
    address = address.strip()
    if kind not in PersonAddress.Kind.values or len(address) > 64:
        raise ValueError("no such kind of channel, or too long an address")
    if address:
        PersonAddress.objects.update_or_create(user=user, kind=kind, defaults={"address": address})
    else:
        PersonAddress.objects.filter(user=user, kind=kind).delete()


def test_channel(channel: Channel, *, now: datetime, transports: Transports | None = None) -> Attempt:  # noqa: PT028
    """Send one real push and say what came of it. It counts in the budget; a dead channel that takes it lives again.

    Must not be called from an event loop's thread.
    """
    message = Message.objects.create(
        channel=channel,
        kind="test",
        urgency=UrgencyClass.SYSTEM,
        mention=True,
        dedupe_key=f"test:{uuid4().hex}",
        created_at=now,
        due_at=now,
    )
    if not asyncio.run(_deliver_only(channel.budget_key, message.pk, now, transports)):
        message.state, message.error = Message.State.FAILED, "budget used up"
        message.save(update_fields=["state", "error"])
        return Attempt.objects.create(
            message=message, channel=channel, at=now, outcome=Attempt.Outcome.RATE, answer="budget used up"
        )
    return Attempt.objects.get(message=message)


def _cause(complaint: Complaint, event: AlertEvent) -> Cause:
    owed = ClockKind.COMPLETE if complaint.replied else ClockKind.REPLY
    told = Cause(
        complaint_pk=complaint.pk,
        account_pk=complaint.account_id,
        key=event.dedupe,
        kind=event.kind,
        round_number=complaint.round_number,
        urgency=event.rule.urgency,
        mention=event.rule.mention,
        deadline_at=complaint.next_due_at,
        facts={"clock": str(owed), "log_id": event.log_id, "replied": complaint.replied},
    )
    if event.kind not in openings.OPENINGS:
        return told
    known = ladders.book()
    return openings.as_step(told, known.named(known.of_case(complaint)))


def _set_claim(complaint: Complaint, owner: User | None, at: datetime | None) -> None:
    complaint.claimed_by, complaint.claimed_at = owner, at
    Complaint.objects.filter(pk=complaint.pk).update(claimed_by=owner, claimed_at=at)
    rearm(complaint)


def _fill_settings(channel: Channel, settings: Mapping[str, Any]) -> None:
    kind = kind_named(channel.kind)
    checked = kind.parse(settings)
    channel.settings = json.dumps(checked.model_dump(mode="json"), ensure_ascii=False)
    more = kind.more_budget_secrets(checked) if isinstance(kind, GroupKind) else ()
    first, *others = (keyring().fingerprint(one, f"budget.{kind.name}") for one in (kind.budget_secret(checked), *more))
    _check_robots(channel, first, others)
    channel.budget_key, channel.more_budget_keys = first, others


def _check_robots(channel: Channel, first: str, others: list[str]) -> None:
    """A robot has one budget: channels that share one must name the same robots. Raises SettingsError."""
    keys = {first, *others}
    others_in_use = Channel.objects.filter(enabled=True).exclude(pk=channel.pk)
    for other in others_in_use.values("budget_key", "more_budget_keys"):
        theirs = [other["budget_key"], *other["more_budget_keys"]]
        if keys & set(theirs) and theirs != [first, *others]:
            raise SettingsError({"more_webhook_urls": "a robot of another channel is among them, or the reverse"})


async def _deliver_only(budget_key: str, message_pk: int, now: datetime, transports: Transports | None) -> bool:
    dispatcher = Dispatcher(lambda: now, transports=transports)
    try:
        return await dispatcher.deliver_only(budget_key, message_pk)
    finally:
        await dispatcher.close()
