"""What each role may do."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import translation

from kesu.accounts.models import Role, User
from kesu.accounts.roles import PERMISSIONS, REFUND_LIMITS, Forbidden, Permission, may, refund_limit, require

TABLE = """
                      owner manager agent viewer auditor
view                  x     x       x     x      x
reply                 x     x       x     -      -
complete              x     x       x     -      -
decide_refund         x     x       x     -      -
refund                x     x       x     -      -
note                  x     x       x     -      -
claim                 x     x       x     -      -
assign                x     x       -     -      -
override              x     x       -     -      -
second_pair_of_eyes   x     x       -     -      -
reveal_phone          x     x       x     -      -
export                x     x       -     -      x
templates             x     x       -     -      -
settings              x     -       -     -      -
people                x     -       -     -      -
audit                 x     -       -     -      x
deliveries            x     x       x     -      x
resend                x     x       -     -      -
system                x     x       -     -      x
"""
_ROLES, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (role, permission, mark == "x") for permission, *marks in _ROWS for role, mark in zip(_ROLES, marks, strict=True)
]


def test_the_table_names_every_role_and_permission():
    assert set(_ROLES) == set(Role.values) == set(PERMISSIONS)
    assert [row[0] for row in _ROWS] == list(Permission)


@pytest.mark.parametrize(("role", "permission", "allowed"), CELLS)
def test_a_role_may_what_the_table_says(role: str, permission: str, allowed: bool):
    user = User(username="wang", role=role)
    assert may(user, Permission(permission)) is allowed
    if allowed:
        require(user, Permission(permission))
    else:
        with pytest.raises(Forbidden):
            require(user, Permission(permission))


@pytest.mark.parametrize("user", [User(role="owner", is_active=False), AnonymousUser(), User(role="king")])
@pytest.mark.parametrize("permission", Permission)
def test_who_is_not_active_or_not_known_may_do_nothing(user: User, permission: Permission):
    assert not may(user, permission)
    assert refund_limit(user) == 0


def test_the_refusal_says_whose_role_allows_it():
    with translation.override("en"), pytest.raises(PermissionDenied, match="These roles do: Owner / Auditor"):
        require(User(role="agent"), Permission.AUDIT)
    with translation.override("en"), pytest.raises(PermissionDenied, match="This role does: Owner"):
        require(User(role="manager"), Permission.SETTINGS)


@pytest.mark.parametrize(
    ("role", "own", "limit"),
    [
        ("owner", None, None),
        ("owner", 100, 100),
        ("manager", None, 500_000),
        ("manager", 0, 0),
        ("agent", None, 20_000),
        ("agent", 900_000, 900_000),
        ("viewer", None, 0),
        ("viewer", 900_000, 0),
        ("auditor", 900_000, 0),
    ],
)
def test_a_person_refunds_up_to_their_limit(role: str, own: int | None, limit: int | None):
    assert refund_limit(User(role=role, refund_limit=own)) == limit


def test_every_role_has_a_limit():
    assert set(REFUND_LIMITS) == set(Role)


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"role": "king"}, {"role": ""}, {"refund_limit": -1}])
def test_no_other_role_and_no_negative_limit_can_be_stored(fields: dict[str, object]):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(username="wang", **fields)


@pytest.mark.django_db
def test_a_new_person_is_an_agent_who_sees_every_merchant():
    user = User.objects.create(username="wang")
    assert (user.role, user.all_merchants, user.refund_limit) == (Role.AGENT, True, None)
