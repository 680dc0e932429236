"""People by the API: as on the settings' pages, and never more than the token that is used may give."""

from __future__ import annotations

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.test import Client

from kesu.accounts import tokens
from kesu.accounts.models import ApiToken, Invitation, User
from kesu.alerts.people import quiet_hours
from kesu.audit.models import AuditEntry
from kesu.merchants.grants import scope
from tests.desk_seeds import make_merchant, make_user

ALL = ("read", "act", "admin")


@pytest.fixture
def li(db: None) -> User:
    return make_user("li", "小李", role="agent")


def written() -> str:
    return " ".join(f"{entry.subject} {entry.details}" for entry in AuditEntry.objects.all())


def test_somebody_is_added_or_invited_and_what_opens_the_desk_is_told_once(call, token):
    secret = token()
    added = call("post", "/people", {"username": "zhao", "role": "manager", "display_name": "小赵"}, secret=secret)
    assert added.status_code == 201, added.told
    assert User.objects.get(username="zhao", role="manager").check_password(added.told["password"])
    again = call("post", "/people", {"username": "ZHAO"}, secret=secret)
    assert (again.status_code, again.told["code"]) == (409, "name_taken")
    invited = call("post", "/invitations", {"role": "viewer", "all_merchants": False}, secret=secret).told
    path = invited["link"].removeprefix("http://testserver")
    assert Client().get(path).status_code == 200
    assert [row["id"] for row in call("get", "/invitations", secret=secret).told] == [invited["id"]]
    assert call("delete", f"/invitations/{invited['id']}", secret=secret).status_code == 204
    assert Client().get(path).status_code == 410
    assert added.told["password"] not in written()
    assert path.removeprefix("/join/") not in written()
    assert {entry.via for entry in AuditEntry.objects.filter(action="person_changed")} == {"api"}


def test_what_is_given_is_changed_and_the_rest_stays(call, token, li, now):
    make_merchant(now, "1900000109")
    secret, address = token(), f"/people/{li.pk}"
    told = call(
        "patch", address, {"role": "manager", "refund_limit": 5000, "quiet_hours": "22:00-08:00"}, secret=secret
    )
    assert (told.told["role"], told.told["refunds_alone"], told.told["display_name"]) == ("manager", 5000, "小李")
    assert call("patch", address, {"merchants": ["1900000109"]}, secret=secret).told["merchants"] == ["1900000109"]
    assert call("patch", address, {"refund_limit": None}, secret=secret).told["refunds_alone"] == 500_000
    li.refresh_from_db()
    assert (scope(li), quiet_hours(li)) == (["1900000109"], "22:00-08:00")
    assert call("patch", address, {"merchants": None}, secret=secret).told["merchants"] is None
    first = AuditEntry.objects.filter(subject="user:li").order_by("sequence")[0]
    assert (first.details["role_before"], first.details["changed"]) == (
        "agent",
        ["quiet_hours", "refund_limit", "role"],
    )


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"role": "viewer", "merchants": ["42"]}, 409, "unknown_merchant"),
        ({"role": "viewer", "merchants": []}, 422, "invalid_input"),
        ({"role": "viewer", "quiet_hours": "99:00-98:00"}, 409, "quiet_hours"),
        ({"role": "boss"}, 422, "invalid_input"),
    ],
)
def test_a_change_is_made_as_a_whole_or_not_at_all(call, token, li, wrong, status, code):
    refused = call("patch", f"/people/{li.pk}", wrong, secret=token())
    assert (refused.status_code, refused.told["code"]) == (status, code)
    li.refresh_from_db()
    assert li.role == "agent"
    assert not AuditEntry.objects.filter(subject="user:li").exists()


def test_nobody_demotes_or_shuts_out_themselves_or_the_last_owner(call, token):
    secret = token()
    mine = f"/people/{User.objects.get(username='api-owner').pk}"
    assert call("patch", mine, {"role": "viewer"}, secret=secret).told["code"] == "own_role"
    assert call("post", f"{mine}/switch", {"active": False}, secret=secret).told["code"] == "own_switch"
    assert call("post", f"{mine}/reset-second-step", secret=secret).told["code"] == "own_second_step"


