"""Which accounts and ladders reach nobody: asked of the same channels as ``outbox.owe`` writes messages for."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from kesu.alerts import people
from kesu.alerts.clocks import step_kind
from kesu.alerts.ladders import Book, book
from kesu.alerts.models import Channel, Rota
from kesu.alerts.outbox import Carriers, carriers
from kesu.merchants.models import Account, SubMerchant
from kesu.rules.ladder_steps import ClockKind, Ladder, LadderStep, Target, TargetKind
from kesu.rules.ladders import DEFAULT_LADDER, LadderRule

GROUP_KINDS = frozenset({"wecom_robot", "dingtalk_robot", "feishu_robot"})
"""Kinds that show a message to a group and call some of it by name; the others reach exactly their recipients."""

NOBODYS = 0
"""Stands for an account that is yet to come: only channels for every account serve it."""


@dataclass(frozen=True, slots=True)
class ReachProblem:
    """A step that does not reach whom it names. ``fatal``: its whole clock, or the whole account, reaches nobody.

    ``code``: no_channel (none is switched on for the account ``name``; it has no ladder then), nobody, no_such_person
    (or an inactive one), no_wecom_id, no_address (that any channel of the step knows), no_such_rota, empty_rota,
    no_such_robot. ``account``: whose cases a ladder's clock is silent for, where there are several accounts.
    """

    ladder: str
    clock: str
    step: str
    code: str
    name: str = ""
    fatal: bool = False
    account: str = ""


def unreachable(*, now: datetime) -> list[ReachProblem]:
    """What keeps accounts in use, and the ladders that their cases may climb, from reaching people; empty when every
    step reaches whom it names.

    A clock is fatal when none of its steps would reach anybody through any live channel of the account.
    """
    accounts = list(Account.objects.filter(enabled=True).only("mchid").order_by("pk"))
    serving = carriers([account.pk for account in accounts] or [NOBODYS])
    names = {account.pk: account.mchid for account in accounts}
    found = [
        ReachProblem("", "", "", "no_channel", names[pk], fatal=True)
        for pk, channels in serving.items()
        if not channels.channels and pk in names
    ]
    known, asked = book(), {}
    own = _numbers(accounts)
    for pk, channels in serving.items():
        live = Carriers(tuple(channel for channel in channels.channels if channel.dead_since is None))
        if not channels.channels and pk in names:
            continue
        for ladder in _ladders(known, own.get(pk, set()), own):
            case = (ladder.name, tuple(channel.pk for channel in live.channels))
            if case not in asked:
                asked[case] = list(_problems(ladder, live, now))
            account = names[pk] if len(names) > 1 else ""
            found += [replace(one, account=account) if one.fatal else one for one in asked[case]]
    return list(dict.fromkeys(found))


def _numbers(accounts: Collection[Account]) -> dict[int, set[str]]:
    """The merchants' numbers behind each account, its own included."""
    own = {account.pk: {account.mchid} for account in accounts}
    for pk, mchid in SubMerchant.objects.filter(account__in=list(own)).values_list("account", "mchid"):
        own[pk].add(mchid)
    return own


def _ladders(known: Book, mchids: set[str], own: dict[int, set[str]]) -> Iterator[Ladder]:
    """Those that some case of an account may climb. A number that is no account's yet may become anybody's."""
    elsewhere = set().union(*own.values()) - mchids
    names = dict.fromkeys(rule.ladder for rule in known.rules if _fits(rule, elsewhere))
    yield from (known.named(name) for name in dict.fromkeys([*names, DEFAULT_LADDER]))


def _fits(rule: LadderRule, elsewhere: set[str]) -> bool:
    return not rule.mchids or bool(rule.mchids - elsewhere)


def _problems(ladder: Ladder, channels: Carriers, now: datetime) -> Iterator[ReachProblem]:
    for kind in ClockKind:
        found = {step: list(_step_problems(step, channels, now)) for step in ladder.of(kind)}
        for step, codes in found.items():
            yield from (ReachProblem(ladder.name, str(kind), step.key, code, name) for code, name in codes)
        if not any(_reaches(step, channels, now) for step in found):
            yield ReachProblem(ladder.name, str(kind), "", "nobody", fatal=True)


def _step_problems(step: LadderStep, channels: Carriers, now: datetime) -> Iterator[tuple[str, str]]:
    carrying = channels.of(step_kind(step, 1), step.robots)
    for target in step.people:
        if code := _target_problem(target, carrying, now):
            yield code, target.name
    names = set(Channel.objects.filter(enabled=True, dead_since__isnull=True).values_list("name", flat=True))
    yield from (("no_such_robot", name) for name in step.robots if name not in names)


def _target_problem(target: Target, carrying: Collection[Channel], now: datetime) -> str:
    if target.kind is TargetKind.ROTA and not Rota.objects.filter(name=target.name).exists():
        return "no_such_rota"
    if target.kind is TargetKind.ROTA and people.on_call(target.name, now=now) is None:
        return "empty_rota"
    found = people.named_people([str(target)], now=now)
    if not found:
        return "no_such_person"
    if not found[0].wecom_userid and not found[0].addresses.exists():
        return "no_wecom_id"
    known = any(people.address_of(found[0], channel.kind) for channel in carrying)
    return "no_address" if carrying and not known else ""


def _reaches(step: LadderStep, channels: Carriers, now: datetime) -> bool:
    """Whether a step calls somebody, or goes to a channel that reaches its recipients by itself."""
    targets = [str(target) for target in step.people]
    return any(
        channel.kind not in GROUP_KINDS
        or _rings(channel)
        or bool(people.called(channel, step.audience, targets, None, now=now))
        for channel in channels.of(step_kind(step, 1), step.robots)
    )


def _rings(channel: Channel) -> bool:
    """Whether a robot's own settings name people: by mobile number, or everybody."""
    settings = json.loads(channel.settings)
    return bool(settings.get("everyone") or settings.get("mobiles"))
