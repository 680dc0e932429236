"""Whom a message calls by name: whoever claimed the case, who is on duty, a person, whoever is on call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kesu.accounts.models import User
from kesu.alerts.models import Channel, Message, PersonHours, Rota
from kesu.rules import quiet, rota
from kesu.rules.digest import share_of
from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder_steps import Audience


def mentions_of(message: Message, *, now: datetime) -> tuple[str, ...]:
    """The WeCom account ids to call, each once. People in their quiet hours are left out, unless it is urgent."""
    return mentions_of_all([message], now=now)


def mentions_of_all(messages: Iterable[Message], *, now: datetime) -> tuple[str, ...]:
    """The same for several messages that are told as one, in their order."""
    wanted: dict[str, None] = {}
    urgent: set[str] = set()
    known: dict[tuple[Any, ...], tuple[str, ...]] = {}
    for message in messages:
        owner = message.complaint.claimed_by_id if message.complaint else None
        targets = tuple(message.facts.get("people", ()))
        case = (message.channel_id, message.mention, message.audience, targets, owner)
        if case not in known:
            known[case] = called_by(message, now=now)
        wanted |= dict.fromkeys(known[case])
        if share_of(message.urgency, message.deadline_at, now) is UrgencyClass.URGENT:
            urgent.update(known[case])
    hours = quiet_hours_of(set(wanted) - urgent) if set(wanted) - urgent else {}
    return tuple(userid for userid in wanted if quiet.quiet_until(hours.get(userid), now) is None)


def called_by(message: Message, *, now: datetime) -> tuple[str, ...]:
    """Whom a message is for, whether or not they sleep."""
    if not message.mention:
        return ()
    owner = message.complaint.claimed_by if message.complaint else None
    targets = message.facts.get("people", ())
    return called(message.channel, message.audience, targets, owner, now=now)


def called(
    channel: Channel, audience: str, targets: Iterable[str], owner: User | None, *, now: datetime
) -> tuple[str, ...]:
    """Whom a step calls through a channel. One for named people of whom nobody can be called is for those on duty."""
    named = [user.wecom_userid for user in named_people(targets, now=now) if user.wecom_userid]
    found: Iterable[str] = ()
    if audience == Audience.SECOND:
        found = channel.second_mentions or channel.mentions
    elif audience != Audience.NAMED or not named:
        found = (owner.wecom_userid,) if owner and owner.wecom_userid else channel.mentions
    return tuple(dict.fromkeys([*found, *named]))


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


def quiet_hours_of(userids: Iterable[str]) -> Mapping[str, quiet.QuietHours | None]:
    """The quiet hours of people by WeCom account id; those who have none are missing."""
    rows = PersonHours.objects.filter(user__wecom_userid__in=list(userids))
    return {userid: quiet.parse(hours) for userid, hours in rows.values_list("user__wecom_userid", "quiet_hours")}
