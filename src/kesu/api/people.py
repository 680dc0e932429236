"""People: who works here, what each may do, how they come in. By the same functions as the settings' pages.

A token gives no more than it may do itself (403): a role, a limit, merchants, a token, or a way back in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Schema
from pydantic import Field, StringConstraints

from kesu import clock
from kesu.accounts import invitations, roles
from kesu.accounts.models import ApiToken, Invitation, User
from kesu.accounts.roles import Permission
from kesu.api.authentication import actor_of
from kesu.api.fields import Number, Title
from kesu.api.shapes import Input, PersonOut, Whole
from kesu.commands import keys, people

router = Router(tags=["people"])

RoleName = Literal["owner", "manager", "agent", "viewer", "auditor"]
Username = Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9_.@+-]+$")]
DisplayName = Annotated[str, StringConstraints(max_length=60, pattern=r"^[^\x00]*$")]
Called = Annotated[str, StringConstraints(max_length=64, pattern=r"^([!-~]([ -~]*[!-~])?)?$")]
Merchant = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[0-9]{1,32}(,[0-9A-Za-z]{1,32})*$")]
Hours = Annotated[str, StringConstraints(pattern=r"^([0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2})?$")]
Limit = Annotated[int, Field(ge=0, le=10**12), Whole]


class InvitationIn(Input):
    role: RoleName = "agent"
    display_name: DisplayName = ""
    all_merchants: bool = True


class PersonIn(InvitationIn):
    username: Username


class PersonChangeIn(Input):
    """What is not there stays. ``refund_limit``: fen, null is the role's own. ``merchants``: numbers, each with
    sub-merchants behind commas if it is only about them; null is every merchant."""

    display_name: DisplayName = ""
    role: RoleName = "agent"
    refund_limit: Limit | None = None
    merchants: Annotated[list[Merchant], Field(min_length=1, max_length=500)] | None = None
    wecom_userid: Called = ""
    dingtalk_robot: Called = ""
    feishu_robot: Called = ""
    quiet_hours: Hours = ""


class PersonSwitchIn(Input):
    active: bool


class TokenIn(Input):
    """``days`` null never ends; left out, it is 365, or as long as the token that is used."""

    name: Title
    scopes: Annotated[list[Literal["read", "act", "admin"]], Field(min_length=1, max_length=3)]
    days: Annotated[int, Field(ge=1, le=3650), Whole] | None = 365


class PersonWholeOut(PersonOut):
    """``refunds_alone``: the greatest refund alone, by the role or ``refund_limit``; fen, null is no limit.
    ``merchants`` null is every one."""

    refund_limit: int | None
    refunds_alone: int | None
    merchants: list[str] | None
    wecom_userid: str
    dingtalk_robot: str
    feishu_robot: str
    quiet_hours: str
    second_step: bool
    sessions: int
    last_login: datetime | None


class PersonAddedOut(Schema):
    """``password`` is shown only now."""

    person: PersonOut
    password: str


class InvitationOut(Schema):
    id: int
    role: str
    display_name: str
    all_merchants: bool
    created_at: datetime
    expires_at: datetime


class InvitationMadeOut(InvitationOut):
    """``link`` is shown only now: whoever has it can join, once."""

    link: str


class TokenOut(Schema):
    id: int
    username: str
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenMadeOut(TokenOut):
    """``token`` is shown only now."""

    token: str


class EndedOut(Schema):
    ended: int


@router.get("/people", response=list[PersonOut])
def list_people(request: HttpRequest) -> list[dict[str, Any]]:
    """Who works here. Also whom a case can be given to."""
    actor_of(request, Permission.ASSIGN)
    return [told(user) for user in User.objects.order_by("username")]


@router.post("/people", response={201: PersonAddedOut})
def add_person(request: HttpRequest, body: PersonIn) -> tuple[int, dict[str, Any]]:
    """Somebody new with a password that is made here. An invitation lets them choose their own."""
    actor = actor_of(request, Permission.PEOPLE)
    user, password = people.add(
        actor,
        body.username,
        body.role,
        all_merchants=body.all_merchants,
        display_name=body.display_name,
        now=clock.now(),
    )
    return 201, {"person": told(user), "password": password}


@router.get("/people/{person_id}", response=PersonWholeOut)
def show_person(request: HttpRequest, person_id: Number) -> dict[str, Any]:
    actor_of(request, Permission.PEOPLE)
    return _whole(User.objects.get(pk=person_id))


@router.patch("/people/{person_id}", response=PersonWholeOut)
def change_person(request: HttpRequest, person_id: Number, body: PersonChangeIn) -> dict[str, Any]:
    """Role, refund limit, merchants, names, what channels call somebody by, quiet hours: all that is given, or
    nothing. It counts from their next request on."""
    actor = actor_of(request, Permission.PEOPLE)
    wanted = cast(people.Changes, body.model_dump(include=body.model_fields_set))
    people.change(actor, User.objects.get(pk=person_id), wanted, now=clock.now())
    return _whole(User.objects.get(pk=person_id))


@router.post("/people/{person_id}/switch", response=PersonOut)
def switch_person(request: HttpRequest, person_id: Number, body: PersonSwitchIn) -> dict[str, Any]:
    """Off: pages and tokens refuse them from the next request on, and their sessions end. What they did stays."""
    actor = actor_of(request, Permission.PEOPLE)
    user = User.objects.get(pk=person_id)
    people.switch(actor, user, active=body.active, now=clock.now())
    return told(user)


@router.post("/people/{person_id}/end-sessions", response=EndedOut)
def end_sessions(request: HttpRequest, person_id: Number) -> dict[str, int]:
    """Sign somebody out everywhere. Tokens go on: revoke them."""
    actor = actor_of(request, Permission.PEOPLE)
    return {"ended": people.end_sessions(actor, User.objects.get(pk=person_id), now=clock.now())}


@router.post("/people/{person_id}/reset-second-step", response=PersonWholeOut)
def reset_second_step(request: HttpRequest, person_id: Number) -> dict[str, Any]:
    """For a lost phone: authenticator app, passkeys and recovery codes go, and every session ends."""
    actor = actor_of(request, Permission.PEOPLE)
    user = User.objects.get(pk=person_id)
    people.reset_second_step(actor, user, now=clock.now())
    return _whole(user)


@router.get("/people/{person_id}/tokens", response=list[TokenOut])
def list_tokens(request: HttpRequest, person_id: Number) -> list[dict[str, Any]]:
    """The newest first, at most 200; without their secrets, which are kept nowhere."""
    actor_of(request, Permission.PEOPLE)
    rows = User.objects.get(pk=person_id).api_tokens.select_related("user").order_by("-pk")
    return [token(row) for row in rows[:200]]


@router.post("/people/{person_id}/tokens", response={201: TokenMadeOut})
def create_token(request: HttpRequest, person_id: Number, body: TokenIn) -> tuple[int, dict[str, Any]]:
    """A token of this person's. It has no scope that the token which is used lacks, and ends no later."""
    actor, now = actor_of(request, Permission.PEOPLE), clock.now()
    ends = now + timedelta(days=body.days) if body.days else None
    if "days" not in body.model_fields_set and actor.key and actor.key.expires_at and ends:
        ends = min(ends, actor.key.expires_at)
    user = User.objects.get(pk=person_id)
    made, secret = keys.create(actor, user, body.name, body.scopes, expires_at=ends, now=now)
    return 201, token(made) | {"token": secret}


