"""One's own page."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from kesu.desk import browsers
from tests.accounts.conftest import enter, said, signed_in
from tests.desk_seeds import make_user

EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Safari/537.36 Edg/130"
WECOM = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 wxwork/4.1 MicroMessenger/7.0"


@pytest.fixture
def two(wang) -> tuple[Client, Client]:
    here, there = Client(), Client()
    enter(here, headers={"User-Agent": EDGE})
    enter(there, headers={"User-Agent": WECOM}, address="203.0.113.9")
    return here, there


def test_it_shows_where_one_is_signed_in(two):
    page = said(two[0].get("/me/", headers={"User-Agent": EDGE}))
    assert "Edge, Windows" in page
    assert "WeCom, iPhone" in page
    assert "203.0.113.9" in page
    assert page.count("当前设备") == 1


def test_another_session_can_be_ended(two):
    here, there = two
    other = UserSession.objects.get(ip="203.0.113.9")
    assert "该登录已结束" in said(here.post(f"/me/sessions/{other.pk}/end", follow=True))
    assert signed_in(here)
    assert not signed_in(there)


def test_all_others_can_be_ended(two):
    here, there = two
    here.post("/me/sessions/end-others")
    assert signed_in(here)
    assert not signed_in(there)
    assert "WeCom, iPhone" not in said(here.get("/me/"))


def test_ones_own_present_session_is_ended_by_signing_out_only(two):
    here, _ = two
    mine = UserSession.objects.get(session_key=here.session.session_key)
    here.post(f"/me/sessions/{mine.pk}/end")
    assert signed_in(here)


def test_somebody_elses_session_is_out_of_reach(two):
    make_user("li")
    other = Client()
    enter(other, "li")
    for row in UserSession.objects.filter(user__username="wang"):
        assert other.post(f"/me/sessions/{row.pk}/end").status_code == 404
    assert "203.0.113.9" not in said(other.get("/me/"))
    other.post("/me/sessions/end-others")
    assert all(signed_in(client) for client in two)


def test_the_language_follows_a_person_to_another_browser(wang):
    client = Client()
    enter(client)
    client.post("/me/language", {"language": "en"})
    assert "My account" in said(client.get("/me/"))
    another = Client()
    enter(another)
    assert "My account" in said(another.get("/me/"))


def test_whoever_has_no_password_is_told_who_gives_them_one(wang):
    client = Client()
    wang.set_unusable_password()
    wang.save()
    client.force_login(wang)
    answer = client.get("/me/password", follow=True)
    assert "您没有密码" in said(answer)


def test_an_unknown_language_is_not_kept(wang):
    client = Client()
    enter(client)
    client.post("/me/language", {"language": "xx"})
    wang.refresh_from_db()
    assert wang.language == ""


@pytest.mark.parametrize(
    ("agent", "name"),
    [(EDGE, "Edge, Windows"), (WECOM, "WeCom, iPhone"), ("curl/8", "未知浏览器"), ("", "未知浏览器")],
)
def test_browsers_are_called_by_their_names(agent, name):
    assert browsers.name(agent) == name
