"""Whoever comes in, fails to, or leaves is in the audit, whichever way they take."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kesu.accounts.models import User
from kesu.audit.models import AuditEntry
from kesu.audit.services import verify
from tests.desk_seeds import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def wang() -> User:
    return make_user()


def enter(client: Client, name: str = "wang", password: str = PASSWORD) -> Any:
    return client.post("/sign-in", {"username": name, "password": password}, REMOTE_ADDR="198.51.100.7")


def told() -> list[tuple[str, str, str, str, dict[str, Any]]]:
    found = AuditEntry.objects.order_by("sequence")
    return [(entry.action, entry.username, entry.via, entry.address, entry.details) for entry in found]


def test_coming_in_and_leaving(wang: User):
    client = Client()
    enter(client)
    client.post("/sign-out", REMOTE_ADDR="198.51.100.8")
    assert told() == [
        ("sign_in", "wang", "page", "198.51.100.7", {"by": ["password"]}),
        ("sign_out", "wang", "page", "198.51.100.8", {}),
    ]
    assert verify().intact


def test_a_wrong_password(wang: User):
    enter(Client(), password="not-the-password")
    assert told() == [("sign_in_failed", "wang", "page", "198.51.100.7", {"by": ["password"]})]


def test_a_name_that_nobody_has_is_not_written_down(wang: User):
    enter(Client(), name="my-secret-password", password="wang")
    assert told() == [("sign_in_failed", "", "page", "198.51.100.7", {"by": ["password"], "known": False})]


def test_a_password_is_never_written_down(wang: User):
    enter(Client(), password="not-the-password")
    enter(Client())
    assert not any(word in repr(told()) for word in (PASSWORD, "not-the-password"))


def test_leaving_without_having_come_says_nothing(db: None):
    Client().logout()
    assert told() == []


def test_a_new_password(wang: User):
    client = Client()
    enter(client)
    client.post("/me/confirm", {"password": PASSWORD})
    changed = {"oldpassword": PASSWORD, "password1": "another-long-one-7", "password2": "another-long-one-7"}
    client.post("/me/password", changed)
    assert ("person_changed", "wang", "page", "127.0.0.1", {"password_set": True}) in told()
