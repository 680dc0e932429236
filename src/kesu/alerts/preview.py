"""Who would be woken, when, for a complaint raised now."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.alerts import people
from kesu.alerts.clocks import step_kind
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel
from kesu.alerts.openings import as_step
from kesu.alerts.outbox import Carriers, Cause, carriers
from kesu.merchants.models import Account, SubMerchant
from kesu.rules import quiet
from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES, round_deadlines
from kesu.rules.escalations import AlertEvent, Facts, events_of
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
    them. Shows what is told at once and each clock up to some hours after its deadline."""
    ladders = book()
    ladder = ladders.named(choose(ladders.rules, {mchid or account.mchid, account.mchid}, kinds))
    profile = PROFILES.get(account.deadline_profile, PROFILES[DEFAULT_PROFILE])
    due = round_deadlines(profile, at)
    deadlines = {ClockKind.REPLY: due.reply_due_at, ClockKind.COMPLETE: due.complete_due_at}
    serving = carriers([account.pk])[account.pk]
    facts = _facts(kinds, at)
    told = [(at, as_step(_told(event, account.pk, facts, due.reply_due_at), ladder)) for event in _events(facts, at)]
    told += [
        (moment, _reminder(step, account.pk, facts.user_complaint_times, deadline))
        for kind, deadline in deadlines.items()
        for moment, step in upcoming(ladder, ClockFacts(kind, at, deadline), deadline + OVERDUE_SHOWN)
        if moment > at  # the opening stands for what is due at once
    ]
    wakes = [wake for moment, cause in told for wake in _wakes(moment, cause, serving)]
    return Preview(ladder.name, sorted(wakes, key=lambda wake: (wake.delivered_at, wake.at, wake.channel)))


def account_of(mchid: str) -> Account | None:
    """The account that complaints against a merchant's number come through."""
    found = Account.objects.filter(mchid=mchid).first()
    if found is None and (sub := SubMerchant.objects.filter(mchid=mchid).select_related("account").first()):
        found = sub.account
    return found


def _facts(kinds: Collection[str], at: datetime) -> Facts:
    """Of a complaint that is seen for the first time as it is raised, of these kinds."""
    return Facts(
        state="PENDING",
        complaint_time=at,
        user_complaint_times=2 if "repeat" in kinds else 1,
        high_risk="high_risk" in kinds,
        need_immediate_service="immediate_service" in kinds,
        in_platform_service="platform_service" in kinds,
    )


def _events(facts: Facts, at: datetime) -> tuple[AlertEvent, ...]:
    return events_of(None, facts, [], now=at)


def _told(event: AlertEvent, account_pk: int, facts: Facts, deadline: datetime) -> Cause:
    return Cause(
        complaint_pk=0,
        account_pk=account_pk,
        key=event.dedupe,
        kind=event.kind,
        round_number=facts.user_complaint_times,
        urgency=event.rule.urgency,
        mention=event.rule.mention,
        deadline_at=deadline,
        facts={"clock": str(ClockKind.REPLY)},
    )


def _reminder(step: LadderStep, account_pk: int, round_number: int, deadline: datetime) -> Cause:
    return Cause(
        complaint_pk=0,
        account_pk=account_pk,
        key=step.key,
        kind=step_kind(step, round_number),
        round_number=round_number,
        urgency=step.urgency,
        mention=step.mention,
        deadline_at=deadline,
        audience=step.audience,
        robots=step.robots,
        facts={"clock": str(step.clock), "people": [str(target) for target in step.people]},
    )


def _wakes(moment: datetime, cause: Cause, serving: Carriers) -> Iterator[Wake]:
    for channel in serving.of(cause.kind, cause.robots):
        targets = cause.facts.get("people", ())
        called = people.called(channel, cause.audience, targets, None, now=moment) if cause.mention else ()
        until = _held_until(channel, called, cause, moment)
        clock, urgency = cause.facts["clock"], str(cause.urgency)
        yield Wake(moment, until or moment, clock, str(cause.kind), urgency, channel.name, called)


def _held_until(channel: Channel, called: tuple[str, ...], cause: Cause, moment: datetime) -> datetime | None:
    """The channel's quiet hours, then those of everybody called."""
    urgency, deadline = cause.urgency, cause.deadline_at
    until = quiet.held_until([quiet.parse(channel.quiet_hours)], urgency, deadline, moment)
    hours = people.quiet_hours_of(called) if called else {}
    return quiet.held_until([hours.get(userid) for userid in called], urgency, deadline, until or moment) or until
