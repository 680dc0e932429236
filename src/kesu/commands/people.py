"""Who works here, what each may do, which merchants they see. Pages and the REST API call these functions; the command
line, whose user can read every key anyway, calls ``store`` and what lies below.

Each takes who acts and writes the audit with what it does. All raise ``roles.Forbidden``, and PersonError for what
cannot be. By a token of the API nobody gives more than the token has (``tokens.NarrowToken``): who hands out a role,
its limit or its merchants, or lets somebody in again, must hold everything that the role may do.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction

from kesu.accounts import invitations, people, roles, tokens
from kesu.accounts.actor import Actor
from kesu.accounts.models import Invitation, Role, User
from kesu.accounts.roles import PERMISSIONS, Permission
from kesu.alerts.models import PersonAddress
from kesu.alerts.people import quiet_hours
from kesu.alerts.services import set_address, set_personal_quiet_hours
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.people_wording import PersonError
from kesu.merchants import grants

__all__ = [
    "Changes",
    "PersonError",
    "add",
    "as_changes",
    "change",
    "end_session",
    "end_sessions",
    "invite",
    "remove_second_step",
    "reset_second_step",
    "sign_out",
    "store",
    "switch",
    "withdraw_invitation",
]

PASSWORD_BYTES = 12
GIVING = frozenset({"role", "refund_limit", "merchants", "wecom_userid"})
"""What decides what somebody may do or see, or as whom WeCom lets them in."""
PLAIN = frozenset({"refund_limit", "display_name", "wecom_userid"})
"""What is a column of the person and nothing else."""


class Changes(TypedDict, total=False):
    """What is to be changed of a person; what is not there stays. ``refund_limit``: fen, None is the role's own;
    ``merchants``: as ``grants.set_scope`` takes them, None is every merchant."""

    display_name: str
    role: str
    refund_limit: int | None
    merchants: Sequence[str] | None
    wecom_userid: str
    dingtalk_robot: str
    feishu_robot: str
    quiet_hours: str


@transaction.atomic
def invite(
    actor: Actor, role: str, *, all_merchants: bool, display_name: str = "", now: datetime
) -> tuple[Invitation, str]:
    """The invitation and the token of its link, which is shown once and kept nowhere. Raises ValueError for an unknown
    role."""
    roles.require(actor.user, Permission.PEOPLE)
    _gives(actor, role)
    made, token = invitations.invite(actor.user, role, all_merchants=all_merchants, display_name=display_name, now=now)
    record(actor, Action.PERSON_CHANGED, "invitation", {"id": made.pk, "invited_as": made.role}, now=now)
    return made, token


@transaction.atomic
def withdraw_invitation(actor: Actor, invitation: Invitation, *, now: datetime) -> None:
    """Its link opens nothing any more."""
    roles.require(actor.user, Permission.PEOPLE)
    invitations.revoke(actor.user, invitation, now=now)
    record(actor, Action.PERSON_CHANGED, "invitation", {"id": invitation.pk, "withdrawn": True}, now=now)


@transaction.atomic
def add(
    actor: Actor, username: str, role: str, *, all_merchants: bool, display_name: str = "", now: datetime
) -> tuple[User, str]:
    """Somebody new, and the password that was made for them: shown once. Raises PersonError for a taken name."""
    roles.require(actor.user, Permission.PEOPLE)
    _gives(actor, role)
    if User.objects.filter(username__iexact=username).exists():
        raise PersonError("name_taken")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user = User(username=username, display_name=display_name, role=Role(role), all_merchants=all_merchants)
    user.set_password(password)
    user.save()
    record(actor, Action.PERSON_CHANGED, f"user:{username}", {"added": True, "role": str(user.role)}, now=now)
    return user, password


@transaction.atomic
def change(actor: Actor, user: User, wanted: Changes, *, now: datetime) -> None:
    """All of it or nothing. Nobody changes their own role."""
    roles.require(actor.user, Permission.PEOPLE)
    role = wanted.get("role", user.role)
    if user == actor.user and role != user.role:
        raise PersonError("own_role")
    if GIVING & set(wanted):
        _gives(actor, role)
    details = store(user, wanted)
    if details["changed"]:
        record(actor, Action.PERSON_CHANGED, f"user:{user.username}", details, now=now)


@transaction.atomic
def store(user: User, wanted: Changes) -> dict[str, Any]:
    """Change a person without asking who wants it; what was changed, for the audit. Raises PersonError for the last
    owner's role, an unknown merchant and hours that are none, and ValueError for an unknown role."""
    before = as_changes(user)
    changed = {name: value for name, value in wanted.items() if value != before.get(name)}
    details: dict[str, Any] = {"changed": sorted(changed)}
    try:
        if "role" in changed:
            details |= {"role_before": people.change_role(user, wanted["role"]), "role": str(wanted["role"])}
        if "merchants" in changed:
            _see(user, wanted["merchants"])
            details["merchants"] = list(wanted["merchants"] or ["all"])
    except people.LastOwnerError:
        raise PersonError("last_owner") from None
    except grants.UnknownMerchantError as unknown:
        raise PersonError("unknown_merchant", mchid=str(unknown)) from None
    _call(user, changed)
    for name in PLAIN & set(changed):
        setattr(user, name, changed[name])
        user.save(update_fields=[name])
    return details | {name: value for name, value in changed.items() if name == "refund_limit"}


