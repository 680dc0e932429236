"""Tokens of the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from kesu.accounts import tokens
from kesu.accounts.models import ApiToken, User
from kesu.accounts.roles import Permission
from tests.desk_seeds import make_user

NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def li() -> User:
    return make_user("li", role="agent")


def test_the_secret_opens_and_is_not_stored(li: User):
    token, secret = tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    assert secret.startswith("kesu_")
    assert len(secret) > 40
    assert tokens.resolve(secret, now=NOW) == token
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(t)::text from accounts_apitoken t")
        assert secret.removeprefix("kesu_") not in cursor.fetchone()[0]


@pytest.mark.parametrize("secret", ["", "kesu_", "kesu_nonsense", "nonsense", "kesu_名字", "kesu_\0"])
def test_what_is_no_secret_opens_nothing(secret: str, li: User):
    tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    assert tokens.resolve(secret, now=NOW) is None


def test_a_changed_secret_opens_nothing(li: User):
    _, secret = tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    assert tokens.resolve(secret[:-1], now=NOW) is tokens.resolve(secret.upper(), now=NOW) is None


def test_it_ends_at_its_instant(li: User):
    _, secret = tokens.create(li, "nightly", ["read"], expires_at=NOW + MINUTE, now=NOW)
    assert tokens.resolve(secret, now=NOW + MINUTE - timedelta(microseconds=1))
    assert tokens.resolve(secret, now=NOW + MINUTE) is None


def test_a_revoked_one_opens_nothing_ever_again(li: User):
    token, secret = tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    tokens.revoke(token, now=NOW)
    tokens.revoke(token, now=NOW + MINUTE)
    assert token.revoked_at == NOW
    assert tokens.resolve(secret, now=NOW) is None


def test_it_ends_with_its_person(li: User):
    _, secret = tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    User.objects.update(is_active=False)
    assert tokens.resolve(secret, now=NOW) is None


def test_its_last_use_is_written_at_most_once_a_minute(li: User):
    token, secret = tokens.create(li, "nightly", ["read"], expires_at=None, now=NOW)
    for seconds in (0, 30, 59, 60, 61):
        tokens.resolve(secret, now=NOW + timedelta(seconds=seconds))
    token.refresh_from_db()
    assert token.last_used_at == NOW + MINUTE
    with CaptureQueriesContext(connection) as queries:
        tokens.resolve(secret, now=NOW + timedelta(seconds=100))
    assert len(queries) == 1


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "root"]])
def test_scopes_are_known_words(scopes: list[str], li: User):
    with pytest.raises(ValueError):
        tokens.create(li, "nightly", scopes, expires_at=None, now=NOW)
    assert not ApiToken.objects.exists()


def test_each_scope_is_kept_once(li: User):
    token, _ = tokens.create(li, "nightly", ["act", "read", "act"], expires_at=None, now=NOW)
    assert token.scopes == ["read", "act"]


def test_every_permission_belongs_to_one_scope():
    belongs = [permission for of in tokens.PERMISSIONS.values() for permission in of]
    assert sorted(belongs) == sorted(Permission)


def test_a_token_narrows_its_person_and_adds_nothing(li: User):
    reading, _ = tokens.create(li, "reading", ["read"], expires_at=None, now=NOW)
    acting, _ = tokens.create(li, "acting", ["act"], expires_at=None, now=NOW)
    ruling, _ = tokens.create(li, "ruling", ["admin"], expires_at=None, now=NOW)
    assert tokens.allows(reading, Permission.VIEW)
    assert not tokens.allows(reading, Permission.REPLY)
    assert tokens.allows(acting, Permission.REPLY)
    assert not tokens.allows(acting, Permission.OVERRIDE)  # an agent may not
    assert not any(tokens.allows(ruling, permission) for permission in Permission)
