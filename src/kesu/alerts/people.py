"""Whom a message calls by name: whoever claimed the case, who is on duty, a person, whoever is on call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from kesu.accounts.models import User
from kesu.alerts.models import Channel, Message, PersonAddress, PersonHours, Rota
from kesu.rules import quiet, rota
from kesu.rules.digest import share_of
from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder_steps import Audience

COPY_FOR = "copy_for"
"""The fact that names, as WeCom does, the one person for whom a message is a copy (``recipients``)."""


def mentions_of_all(messages: Collection[Message], *, now: datetime) -> tuple[str, ...]:
    """What to call people by in the channel of messages that are told as one, each once, in their order; without those
    in quiet hours, unless one is urgent."""
    wanted: dict[str, None] = {}
    urgent: set[str] = set()
    for message, names in zip(messages, called_by_each(messages, now=now), strict=True):
        wanted |= dict.fromkeys(names)
        if share_of(message.urgency, message.deadline_at, now) is UrgencyClass.URGENT:
            urgent.update(names)
    hours = quiet_hours_of(set(wanted) - urgent) if set(wanted) - urgent else {}
    return tuple(userid for userid in wanted if quiet.quiet_until(hours.get(userid), now) is None)


def called_by_each(messages: Iterable[Message], *, now: datetime) -> list[tuple[str, ...]]:
    """``called_by`` for many messages of which many are for the same people."""
    known: dict[tuple[Any, ...], tuple[str, ...]] = {}
    found = []
    for message in messages:
        owner = message.complaint.claimed_by_id if message.complaint else None
        targets, only = tuple(message.facts.get("people", ())), message.facts.get(COPY_FOR)
        case = (message.channel_id, message.mention, message.audience, targets, owner, only)
        if case not in known:
            known[case] = called_by(message, now=now)
        found.append(known[case])
    return found


def called_by(message: Message, *, now: datetime) -> tuple[str, ...]:
    """Whom a message is for, whether or not they sleep."""
    if not message.mention:
        return ()
    if only := message.facts.get(COPY_FOR):
        return _called_in(message.channel, only)
    owner = message.complaint.claimed_by if message.complaint else None
    targets = message.facts.get("people", ())
    return called(message.channel, message.audience, targets, owner, now=now)


def called(
    channel: Channel, audience: str, targets: Iterable[str], owner: User | None, *, now: datetime
) -> tuple[str, ...]:
    """Whom a step calls through a channel, as that calls people.

    One for named people of whom nobody can be called is for those on duty.
    """
    people = named_people(targets, now=now)
    named = [address for user in people if (address := address_of(user, channel.kind))]
    owned = address_of(owner, channel.kind) if owner else ""
    found: Iterable[str] = ()
    if audience == Audience.SECOND:
        found = channel.second_mentions or channel.mentions
    elif audience != Audience.NAMED or not named:
        found = (owned,) if owned else channel.mentions
    return tuple(dict.fromkeys([*found, *named]))


def address_of(user: User, kind: str) -> str:
    """What a kind of channel calls somebody by; "" where nobody entered it. Most know WeCom's account ids."""
    if kind not in PersonAddress.Kind.values:
        return user.wecom_userid
    return PersonAddress.objects.filter(user=user, kind=kind).values_list("address", flat=True).first() or ""


def _called_in(channel: Channel, userid: str) -> tuple[str, ...]:
    """What another channel calls somebody by who is known by WeCom's account id."""
    if channel.kind not in PersonAddress.Kind.values:
        return (userid,)
    user = User.objects.filter(wecom_userid=userid).first()
    address = address_of(user, channel.kind) if user else ""
    return (address,) if address else ()


def named_people(targets: Iterable[str], *, now: datetime) -> list[User]:
    """The active people behind ``person:NAME`` and ``rota:NAME``; a name that is nobody's is left out."""
    found = []
    for kind, _, name in (target.partition(":") for target in targets):
        user = User.objects.filter(username=name).first() if kind == "person" else on_call(name, now=now)
        if user is not None and user.is_active:
            found.append(user)
    return found


def on_call(rota_name: str, *, now: datetime) -> User | None:
    """Who is on call in a rota; None for a rota that does not exist or has no members."""
    row = Rota.objects.filter(name=rota_name).first()
    username = rota.on_call(rota_of(row), now) if row else None
    return User.objects.filter(username=username).first() if username else None


def rota_of(row: Rota) -> rota.Rota:
    """A rota as rules see it: people by the names they sign in with."""
    members = row.members.order_by("position").values_list("user__username", flat=True)
    overrides = row.overrides.order_by("pk").values_list("user__username", "starts_at", "ends_at")
    return rota.Rota(tuple(members), row.anchor, tuple(rota.Override(*override) for override in overrides))


def quiet_hours(user: User) -> str:
    """``22:00-08:00`` in Beijing, or ""."""
    return PersonHours.objects.filter(user=user).values_list("quiet_hours", flat=True).first() or ""


def quiet_hours_of(userids: Iterable[str]) -> Mapping[str, quiet.QuietHours | None]:
    """The quiet hours of people by what they are called by; those who have none are missing."""
    wanted = list(userids)
    by_userid = PersonHours.objects.filter(user__wecom_userid__in=wanted)
    by_address = PersonHours.objects.filter(user__addresses__address__in=wanted)
    rows = [
        *by_userid.values_list("user__wecom_userid", "quiet_hours"),
        *by_address.values_list("user__addresses__address", "quiet_hours"),
    ]
    return {name: quiet.parse(hours) for name, hours in rows}
