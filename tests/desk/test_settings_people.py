"""People and roles, invitations and tokens: what owners do, and what nobody can do to the last of them."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from django.test import Client

from kesu.accounts import tokens
from kesu.accounts.models import ApiToken, Invitation, User
from kesu.alerts.people import quiet_hours
from kesu.audit.models import AuditEntry
from kesu.merchants.grants import scope
from tests.desk_seeds import make_merchant, make_user


@pytest.fixture
def owner(db: None) -> User:
    return make_user("wang", "小王", role="owner")


@pytest.fixture
def desk(owner: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.cookies["django_language"] = "en"
    client.force_login(owner)
    return client


def everything_written() -> str:
    return " ".join(f"{entry.subject} {entry.details}" for entry in AuditEntry.objects.all())


def form(user: User, **changes: object) -> dict[str, object]:
    """What the person's page posts when nothing but ``changes`` was touched."""
    return {
        "display_name": user.display_name,
        "role": user.role,
        "refund_limit": "",
        "every_merchant": "on" if user.all_merchants else "",
        "merchants": "",
        "wecom_userid": user.wecom_userid,
        "dingtalk_robot": "",
        "feishu_robot": "",
        "quiet_hours": "",
        **changes,
    }


def test_a_link_invites_somebody_and_is_kept_nowhere(desk: Client):
    page = desk.post("/settings/people/invite", {"invite-role": "manager", "invite-every_merchant": "on"})
    link = re.search(r"http://testserver(/join/[\w-]+)", page.content.decode())
    assert link is not None
    assert Client().get(link[1]).status_code == 200
    token = link[1].removeprefix("/join/")
    assert token not in everything_written()
    assert token not in desk.get("/settings/people").content.decode()
    desk.post(f"/settings/invitations/{Invitation.objects.get().pk}/withdraw")
    assert Client().get(link[1]).status_code == 410


def test_a_person_is_added_with_a_password_that_is_shown_once(desk: Client):
    page = desk.post("/settings/people/add", {"add-username": "li", "add-role": "agent", "add-every_merchant": "on"})
    password = re.search(r'class="secret">([\w-]{16})<', page.content.decode())
    assert password is not None
    assert User.objects.get(username="li").check_password(password[1])
    assert password[1] not in everything_written()
    again = desk.post("/settings/people/add", {"add-username": "LI", "add-role": "agent"})
    assert again.status_code == 422
    assert "taken already" in again.content.decode()


def test_role_limit_merchants_and_quiet_hours_are_one_form(desk: Client, now: datetime):
    make_merchant(now, "1900000109")
    user = make_user("li", "小李", role="agent")
    answer = desk.post(
        f"/settings/people/{user.pk}",
        form(
            user,
            role="manager",
            refund_limit="50.00",
            every_merchant="",
            merchants="1900000109",
            quiet_hours="22:00-08:00",
        ),
    )
    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.role, user.refund_limit, user.all_merchants) == ("manager", 5000, False)
    assert (scope(user), quiet_hours(user)) == (["1900000109"], "22:00-08:00")
    entry = AuditEntry.objects.get(subject="user:li", action="person_changed")
    assert (entry.details["role_before"], entry.details["role"]) == ("agent", "manager")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"merchants": "42", "every_merchant": ""}, "There is no merchant number 42 here."),
        ({"every_merchant": ""}, "Name at least one merchant"),
        ({"quiet_hours": "22-8"}, "Quiet hours are written 22:00-08:00."),
        ({"refund_limit": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_changed(desk: Client, wrong: dict[str, str], said: str):
    user = make_user("li", "小李", role="agent")
    answer = desk.post(f"/settings/people/{user.pk}", form(user, role="manager", **wrong))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    user.refresh_from_db()
    assert user.role == "agent"
    assert not AuditEntry.objects.filter(subject="user:li").exists()


def test_nobody_demotes_or_disables_themselves_or_the_last_owner(desk: Client, owner: User):
    page = desk.post(f"/settings/people/{owner.pk}", form(owner, role="agent"))
    assert "You cannot change your own role" in page.content.decode()
    desk.post(f"/settings/people/{owner.pk}/switch", {"active": "0"})
    owner.refresh_from_db()
    assert (owner.role, owner.is_active) == ("owner", True)


def test_whoever_is_switched_off_is_out_at_once(desk: Client):
    user = make_user("li", role="agent")
    theirs = Client()
    theirs.force_login(user)
    assert theirs.get("/").status_code == 200
    desk.post(f"/settings/people/{user.pk}/switch", {"active": "0"})
    assert "/sign-in" in theirs.get("/").headers["Location"]
    desk.post(f"/settings/people/{user.pk}/switch", {"active": "1"})
    assert User.objects.get(username="li").is_active


def test_sessions_of_somebody_else_are_ended_and_ones_own_stays(desk: Client, owner: User):
    user = make_user("li", role="agent")
    theirs = Client()
    theirs.force_login(user)
    theirs.get("/me/")
    desk.get("/me/")
    desk.post(f"/settings/people/{user.pk}/end-sessions")
    assert "/sign-in" in theirs.get("/").headers["Location"]
    desk.post(f"/settings/people/{owner.pk}/end-sessions")
    assert desk.get("/settings/people").status_code == 200


def test_a_token_is_shown_once_works_and_is_revoked(desk: Client, owner: User, now: datetime):
    given = {"token-name": "ERP", "token-scopes": ["read"], "token-days": "30"}
    page = desk.post(f"/settings/people/{owner.pk}/tokens", given)
    secret = re.search(r"kesu_[\w-]{40,}", page.content.decode())
    assert secret is not None
    assert tokens.resolve(secret[0], now=now) is not None
    assert secret[0] not in desk.get(f"/settings/people/{owner.pk}").content.decode()
    assert secret[0] not in everything_written()
    desk.post(f"/settings/tokens/{ApiToken.objects.get().pk}/revoke")
    assert tokens.resolve(secret[0], now=now) is None


def test_a_token_without_a_scope_is_refused(desk: Client, owner: User):
    page = desk.post(f"/settings/people/{owner.pk}/tokens", {"token-name": "ERP", "token-days": "30"})
    assert page.status_code == 422
    assert not ApiToken.objects.exists()
