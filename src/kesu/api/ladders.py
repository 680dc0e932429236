"""Who is woken, and when: ladders, the rules that choose one, quiet hours, and what would come of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import ladder_verbs
from kesu.alerts.ladders import Book, book
from kesu.alerts.models import Channel, PersonHours
from kesu.alerts.preview import account_of, preview
from kesu.alerts.reach import unreachable
from kesu.api.authentication import actor_of
from kesu.api.fields import Hours, Moment, Number, Person, instant
from kesu.api.problems import Problem
from kesu.api.shapes import Input
from kesu.merchants.models import Account
from kesu.rules.ladder_steps import LadderError
from kesu.rules.ladders import LADDERS, LadderFormatError, dump

router = Router(tags=["who is woken"])

_NAME = r"^[\w.@+-]{1,40}$"
Name = Annotated[str, Path(pattern=_NAME)]
Written = Annotated[str, StringConstraints(pattern=_NAME)]
Duration = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}[mh]$")]
Target = Annotated[str, StringConstraints(max_length=170, pattern=r"^(on_duty|second|(person|rota|robot):[^\x00]+)$")]
AnyMerchant = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,64}$")]
Kind = Annotated[str, StringConstraints(max_length=40, pattern=r"^[A-Za-z_]+$")]


class StepIn(Input):
    """With exactly one of ``after``, ``before``, ``after_claim`` and ``overdue_every``: ``15m``, ``4h``."""

    clock: Literal["reply", "complete"]
    after: Duration | None = None
    before: Duration | None = None
    after_claim: Duration | None = None
    overdue_every: Duration | None = None
    to: Annotated[list[Target], Field(max_length=30)] = ["on_duty"]
    only_unclaimed: bool = False
    mention: bool = True
    urgency: Literal["normal", "urgent", "system"] = "normal"


Steps = Annotated[list[StepIn], Field(max_length=60)]


class StepsIn(Input):
    steps: Steps


class RuleIn(Input):
    """Cases of any of ``mchids`` and any of ``kinds`` (repeat, high_risk, immediate_service, platform_service, or a
    problem type) climb ``ladder``; an empty list is all. The first rule that fits counts."""

    ladder: Written
    mchids: Annotated[list[AnyMerchant], Field(max_length=1000)] = []
    kinds: Annotated[list[Kind], Field(max_length=50)] = []


class LaddersIn(Input):
    """What ``kesu ladders set`` reads. Ladders that are not named stay; ``rules`` replace all rules where given."""

    ladders: Annotated[dict[str, Steps], Field(max_length=100)] = {}
    rules: Annotated[list[RuleIn], Field(max_length=200)] | None = None


class HoursIn(Input):
    quiet_hours: Hours


class PreviewIn(Schema):
    """``mchid``: the merchant complained about, else the first account; ``at``: when it is raised, else now."""

    mchid: AnyMerchant | None = None
    kind: Annotated[list[Kind], Field(max_length=10)] = []
    at: Moment | None = None


class LadderOut(Schema):
    """``steps`` as they are set. ``changed``: a built-in one that is not as it was; removing takes it back."""

    name: str
    built_in: bool
    changed: bool
    in_use: bool
    steps: list[dict[str, Any]]


class RuleOut(Schema):
    ladder: str
    mchids: list[str]
    kinds: list[str]


class LaddersOut(Schema):
    ladders: list[LadderOut]
    rules: list[RuleOut]


class LadderTextOut(Schema):
    ladders: dict[str, list[dict[str, Any]]]
    rules: list[RuleOut]


class ClimbingOut(Schema):
    """``running``: how many running reminders climb what is meant for them now."""

    running: int


class WakeOut(Schema):
    """``delivered_at`` is later than ``at`` where quiet hours hold it; ``called`` is what the channel calls people
    by."""

    at: datetime
    delivered_at: datetime
    clock: str
    kind: str
    urgency: str
    channel: str
    called: list[str]


class PreviewOut(Schema):
    ladder: str
    mchid: str
    raised_at: datetime
    wakes: list[WakeOut]


class ReachOut(Schema):
    """``code``: no_channel (for the account ``name``), nobody, no_such_person, no_wecom_id, no_address, no_such_rota,
    empty_rota, no_such_robot. ``fatal``: a whole clock or account reaches nobody."""

    ladder: str
    clock: str
    step: str
    code: str
    name: str
    fatal: bool
    account: str


class ChannelHoursOut(Schema):
    id: int
    name: str
    quiet_hours: str


class PersonHoursOut(Schema):
    username: str
    quiet_hours: str


class QuietOut(Schema):
    channels: list[ChannelHoursOut]
    people: list[PersonHoursOut]


@router.get("/ladders", response=LaddersOut)
def list_ladders(request: HttpRequest) -> dict[str, Any]:
    """All ladders, built-in ones included, and the rules that choose one for a case; without one the default counts."""
    actor_of(request, Permission.SETTINGS)
    known = book()
    return {"ladders": [_told(name, known) for name in sorted(known.ladders)], "rules": ladder_verbs.written()["rules"]}


@router.get("/ladder-text", response=LadderTextOut)
def read_ladder_text(request: HttpRequest) -> dict[str, Any]:
    """All of one's own, to be changed and set again."""
    actor_of(request, Permission.SETTINGS)
    return ladder_verbs.written()


