"""Who calls: a bearer token and its person. A token's scopes narrow what the person's role allows."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from kesu import clock
from kesu.accounts import tokens
from kesu.accounts.actor import Actor, Via, address_of
from kesu.accounts.models import ApiToken
from kesu.accounts.roles import Permission, require
from kesu.api.problems import Problem


class Token(HttpBearer):
    """``Authorization: Bearer kesu_...``; made by ``kesu tokens create`` or on the settings page."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        return tokens.resolve(token, now=clock.now())


def may_act(request: HttpRequest, permission: Permission) -> bool:
    """Whether the caller's role and token both allow it."""
    return tokens.allows(request.auth, permission)  # type: ignore[attr-defined]


def actor_of(request: HttpRequest, permission: Permission = Permission.VIEW) -> Actor:
    """The caller. Raises Forbidden when the person may not, and Problem 403 when only the token may not."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    require(token.user, permission)
    if not tokens.allows(token, permission):
        scope = next(scope for scope, allowed in tokens.PERMISSIONS.items() if permission in allowed)
        raise _lacks(scope)
    return _actor(request, token)


def own(request: HttpRequest, scope: tokens.Scope) -> Actor:
    """The caller, for what everybody may do about themselves if the token's scopes have ``scope``. Raises Problem
    403."""
    token: ApiToken = request.auth  # type: ignore[attr-defined]
    if scope not in token.scopes:
        raise _lacks(scope)
    return _actor(request, token)


def _actor(request: HttpRequest, token: ApiToken) -> Actor:
    return Actor(token.user, Via.API, address_of(request), token.name, key=token)


def _lacks(scope: tokens.Scope) -> Problem:
    return Problem(403, "scope_missing", f"This token lacks the scope {str(scope)!r}.")
