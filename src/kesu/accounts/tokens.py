"""Tokens for the API: made once, shown once, kept as a keyed hash."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.exceptions import PermissionDenied

from kesu.accounts.models import ApiToken, User
from kesu.accounts.roles import Permission, may, permissions
from kesu.vault import keyring

PREFIX = "kesu_"
SECRET_BYTES = 32
USED_AT_PRECISION = timedelta(minutes=1)
"""How exactly ``last_used_at`` is kept: not every call writes a row."""


class Scope(StrEnum):
    """What a token is for. It narrows what its person may do and adds nothing."""

    READ = "read"
    ACT = "act"
    ADMIN = "admin"


_READ = frozenset({Permission.VIEW, Permission.EXPORT, Permission.DELIVERIES, Permission.SYSTEM})
_ADMIN = frozenset({Permission.TEMPLATES, Permission.SETTINGS, Permission.PEOPLE, Permission.AUDIT})
PERMISSIONS: Mapping[Scope, frozenset[Permission]] = {
    Scope.READ: _READ,
    Scope.ACT: frozenset(Permission) - _ADMIN - _READ,
    Scope.ADMIN: _ADMIN,
}
"""Each permission belongs to one scope."""


class NarrowToken(PermissionDenied):
    """By a token of the API nobody gives more than it has: that would be a way around its scopes and its end."""


def create(
    user: User, name: str, scopes: Iterable[str], *, expires_at: datetime | None, now: datetime
) -> tuple[ApiToken, str]:
    """A new token and its secret, which is never to be had again. Raises ValueError for no scope or an unknown one."""
    wanted = sorted({Scope(scope) for scope in scopes}, key=list(Scope).index)
    if not wanted:
        raise ValueError("a token needs a scope")
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        fingerprint=fingerprint(secret),
        scopes=[str(scope) for scope in wanted],
        expires_at=expires_at,
        created_at=now,
    )
    return token, secret


def resolve(secret: str, *, now: datetime) -> ApiToken | None:
    """The living token of a secret, with its user; None when it is unknown, expired, revoked or its user inactive."""
    if not secret.startswith(PREFIX) or not secret.isascii():
        return None
    token = ApiToken.objects.select_related("user").filter(fingerprint=fingerprint(secret)).first()
    if token is None or not token.user.is_active or not living(token, now=now):
        return None
    if token.last_used_at is None or token.last_used_at <= now - USED_AT_PRECISION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        token.last_used_at = now
    return token


def living(token: ApiToken, *, now: datetime) -> bool:
    return token.revoked_at is None and (token.expires_at is None or now < token.expires_at)


def allows(token: ApiToken, permission: Permission) -> bool:
    """Whether both the token's scopes and its person's role allow it."""
    return may(token.user, permission) and any(permission in PERMISSIONS[Scope(scope)] for scope in token.scopes)


def reach(token: ApiToken) -> frozenset[Permission]:
    """All that ``allows`` says yes to."""
    return permissions(token.user) & frozenset().union(*(PERMISSIONS[Scope(scope)] for scope in token.scopes))


def revoke(token: ApiToken, *, now: datetime) -> None:
    """End a token for ever. Again: nothing happens."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
    token.refresh_from_db(fields=["revoked_at"])


def fingerprint(secret: str) -> str:
    return keyring().fingerprint(secret, "accounts.api_token")