def _call(user: User, changed: Mapping[str, Any]) -> None:
    """By what channels call somebody, and when they do not."""
    if "quiet_hours" in changed:
        try:
            set_personal_quiet_hours(user, changed["quiet_hours"])
        except ValueError:
            raise PersonError("quiet_hours") from None
    for kind in PersonAddress.Kind.values:
        if kind in changed:
            set_address(user, kind, changed[kind])


def _see(user: User, merchants: Sequence[str] | None) -> None:
    if merchants is not None and not merchants:
        raise PersonError("merchants_missing")  # an empty list would be every merchant
    grants.set_scope(user, merchants or [])


def as_changes(user: User) -> Changes:
    """A person as they are, in the words in which they are changed."""
    addresses = dict(PersonAddress.objects.filter(user=user).values_list("kind", "address"))
    return Changes(
        display_name=user.display_name,
        role=user.role,
        refund_limit=user.refund_limit,
        merchants=None if user.all_merchants else grants.scope(user),
        wecom_userid=user.wecom_userid,
        dingtalk_robot=addresses.get("dingtalk_robot", ""),
        feishu_robot=addresses.get("feishu_robot", ""),
        quiet_hours=quiet_hours(user),
    )


@transaction.atomic
def switch(actor: Actor, user: User, *, active: bool, now: datetime) -> None:
    """Let somebody in again, or no more; then their sessions end. Nobody shuts themselves or the last owner out."""
    roles.require(actor.user, Permission.PEOPLE)
    if active:
        _gives(actor, user.role)
    elif user == actor.user:
        raise PersonError("own_switch")
    try:
        people.switch(user, active=active)
    except people.LastOwnerError:
        raise PersonError("last_owner") from None
    if not active:
        sign_out(user)
    record(actor, Action.PERSON_CHANGED, f"user:{user.username}", {"active": active}, now=now)


@transaction.atomic
def end_sessions(actor: Actor, user: User, *, but: str = "", now: datetime) -> int:
    """Sign somebody out everywhere; how many sessions it were. ``but``: the key of one that stays. One's own sessions
    everybody may end."""
    if user != actor.user:
        roles.require(actor.user, Permission.PEOPLE)
    number = sign_out(user, but)
    if number:
        record(actor, Action.PERSON_CHANGED, f"user:{user.username}", {"sessions_ended": number}, now=now)
    return number


@transaction.atomic
def end_session(actor: Actor, session: UserSession, *, now: datetime) -> None:
    """End one session of one's own, or of somebody else's for whoever may."""
    if session.user != actor.user:
        roles.require(actor.user, Permission.PEOPLE)
    session.end()
    record(actor, Action.PERSON_CHANGED, f"user:{session.user.username}", {"sessions_ended": 1}, now=now)


@transaction.atomic
def reset_second_step(actor: Actor, user: User, *, now: datetime) -> None:
    """For a lost phone without recovery codes: app, passkeys and codes go, and every session ends. Not for oneself:
    whoever is signed in changes their own on their page."""
    roles.require(actor.user, Permission.PEOPLE)
    if user == actor.user:
        raise PersonError("own_second_step")
    remove_second_step(user)
    record(actor, Action.PERSON_CHANGED, f"user:{user.username}", {"second_step_reset": True}, now=now)


def remove_second_step(user: User) -> None:
    """Without asking who wants it, as ``store``."""
    Authenticator.objects.filter(user=user).delete()
    sign_out(user)


def sign_out(user: User, but: str = "") -> int:
    """End the sessions of a person without asking who wants it; how many."""
    rows = list(UserSession.objects.filter(user=user).exclude(session_key=but))
    for row in rows:
        row.end()
    return len(rows)


def _gives(actor: Actor, role: str) -> None:
    """Raises NarrowToken when the actor's token may not do all that the role may."""
    if actor.key is not None and not PERMISSIONS[Role(role)] <= tokens.reach(actor.key):
        raise tokens.NarrowToken(str(PersonError("narrow_token")))
