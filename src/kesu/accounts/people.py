"""What can be changed about a person. There is always an owner: nobody else can make one."""

from __future__ import annotations

from django.db import transaction

from kesu.accounts.models import Role, User


class LastOwnerError(Exception):
    """The desk's only owner cannot give that up or be switched off."""


def role_of_the_next() -> Role:
    """What somebody becomes for whom no role was named: the first person owns the desk."""
    return Role.AGENT if User.objects.filter(is_active=True, role=Role.OWNER).exists() else Role.OWNER


@transaction.atomic
def change_role(user: User, role: str) -> str:
    """Returns the role from before. Raises LastOwnerError; ValueError for an unknown role."""
    before, wanted = user.role, Role(role)
    if wanted != Role.OWNER:
        _keep_an_owner(user)
    user.role = wanted
    user.save(update_fields=["role"])
    return before


@transaction.atomic
def switch(user: User, *, active: bool) -> None:
    """Let somebody in again, or no more: pages and tokens refuse them from the next request on. Raises
    LastOwnerError."""
    if not active:
        _keep_an_owner(user)
    user.is_active = active
    user.save(update_fields=["is_active"])


def _keep_an_owner(user: User) -> None:
    # Locked: two owners who leave at once must not both find the other.
    owners = User.objects.select_for_update().filter(is_active=True, role=Role.OWNER).order_by("pk")
    if [owner.pk for owner in owners] == [user.pk]:
        raise LastOwnerError
