"""When a channel, or one robot of its group, is left alone: it is gone, or it answers nobody. Told once, by others.

Gone (``dead_since``) lasts until somebody acts; silence (``down_since``) until it answers again. Either is probed every
ten minutes by the next message that is to be sent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import F

from kesu.alerts.channels.base import Receipt
from kesu.alerts.models import Attempt, BudgetKey, Channel, Message
from kesu.alerts.outbox import substitutes
from kesu.rules.escalations import UrgencyClass

log = structlog.get_logger(__name__)

PROBE_EVERY = timedelta(minutes=10)
DOWN_AFTER = 5
"""So many tries of a channel in a row that came to nothing: while another can stand in, it is left alone like a dead
one, and not every message learns for itself that nobody answers. The same for one robot of several."""
Outcome = Attempt.Outcome
UNANSWERED = frozenset({Outcome.TRANSIENT, Outcome.UNKNOWN})


def close(channel: Channel, key: str) -> None:
    """A message arrived: the channel, and the robot with this key, are alive."""
    _forget_silence(channel, key, gone_until=None)
    if channel.dead_since is None and channel.down_since is None:
        return
    ill = Channel.objects.filter(pk=channel.pk).exclude(dead_since=None, down_since=None)
    if ill.update(dead_since=None, probe_at=None, dead_reason="", down_since=None):
        log.info("channel.alive", channel=channel.pk)


def answered(channel: Channel, key: str) -> None:
    """It refused one message, so it answers. One that is gone stays so."""
    _forget_silence(channel, key)
    if channel.down_since is not None:
        close(channel, key)
        channel.dead_since = channel.probe_at = channel.down_since = None
        channel.dead_reason = ""


def unanswered(channel: Channel, key: str, receipt: Receipt, *, now: datetime) -> None:
    """Nobody answered a try. After ``DOWN_AFTER`` in a row the channel is down, and that is told; it is tried on."""
    if channel.more_budget_keys:
        BudgetKey.objects.filter(pk=key).update(unanswered=F("unanswered") + 1)
        if BudgetKey.objects.filter(pk=key, unanswered__gte=DOWN_AFTER).exists() and _others(channel, key, now):
            leave_robot(channel, key, receipt, now=now)
    if channel.down_since is None and channel.dead_since is None and is_down(channel):
        channel.down_since, channel.dead_reason = now, _reason(receipt)
        channel.save(update_fields=["down_since", "dead_reason"])
        log.error("channel.down", channel=channel.pk, code=receipt.code)
        _tell_others(channel, "channel_down", now)


def open_for_silence(channel: Channel, receipt: Receipt, *, now: datetime) -> None:
    """Leave a channel that is down alone, since another one can stand in."""
    channel.probe_at = now + PROBE_EVERY
    if channel.dead_since is None:
        channel.dead_since, channel.dead_reason = now, _reason(receipt)
    channel.save(update_fields=["dead_since", "probe_at", "dead_reason"])


def mark_dead(channel: Channel, receipt: Receipt, *, now: datetime) -> None:
    """Remember that a channel takes nothing any more until somebody acts, and tell people through another one, once."""
    channel.probe_at = now + PROBE_EVERY
    news = channel.dead_since is None or channel.down_since is not None
    if news:
        channel.dead_since, channel.down_since, channel.dead_reason = now, None, _reason(receipt)
    channel.save(update_fields=["dead_since", "down_since", "probe_at", "dead_reason"])
    if news:
        log.error("channel.dead", channel=channel.pk, code=receipt.code)
        _tell_others(channel, "channel_dead", now)


def leave_robot(channel: Channel, key: str, receipt: Receipt, *, now: datetime) -> bool:
    """Leave one of several robots alone for a while; whether another one of them is left. Told once, by the others."""
    if not channel.more_budget_keys:
        return False
    news = BudgetKey.objects.filter(pk=key, gone_until__isnull=True).exists()
    BudgetKey.objects.filter(pk=key).update(gone_until=now + PROBE_EVERY)
    left = _others(channel, key, now)
    log.error("robot.gone", channel=channel.pk, key=key[:8], left=left)
    if news and left:
        facts = {"channel": channel.name, "left": left, "robots": 1 + len(channel.more_budget_keys)}
        _warn(
            channel, "robot_gone", facts | {"reason": _reason(receipt)}, f"channel:{channel.pk}:robot:{key[:16]}", now
        )
    return left > 0


def is_down(channel: Channel) -> bool:
    """Whether none of its newest tries was answered as a robot answers."""
    tries = Attempt.objects.filter(channel=channel).exclude(outcome=Outcome.SENDING)
    if channel.address_since is not None:
        tries = tries.filter(at__gte=channel.address_since)
    outcomes = list(tries.order_by("-id").values_list("outcome", flat=True)[:DOWN_AFTER])
    return len(outcomes) == DOWN_AFTER and set(outcomes) <= UNANSWERED


def _others(channel: Channel, key: str, now: datetime) -> int:
    """How many other robots of the group are not left alone."""
    others = {channel.budget_key, *channel.more_budget_keys} - {key}
    return len(others) - BudgetKey.objects.filter(pk__in=others, gone_until__gt=now).count()


def _forget_silence(channel: Channel, key: str, **changed: None) -> None:
    if channel.more_budget_keys:
        rows = BudgetKey.objects.filter(pk=key)
        ill = rows.exclude(unanswered=0, gone_until=None) if changed else rows.exclude(unanswered=0)
        ill.update(unanswered=0, **changed)


def _tell_others(channel: Channel, kind: str, now: datetime) -> None:
    others = substitutes(channel, None)
    if others:
        facts = {"channel": channel.name, "reason": channel.dead_reason}
        _warn(others[0], kind, facts, f"channel:{channel.pk}:{kind.removeprefix('channel_')}", now)


def _warn(channel: Channel, kind: str, facts: dict[str, Any], key: str, now: datetime) -> None:
    """Tell those whom a channel calls about the state of a channel."""
    row = Message(
        channel=channel,
        kind=kind,
        facts=facts,
        urgency=UrgencyClass.URGENT,
        mention=True,
        dedupe_key=f"{key}:{now.timestamp():.6f}",
        created_at=now,
        due_at=now,
    )
    Message.objects.bulk_create([row], ignore_conflicts=True)


def _reason(receipt: Receipt) -> str:
    return f"{receipt.code} {receipt.answer}".strip()[:300]
