"""Changing a channel that exists: only what is given, the rest stays."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from kesu.alerts import ladders, services
from kesu.alerts.channels.base import SettingsError
from kesu.alerts.models import Channel
from kesu.merchants.models import Account

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What to change; None leaves it. ``settings`` are some of the kind's own, ``accounts`` empty means every account.
    ``fallback`` is a channel, or False for none.
    """

    settings: Mapping[str, Any] | None = None
    mentions: Sequence[str] | None = None
    second_mentions: Sequence[str] | None = None
    accounts: Iterable[Account] | None = None
    language: str | None = None
    fallback: Channel | bool | None = None
    standby: bool | None = None
    enabled: bool | None = None


@transaction.atomic
def change_channel(channel: Channel, change: ChannelChange, *, now: datetime) -> Channel:
    """All of it or nothing. A channel whose own settings change gets a fresh start. Raises SettingsError."""
    channel = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
    if isinstance(change.fallback, Channel) and change.fallback.pk == channel.pk:
        raise SettingsError({"fallback": "must be another channel"})
    for name in ("mentions", "second_mentions", "language", "standby"):
        if (value := getattr(change, name)) is not None:
            setattr(channel, name, list(value) if isinstance(value, (list, tuple)) else value)
    if change.fallback is not None:
        channel.fallback = change.fallback if isinstance(change.fallback, Channel) else None
    channel.save(update_fields=["mentions", "second_mentions", "language", "standby", "fallback"])
    if change.accounts is not None:
        channel.accounts.set(change.accounts)
    if change.settings:
        services.change_settings(channel, _merged(channel, change.settings), now=now)
    if change.enabled is not None and change.enabled is not channel.enabled:
        services.switch(channel, enabled=change.enabled, now=now)
    return channel


def ladders_naming(channel: Channel) -> list[str]:
    """The installation's own ladders of which a step names this channel."""
    return ladders.naming(f"robot:{channel.name}")


def _merged(channel: Channel, given: Mapping[str, Any]) -> dict[str, Any]:
    """The channel's own settings with some replaced; an empty value takes one back to what it is by default."""
    merged = json.loads(channel.settings) | given
    return {name: value for name, value in merged.items() if name not in given or value != ""}
