"""What is to be said of channels besides their health: spent budget, settings without secrets, pushes seen."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.alerts.channels import kind_named
from kesu.alerts.models import BudgetKey, Channel
from kesu.audit.models import AuditEntry


@dataclass(frozen=True, slots=True)
class Spent:
    """What a channel's key has used of its budget: ``used`` of ``limit`` in ``window_seconds``. ``in_digests``: many
    messages become one."""

    used: int
    limit: int
    window_seconds: int
    in_digests: bool


def spent(channels: Iterable[Channel], *, now: datetime) -> dict[int, Spent]:
    """By channel; two that share a robot share what it spent."""
    channels = list(channels)
    keys = BudgetKey.objects.in_bulk([channel.budget_key for channel in channels])
    return {channel.pk: _spent(channel, keys.get(channel.budget_key), now) for channel in channels}


def seen_at(names: list[str]) -> dict[str, datetime]:
    """When somebody last said that they saw a test push of these channels."""
    subjects = [f"channel:{name}" for name in names]
    rows = AuditEntry.objects.filter(subject__in=subjects, details__test_push_seen=True).order_by("sequence")
    return {subject.removeprefix("channel:"): at for subject, at in rows.values_list("subject", "at")}


def settings_shown(channel: Channel) -> tuple[dict[str, Any], list[str]]:
    """The kind's own settings that may be read again, and the names of those that are set and may not."""
    kind, stored = kind_named(channel.kind), json.loads(channel.settings)
    shown = kind.parse(stored).shown
    hidden = sorted(name for name, value in stored.items() if value and name not in shown)
    return {name: value for name, value in stored.items() if name in shown}, hidden


def callback_path(channel: Channel) -> str:
    """Where WeCom is to send presses of buttons, below the public address; "" for a channel without buttons."""
    if channel.kind != Channel.Kind.WECOM_APP or not json.loads(channel.settings).get("callback_token"):
        return ""
    return f"/callbacks/wecom/{channel.pk}"


def _spent(channel: Channel, row: BudgetKey | None, now: datetime) -> Spent:
    budget = kind_named(channel.kind).budget
    since = (now - budget.window).timestamp()
    used = sum(stamp > since for stamp in row.used_at) if row else 0
    in_digests = bool(row and row.digest_since)
    return Spent(used, budget.limit, int(budget.window.total_seconds()), in_digests)