@router.put("/ladder-text", response=ClimbingOut)
def set_ladder_text(request: HttpRequest, body: LaddersIn) -> dict[str, int]:
    """All of it or nothing; running cases climb it at once."""
    data: dict[str, Any] = {"ladders": {name: _steps(steps) for name, steps in body.ladders.items()}}
    if body.rules is not None:
        data["rules"] = [rule.dict() for rule in body.rules]
    return _set(request, data)


@router.get("/ladders/{name}", response=LadderOut)
def show_ladder(request: HttpRequest, name: Name) -> dict[str, Any]:
    actor_of(request, Permission.SETTINGS)
    known = book()
    if name not in known.ladders:
        raise Problem(404, "not_found", "There is no such ladder.")
    return _told(name, known)


@router.put("/ladders/{name}", response=ClimbingOut)
def set_ladder(request: HttpRequest, name: Name, body: StepsIn) -> dict[str, int]:
    """Add or change one; one of a built-in's name stands in its place."""
    return _set(request, {"ladders": {name: _steps(body.steps)}})


@router.delete("/ladders/{name}", response=ClimbingOut)
def remove_ladder(request: HttpRequest, name: Name) -> dict[str, int]:
    """Not while a rule names it. A built-in one that was changed is as it was again."""
    actor = actor_of(request, Permission.SETTINGS)
    try:
        return {"running": ladder_verbs.remove_ladder(actor, name, now=clock.now())}
    except LadderFormatError as error:
        raise _refused(error) from None


@router.get("/wake-preview", response=PreviewOut)
def preview_wakes(request: HttpRequest, asked: Query[PreviewIn]) -> dict[str, Any]:
    """Who would be woken, when, for a complaint raised now that nobody claims and nobody answers."""
    actor_of(request, Permission.SETTINGS)
    account = account_of(asked.mchid) if asked.mchid else Account.objects.order_by("pk").first()
    if account is None:
        raise Account.DoesNotExist
    at = instant(asked.at) if asked.at else clock.now()
    found = preview(account, mchid=asked.mchid or "", kinds=asked.kind, at=at)
    return {"ladder": found.ladder, "mchid": asked.mchid or account.mchid, "raised_at": at, "wakes": found.wakes}


@router.get("/reach", response=list[ReachOut])
def check_reach(request: HttpRequest) -> Any:
    """What keeps accounts and the ladders of their cases from reaching people; empty when every step reaches whom it
    names."""
    actor_of(request, Permission.SETTINGS)
    return unreachable(now=clock.now())


@router.get("/quiet-hours", response=QuietOut)
def list_quiet_hours(request: HttpRequest) -> dict[str, Any]:
    """When channels and people are not to be disturbed by what is not urgent: ``22:00-08:00`` in Beijing."""
    actor_of(request, Permission.SETTINGS)
    hours = dict(PersonHours.objects.values_list("user__username", "quiet_hours"))
    people = User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)
    channels = Channel.objects.filter(enabled=True).order_by("name")
    return {
        "channels": channels.values("id", "name", "quiet_hours"),
        "people": [{"username": username, "quiet_hours": hours.get(username, "")} for username in people],
    }


@router.put("/quiet-hours/channels/{channel_id}", response=ChannelHoursOut)
def set_channel_hours(request: HttpRequest, channel_id: Number, body: HoursIn) -> Channel:
    actor, row = actor_of(request, Permission.SETTINGS), Channel.objects.get(pk=channel_id)
    _set_hours(actor, row, body.quiet_hours)
    return row


@router.put("/quiet-hours/people/{username}", response=PersonHoursOut)
def set_personal_hours(request: HttpRequest, username: Person, body: HoursIn) -> dict[str, str]:
    actor, user = actor_of(request, Permission.SETTINGS), User.objects.get(username=username)
    _set_hours(actor, user, body.quiet_hours)
    return {"username": user.username, "quiet_hours": body.quiet_hours}


def _set_hours(actor: Actor, whose: Channel | User, hours: str) -> None:
    try:
        ladder_verbs.set_quiet_hours(actor, whose, hours, now=clock.now())
    except ValueError as error:
        raise Problem(409, "quiet_hours", str(error)) from None


def _set(request: HttpRequest, data: dict[str, Any]) -> dict[str, int]:
    actor = actor_of(request, Permission.SETTINGS)
    try:
        return {"running": ladder_verbs.set_ladders(actor, data, now=clock.now())}
    except LadderError as error:
        problems = [f"{problem.clock}: {problem.code}" for problem in error.problems]
        raise Problem(409, "ladder_refused", "; ".join(problems), problems=problems) from None
    except LadderFormatError as error:
        raise _refused(error) from None


def _refused(error: LadderFormatError) -> Problem:
    return Problem(409, "ladder_refused", str(error), problems=list(error.problems))


def _steps(steps: list[StepIn]) -> list[dict[str, Any]]:
    return [step.dict(exclude_none=True) for step in steps]


def _told(name: str, known: Book) -> dict[str, Any]:
    ladder = known.ladders[name]
    return {
        "name": name,
        "built_in": name in LADDERS,
        "changed": name in LADDERS and ladder != LADDERS[name],
        "in_use": any(used.name == name for used in known.in_use()),
        "steps": dump(ladder),
    }
