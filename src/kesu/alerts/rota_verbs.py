"""What people do with rotas: each verb asks for the permission and is written down. The changes are ``rotas``'."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from django.db import IntegrityError, transaction

from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, require
from kesu.alerts import rotas
from kesu.alerts.models import Rota, RotaOverride
from kesu.alerts.rotas import RotaError
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.clock import BEIJING


@transaction.atomic
def create(actor: Actor, name: str, members: Sequence[User], weekday: int, hour: int, *, now: datetime) -> Rota:
    """Raises RotaError (``taken``), ValueError for a weekday or hour that does not exist, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    try:
        with transaction.atomic():
            row = rotas.create(name, members, weekday, hour, now=now)
    except IntegrityError:
        raise RotaError("taken") from None
    _note(actor, name, {"joined": [user.username for user in members]}, now)
    return row


@transaction.atomic
def join(actor: Actor, row: Rota, user: User, *, now: datetime) -> None:
    """At the end of the circle; nobody's present turn ends. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotas.add_members(row, [user], now=now)
    _note(actor, row.name, {"joined": [user.username]}, now)


@transaction.atomic
def leave(actor: Actor, row: Rota, user: User, *, now: datetime) -> None:
    """If it is their turn, the next one takes over at once. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotas.remove_member(row, user, now=now)
    _note(actor, row.name, {"left": user.username}, now)


@transaction.atomic
def hand_over(actor: Actor, row: Rota, weekday: int | None, hour: int | None, *, now: datetime) -> None:
    """Let turns start otherwise; None leaves it. Raises ValueError for what does not exist, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotas.set_handover(row, weekday, hour, now=now)
    _note(actor, row.name, {"weekday": weekday, "hour": hour}, now)


@transaction.atomic
def override(
    actor: Actor, row: Rota, user: User, starts_at: datetime, ends_at: datetime, *, now: datetime
) -> RotaOverride:
    """Raises RotaError (``backwards``), Forbidden."""
    require(actor.user, Permission.SETTINGS)
    found = rotas.override(row, user, starts_at, ends_at)
    span = {"start": starts_at.isoformat(), "until": ends_at.isoformat()}
    _note(actor, row.name, {"on_call": user.username, **span}, now)
    return found


@transaction.atomic
def withdraw(actor: Actor, row: Rota, number: int, *, now: datetime) -> RotaOverride:
    """Raises RotaError (``no_override``), Forbidden."""
    require(actor.user, Permission.SETTINGS)
    taken = rotas.withdraw(row, number)
    span = {"start": taken.starts_at.isoformat(), "until": taken.ends_at.isoformat()}
    _note(actor, row.name, {"withdrawn": taken.user.username, **span}, now)
    return taken


@transaction.atomic
def swap(actor: Actor, row: Rota, one: date, other: date, *, now: datetime) -> tuple[RotaOverride, RotaOverride]:
    """Of the turns that hold noon of these days in Beijing. Raises RotaError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    found = rotas.swap(row, *(datetime.combine(day, time(12), BEIJING) for day in (one, other)))
    _note(actor, row.name, {"swapped": [str(one), str(other)]}, now)
    return found


@transaction.atomic
def remove(actor: Actor, row: Rota, *, now: datetime) -> None:
    """With its overrides. Raises RotaError (``named``), Forbidden."""
    require(actor.user, Permission.SETTINGS)
    name = row.name
    rotas.remove(row)
    _note(actor, name, {"removed": True}, now)


def _note(actor: Actor, name: str, details: dict[str, Any], now: datetime) -> None:
    record(actor, Action.SETTING_CHANGED, f"rota:{name}", details, now=now)
