"""Taking the next message in hand: most urgent first, within its key's budget, if it still matters."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import override

from kesu.alerts import digest_texts, digests, heartbeats, holding, lanes, links, messages, recipients, settlement
from kesu.alerts.breaker import PROBE_EVERY
from kesu.alerts.channels import kind_named
from kesu.alerts.channels.base import ChannelKind, Push
from kesu.alerts.content import Content
from kesu.alerts.lanes import Lane
from kesu.alerts.models import Attempt, BudgetKey, Channel, Message
from kesu.alerts.people import COPY_FOR
from kesu.alerts.relevance import overtaken_by
from kesu.alerts.settlement import Claim
from kesu.alerts.titles import LADDER_KINDS
from kesu.complaints.models import Complaint, TimelineEntry
from kesu.merchants.models import SubMerchant
from kesu.rules.digest import Plan, share_of
from kesu.rules.escalations import UrgencyClass
from kesu.threads import waiting

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
LOOKED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything a send needs, so that no transaction is open while it lasts."""

    kind: ChannelKind
    settings: Any
    push: Push


_PENDING = Message.objects.filter(state=Message.State.PENDING).order_by("due_at", "id")
_WAITING = waiting(lambda now: _PENDING.filter(due_at__lte=now))


def due_budget_keys(*, now: datetime, busy: Collection[str] = ()) -> list[str]:
    """The keys that have something to do now: a message to try, or a digest to make. Those ``busy`` are not asked."""
    if not _WAITING(now):
        return []
    due = Message.objects.filter(channel=OuterRef("pk"), state=Message.State.PENDING, due_at__lte=now)
    resting = BudgetKey.objects.filter(pk=OuterRef("budget_key"), paused_until__gt=now)
    idle = Channel.objects.filter(enabled=True).exclude(budget_key__in=list(busy))
    # Of several robots another one may go on; each lane's plan says when.
    idle = idle.exclude(Exists(resting), more_budget_keys=[])
    keys = idle.filter(Exists(due)).values_list("budget_key", flat=True).distinct()
    plans = lanes.plans(lanes.peeked(keys), now=now)
    return [key for key, plan in plans.items() if plan.at is not None and plan.at <= now]


@transaction.atomic
def claim_next(budget_key: str, *, now: datetime, lease: timedelta = LEASE, only: int | None = None) -> Claim | None:
    """Take the most urgent due message of a key: by deadline, then by age. None when none is due or may be sent.

    On the way, for nothing: messages that no longer matter, or whose channel is dead, are settled; more messages than a
    minute can carry are gathered in a digest. ``only`` names the one message to take, whatever the state of its channel
    (a test).
    """
    lane = lanes.locked(budget_key, wait=only is not None)
    if lane is None:
        return None
    if only is not None:
        return _claim_named(lane, only, now, lease)
    holding.hold(lane, now=now)
    for _ in range(LOOKED_AT_ONCE):
        plan = lanes.plan(lane, now=now)
        lanes.keep_mode(lane, plan.mode)
        if plan.gather:
            digests.gather(lane, plan, now=now)
            continue
        message = _most_urgent(lane, plan, now)
        if message is None:
            return None
        if reason := overtaken_by(message):
            settlement.supersede(message, reason, now=now)
        elif _is_resting(message.channel, now):
            settlement.carry_elsewhere(message, now=now)
        elif until := holding.held_for_people(message, now=now):
            holding.wait(message, until)
        else:
            share = share_of(message.urgency, message.deadline_at, now)
            return _begin(message, lane, plan.turns[share].robot, now, lease)
    return None


def prepare(claim: Claim, *, now: datetime) -> Delivery:
    """Compose what is to be sent, from the case as it stands now. Raises whatever makes that impossible."""
    message = _messages(Message.objects.all(), "channel__settings").get(pk=claim.message_pk)
    channel = message.channel
    kind = kind_named(channel.kind)
    if message.kind == digests.KIND:
        return Delivery(kind, kind.parse(json.loads(channel.settings)), _digest_push(message, channel, claim, now))
    case = _case(message, message.complaint, now) if message.complaint else None
    told = recipients.of_push(channel, [message], now=now)
    recipients.leave_copies(channel, told.copies, now=now)
    push = Push(
        id=f"{channel.pk}-{message.pk}",
        kind=message.kind,
        now=now,
        content=_heartbeat(channel, now)
        if message.kind == heartbeats.KIND
        else messages.compose(message, case, language=channel.language, now=now),
        mentions=told.mentions,
        left_out=told.left_out,
        facts=messages.facts_for_machines(message, case),
        short=message.shortened,
        robot=claim.robot,
    )
    return Delivery(kind, kind.parse(json.loads(channel.settings)), push)


def _heartbeat(channel: Channel, now: datetime) -> Content:
    with override(channel.language):
        return heartbeats.content(channel, now=now)


