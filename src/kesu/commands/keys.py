"""Making and revoking tokens of the API. Pages and the REST API call these functions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from kesu.accounts import roles, tokens
from kesu.accounts.actor import Actor
from kesu.accounts.models import ApiToken, User
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.people_wording import PersonError


@transaction.atomic
def create(
    actor: Actor, user: User, name: str, scopes: Iterable[str], *, expires_at: datetime | None, now: datetime
) -> tuple[ApiToken, str]:
    """A token of ``user`` and its secret, which is shown once. Raises Forbidden; NarrowToken when it would have a scope
    that the maker's own token lacks, or live on after it; PersonError for no scope; ValueError for an unknown one."""
    roles.require(actor.user, Permission.PEOPLE)
    wanted = {str(tokens.Scope(scope)) for scope in scopes}
    if not wanted:
        raise PersonError("no_scope")
    if actor.key is not None and not (wanted <= set(actor.key.scopes) and _ends_with(actor.key, expires_at)):
        raise tokens.NarrowToken(str(PersonError("narrow_token")))
    token, secret = tokens.create(user, name, wanted, expires_at=expires_at, now=now)
    details = {"id": token.pk, "name": token.name, "scopes": token.scopes}
    record(actor, Action.TOKEN_CREATED, f"user:{user.username}", details, now=now)
    return token, secret


@transaction.atomic
def revoke(actor: Actor, token: ApiToken, *, now: datetime) -> None:
    """It is refused from the next call on. One's own everybody may revoke."""
    if token.user != actor.user:
        roles.require(actor.user, Permission.PEOPLE)
    if token.revoked_at is None:
        tokens.revoke(token, now=now)
        details = {"id": token.pk, "name": token.name}
        record(actor, Action.TOKEN_REVOKED, f"user:{token.user.username}", details, now=now)


def _ends_with(maker: ApiToken, expires_at: datetime | None) -> bool:
    """Whether a token ends no later than its maker's."""
    return maker.expires_at is None or (expires_at is not None and expires_at <= maker.expires_at)
