"""What people do with channels: each verb asks for the permission and is written down. No entry holds a secret."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.alerts import changes, services
from kesu.alerts.changes import ChannelChange
from kesu.alerts.dispatch import Transports
from kesu.alerts.models import Attempt, Channel
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.merchants.models import Account


@dataclass(frozen=True, slots=True)
class NewChannel:
    """``settings`` are the kind's own; ``accounts`` empty means every account. ``quiet_hours``: 22:00-08:00, or ""."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(repr=False)
    mentions: Sequence[str] = ()
    second_mentions: Sequence[str] = ()
    accounts: Sequence[Account] = ()
    language: str = "zh-hans"
    fallback: Channel | None = None
    standby: bool = False
    quiet_hours: str = ""


@transaction.atomic
def add(actor: Actor, wanted: NewChannel, *, now: datetime) -> tuple[Channel, str]:
    """The channel, and the secret that was made for a webhook that was given none; it is shown only now. Raises
    SettingsError, ValueError for hours that are none, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    own, made = {name: value for name, value in wanted.settings.items() if value != ""}, ""
    if wanted.kind == Channel.Kind.WEBHOOK and not own.get("secret"):
        own["secret"] = made = new_signing_secret()
    row = services.add_channel(
        wanted.name,
        wanted.kind,
        own,
        accounts=wanted.accounts,
        mentions=wanted.mentions,
        second_mentions=wanted.second_mentions,
        language=wanted.language,
        fallback=wanted.fallback,
        standby=wanted.standby,
        now=now,
    )
    if wanted.quiet_hours:
        services.set_quiet_hours(row, wanted.quiet_hours, now=now)
    _note(actor, row, {"added": wanted.kind}, now)
    return row, made


@transaction.atomic
def change(
    actor: Actor, row: Channel, wanted: ChannelChange, *, quiet_hours: str | None = None, now: datetime
) -> Channel:
    """What is None stays. The entry names what was changed. Raises SettingsError, ValueError for hours that are none,
    Forbidden."""
    require(actor.user, Permission.SETTINGS)
    before = _state(row)
    changed = changes.change_channel(row, wanted, now=now)
    if quiet_hours is not None and quiet_hours != changed.quiet_hours:
        services.set_quiet_hours(changed, quiet_hours, now=now)
    after = _state(changed)
    names = [name for name in after if after[name] != before[name]]
    _note(actor, changed, {"changed": [*names, *sorted(wanted.settings or ())]}, now)
    return changed


@transaction.atomic
def switch(actor: Actor, row: Channel, *, enabled: bool, now: datetime) -> list[str]:
    """What a channel still owed when switched off is told nowhere. The ladders that name one that is off now: their
    steps go to every channel. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    changes.change_channel(row, ChannelChange(enabled=enabled), now=now)
    _note(actor, row, {"enabled": enabled}, now)
    return [] if enabled else changes.ladders_naming(row)


def send_test(actor: Actor, row: Channel, *, now: datetime, transports: Transports | None = None) -> Attempt:
    """One real push and what came of it; not from an event loop's thread. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    attempt = services.test_channel(row, now=now, transports=transports)
    _note(actor, row, {"test_push": attempt.outcome}, now)
    return attempt


def mark_seen(actor: Actor, row: Channel, *, seen: bool, now: datetime) -> None:
    """Whether somebody saw the test push: that is what the proof is. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    _note(actor, row, {"test_push_seen": seen}, now)


def new_signing_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _state(row: Channel) -> dict[str, Any]:
    fresh = Channel.objects.defer("settings").get(pk=row.pk)
    same = ("mentions", "second_mentions", "language", "standby", "enabled", "quiet_hours")
    accounts = sorted(fresh.accounts.values_list("pk", flat=True))
    return {name: getattr(fresh, name) for name in same} | {"fallback": fresh.fallback_id, "accounts": accounts}


def _note(actor: Actor, row: Channel, details: dict[str, Any], now: datetime) -> None:
    record(actor, Action.SETTING_CHANGED, f"channel:{row.name}", details, now=now)
