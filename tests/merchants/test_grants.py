"""Who sees which merchants' complaints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kesu.accounts.models import Role, User
from kesu.complaints.queries import visible_to
from kesu.merchants import grants
from kesu.merchants.models import Grant
from tests.desk_seeds import make_complaint, make_merchant, make_user

NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> dict[str, Any]:
    shop = make_merchant(NOW)
    partner = make_merchant(NOW, "1900000209", "青禾服务商", role="partner")
    return {
        "shop": shop,
        "partner": partner,
        "of_shop": make_complaint(shop, 1, now=NOW),
        "of_orchard": make_complaint(partner, 2, now=NOW, complainted_mchid="1900000211"),
        "of_tea": make_complaint(partner, 3, now=NOW, complainted_mchid="1900000212"),
    }


def agent(*scope: str, role: Role = Role.AGENT) -> User:
    user = make_user(role=role)
    grants.set_scope(user, scope)
    return user


def seen(user: Any, world: dict[str, Any]) -> set[str]:
    names = {complaint.pk: name for name, complaint in world.items() if name.startswith("of_")}
    return {names[complaint.pk] for complaint in visible_to(user)}


def test_without_grants_everything_is_seen(world: dict[str, Any]):
    assert seen(agent(), world) == {"of_shop", "of_orchard", "of_tea"}


def test_a_grant_of_an_account_shows_all_of_it(world: dict[str, Any]):
    user = agent("1900000209")
    assert seen(user, world) == {"of_orchard", "of_tea"}
    assert list(grants.accounts_visible_to(user)) == [world["partner"]]


def test_a_grant_of_a_sub_merchant_shows_it_alone(world: dict[str, Any]):
    user = agent("1900000209,1900000211")
    assert seen(user, world) == {"of_orchard"}
    assert list(grants.accounts_visible_to(user)) == [world["partner"]]


def test_grants_add_up(world: dict[str, Any]):
    assert seen(agent("1900000109", "1900000209,1900000212"), world) == {"of_shop", "of_tea"}


def test_a_number_granted_under_one_account_is_not_granted_under_another(world: dict[str, Any]):
    other = make_complaint(world["shop"], 4, now=NOW, complainted_mchid="1900000211")
    assert other not in visible_to(agent("1900000209,1900000211"))


def test_whoever_has_lost_the_last_grant_sees_nothing(world: dict[str, Any]):
    user = agent("1900000109")
    assert grants.revoke(user, world["shop"]) == 1
    assert seen(user, world) == set()
    assert not grants.accounts_visible_to(user).exists()


def test_one_grant_of_several_is_taken_back(world: dict[str, Any]):
    user = agent("1900000209,1900000211,1900000212")
    assert grants.revoke(user, world["partner"], "1900000211") == 1
    assert seen(user, world) == {"of_tea"}


@pytest.mark.parametrize("role", [Role.OWNER, Role.AUDITOR])
def test_owners_and_auditors_see_everything_whatever_was_granted(role: Role, world: dict[str, Any]):
    assert len(seen(agent("1900000109", role=role), world)) == 3


@pytest.mark.parametrize("role", [Role.MANAGER, Role.AGENT, Role.VIEWER])
def test_grants_narrow_every_other_role(role: Role, world: dict[str, Any]):
    assert seen(agent("1900000109", role=role), world) == {"of_shop"}


def test_nobody_sees_anything_without_an_active_account(world: dict[str, Any]):
    gone = make_user(is_active=False)
    assert seen(gone, world) == seen(AnonymousUser(), world) == set()
    assert not grants.accounts_visible_to(gone).exists()


def test_a_grant_given_twice_is_one(world: dict[str, Any]):
    user = agent("1900000109")
    assert grants.grant(user, world["shop"]) == Grant.objects.get()


def test_an_unknown_number_changes_nothing(world: dict[str, Any]):
    user = agent("1900000109")
    with pytest.raises(grants.UnknownMerchantError, match="1900009999"):
        grants.set_scope(user, ["1900000209", "1900009999"])
    assert seen(user, world) == {"of_shop"}


@pytest.mark.parametrize(
    "scope", [[], ["1900000109"], ["1900000109", "1900000209,1900000211,1900000212"], ["1900000209,1900000211"]]
)
def test_a_scope_reads_as_it_was_written(scope: list[str], world: dict[str, Any]):
    assert grants.scope(agent(*scope)) == scope


def test_the_gate_costs_no_query_of_its_own(world: dict[str, Any]):
    user = agent("1900000209,1900000211")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        list(visible_to(user))
    assert len(queries) == 1


def test_grants_go_with_their_person(world: dict[str, Any]):
    agent("1900000109").delete()
    assert not Grant.objects.exists()
