"""Whose token this is, what it may do, and where its person is signed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.http import HttpRequest
from ninja import Router, Schema

from kesu import clock
from kesu.accounts import roles, tokens
from kesu.accounts.models import ApiToken
from kesu.api import people as shapes
from kesu.api.authentication import actor_of, own
from kesu.api.fields import Number
from kesu.api.shapes import PersonOut
from kesu.commands import people
from kesu.merchants import grants

router = Router(tags=["me"])


class MeOut(Schema):
    """``may``: what role and scopes both allow. ``merchants`` null is every one; ``refunds_alone``: fen, null is no
    limit."""

    person: PersonOut
    token: shapes.TokenOut
    may: list[str]
    refunds_alone: int | None
    merchants: list[str] | None


class SessionOut(Schema):
    """``browser`` is what it called itself."""

    id: int
    address: str
    browser: str
    signed_in_at: datetime
    last_seen_at: datetime


@router.get("/me", response=MeOut)
def me(request: HttpRequest) -> dict[str, Any]:
    actor = actor_of(request)
    key: ApiToken = request.auth  # type: ignore[attr-defined]
    return {
        "person": shapes.told(actor.user),
        "token": shapes.token(key),
        "may": sorted(tokens.reach(key)),
        "refunds_alone": roles.refund_limit(actor.user),
        "merchants": None if roles.sees_all_merchants(actor.user) else grants.scope(actor.user),
    }


@router.get("/me/sessions", response=list[SessionOut])
def my_sessions(request: HttpRequest) -> list[dict[str, Any]]:
    """Where you are signed in on pages, the latest first."""
    rows = UserSession.objects.purge_and_list(actor_of(request).user)
    return [
        {
            "id": row.pk,
            "address": row.ip,
            "browser": row.user_agent,
            "signed_in_at": row.created_at,
            "last_seen_at": row.last_seen_at,
        }
        for row in sorted(rows, key=lambda row: row.created_at, reverse=True)
    ]


@router.post("/me/sessions/end-all", response=shapes.EndedOut)
def end_my_sessions(request: HttpRequest) -> dict[str, int]:
    """Sign yourself out of every page. Needs the scope ``admin``, whatever your role."""
    actor = own(request, tokens.Scope.ADMIN)
    return {"ended": people.end_sessions(actor, actor.user, now=clock.now())}


@router.delete("/me/sessions/{session_id}", response={204: None})
def end_my_session(request: HttpRequest, session_id: Number) -> tuple[int, None]:
    """Needs the scope ``admin``, whatever your role."""
    actor = own(request, tokens.Scope.ADMIN)
    people.end_session(actor, UserSession.objects.get(pk=session_id, user=actor.user), now=clock.now())
    return 204, None
