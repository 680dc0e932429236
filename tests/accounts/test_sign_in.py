"""Coming in by name and password, and what ends it."""

from __future__ import annotations

import pytest
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import NoReverseMatch, get_resolver, reverse

from kesu.accounts.models import User
from kesu.desk import account_urls
from tests.accounts.conftest import enter, said, signed_in
from tests.desk_seeds import make_user

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "http:evil.example",
    "javascript:alert(1)",
    "http://localhost/",
    " //evil.example",
    "/%0d%0aLocation:%20https://evil.example",
]


@pytest.mark.parametrize("next_", ELSEWHERE)
def test_signing_in_leads_nowhere_else(wang, next_):
    location = enter(Client(), next=next_).headers["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "evil.example" not in location or location.startswith("/%0d%0a")


@pytest.mark.parametrize("next_", ELSEWHERE[:-1])
def test_whoever_is_signed_in_already_is_led_nowhere_else(wang, next_):
    client = Client()
    enter(client)
    assert client.get("/sign-in", {"next": next_}).headers["Location"] == "/"


def test_the_asked_page_is_reached(wang):
    assert enter(Client(), next="/deliveries?state=sent").headers["Location"] == "/deliveries?state=sent"


def test_a_wrong_password_and_an_unknown_name_read_the_same(wang):
    def answer(name):
        page = said(enter(Client(), name, "not-the-password"))
        return page.replace(name, "").partition("<body>")[2].split("csrfmiddlewaretoken")[0]

    assert answer("wang") == answer("nobody")
    assert "用户名或密码不正确" in said(enter(Client(), "nobody", "not-the-password"))


def test_an_unknown_name_costs_one_hash_like_a_known_one(wang, monkeypatch):
    from django.contrib.auth.hashers import PBKDF2PasswordHasher

    hashed = []
    real = PBKDF2PasswordHasher.encode
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", lambda *given: hashed.append(1) or real(*given))
    counts = []
    for name in ("wang", "nobody"):
        hashed.clear()
        enter(Client(), name, "not-the-password")
        counts.append(len(hashed))
    assert counts == [1, 1]


def test_whoever_left_cannot_come_in_and_learns_nothing(wang):
    make_user("left", is_active=False)
    answer = enter(Client(), "left")
    assert "用户名或密码不正确" in said(answer)


def test_the_key_of_the_session_changes_at_sign_in(wang):
    """Fixation: a key that somebody planted before is worth nothing after."""
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    enter(client)
    assert client.cookies["sessionid"].value != planted
    assert not Session.objects.filter(pk=planted).exists()
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert not signed_in(thief)


def test_the_session_cookie_is_out_of_reach_of_scripts(wang):
    cookie = enter(Client()).cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_a_new_password_ends_every_other_session(wang):
    here, there = Client(), Client()
    enter(here)
    enter(there)
    new = "quite-another-word-2"
    answer = here.post(
        "/me/password", {"oldpassword": "a-long-password-1", "password1": new, "password2": new}, follow=True
    )
    assert "密码已修改" in said(answer)
    assert signed_in(here)
    assert not signed_in(there)
    assert enter(Client(), password=new).status_code == 302


def test_a_weak_or_wrong_password_changes_nothing(wang):
    client = Client()
    enter(client)
    for old, new in (("a-long-password-1", "short"), ("wrong", "quite-another-word-2")):
        assert client.post("/me/password", {"oldpassword": old, "password1": new, "password2": new}).status_code == 200
    assert User.objects.get().check_password("a-long-password-1")


def test_disabling_somebody_ends_their_sessions(wang):
    client = Client()
    enter(client)
    User.objects.update(is_active=False)
    assert not signed_in(client)


def test_djangos_signals_are_sent_for_whoever_keeps_a_record(wang):
    heard = []

    def listen(sender, signal, **more):
        heard.append((signal is user_logged_in, more["request"].META["REMOTE_ADDR"]))

    for signal in (user_logged_in, user_login_failed):
        signal.connect(listen)
    try:
        enter(Client(), password="wrong-password")
        enter(Client())
    finally:
        for signal in (user_logged_in, user_login_failed):
            signal.disconnect(listen)
    assert heard == [(False, "198.51.100.7"), (True, "198.51.100.7")]


@pytest.mark.parametrize(
    "name", ["account_signup", "account_email", "account_reset_password", "account_set_password", "mfa_signup_webauthn"]
)
def test_what_the_desk_has_no_use_for_has_no_address(name):
    with pytest.raises(NoReverseMatch):
        reverse(name)


@pytest.mark.parametrize("url", ["/accounts/login/", "/signup", "/sign-in/wecom", "/sign-in/wecom/back", "/me/email"])
def test_what_is_not_set_up_is_not_there(wang, url):
    client = Client()
    enter(client)
    assert client.post(url).status_code in (404, 405)


def test_every_page_of_the_account_wears_the_desks_clothes(confirmed):
    """allauth's own templates are bare; a page whose template was forgotten would show them."""
    looked_at = set()
    for pattern in account_urls.urlpatterns:
        if "<" in str(pattern.pattern):
            continue
        answer = confirmed.get(reverse(pattern.name))
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            looked_at.add(pattern.name)
            assert "desk/desk.css" in said(answer), pattern.name
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
            assert "no-store" in answer.headers["Cache-Control"], pattern.name
    assert {"mfa_activate_totp", "mfa_add_webauthn", "account_change_password", "account_reauthenticate"} <= looked_at


def test_only_the_ways_in_are_open_to_strangers(db):
    open_ = {
        "account_login",
        "mfa_login_webauthn",
        "mfa_authenticate",
        "start_over",
        "wecom_sign_in",
        "wecom_callback",
        "join",
    }
    for pattern in account_urls.urlpatterns:
        arguments = {key: value for key, value in {"pk": 1, "token": "x"}.items() if key in str(pattern.pattern)}
        url = reverse(pattern.name, kwargs=arguments)
        location = Client().get(url).headers.get("Location", "")
        assert location.startswith("/sign-in?next=") is (pattern.name not in open_), pattern.name


def test_the_addresses_of_the_sign_in_are_one():
    assert reverse("account_login") == reverse("desk:sign_in") == "/sign-in"
    assert get_resolver().resolve("/sign-in").func.view_class.__name__ == "SignIn"
