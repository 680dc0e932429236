"""What each role may do, as data. Which merchants a person sees is another question: ``merchants.grants``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import ngettext

from kesu.accounts.models import Role, User

Person = AbstractBaseUser | AnonymousUser


class Permission(StrEnum):
    """Something that not everybody may do."""

    VIEW = "view"
    REPLY = "reply"
    COMPLETE = "complete"
    DECIDE_REFUND = "decide_refund"
    """Approve or reject a payer's refund request at the platform."""
    REFUND = "refund"
    """Up to the person's own limit; above it somebody else decides too."""
    NOTE = "note"
    CLAIM = "claim"
    ASSIGN = "assign"
    OVERRIDE = "override"
    """Go on against a guard that blocks, with a reason."""
    SECOND_PAIR_OF_EYES = "second_pair_of_eyes"
    """Decide on somebody else's refund above that person's limit."""
    REVEAL_PHONE = "reveal_phone"
    EXPORT = "export"
    TEMPLATES = "templates"
    SETTINGS = "settings"
    PEOPLE = "people"
    AUDIT = "audit"
    DELIVERIES = "deliveries"
    RESEND = "resend"
    """Send a push that failed once more."""
    SYSTEM = "system"


P = Permission
_AGENT = frozenset(
    {P.VIEW, P.REPLY, P.COMPLETE, P.DECIDE_REFUND, P.REFUND, P.NOTE, P.CLAIM, P.REVEAL_PHONE, P.DELIVERIES}
)
_MANAGER = _AGENT | {P.ASSIGN, P.OVERRIDE, P.SECOND_PAIR_OF_EYES, P.EXPORT, P.TEMPLATES, P.RESEND, P.SYSTEM}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MANAGER: _MANAGER,
    Role.AGENT: _AGENT,
    Role.VIEWER: frozenset({P.VIEW}),
    Role.AUDITOR: frozenset({P.VIEW, P.EXPORT, P.AUDIT, P.DELIVERIES, P.SYSTEM}),
}
"""A manager runs the work, an owner also the desk itself; an auditor looks at everything and touches nothing."""

SEE_ALL_MERCHANTS = frozenset({Role.OWNER, Role.AUDITOR})
"""Roles whose work makes no sense within a part of the merchants; grants do not narrow them."""

REFUND_LIMITS: Mapping[Role, int | None] = {
    Role.OWNER: None,
    Role.MANAGER: 500_000,
    Role.AGENT: 20_000,
    Role.VIEWER: 0,
    Role.AUDITOR: 0,
}
"""fen a refund, for whoever has no limit of their own; None is no limit."""


class Forbidden(PermissionDenied):
    """This person's role does not allow it. The text says whose does; pages answer 403."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission
        names = [str(role.label) for role in Role if permission in PERMISSIONS[role]]
        text = ngettext(
            "Your role does not allow this. This role does: %(roles)s.",
            "Your role does not allow this. These roles do: %(roles)s.",
            len(names),
        )
        super().__init__(text % {"roles": " / ".join(names)})


def permissions(user: Person) -> frozenset[Permission]:
    """All that a person may do; nothing for whoever is not active."""
    if not user.is_active or not isinstance(user, User):
        return frozenset()
    return PERMISSIONS.get(Role(user.role), frozenset()) if user.role in Role.values else frozenset()


def may(user: Person, permission: Permission) -> bool:
    return permission in permissions(user)


def require(user: Person, permission: Permission) -> None:
    """Raises Forbidden."""
    if not may(user, permission):
        raise Forbidden(permission)


def refund_limit(user: Person) -> int | None:
    """The greatest refund, fen, that a person may make alone; None is no limit, 0 is none at all."""
    if not isinstance(user, User) or not may(user, Permission.REFUND):
        return 0
    return user.refund_limit if user.refund_limit is not None else REFUND_LIMITS[Role(user.role)]


def covers_refund(user: Person, amount: int) -> bool:
    """Whether a person's limit covers so much (fen)."""
    limit = refund_limit(user)
    return limit is None or amount <= limit


def sees_all_merchants(user: Person) -> bool:
    """Whether grants do not narrow what this person sees."""
    return (
        isinstance(user, User) and may(user, Permission.VIEW) and (user.all_merchants or user.role in SEE_ALL_MERCHANTS)
    )
