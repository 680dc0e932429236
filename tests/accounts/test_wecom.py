"""Sign-in through WeCom, against a look-alike. Two traps: everybody has an id, and success may come without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client

from kesu.accounts.models import User
from kesu.config.configuration import Configuration
from kesu.sandbox import Sandbox, wecom_login
from tests.accounts.conftest import said, set_up_totp, signed_in, totp
from tests.desk_seeds import make_user
from tests.processes import free_port, until

BACK = "/sign-in/wecom/back"
REFUSED_BY_WECOM = "企业微信未能确认您的身份"
UNKNOWN_HERE = "本系统尚未登记"


@contextmanager
def listening(app: Any) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until(lambda: server.started, 20, "the look-alike to listen")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


class World:
    """A WeCom with one application, which the desk is set up for."""

    def __init__(self, sandbox: Sandbox, app: Any) -> None:
        self.sandbox, self.app = sandbox, app

    def code(self, **who: str) -> str:
        return wecom_login.come_back(self.app, **who, now=self.sandbox.clock.now())

    def tokens(self) -> int:
        return self.sandbox.state.counters.get("wecom_app_tokens", 0)


@pytest.fixture
def wecom(identity, settings, db) -> Iterator[World]:
    sandbox = Sandbox.create(start=None, speed=1, identity=identity, base_url="http://127.0.0.1")
    app = sandbox.wecom_apps.create(["ZhangSan"])
    with listening(sandbox.app) as url:
        settings.KESU_WECOM_LOGIN = {
            "corp_id": app.corpid,
            "agent_id": str(app.agentid),
            "secret": app.secret,
            "api_url": url,
        }
        yield World(sandbox, app)
    cache.clear()


def begin(client: Client, **more: Any) -> dict[str, str]:
    """Press the button; what the browser is sent to WeCom with."""
    location = client.post("/sign-in/wecom", more).headers["Location"]
    return {"address": location} | {key: value[0] for key, value in parse_qs(urlsplit(location).query).items()}


def come_back(client: Client, code: str, state: str) -> Any:
    return client.get(BACK, {"code": code, "state": state})


def through(wecom: World, client: Client | None = None, **who: str) -> tuple[Client, Any]:
    client = client or Client()
    state = begin(client)["state"]
    return client, come_back(client, wecom.code(**who), state)


def told(client: Client) -> str:
    return said(client.get("/sign-in"))


def test_somebody_of_the_desk_comes_in(wecom):
    make_user(wecom_userid="ZhangSan")
    client = Client()
    sent = begin(client, next="/deliveries")
    assert sent["address"].startswith("https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&")
    assert sent["appid"] == wecom.app.corpid
    assert sent["agentid"] == str(wecom.app.agentid)
    assert sent["redirect_uri"] == f"http://testserver{BACK}"
    assert sent["state"].isalnum()
    answer = come_back(client, wecom.code(userid="ZhangSan"), sent["state"])
    assert answer.headers["Location"] == "/deliveries"
    assert signed_in(client)


def test_inside_wecom_nothing_is_scanned(wecom, settings):
    settings.KESU_PUBLIC_URL = "https://desk.example"
    answer = Client().post("/sign-in/wecom", headers={"User-Agent": "Mozilla/5.0 wxwork/4.1 MicroMessenger/7"})
    location = answer.headers["Location"]
    assert location.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?")
    assert location.endswith("#wechat_redirect")
    assert "scope=snsapi_base" in location
    assert "redirect_uri=https%3A%2F%2Fdesk.example%2Fsign-in%2Fwecom%2Fback" in location


def test_trap_one_an_employee_whom_the_desk_does_not_know_stays_outside(wecom):
    """WeCom names every employee, whether or not the application is visible to them."""
    make_user(wecom_userid="ZhangSan")
    client, answer = through(wecom, userid="LiSi")
    assert answer.headers["Location"] == "/sign-in"
    assert UNKNOWN_HERE in told(client)
    assert not signed_in(client)
    assert User.objects.count() == 1
    assert not SocialAccount.objects.exists()


def test_trap_two_somebody_outside_the_company_stays_outside(wecom):
    """errcode 0 and no userid; people without a WeCom id must not be taken for them."""
    make_user(wecom_userid="")
    client, _ = through(wecom, openid="oAbC")
    assert REFUSED_BY_WECOM in told(client)
    assert not signed_in(client)


def test_upper_and_lower_case_are_one_as_at_wecom(wecom):
    make_user(wecom_userid="zhangsan")
    assert signed_in(through(wecom, userid="ZhangSan")[0])


def test_an_id_that_two_people_have_opens_neither(wecom):
    make_user(wecom_userid="zhangsan")
    make_user("li", wecom_userid="ZhangSan")
    client, _ = through(wecom, userid="ZhangSan")
    assert not signed_in(client)


def test_whoever_left_stays_outside(wecom):
    make_user(wecom_userid="ZhangSan", is_active=False)
    assert not signed_in(through(wecom, userid="ZhangSan")[0])


def test_a_changed_id_counts_at_once(wecom):
    user = make_user(wecom_userid="ZhangSan")
    assert signed_in(through(wecom, userid="ZhangSan")[0])
    User.objects.filter(pk=user.pk).update(wecom_userid="Other")
    assert not signed_in(through(wecom, userid="ZhangSan")[0])


def test_the_second_step_is_still_asked_for(wecom):
    make_user(wecom_userid="ZhangSan")
    client, _ = through(wecom, userid="ZhangSan")
    client.post("/me/confirm", {"password": "a-long-password-1"})
    secret = set_up_totp(client)
    another, answer = through(wecom, userid="ZhangSan")
    assert answer.headers["Location"] == "/sign-in/second-step"
    assert not signed_in(another)
    another.post("/sign-in/second-step", {"code": totp(secret, periods=1)})
    assert signed_in(another)


@pytest.mark.parametrize("state", ["", "invented1234567"])
def test_a_state_that_this_browser_was_not_given_is_refused(wecom, state):
    make_user(wecom_userid="ZhangSan")
    client = Client()
    begin(client)
    come_back(client, wecom.code(userid="ZhangSan"), state)
    assert "不是在本浏览器发起" in told(client)
    assert not signed_in(client)


def test_somebody_elses_way_back_signs_nobody_in(wecom):
    """Otherwise a link could sign a colleague in as somebody else."""
    make_user(wecom_userid="ZhangSan")
    state = begin(Client())["state"]
    victim = Client()
    come_back(victim, wecom.code(userid="ZhangSan"), state)
    assert not signed_in(victim)


def test_a_state_is_good_once(wecom):
    make_user(wecom_userid="ZhangSan")
    client = Client()
    state = begin(client)["state"]
    come_back(client, "wrong", state)
    come_back(client, wecom.code(userid="ZhangSan"), state)
    assert not signed_in(client)


def test_a_code_is_good_once(wecom):
    make_user(wecom_userid="ZhangSan")
    code = wecom.code(userid="ZhangSan")
    first, second = Client(), Client()
    come_back(first, code, begin(first)["state"])
    come_back(second, code, begin(second)["state"])
    assert signed_in(first)
    assert not signed_in(second)


@pytest.mark.parametrize("code", ["", "x" * 513])
def test_a_code_that_is_none_is_not_even_asked_about(wecom, code):
    client = Client()
    come_back(client, code, begin(client)["state"])
    assert REFUSED_BY_WECOM in told(client)
    assert wecom.tokens() == 0


def test_one_token_serves_many_and_a_dead_one_is_renewed(wecom):
    make_user(wecom_userid="ZhangSan")
    for _ in range(3):
        assert signed_in(through(wecom, userid="ZhangSan")[0])
    assert wecom.tokens() == 1
    wecom.app.tokens.clear()
    assert signed_in(through(wecom, userid="ZhangSan")[0])
    assert wecom.tokens() == 2


def test_neither_secret_nor_token_is_stored_or_said(wecom, caplog, settings):
    make_user(wecom_userid="ZhangSan")
    through(wecom, userid="ZhangSan")
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select value from accounts_cache")
        kept = str(cursor.fetchall())
    token = next(iter(wecom.app.tokens))
    settings.KESU_WECOM_LOGIN = settings.KESU_WECOM_LOGIN | {"api_url": "http://127.0.0.1:9"}
    cache.clear()
    client, _ = through(wecom, userid="ZhangSan")
    assert REFUSED_BY_WECOM in told(client)
    for secret in (wecom.app.secret, token):
        assert secret not in kept + caplog.text + told(client)


def test_it_leads_nowhere_else(wecom):
    make_user(wecom_userid="ZhangSan")
    client = Client()
    state = begin(client, next="https://evil.example/")["state"]
    assert come_back(client, wecom.code(userid="ZhangSan"), state).headers["Location"] == "/"


def test_no_account_is_ever_connected(wecom):
    user = make_user(wecom_userid="")
    client = Client()
    client.force_login(user)
    state = begin(client, process="connect")["state"]
    come_back(client, wecom.code(userid="LiSi"), state)
    assert not SocialAccount.objects.exists()


def test_it_is_begun_by_a_press_only(wecom):
    assert Client().get("/sign-in/wecom").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/sign-in/wecom").status_code == 403


def test_the_page_offers_it_and_lets_the_form_go_there(wecom):
    page = Client().get("/sign-in")
    assert "用企业微信登录" in said(page)
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://login.work.weixin.qq.com https://open.weixin.qq.com" in policy


def test_where_it_is_not_set_up_it_is_not_there(db):
    assert "用企业微信登录" not in said(Client().get("/sign-in"))
    assert Client().post("/sign-in/wecom").status_code == 404
    assert Client().get(BACK).status_code == 404


def test_half_a_setting_stops_the_start(monkeypatch):
    monkeypatch.setenv("KESU_WECOM_LOGIN_CORP_ID", "ww1")
    with pytest.raises(ValueError, match="belong together"):
        Configuration()
    monkeypatch.setenv("KESU_WECOM_LOGIN_AGENT_ID", "1")
    monkeypatch.setenv("KESU_WECOM_LOGIN_SECRET", "very-secret")
    assert "very-secret" not in repr(Configuration())
    assert (Configuration().wecom_login() or {})["secret"] == "very-secret"
