"""What people do with ladders and quiet hours: each verb asks for the permission and is written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, require
from kesu.alerts import services
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel
from kesu.alerts.models import Ladder as LadderRow
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.rules.ladders import DEFAULT_LADDER, dump


@transaction.atomic
def set_ladders(actor: Actor, data: Mapping[str, Any], *, now: datetime) -> int:
    """How many clocks climb what was set: ``services.set_ladders``. Raises its errors, and Forbidden."""
    require(actor.user, Permission.SETTINGS)
    number = services.set_ladders(data, now=now)
    details = {"set": sorted(data.get("ladders", {})), "rules": "rules" in data}
    record(actor, Action.SETTING_CHANGED, "ladders", details, now=now)
    return number


@transaction.atomic
def remove_ladder(actor: Actor, name: str, *, now: datetime) -> int:
    """Raises LadderFormatError for one that is built in and unchanged, unknown, or named by a rule; Forbidden."""
    require(actor.user, Permission.SETTINGS)
    number = services.remove_ladder(name)
    record(actor, Action.SETTING_CHANGED, "ladders", {"removed": name}, now=now)
    return number


@transaction.atomic
def set_quiet_hours(actor: Actor, whose: Channel | User, hours: str, *, now: datetime) -> None:
    """``22:00-08:00`` in Beijing, or "" for none. Raises ValueError for other writings, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    if isinstance(whose, User):
        services.set_personal_quiet_hours(whose, hours)
        subject = f"user:{whose.username}"
    else:
        services.set_quiet_hours(whose, hours, now=now)
        subject = f"channel:{whose.name}"
    record(actor, Action.SETTING_CHANGED, subject, {"quiet_hours": hours}, now=now)


def written() -> dict[str, Any]:
    """The installation's own ladders and its rules, as ``set_ladders`` takes them; the default ladder where there are
    none."""
    known = book()
    names = list(LadderRow.objects.order_by("name").values_list("name", flat=True)) or [DEFAULT_LADDER]
    rules = [
        {"ladder": rule.ladder, "mchids": sorted(rule.mchids), "kinds": sorted(rule.kinds)} for rule in known.rules
    ]
    return {"ladders": {name: dump(known.named(name)) for name in names}, "rules": rules}
