"""Seeing a payer's phone number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kesu.accounts.actor import Actor, Via
from kesu.accounts.models import Role
from kesu.accounts.roles import Forbidden
from kesu.audit.models import AuditEntry
from kesu.complaints.models import Complaint
from kesu.complaints.phones import reveal
from kesu.merchants import grants
from tests.desk_seeds import make_complaint, make_merchant, make_user

NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)
PHONE = "13800005678"

pytestmark = pytest.mark.django_db


@pytest.fixture
def complaint() -> Complaint:
    return make_complaint(make_merchant(NOW), 1, now=NOW, payer_phone=PHONE)


def somebody(role: Role, **fields: Any) -> Actor:
    return Actor(make_user(role=role, **fields), Via.PAGE, "203.0.113.7")


def test_the_number_is_shown_and_the_look_is_written_down_without_it(complaint: Complaint):
    assert reveal(somebody(Role.AGENT), complaint, now=NOW) == PHONE
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.username, entry.address) == ("phone_revealed", "wang", "203.0.113.7")
    assert entry.subject == f"complaint:{complaint.complaint_id}"
    assert PHONE not in repr(entry.__dict__)


def test_each_look_is_written_down(complaint: Complaint):
    agent = somebody(Role.AGENT)
    for _ in range(3):
        reveal(agent, complaint, now=NOW)
    assert AuditEntry.objects.count() == 3


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUDITOR])
def test_not_every_role_may(role: Role, complaint: Complaint):
    with pytest.raises(Forbidden):
        reveal(somebody(role), complaint, now=NOW)
    assert not AuditEntry.objects.exists()


def test_not_of_somebody_elses_merchant(complaint: Complaint):
    agent = somebody(Role.AGENT, all_merchants=False)
    with pytest.raises(Complaint.DoesNotExist):
        reveal(agent, complaint, now=NOW)
    assert not AuditEntry.objects.exists()
    grants.grant(agent.user, complaint.account)
    assert reveal(agent, complaint, now=NOW) == PHONE


def test_a_payer_who_left_none(complaint: Complaint):
    Complaint.objects.update(payer_phone=None)
    assert reveal(somebody(Role.AGENT), complaint, now=NOW) == ""
