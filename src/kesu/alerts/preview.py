"""Who would be woken, when, for a complaint raised now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.alerts import people
from kesu.alerts.clocks import step_kind
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel
from kesu.alerts.outbox import Carriers, carriers
from kesu.merchants.models import Account, SubMerchant
from kesu.rules import quiet
from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES, round_deadlines
from kesu.rules.ladder import ClockFacts, upcoming
from kesu.rules.ladder_steps import ClockKind, LadderStep
from kesu.rules.ladders import choose

OVERDUE_SHOWN = timedelta(hours=4)


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


def preview(account: Account, *, mchid: str = "", kinds: Collection[str] = (), at: datetime) -> Preview:
    """For a complaint against ``mchid`` (the account's own when left out) raised at ``at``; ``kinds`` as rules name
    them. Shows each clock up to some hours after its deadline."""
    ladders = book()
    ladder = ladders.named(choose(ladders.rules, {mchid or account.mchid, account.mchid}, kinds))
    profile = PROFILES.get(account.deadline_profile, PROFILES[DEFAULT_PROFILE])
    due = round_deadlines(profile, at)
    deadlines = {ClockKind.REPLY: due.reply_due_at, ClockKind.COMPLETE: due.complete_due_at}
    serving = carriers([account.pk])[account.pk]
    wakes = [
        wake
        for kind, deadline in deadlines.items()
        for moment, step in upcoming(ladder, ClockFacts(kind, at, deadline), deadline + OVERDUE_SHOWN)
        for wake in _wakes(moment, step, deadline, serving)
    ]
    return Preview(ladder.name, sorted(wakes, key=lambda wake: (wake.delivered_at, wake.at, wake.channel)))


def account_of(mchid: str) -> Account | None:
    """The account that complaints against a merchant's number come through."""
    found = Account.objects.filter(mchid=mchid).first()
    if found is None and (sub := SubMerchant.objects.filter(mchid=mchid).select_related("account").first()):
        found = sub.account
    return found


def _wakes(moment: datetime, step: LadderStep, deadline: datetime, serving: Carriers) -> Iterator[Wake]:
    kind = step_kind(step, 1)
    for channel in serving.of(kind, step.robots):
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
