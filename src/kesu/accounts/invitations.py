"""Links by which new people join: made for a role, good once and for three days."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from kesu.accounts.models import Invitation, Role, User
from kesu.accounts.roles import Permission, require
from kesu.vault import keyring

LIFE = timedelta(hours=72)
TOKEN_BYTES = 32


class InvitationError(Exception):
    """There is no such invitation, or it was used, withdrawn or has ended. Which of them is nobody's business."""


class NameTakenError(Exception):
    """Somebody signs in with this name already."""


def invite(
    actor: User | None, role: str, *, all_merchants: bool, now: datetime, display_name: str = ""
) -> tuple[Invitation, str]:
    """The invitation and the token of its link, which is shown once and kept nowhere.

    ``actor`` is None on the command line: whoever can read the keys may do everything. Raises ValueError for an
    unknown role, Forbidden when the actor may not give it.
    """
    _require(actor, role, all_merchants)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation = Invitation.objects.create(
        fingerprint=_fingerprint(token),
        role=role,
        display_name=display_name,
        all_merchants=all_merchants,
        created_by=actor,
        created_at=now,
        expires_at=now + LIFE,
    )
    return invitation, token


def find(token: str, *, now: datetime) -> Invitation:
    """The invitation behind a link while it can be used. Raises InvitationError."""
    found = _usable(now).filter(fingerprint=_fingerprint(token)).first()
    if found is None:
        raise InvitationError
    return found


@transaction.atomic
def accept(token: str, *, username: str, display_name: str, password: str, now: datetime) -> User:
    """Make the invited person, who has checked the password already, and use the invitation up, together.

    Raises InvitationError, also when another accepted it a moment ago; NameTakenError, and nothing was used.
    """
    invitation = _usable(now).select_for_update(of=("self",)).filter(fingerprint=_fingerprint(token)).first()
    if invitation is None:
        raise InvitationError
    if User.objects.filter(username__iexact=username).exists():
        raise NameTakenError
    user = User(username=username, display_name=display_name or invitation.display_name)
    user.role, user.all_merchants = invitation.role, invitation.all_merchants
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        raise NameTakenError from None
    invitation.used_at, invitation.used_by = now, user
    invitation.save(update_fields=["used_at", "used_by"])
    return user


def revoke(actor: User | None, invitation: Invitation, *, now: datetime) -> None:
    """Withdraw it: its link opens nothing any more. One that was used or has ended stays as it is."""
    _require(actor, invitation.role, invitation.all_merchants)
    _usable(now).filter(pk=invitation.pk).update(revoked_at=now)


def waiting(*, now: datetime) -> list[Invitation]:
    """Those that can still be used, the newest first."""
    return list(_usable(now).select_related("created_by").order_by("-created_at", "-pk"))


def _usable(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(used_at=None, revoked_at=None, expires_at__gt=now)


def _require(actor: User | None, role: str, all_merchants: bool) -> None:
    Role(role)
    if actor is not None:
        require(actor, Permission.PEOPLE)


def _fingerprint(token: str) -> str:
    return keyring().fingerprint(token, "accounts.invitation")
