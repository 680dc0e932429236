"""Rotas: set up, changed, overridden, swapped. The arithmetic is ``rules.rota``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from django.db import transaction

from kesu.accounts.models import User
from kesu.alerts import ladders
from kesu.alerts.models import Rota, RotaMember, RotaOverride
from kesu.alerts.people import rota_of
from kesu.clock import BEIJING
from kesu.rules import rota as rules
from kesu.rules.rota import RotaError

__all__ = [
    "RotaError",
    "add_members",
    "create",
    "override",
    "remove",
    "remove_member",
    "set_handover",
    "swap",
    "withdraw",
]

log = structlog.get_logger(__name__)


@transaction.atomic
def create(name: str, members: Sequence[User], weekday: int, hour: int, *, now: datetime) -> Rota:
    """A rota whose turns start on ``weekday`` (1 Monday to 7 Sunday) at ``hour`` in Beijing; the first member's turn
    runs already. Raises ValueError for a weekday or an hour that does not exist."""
    row = Rota.objects.create(name=name, anchor=rules.anchor(weekday, hour, now))
    add_members(row, members, now=now)
    log.info("rota.created", rota=row.pk)
    return row


@transaction.atomic
def add_members(row: Rota, members: Sequence[User], *, now: datetime) -> None:
    """Let people join at the end of the circle, one after the other. Nobody's present turn ends."""
    row = Rota.objects.select_for_update().get(pk=row.pk)
    for user in members:
        if not row.members.filter(user=user).exists():
            _store(row, rules.joined(rota_of(row), user.username, now))


@transaction.atomic
def set_handover(row: Rota, weekday: int | None, hour: int | None, *, now: datetime) -> None:
    """Let turns start on another weekday or hour; None leaves it. Whose turn it is stays so until that comes.

    Raises ValueError for a weekday or an hour that does not exist.
    """
    row = Rota.objects.select_for_update().get(pk=row.pk)
    local = row.anchor.astimezone(BEIJING)
    weekday, hour = weekday or local.isoweekday(), local.hour if hour is None else hour
    _store(row, rules.moved(rota_of(row), weekday, hour, now))
    log.info("rota.moved", rota=row.pk)


@transaction.atomic
def remove(row: Rota) -> None:
    """Delete a rota with its overrides. Raises RotaError (``named``) while a step of a ladder calls it."""
    if ladders.naming(f"rota:{row.name}"):
        raise RotaError("named")
    log.info("rota.removed", rota=row.pk)
    row.delete()


@transaction.atomic
def remove_member(row: Rota, user: User, *, now: datetime) -> None:
    """Let somebody leave; if it is their turn, the next one takes over at once."""
    row = Rota.objects.select_for_update().get(pk=row.pk)
    _store(row, rules.without(rota_of(row), user.username, now))


@transaction.atomic
def override(row: Rota, user: User, starts_at: datetime, ends_at: datetime) -> RotaOverride:
    """Put somebody on call for a while, whoever's turn it is. Raises RotaError when it ends before it starts."""
    rules.Override(user.username, starts_at, ends_at)
    found = RotaOverride.objects.create(rota=row, user=user, starts_at=starts_at, ends_at=ends_at)
    log.info("rota.overridden", rota=row.pk, user=user.pk)
    return found


@transaction.atomic
def withdraw(row: Rota, number: int) -> RotaOverride:
    """Take one override back: its time belongs again to whoever it belonged to without it. A swap made two of them.

    ``number`` is its primary key. Returns what it was. Raises RotaError (``no_override``) when the rota has none such.
    """
    found = row.overrides.select_for_update(of=("self",)).select_related("user").filter(pk=number).first()
    if found is None:
        raise RotaError("no_override")
    row.overrides.filter(pk=number).delete()
    log.info("rota.withdrawn", rota=row.pk, user=found.user_id)
    return found


@transaction.atomic
def swap(row: Rota, one: datetime, other: datetime) -> tuple[RotaOverride, RotaOverride]:
    """Let the people of two turns take each other's: those that hold the two instants. Raises RotaError."""
    row = Rota.objects.select_for_update().get(pk=row.pk)
    first, second = rules.swapped(rota_of(row), one, other)
    return _stored(row, first), _stored(row, second)


def _stored(row: Rota, found: rules.Override) -> RotaOverride:
    return override(row, User.objects.get(username=found.person), found.starts_at, found.ends_at)


def _store(row: Rota, changed: rules.Rota) -> None:
    users = {user.username: user for user in User.objects.filter(username__in=changed.members)}
    row.anchor = changed.anchor
    row.save(update_fields=["anchor"])
    row.members.all().delete()
    RotaMember.objects.bulk_create(
        RotaMember(rota=row, user=users[name], position=place) for place, name in enumerate(changed.members)
    )
