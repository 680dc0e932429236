"""Rotas: who is on call in weekly turns, and what was agreed besides them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import rota_verbs
from kesu.alerts.ladders import naming
from kesu.alerts.models import Rota, RotaOverride
from kesu.alerts.people import on_call, rota_of
from kesu.alerts.rotas import RotaError
from kesu.api.authentication import actor_of
from kesu.api.fields import Day, Moment, Number, Person, Username, day, instant
from kesu.api.problems import Problem
from kesu.api.shapes import Input, Whole
from kesu.clock import BEIJING
from kesu.rules.rota import duties

router = Router(tags=["rotas"])

REFUSED = {
    "no_members": "Nobody takes turns yet: add people first.",
    "same_turn": "Both days are in the same turn.",
    "same_person": "The same person is on call in both turns.",
    "backwards": "It must end after it begins.",
    "no_override": "The rota has no such override.",
    "taken": "Another rota has this name.",
    "named": "A ladder names it: set that without it first.",
}
Weekday = Annotated[int, Field(ge=1, le=7), Whole]
Hour = Annotated[int, Field(ge=0, le=23), Whole]
Weeks = Annotated[int, Query(ge=1, le=52)]
Name = Annotated[str, StringConstraints(pattern=r"^[\w.@+-]{1,40}$")]


class HandoverIn(Input):
    """When turns begin: 1 is Monday, the hour is Beijing's; what is left out stays."""

    weekday: Weekday | None = None
    hour: Hour | None = None


class RotaIn(Input):
    """``members`` in the order of their turns; the first one's runs already."""

    name: Name
    members: Annotated[list[Username], Field(min_length=1, max_length=50)]
    weekday: Weekday = 1
    hour: Hour = 9


class MemberIn(Input):
    username: Username


class OverrideIn(Input):
    """On call from ``starts_at`` until just before ``ends_at``, whoever's turn it is."""

    username: Username
    starts_at: Moment
    ends_at: Moment


class SwapIn(Input):
    """A day in each of the two turns; days are Beijing's."""

    one: Day
    other: Day


class OverrideOut(Schema):
    id: int
    username: str
    starts_at: datetime
    ends_at: datetime


class DutyOut(Schema):
    person: str
    starts_at: datetime
    ends_at: datetime
    overridden: bool


class RotaOut(Schema):
    """``ladders``: those that call it. A step of a ladder names it ``rota:NAME``."""

    id: int
    name: str
    on_call: str | None
    members: list[str]
    weekday: int
    hour: int
    ladders: list[str]


class RotaWithTurnsOut(RotaOut):
    """``overrides`` that are not over yet; a swap made two of them."""

    duties: list[DutyOut]
    overrides: list[OverrideOut]


@router.get("/rotas", response=list[RotaOut])
def list_rotas(request: HttpRequest) -> list[dict[str, Any]]:
    actor_of(request, Permission.SETTINGS)
    return [_told(row) for row in Rota.objects.order_by("name")]


@router.post("/rotas", response={201: RotaWithTurnsOut})
def add_rota(request: HttpRequest, body: RotaIn) -> tuple[int, dict[str, Any]]:
    actor = actor_of(request, Permission.SETTINGS)
    members = [_person(username) for username in dict.fromkeys(body.members)]
    try:
        row = rota_verbs.create(actor, body.name, members, body.weekday, body.hour, now=clock.now())
    except RotaError as error:
        raise _refused(error) from None
    return 201, _whole(row)


@router.get("/rotas/{rota_id}", response=RotaWithTurnsOut)
def show_rota(request: HttpRequest, rota_id: Number, weeks: Weeks = 8) -> dict[str, Any]:
    """Who is on call in the weeks from now on."""
    actor_of(request, Permission.SETTINGS)
    return _whole(Rota.objects.get(pk=rota_id), weeks)


