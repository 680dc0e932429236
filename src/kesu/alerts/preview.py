"""Who would be woken, when, for a complaint raised now; and which ladders reach nobody."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.alerts import people
from kesu.alerts.clocks import step_kind
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel, Rota
from kesu.alerts.outbox import serving
from kesu.merchants.models import Account, SubMerchant
from kesu.rules import quiet
from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES, round_deadlines
from kesu.rules.ladder import ClockFacts, upcoming
from kesu.rules.ladder_steps import ClockKind, Ladder, LadderStep, Target, TargetKind
from kesu.rules.ladders import choose

OVERDUE_SHOWN = timedelta(hours=4)
GROUP_KINDS = frozenset({"wecom_robot", "dingtalk_robot", "feishu_robot"})
"""Kinds that show a message to a group and call some of it by name; the others reach exactly their recipients."""


@dataclass(frozen=True, slots=True)
class Wake:
    """One message of the preview: due ``at``, delivered ``delivered_at`` (later when quiet hours hold it).

    ``called`` are what the channel calls people by; empty: the channel shows it to its group and calls nobody.
    """

    at: datetime
    delivered_at: datetime
    clock: str
    kind: str
    urgency: str
    channel: str
    called: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a ladder would do, in the order of delivery, while nobody claims the case and nobody answers."""

    ladder: str
    wakes: list[Wake]


@dataclass(frozen=True, slots=True)
class ReachProblem:
    """A step that does not reach whom it names. ``fatal``: its whole clock reaches nobody. ``code``: no_such_person
    (or an inactive one), no_wecom_id, no_such_rota, empty_rota, no_such_robot, nobody."""

    ladder: str
    clock: str
    step: str
    code: str
    name: str = ""
    fatal: bool = False


def preview(account: Account, *, mchid: str = "", kinds: Collection[str] = (), at: datetime) -> Preview:
    """For a complaint against ``mchid`` (the account's own when left out) raised at ``at``; ``kinds`` as rules name
    them. Shows each clock up to some hours after its deadline."""
    ladders = book()
    ladder = ladders.named(choose(ladders.rules, {mchid or account.mchid, account.mchid}, kinds))
    profile = PROFILES.get(account.deadline_profile, PROFILES[DEFAULT_PROFILE])
    due = round_deadlines(profile, at)
    deadlines = {ClockKind.REPLY: due.reply_due_at, ClockKind.COMPLETE: due.complete_due_at}
    all_channels = serving([account.pk], standby=True)[account.pk]
    wakes = [
        wake
        for kind, deadline in deadlines.items()
        for moment, step in upcoming(ladder, ClockFacts(kind, at, deadline), deadline + OVERDUE_SHOWN)
        for wake in _wakes(moment, step, deadline, all_channels)
    ]
    return Preview(ladder.name, sorted(wakes, key=lambda wake: (wake.delivered_at, wake.at, wake.channel)))


def account_of(mchid: str) -> Account | None:
    """The account that complaints against a merchant's number come through."""
    found = Account.objects.filter(mchid=mchid).first()
    if found is None and (sub := SubMerchant.objects.filter(mchid=mchid).select_related("account").first()):
        found = sub.account
    return found


def unreachable(*, now: datetime) -> list[ReachProblem]:
    """What keeps ladders in use from reaching people; empty when every step reaches whom it names.

    A clock is fatal when none of its steps would reach anybody through any live channel.
    """
    live = list(Channel.objects.filter(enabled=True, dead_since__isnull=True))
    return [problem for ladder in book().in_use() for problem in _problems(ladder, live, now)]


def _wakes(moment: datetime, step: LadderStep, deadline: datetime, channels: list[Channel]) -> Iterator[Wake]:
    kind = step_kind(step, 1)
    chosen = [c for c in channels if c.name in step.robots] or [c for c in channels if not c.standby]
    for channel in chosen:
        if kind in channel.muted_kinds:
            continue
        targets = [str(target) for target in step.people]
        called = people.called(channel, step.audience, targets, None, now=moment) if step.mention else ()
        until = _held_until(channel, called, step, deadline, moment)
        yield Wake(moment, until or moment, str(step.clock), kind, str(step.urgency), channel.name, called)


def _held_until(
    channel: Channel, called: tuple[str, ...], step: LadderStep, deadline: datetime, moment: datetime
) -> datetime | None:
    """The channel's quiet hours, then those of everybody called."""
    until = quiet.held_until([quiet.parse(channel.quiet_hours)], step.urgency, deadline, moment)
    hours = people.quiet_hours_of(called) if called else {}
    then = until or moment
    return quiet.held_until([hours.get(userid) for userid in called], step.urgency, deadline, then) or until


def _problems(ladder: Ladder, live: list[Channel], now: datetime) -> Iterator[ReachProblem]:
    for kind in ClockKind:
        found = {step: list(_step_problems(step, live, now)) for step in ladder.of(kind)}
        for step, codes in found.items():
            yield from (ReachProblem(ladder.name, str(kind), step.key, code, name) for code, name in codes)
        if not any(_reaches(step, live, now) for step in found):
            yield ReachProblem(ladder.name, str(kind), "", "nobody", fatal=True)


def _step_problems(step: LadderStep, live: list[Channel], now: datetime) -> Iterator[tuple[str, str]]:
    for target in step.people:
        if code := _target_problem(target, now):
            yield code, target.name
    names = {channel.name for channel in live}
    yield from (("no_such_robot", name) for name in step.robots if name not in names)


def _target_problem(target: Target, now: datetime) -> str:
    if target.kind is TargetKind.ROTA and not Rota.objects.filter(name=target.name).exists():
        return "no_such_rota"
    if target.kind is TargetKind.ROTA and people.on_call(target.name, now=now) is None:
        return "empty_rota"
    found = people.named_people([str(target)], now=now)
    if not found:
        return "no_such_person"
    return "" if found[0].wecom_userid or found[0].addresses.exists() else "no_wecom_id"


def _reaches(step: LadderStep, live: list[Channel], now: datetime) -> bool:
    """Whether a step calls somebody, or goes to a channel that reaches its recipients by itself."""
    chosen = [channel for channel in live if channel.name in step.robots] or live
    targets = [str(target) for target in step.people]
    return any(
        channel.kind not in GROUP_KINDS
        or _rings(channel)
        or bool(people.called(channel, step.audience, targets, None, now=now))
        for channel in chosen
    )


def _rings(channel: Channel) -> bool:
    """Whether a robot's own settings name people: by mobile number, or everybody."""
    settings = json.loads(channel.settings)
    return bool(settings.get("everyone") or settings.get("mobiles"))