def test_whoever_is_switched_off_or_lost_a_phone_is_out_at_once(call, token, li):
    secret = token()
    theirs = Client()
    theirs.force_login(li)
    theirs.get("/me/")
    Authenticator.objects.create(user=li, type="totp", data={})
    assert call("get", f"/people/{li.pk}", secret=secret).told["sessions"] == 1
    after = call("post", f"/people/{li.pk}/reset-second-step", secret=secret).told
    assert (after["second_step"], after["sessions"]) == (False, 0)
    assert "/sign-in" in theirs.get("/").headers["Location"]
    assert call("post", f"/people/{li.pk}/switch", {"active": False}, secret=secret).told["active"] is False
    assert call("post", f"/people/{li.pk}/switch", {"active": True}, secret=secret).told["active"] is True


def test_tokens_are_made_shown_once_listed_and_revoked(call, token, li, now):
    secret = token()
    made = call("post", f"/people/{li.pk}/tokens", {"name": "ERP", "scopes": ["read"]}, secret=secret).told
    assert tokens.resolve(made["token"], now=now).user == li
    [listed] = call("get", f"/people/{li.pk}/tokens", secret=secret).told
    assert (listed["name"], listed["username"], "token" in listed) == ("ERP", "li", False)
    assert made["token"] not in written()
    assert call("delete", f"/tokens/{made['id']}", secret=secret).status_code == 204
    assert call("get", "/me", secret=made["token"]).status_code == 401


def test_a_token_hands_out_nothing_that_it_lacks_itself(call, token, li, now):
    narrow = token(scopes=("admin",))
    li.is_active = False
    li.save()
    for method, path, body in [
        ("post", f"/people/{li.pk}/tokens", {"name": "x", "scopes": ["admin", "act"]}),
        ("post", "/people", {"username": "zhao", "role": "owner"}),
        ("post", "/people", {"username": "zhao", "role": "viewer"}),
        ("post", "/invitations", {"role": "agent"}),
        ("patch", f"/people/{li.pk}", {"role": "owner"}),
        ("patch", f"/people/{li.pk}", {"refund_limit": 10_000_000}),
        ("patch", f"/people/{li.pk}", {"merchants": None}),
        ("patch", f"/people/{li.pk}", {"wecom_userid": "mine"}),
        ("post", f"/people/{li.pk}/switch", {"active": True}),
    ]:
        refused = call(method, path, body, secret=narrow)
        assert (refused.status_code, refused.told["code"]) == (403, "narrow_token"), (path, body)
    li.refresh_from_db()
    assert (li.is_active, li.role, li.wecom_userid) == (False, "agent", "")
    assert not User.objects.filter(username="zhao").exists()
    assert not Invitation.objects.exists()
    assert call("post", f"/people/{li.pk}/tokens", {"name": "x", "scopes": ["admin"]}, secret=narrow).status_code == 201
    assert call("patch", f"/people/{li.pk}", {"display_name": "李"}, secret=narrow).status_code == 200


def test_a_token_makes_none_that_outlives_it(call, token, li, now):
    token()
    owner, ends = User.objects.get(username="api-owner"), now + timedelta(days=3)
    _, secret = tokens.create(owner, "short", ALL, expires_at=ends, now=now)
    address, wish = f"/people/{li.pk}/tokens", {"name": "x", "scopes": ["read"]}
    for days in (None, 4):
        refused = call("post", address, wish | {"days": days}, secret=secret)
        assert (refused.status_code, refused.told["code"]) == (403, "narrow_token")
    assert call("post", address, wish | {"days": 2}, secret=secret).status_code == 201
    made = call("post", address, wish, secret=secret).told
    assert ApiToken.objects.get(pk=made["id"]).expires_at == ends


def test_a_token_knows_whose_it_is_and_signs_its_person_out(call, token, li):
    told = call("get", "/me", secret=token("agent", ("read",))).told
    assert (told["person"]["username"], told["token"]["scopes"]) == ("api-agent", ["read"])
    assert told["may"] == ["deliveries", "view"]
    mine, theirs = Client(headers={"User-Agent": "Edge of mine"}), Client()
    mine.force_login(User.objects.get(username="api-agent"))
    theirs.force_login(li)
    for client in (mine, theirs):
        client.get("/me/")
    [session] = call("get", "/me/sessions", secret=token("agent", ("read",))).told
    assert session["browser"] == "Edge of mine"
    elsewhere = UserSession.objects.get(user=li).pk
    assert call("delete", f"/me/sessions/{elsewhere}", secret=token("agent")).status_code == 404
    assert call("delete", f"/me/sessions/{session['id']}", secret=token("agent", ("read",))).status_code == 403
    assert call("post", "/me/sessions/end-all", secret=token("agent")).told == {"ended": 1}
    assert "/sign-in" in mine.get("/").headers["Location"]
    assert theirs.get("/").status_code == 200