def _digest_push(message: Message, channel: Channel, claim: Claim, now: datetime) -> Push:
    digest = digest_texts.compose(message, language=channel.language, now=now)
    recipients.leave_copies(channel, digest.recipients.copies, now=now)
    return Push(
        id=f"{channel.pk}-{message.pk}",
        kind=message.kind,
        now=now,
        content=digest.content,
        mentions=digest.recipients.mentions,
        left_out=digest.recipients.left_out,
        facts=digest.facts,
        short=message.shortened,
        robot=claim.robot,
    )


_ORDER = (F("deadline_at").asc(nulls_last=True), "id")


def _messages(rows: QuerySet[Message], opened: str = "") -> QuerySet[Message]:
    """Messages with all that decides about them; nothing sealed is opened, but the field that is named."""
    related = ("channel", "complaint__account", "complaint__claimed_by")
    sealed = ("raw", "payer_phone", "payer_openid", "account__token")
    closed = {"channel__settings", *(f"complaint__{name}" for name in sealed)} - {opened}
    return rows.select_related(*related).defer(*closed).order_by(*_ORDER)


def _claim_named(lane: Lane, message_pk: int, now: datetime, lease: timedelta) -> Claim | None:
    message = _locked_messages(Message.objects.filter(pk=message_pk)).first()
    robot, free_at = lanes.first_free(lane, now=now)
    return _begin(message, lane, robot, now, lease) if message and free_at <= now else None


def _most_urgent(lane: Lane, plan: Plan, now: datetime) -> Message | None:
    """The first in order of what the plan lets go by itself."""
    about_a_case = Q(complaint__isnull=False)
    allowed = [lanes.of_share(share, now=now) & about_a_case for share in plan.one_by_one]
    allowed += [lanes.of_share(share, now=now) & ~about_a_case for share in plan.alone]
    if not allowed:
        return None
    due = lanes.due_messages(lane, now=now).filter(reduce(or_, allowed))
    # What is about no case has no deadline; behind all that have one it would wait for a storm's end.
    warnings = Q(urgency=UrgencyClass.URGENT, complaint__isnull=True, deadline_at__isnull=True)
    return _locked_messages(due.filter(warnings)).first() or _locked_messages(due).first()


def _locked_messages(rows: QuerySet[Message]) -> QuerySet[Message]:
    pending = _messages(rows.filter(state=Message.State.PENDING))
    return pending.select_for_update(skip_locked=True, no_key=True, of=("self",))


def _is_resting(channel: Channel, now: datetime) -> bool:
    """Whether a dead channel is not tried. Now and then it is: the next real message is the probe."""
    if channel.dead_since is None:
        return False
    if channel.probe_at is not None and channel.probe_at > now:
        return True
    channel.probe_at = now + PROBE_EVERY
    Channel.objects.filter(pk=channel.pk).update(probe_at=channel.probe_at)
    return False


def _begin(message: Message, lane: Lane, robot: int, now: datetime, lease: timedelta) -> Claim:
    """Spend, lease and log the try before it is made. A try that an earlier worker left open may have arrived."""
    lanes.spend(lane, robot, share_of(message.urgency, message.deadline_at, now), now=now)
    left_open = message.log.filter(outcome=Attempt.Outcome.SENDING)
    if message.attempts and left_open.update(outcome=Attempt.Outcome.INTERRUPTED):
        message.doubtful = True
    due_at = message.due_at
    message.attempts += 1
    message.due_at = now + lease
    message.save(update_fields=["doubtful", "attempts", "due_at"])
    attempt = Attempt.objects.create(
        message=message, channel_id=message.channel_id, at=now, outcome=Attempt.Outcome.SENDING
    )
    return Claim(message.pk, attempt.pk, message.attempts, lane.rows[robot].key, robot, due_at)


def _case(message: Message, complaint: Complaint, now: datetime) -> messages.Case:
    sent = Message.objects.filter(
        complaint=complaint,
        channel_id=message.channel_id,
        kind__in=LADDER_KINDS,
        round_number=message.round_number,
        state__in=[Message.State.SENT, Message.State.DIGESTED],
    ).exclude(facts__has_key=COPY_FOR)
    if original := message.facts.get("copy_of"):
        sent = sent.filter(pk__lt=original)
    return messages.Case(
        complaint=complaint,
        merchant=_merchant_name(complaint),
        said=_said(message, complaint),
        sequence=sent.count() + 1,
        link=links.address(complaint.pk, message.pk, callback=complaint.account.notify_url, now=now),
    )


def _said(message: Message, complaint: Complaint) -> str:
    if log_id := message.facts.get("log_id"):
        entry = (
            TimelineEntry.objects.filter(complaint=complaint, log_id=log_id).values_list("details", flat=True).first()
        )
        if entry:
            return entry
    return complaint.detail


def _merchant_name(complaint: Complaint) -> str:
    account, mchid = complaint.account, complaint.complainted_mchid
    if mchid in ("", account.mchid):
        return account.name
    named = SubMerchant.objects.filter(account=account, mchid=mchid).values_list("name", flat=True).first()
    return named or account.name