@router.patch("/rotas/{rota_id}", response=RotaWithTurnsOut)
def change_rota(request: HttpRequest, rota_id: Number, body: HandoverIn) -> dict[str, Any]:
    """Whose turn it is stays so until the new beginning comes."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    rota_verbs.hand_over(actor, row, body.weekday, body.hour, now=clock.now())
    return _whole(row)


@router.delete("/rotas/{rota_id}", response={204: None})
def remove_rota(request: HttpRequest, rota_id: Number) -> tuple[int, None]:
    """Not while a ladder names it."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    try:
        rota_verbs.remove(actor, row, now=clock.now())
    except RotaError as error:
        raise _refused(error, ladders=naming(f"rota:{row.name}")) from None
    return 204, None


@router.post("/rotas/{rota_id}/members", response=RotaWithTurnsOut)
def join_rota(request: HttpRequest, rota_id: Number, body: MemberIn) -> dict[str, Any]:
    """At the end of the circle; nobody's present turn ends."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    rota_verbs.join(actor, row, _person(body.username), now=clock.now())
    return _whole(row)


@router.delete("/rotas/{rota_id}/members/{username}", response=RotaWithTurnsOut)
def leave_rota(request: HttpRequest, rota_id: Number, username: Person) -> dict[str, Any]:
    """If it is their turn, the next one takes over at once."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    rota_verbs.leave(actor, row, User.objects.get(username=username), now=clock.now())
    return _whole(row)


@router.post("/rotas/{rota_id}/overrides", response={201: RotaWithTurnsOut})
def add_override(request: HttpRequest, rota_id: Number, body: OverrideIn) -> tuple[int, dict[str, Any]]:
    """Of overlapping ones the later counts."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    span = instant(body.starts_at), instant(body.ends_at)
    try:
        rota_verbs.override(actor, row, _person(body.username), *span, now=clock.now())
    except RotaError as error:
        raise _refused(error) from None
    return 201, _whole(row)


@router.delete("/rotas/{rota_id}/overrides/{override_id}", response=RotaWithTurnsOut)
def withdraw_override(request: HttpRequest, rota_id: Number, override_id: Number) -> dict[str, Any]:
    """Its time belongs again to whoever it belonged to without it; one that is under way ends at once."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    try:
        rota_verbs.withdraw(actor, row, override_id, now=clock.now())
    except RotaError:
        raise RotaOverride.DoesNotExist from None
    return _whole(row)


@router.post("/rotas/{rota_id}/swaps", response={201: RotaWithTurnsOut})
def swap_turns(request: HttpRequest, rota_id: Number, body: SwapIn) -> tuple[int, dict[str, Any]]:
    """Two people take each other's turn; only these two turns change."""
    actor, row = actor_of(request, Permission.SETTINGS), Rota.objects.get(pk=rota_id)
    try:
        rota_verbs.swap(actor, row, day(body.one), day(body.other), now=clock.now())
    except RotaError as error:
        raise _refused(error) from None
    return 201, _whole(row)


def _person(username: str) -> User:
    return User.objects.get(username=username, is_active=True)


def _refused(error: RotaError, **more: Any) -> Problem:
    return Problem(409, error.code, REFUSED[error.code], **more)


def _told(row: Rota) -> dict[str, Any]:
    local, person = row.anchor.astimezone(BEIJING), on_call(row.name, now=clock.now())
    return {
        "id": row.pk,
        "name": row.name,
        "on_call": person.username if person else None,
        "members": list(row.members.order_by("position").values_list("user__username", flat=True)),
        "weekday": local.isoweekday(),
        "hour": local.hour,
        "ladders": naming(f"rota:{row.name}"),
    }


def _whole(row: Rota, weeks: int = 8) -> dict[str, Any]:
    row, now = Rota.objects.get(pk=row.pk), clock.now()
    coming = row.overrides.filter(ends_at__gt=now).select_related("user").order_by("starts_at", "pk")
    return _told(row) | {
        "duties": duties(rota_of(row), now, now + timedelta(weeks=weeks)),
        "overrides": [
            {"id": one.pk, "username": one.user.username, "starts_at": one.starts_at, "ends_at": one.ends_at}
            for one in coming
        ],
    }
