"""Joining by a link."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from kesu import clock
from kesu.accounts import invitations
from kesu.accounts.models import Invitation, Role, User
from kesu.accounts.roles import Forbidden
from tests.accounts.conftest import enter, said, signed_in
from tests.desk_seeds import make_user

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
GOOD = "quite-another-word-2"
CHOICES = {"username": "li", "display_name": "小李", "password": GOOD, "again": GOOD}
ACCEPT = {"username": "li", "display_name": "", "password": GOOD}


def invite(role: str = "agent", now: datetime | None = None, **more) -> str:
    """The token of a new invitation."""
    more = {"all_merchants": True, "now": now or clock.now()} | more
    return invitations.invite(None, role, **more)[1]


def test_the_invited_choose_name_and_password_and_are_in(db):
    client, url = Client(), f"/join/{invite('viewer', display_name='李', all_merchants=False)}"
    page = client.get(url)
    assert 'value="李"' in said(page)
    assert "只读" in said(page) or "查看" in said(page)
    assert "no-store" in page.headers["Cache-Control"]
    assert client.post(url, CHOICES).headers["Location"] == "/"
    user = User.objects.get(username="li")
    assert (user.role, user.all_merchants, str(user), user.is_superuser) == ("viewer", False, "小李", False)
    assert client.get("/").status_code == 200
    assert enter(Client(), "li", GOOD).status_code == 302


def test_a_link_works_once(db):
    url = f"/join/{invite()}"
    Client().post(url, CHOICES)
    for answer in (Client().get(url), Client().post(url, CHOICES | {"username": "zhao"})):
        assert answer.status_code == 410
        assert "此邀请已失效" in said(answer)
    assert User.objects.count() == 1


def test_of_two_who_join_at_once_one_does(transactional_db):
    token, barrier, outcomes = invite(now=NOW), threading.Barrier(4), []

    def join(number: int) -> None:
        barrier.wait()
        try:
            invitations.accept(token, **ACCEPT | {"username": f"li{number}"}, now=NOW)
            outcomes.append("joined")
        except invitations.InvitationError:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["joined", "refused", "refused", "refused"]
    assert User.objects.count() == 1


def test_it_ends_after_three_days(db):
    token = invite(now=NOW)
    almost = NOW + timedelta(hours=72) - timedelta(seconds=1)
    assert invitations.find(token, now=almost).role == "agent"
    with pytest.raises(invitations.InvitationError):
        invitations.find(token, now=NOW + timedelta(hours=72))
    with pytest.raises(invitations.InvitationError):
        invitations.accept(token, **ACCEPT, now=NOW + timedelta(hours=72))


def test_it_can_be_withdrawn(db):
    token = invite(now=NOW)
    (waiting,) = invitations.waiting(now=NOW)
    invitations.revoke(None, waiting, now=NOW)
    assert invitations.waiting(now=NOW) == []
    with pytest.raises(invitations.InvitationError):
        invitations.accept(token, **ACCEPT, now=NOW)


@pytest.mark.parametrize("token", ["x", "%00", "a" * 400, "汉字"])
def test_a_made_up_link_opens_nothing(db, token):
    assert Client().get(f"/join/{token}").status_code == 410


def test_the_link_is_kept_nowhere(db):
    token = invite()
    row = Invitation.objects.values().get()
    assert token not in str(row)


@pytest.mark.parametrize(
    ("changes", "said_"),
    [
        ({"again": "different-words-3"}, "两次输入的密码不一致"),
        ({"password": "short", "again": "short"}, "至少需要 10 个字符"),
        ({"password": "password123", "again": "password123"}, "极易被猜中"),
        ({"username": "Wang"}, "此用户名已有人使用"),
        ({"username": "a b"}, "id_username"),
    ],
)
def test_a_choice_that_will_not_do_uses_nothing_up(wang, changes, said_):
    url = f"/join/{invite()}"
    answer = Client().post(url, CHOICES | changes)
    assert answer.status_code == 200
    assert said_ in said(answer)
    assert Client().post(url, CHOICES).headers["Location"] == "/"


def test_whoever_is_signed_in_does_not_use_it_up(wang):
    url, client = f"/join/{invite()}", Client()
    enter(client)
    assert "邀请未被使用" in said(client.get(url))
    assert client.post(url, CHOICES).status_code == 409
    assert User.objects.count() == 1


@pytest.mark.parametrize("role", Role.values)
def test_only_whoever_may_manage_people_invites(db, role):
    actor = make_user(role=role)
    if role == "owner":
        assert invitations.invite(actor, "agent", all_merchants=True, now=NOW)
    else:
        with pytest.raises(Forbidden):
            invitations.invite(actor, "agent", all_merchants=True, now=NOW)


def test_an_unknown_role_is_refused(db):
    with pytest.raises(ValueError):
        invite("emperor")


def test_joining_signs_in_with_a_fresh_session(db):
    client = Client()
    client.get("/sign-in")
    before = client.cookies.get("sessionid")
    client.post(f"/join/{invite()}", CHOICES)
    assert before is None or client.cookies["sessionid"].value != before.value
    assert client.get("/me/").status_code == 200
    assert not signed_in(Client())
