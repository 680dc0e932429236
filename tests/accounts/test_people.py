"""Changing people: there is always an owner."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps

from kesu.accounts import people
from kesu.accounts.models import Role, User
from tests.desk_seeds import make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_first_person_owns_the_desk():
    assert people.role_of_the_next() == Role.OWNER
    make_user("viewer", role="viewer")
    make_user("gone", role="owner", is_active=False)
    assert people.role_of_the_next() == Role.OWNER
    make_user("owner", role="owner")
    assert people.role_of_the_next() == Role.AGENT


def test_the_only_owner_stays_one():
    owner = make_user(role="owner")
    make_user("gone", role="owner", is_active=False)
    with pytest.raises(people.LastOwnerError):
        people.change_role(owner, "manager")
    with pytest.raises(people.LastOwnerError):
        people.switch(owner, active=False)
    owner.refresh_from_db()
    assert (owner.role, owner.is_active) == ("owner", True)


def test_one_of_two_owners_can_go():
    first, second = make_user("first", role="owner"), make_user("second", role="owner")
    assert people.change_role(first, "agent") == "owner"
    with pytest.raises(people.LastOwnerError):
        people.switch(second, active=False)


def test_the_only_owner_may_be_made_an_owner_again():
    owner = make_user(role="owner")
    assert people.change_role(owner, "owner") == "owner"


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="king"):
        people.change_role(make_user(role="agent"), "king")


def appoint() -> set[str]:
    importlib.import_module("kesu.accounts.migrations.0003_roles_and_tokens").appoint_owners(apps, None)
    return set(User.objects.filter(role="owner").values_list("username", flat=True))


def test_an_upgrade_makes_whoever_was_first_the_owner():
    for days, name in enumerate(("gone", "first", "second")):
        make_user(name, role="agent", is_active=name != "gone", date_joined=NOW + timedelta(days=days))
    assert appoint() == {"first"}


def test_an_upgrade_makes_superusers_owners():
    for days, name in enumerate(("first", "second", "third")):
        make_user(name, role="agent", is_superuser=name != "first", date_joined=NOW + timedelta(days=days))
    assert appoint() == {"second", "third"}


def test_an_upgrade_of_a_desk_without_people_appoints_nobody():
    assert appoint() == set()