@router.delete("/tokens/{token_id}", response={204: None})
def revoke_token(request: HttpRequest, token_id: Number) -> tuple[int, None]:
    """Refused from the next call on, for ever."""
    actor = actor_of(request, Permission.PEOPLE)
    keys.revoke(actor, ApiToken.objects.select_related("user").get(pk=token_id), now=clock.now())
    return 204, None


@router.get("/invitations", response=list[InvitationOut])
def list_invitations(request: HttpRequest) -> list[Invitation]:
    """Those that can still be used, the newest first."""
    actor_of(request, Permission.PEOPLE)
    return invitations.waiting(now=clock.now())


@router.post("/invitations", response={201: InvitationMadeOut})
def invite(request: HttpRequest, body: InvitationIn) -> tuple[int, dict[str, Any]]:
    """A link by which one new person joins, choosing name and password; good once, for 72 hours."""
    actor = actor_of(request, Permission.PEOPLE)
    made, secret = people.invite(
        actor, body.role, all_merchants=body.all_merchants, display_name=body.display_name, now=clock.now()
    )
    here = settings.KESU_PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    names = ("id", "role", "display_name", "all_merchants", "created_at", "expires_at")
    return 201, {name: getattr(made, name) for name in names} | {"link": here + reverse("join", args=[secret])}


@router.delete("/invitations/{invitation_id}", response={204: None})
def withdraw_invitation(request: HttpRequest, invitation_id: Number) -> tuple[int, None]:
    """Its link opens nothing any more."""
    actor = actor_of(request, Permission.PEOPLE)
    people.withdraw_invitation(actor, Invitation.objects.get(pk=invitation_id), now=clock.now())
    return 204, None


def told(user: User) -> dict[str, Any]:
    return {
        "id": user.pk,
        "username": user.username,
        "display_name": str(user),
        "role": user.role,
        "active": user.is_active,
    }


def token(row: ApiToken) -> dict[str, Any]:
    names = ("id", "name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    return {name: getattr(row, name) for name in names} | {"username": row.user.username}


def _whole(user: User) -> dict[str, Any]:
    second = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return {
        **people.as_changes(user),
        **told(user),
        "refunds_alone": roles.refund_limit(user),
        "second_step": second.exists(),
        "sessions": UserSession.objects.filter(user=user).count(),
        "last_login": user.last_login,
    }
