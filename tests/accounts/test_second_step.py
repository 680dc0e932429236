"""The second step: authenticator app, recovery codes, and what they guard."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from tests.accounts.conftest import enter, said, set_up_totp, signed_in, totp

SECOND = "/sign-in/second-step"


def half_way(**more) -> Client:
    """Somebody who knows the password."""
    client = Client()
    answer = enter(client, **more)
    assert answer.headers["Location"] == SECOND
    return client


def recovery_codes(client: Client) -> list[str]:
    return re.findall(r"<li><code>(\d+)</code></li>", said(client.get("/me/recovery-codes")))


def test_setting_up_asks_for_the_password_first(wang):
    client = Client()
    enter(client)
    answer = client.get("/me/authenticator/add")
    assert answer.headers["Location"] == "/me/confirm?next=%2Fme%2Fauthenticator%2Fadd"
    answer = client.post("/me/confirm", {"password": "a-long-password-1", "next": "/me/authenticator/add"})
    assert answer.headers["Location"] == "/me/authenticator/add"


def test_the_qr_code_is_a_picture_that_the_content_policy_allows(confirmed):
    page = said(confirmed.get("/me/authenticator/add"))
    assert 'src="data:image/svg+xml;base64,' in page
    assert "<svg" not in page


def test_the_secret_is_sealed_in_the_database(secret):
    row = Authenticator.objects.get(type="totp")
    assert secret not in str(row.data)
    for row in Authenticator.objects.all():
        assert not re.search(r"\b[0-9a-f]{40}\b", str(row.data))


def test_a_wrong_code_sets_nothing_up(confirmed):
    confirmed.get("/me/authenticator/add")
    assert "验证码不正确" in said(confirmed.post("/me/authenticator/add", {"code": "000000"}))
    assert not Authenticator.objects.exists()


def test_the_password_alone_no_longer_opens_the_desk(secret):
    client = half_way()
    assert not signed_in(client)
    assert "验证器应用当前显示的 6 位数字" in said(client.get(SECOND))


def test_the_code_opens_it_and_the_asked_page_is_reached(secret):
    client = half_way(next="/deliveries")
    answer = client.post(SECOND, {"code": totp(secret, periods=1)})
    assert answer.headers["Location"] == "/deliveries"
    assert signed_in(client)


def test_the_second_step_leads_nowhere_else(secret):
    client = half_way(next="https://evil.example/")
    assert client.post(SECOND, {"code": totp(secret, periods=1)}).headers["Location"] == "/"


def test_a_code_works_once(secret):
    code = totp(secret, periods=1)
    assert half_way().post(SECOND, {"code": code}).status_code == 302
    thief = half_way()
    assert "已使用过" in said(thief.post(SECOND, {"code": f"{code[:3]} {code[3:]}"}))
    assert not signed_in(thief)


def test_a_code_of_long_ago_does_not_work(secret):
    assert half_way().post(SECOND, {"code": totp(secret, periods=-3)}).status_code == 200


def test_codes_cannot_be_guessed(secret):
    client = half_way()
    for number in range(5):
        client.post(SECOND, {"code": f"{number:06d}"})
    assert "请等待 15 分钟" in said(client.post(SECOND, {"code": totp(secret, periods=1)}))
    another = half_way()
    assert "请等待 15 分钟" in said(another.post(SECOND, {"code": totp(secret, periods=1)}))


def test_without_the_password_there_is_no_second_step(secret):
    client = Client()
    assert client.get(SECOND).headers["Location"] == "/sign-in"
    assert client.post(SECOND, {"code": totp(secret, periods=1)}).headers["Location"] == "/sign-in"


def test_one_can_start_over_as_somebody_else(secret):
    client = half_way()
    assert client.get("/sign-in").headers["Location"] == SECOND
    client.post("/sign-in/start-over")
    assert client.get("/sign-in").status_code == 200


def test_a_recovery_code_works_once(confirmed, secret):
    codes = recovery_codes(confirmed)
    assert len(codes) == 10
    assert half_way().post(SECOND, {"code": codes[0]}).status_code == 302
    assert half_way().post(SECOND, {"code": codes[0]}).status_code == 200
    assert recovery_codes(confirmed) == codes[1:]


def test_new_recovery_codes_replace_the_old_ones(confirmed, secret):
    old = recovery_codes(confirmed)
    confirmed.post("/me/recovery-codes/new")
    assert not set(old) & set(recovery_codes(confirmed))
    file = confirmed.get("/me/recovery-codes/download")
    assert file.content.decode().split() == recovery_codes(confirmed)
    assert "no-store" in file.headers["Cache-Control"]


def test_removing_the_app_makes_the_password_enough_again(confirmed, secret):
    confirmed.post("/me/authenticator/remove")
    assert not Authenticator.objects.exists()
    assert enter(Client()).headers["Location"] == "/"


def test_somebody_elses_authenticator_is_out_of_reach(confirmed, secret):
    from tests.desk_seeds import make_user

    make_user("li")
    other = Client()
    enter(other, "li")
    other.post("/me/confirm", {"password": "a-long-password-1"})
    assert other.post("/me/authenticator/remove").status_code == 404
    passkey = Authenticator.objects.create(user_id=confirmed.session["_auth_user_id"], type="webauthn", data={})
    for way in ("rename", "remove"):
        assert other.post(f"/me/passkeys/{passkey.pk}/{way}", {"name": "x"}).status_code == 404


def test_a_forged_passkey_is_refused_politely(db):
    client = Client()
    client.get("/sign-in/passkey", headers={"Accept": "application/json"})
    for credential in ("", "{}", '{"response": {"userHandle": "AAAA"}}', "[1]", "x"):
        answer = client.post("/sign-in/passkey", {"credential": credential})
        assert answer.headers["Location"] == "/sign-in", credential


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_step_speaks_one_language(confirmed, secret, language):
    confirmed.cookies["django_language"] = language
    half = half_way()
    half.cookies["django_language"] = language
    steps = ("", "password", "recovery-codes", "passkeys/add", "confirm/code")
    wrong = {"oldpassword": "x", "password1": "short", "password2": "x"}
    pages = [half.get(SECOND), half.post(SECOND, {"code": "1"}), confirmed.post("/me/password", wrong)]
    pages += [confirmed.get(f"/me/{step}") for step in steps]
    left_out = r"<button[^>]*lang=[^>]*>[^<]*</button>|<title>.*?</title>|<script.*?</script>"
    for page in pages:
        text = re.sub(left_out, "", said(page), flags=re.DOTALL)
        words = re.sub(r"<[^>]+>", " ", text).replace("小王", "").replace("小", "")
        if language == "en":
            assert not re.search(r"[\u3400-\u9fff]", words)
        else:
            assert not re.findall(r"\b[A-Za-z]+ [a-z]+ [a-z]+\b", words)


def test_setting_up_twice_is_not_needed(confirmed, secret):
    assert confirmed.get("/me/authenticator/add").headers["Location"] == "/me/authenticator/remove"
    with pytest.raises(AssertionError):
        set_up_totp(confirmed)
