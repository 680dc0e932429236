"""The WeCom application: its token, its messages, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import (
    ChannelDeadError,
    PayloadError,
    RateLimitError,
    Receipt,
    SendError,
    SettingsError,
    TransientError,
    UnknownOutcomeError,
)
from kesu.alerts.channels.wecom_app.render import TEXT_BYTES, payload
from kesu.alerts.channels.wecom_app.settings import WecomAppSettings
from kesu.alerts.channels.wecom_app.tokens import access_token
from kesu.alerts.content import Content, Row
from kesu.alerts.models import AppToken
from kesu.sandbox import Sandbox
from kesu.sandbox.faults import Fault

from .conftest import CONTENT, LINK, NOW, Sender, push

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CALLBACK = {"callback_token": "QDG6eK", "callback_key": KEY}
KIND = KINDS["wecom_app"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def app(sandbox: Sandbox) -> dict[str, Any]:
    """Settings of an application that reaches three people."""
    made = sandbox.wecom_apps.create(["ZhangSan", "LiSi", "WangJingLi"])
    known = {"corpid": made.corpid, "agentid": made.agentid, "secret": made.secret, "api_url": sandbox.base_url}
    return known | {"receivers": ["ZhangSan", "LiSi"]}


def settings(**changes: Any) -> WecomAppSettings:
    base = {"corpid": "ww1436e0e65a779aee", "agentid": 1000002, "secret": "s" * 43, "receivers": ["LiSi"]}
    return WecomAppSettings.model_validate(base | changes)


def asked_for_tokens(sandbox: Sandbox) -> int:
    return sandbox.state.counters.get("wecom_app_tokens", 0)


def test_a_push_arrives_as_markdown_where_nothing_can_be_clicked(
    send: Sender, sandbox: Sandbox, app: dict[str, Any]
) -> None:
    receipt = send("wecom_app", app)
    assert (receipt.http_status, receipt.code, receipt.card) == (200, "0", None)
    (message,) = sandbox.wecom_apps.messages_after(0)
    assert message.receivers == ["ZhangSan", "LiSi"]
    assert message.content.splitlines()[0] == CONTENT.headline
    assert message.content.endswith(f"[打开投诉单]({LINK})")


def test_a_card_has_a_button_that_claims_and_one_that_opens(
    send: Sender, sandbox: Sandbox, app: dict[str, Any]
) -> None:
    receipt = send("wecom_app", app | CALLBACK)
    (message,) = sandbox.wecom_apps.messages_after(0)
    card = message.card or {}
    assert [(button["type"], button["text"]) for button in card["button_list"]] == [(0, "认领"), (1, "打开投诉单")]
    assert card["button_list"][0]["key"] == f"claim:{LINK.rpartition('/')[2]}"
    assert card["button_list"][1]["url"] == card["card_action"]["url"] == LINK
    assert card["main_title"]["title"] == CONTENT.headline
    assert receipt.card is not None
    assert receipt.card.task_id == card["task_id"]
    assert receipt.card.update_code in sandbox.state.wecom_apps[app["agentid"]].codes


def test_a_claimed_case_has_no_claim_button(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    claimed = Content("回复剩 1天 ¥1.00", "新投诉", link=LINK, link_text="打开投诉单")
    send("wecom_app", app | CALLBACK, push(claimed))
    card = sandbox.wecom_apps.messages_after(0)[0].card or {}
    assert [button["type"] for button in card["button_list"]] == [1]


def test_every_try_has_a_task_of_its_own(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    cards = [send("wecom_app", app | CALLBACK).card for _ in range(3)]
    assert len({card.task_id for card in cards if card}) == 3


@pytest.mark.parametrize(("style", "msgtype"), [("text", "text"), ("markdown", "markdown"), ("card", "template_card")])
def test_the_style_is_chosen(send: Sender, sandbox: Sandbox, app: dict[str, Any], style: str, msgtype: str) -> None:
    send("wecom_app", app | CALLBACK | {"style": style})
    assert sandbox.wecom_apps.messages_after(0)[0].msgtype == msgtype


def test_the_short_form_is_plain_text(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    send("wecom_app", app | CALLBACK, push(short=True))
    (message,) = sandbox.wecom_apps.messages_after(0)
    assert (message.msgtype, len(message.content.encode()) <= 900) == ("text", True)


def test_whoever_is_called_gets_it_too(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    send("wecom_app", app, push(mentions=("WangJingLi", "LiSi", "a|b")))
    assert sandbox.wecom_apps.messages_after(0)[0].receivers == ["WangJingLi", "LiSi", "ZhangSan"]


def test_somebody_who_was_not_reached_is_named_although_errcode_is_0(send: Sender, app: dict[str, Any]) -> None:
    receipt = send("wecom_app", app | {"receivers": ["LiSi", "GoneAway"]})
    assert (receipt.code, receipt.answer) == ("0", "not reached: invaliduser: goneaway")


def test_nobody_to_reach_is_permanent(send: Sender, app: dict[str, Any]) -> None:
    with pytest.raises(PayloadError) as caught:
        send("wecom_app", app | {"receivers": ["GoneAway"]})
    assert caught.value.receipt.code == "81013"


def test_one_token_serves_until_five_minutes_before_its_end(
    send: Sender, sandbox: Sandbox, app: dict[str, Any]
) -> None:
    send("wecom_app", app)
    sandbox.clock.advance(timedelta(minutes=114))
    send("wecom_app", app)
    assert asked_for_tokens(sandbox) == 1
    sandbox.clock.advance(timedelta(minutes=2))
    send("wecom_app", app)
    assert asked_for_tokens(sandbox) == 2


def test_a_token_that_wecom_ended_early_is_replaced_once(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    send("wecom_app", app)
    sandbox.wecom_apps.end_tokens(app["agentid"])
    assert send("wecom_app", app).code == "0"
    assert asked_for_tokens(sandbox) == 2


@pytest.mark.parametrize("errcode", [40001, 40014, 42001])
def test_a_token_that_is_never_good_enough_is_not_fetched_for_ever(
    send: Sender, sandbox: Sandbox, app: dict[str, Any], errcode: int
) -> None:
    sandbox.faults.order(Fault("wecom_app", "errcode", errcode, path="/message/send"))
    with pytest.raises(TransientError) as caught:
        send("wecom_app", app)
    assert caught.value.receipt.code == str(errcode)
    assert asked_for_tokens(sandbox) == 2


def test_the_token_is_sealed_in_the_database(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    from django.db import connection

    send("wecom_app", app)
    with connection.cursor() as cursor:
        cursor.execute("select token from alerts_apptoken")
        sealed = bytes(cursor.fetchone()[0])
    (token,) = sandbox.state.wecom_apps[app["agentid"]].tokens
    assert token.encode() not in sealed
    assert AppToken.objects.get().token == token


def test_ten_at_once_ask_for_one_token(sandbox: Sandbox, app: dict[str, Any]) -> None:
    found = KIND.parse(app)

    async def all_at_once() -> list[str]:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=sandbox.app)) as client:
            return await asyncio.gather(*(access_token(found, client, now=sandbox.clock.now()) for _ in range(10)))

    assert len(set(asyncio.run(all_at_once()))) == 1
    assert asked_for_tokens(sandbox) == 1


def test_the_turn_of_a_process_that_died_while_fetching_runs_out(
    send: Sender, sandbox: Sandbox, app: dict[str, Any]
) -> None:
    send("wecom_app", app)
    AppToken.objects.update(expires_at=NOW, renewing_until=NOW + timedelta(seconds=30))
    sandbox.clock.advance(timedelta(seconds=31))
    assert send("wecom_app", app).code == "0"
    assert asked_for_tokens(sandbox) == 2


def test_a_failure_to_fetch_leaves_the_turn_to_the_next(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    sandbox.faults.order(Fault("wecom_app", "drop", count=1, path="/gettoken"))
    with pytest.raises(TransientError):
        send("wecom_app", app)
    assert AppToken.objects.get().renewing_until is None
    assert send("wecom_app", app).code == "0"


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (40001, ChannelDeadError),
        (40013, ChannelDeadError),
        (60020, ChannelDeadError),
        (45009, RateLimitError),
        (-1, TransientError),
    ],
)
def test_what_keeps_it_from_a_token_is_told_apart(
    send: Sender, sandbox: Sandbox, app: dict[str, Any], errcode: int, error: type[SendError]
) -> None:
    sandbox.faults.order(Fault("wecom_app", "errcode", errcode, path="/gettoken"))
    with pytest.raises(error) as caught:
        send("wecom_app", app)
    assert caught.value.receipt.code == str(errcode)
    assert app["secret"] not in str(caught.value)


def test_a_wrong_secret_kills_the_channel(send: Sender, app: dict[str, Any]) -> None:
    with pytest.raises(ChannelDeadError):
        send("wecom_app", app | {"secret": "wrong-secret"})


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (-1, TransientError),
        (45009, RateLimitError),
        (45033, RateLimitError),
        (40008, PayloadError),
        (40058, PayloadError),
        (45002, PayloadError),
        (60111, PayloadError),
        (81013, PayloadError),
        (82001, PayloadError),
        (48002, ChannelDeadError),
        (60011, ChannelDeadError),
        (60020, ChannelDeadError),
        (99999, TransientError),
    ],
)
def test_every_number_but_0_is_an_error_although_http_says_200(
    send: Sender, sandbox: Sandbox, app: dict[str, Any], errcode: int, error: type[SendError]
) -> None:
    sandbox.faults.order(Fault("wecom_app", "errcode", errcode, path="/message/send"))
    with pytest.raises(error) as caught:
        send("wecom_app", app)
    assert (caught.value.receipt.http_status, caught.value.receipt.code) == (200, str(errcode))


def test_an_untrusted_address_is_named_first(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    sandbox.faults.order(Fault("wecom_app", "errcode", 60020, path="/message/send"))
    with pytest.raises(ChannelDeadError) as caught:
        send("wecom_app", app)
    assert caught.value.receipt.answer.startswith("203.0.113.7 is not among the trusted addresses (企业可信IP)")


def test_an_untrusted_address_is_named_when_it_already_keeps_from_a_token(
    send: Sender, sandbox: Sandbox, app: dict[str, Any]
) -> None:
    sandbox.faults.order(Fault("wecom_app", "errcode", 60020, path="/gettoken"))
    with pytest.raises(ChannelDeadError) as caught:
        send("wecom_app", app)
    assert caught.value.receipt.answer.startswith("203.0.113.7 is not among the trusted addresses")


def test_silence_after_writing_leaves_the_outcome_unknown(send: Sender, sandbox: Sandbox, app: dict[str, Any]) -> None:
    sandbox.faults.order(Fault("wecom_app", "timeout", path="/message/send"))
    with pytest.raises(UnknownOutcomeError):
        send("wecom_app", app)


def test_the_budget_stays_below_what_a_member_may_get(sandbox: Sandbox) -> None:
    limits = dict((span, number) for number, span in KIND.budget.limits)
    assert limits[timedelta(minutes=1)] < 30
    assert limits[timedelta(hours=1)] < 1000


def test_only_this_interface_goes_through_the_proxy(app: dict[str, Any]) -> None:
    """The proxy is named, and the client that was given (here one that must not be used) is left alone."""
    seen: Counter[str] = Counter()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen[(await reader.readline()).decode().split("?")[0]] += 1
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def once() -> Receipt:
        server = await asyncio.start_server(proxy, "127.0.0.1", 0)
        found = KIND.parse(app | {"proxy": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"})
        forbidden = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"errcode": 0}))
        async with server, httpx2.AsyncClient(transport=forbidden) as client:
            return await KIND.send(push(), found, client)

    with pytest.raises(TransientError):
        asyncio.run(once())
    assert seen == {f"GET {app['api_url']}/cgi-bin/gettoken": 1}


words = st.text(max_size=3000)


@given(headline=words, quote=words, values=st.lists(words, max_size=8), style=st.sampled_from(["markdown", "text"]))
def test_no_text_exceeds_2048_bytes(headline: str, quote: str, values: list[str], style: str) -> None:
    content = Content(headline, "新投诉", rows=tuple(Row("行", value) for value in values), quote=quote, link=LINK)
    body = payload(push(content), settings(style=style))
    assert len(body[style]["content"].encode()) <= TEXT_BYTES
    assert body["enable_duplicate_check"] == 0
    json.dumps(body)


@given(headline=words, quote=words, values=st.lists(words, max_size=9))
def test_a_card_keeps_to_the_lengths_of_its_parts(headline: str, quote: str, values: list[str]) -> None:
    content = Content(
        headline, "新投诉", rows=tuple(Row("行", value) for value in values), quote=quote, link=LINK, link_text="打开"
    )
    card = payload(push(content), settings(**CALLBACK))["template_card"]
    assert len(card["main_title"]["title"]) <= 37
    assert len(card["horizontal_content_list"]) <= 6
    assert len(card.get("sub_title_text", "")) <= 161


@pytest.mark.parametrize(
    "changes",
    [
        {"corpid": "w w"},
        {"agentid": 0},
        {"agentid": "x"},
        {"secret": "short"},
        {"receivers": []},
        {"receivers": ["李四"]},
        {"receivers": ["@all", "LiSi"]},
        {"receivers": [f"user{n}" for n in range(41)]},
        {"callback_token": "QDG6eK"},
        {"callback_token": "not allowed!", "callback_key": KEY},
        {"callback_token": "QDG6eK", "callback_key": "short"},
        {"api_url": "https://evil.example"},
        {"proxy": "socks5://127.0.0.1:1080"},
        {"style": "poem"},
    ],
)
def test_settings_that_cannot_work_are_refused(changes: dict[str, Any]) -> None:
    raw = settings().model_dump() | changes
    with pytest.raises(SettingsError) as caught:
        KIND.parse(raw)
    assert "s" * 43 not in str(caught.value)


def test_receivers_may_be_typed_with_commas_between() -> None:
    assert settings(receivers="LiSi,ZhangSan").receivers == ("LiSi", "ZhangSan")


def test_the_address_names_company_application_and_way() -> None:
    found = settings(proxy="http://user:secret@proxy.example.com:3128")
    assert KIND.address(found) == "ww1436e0e65a779aee/1000002 through proxy.example.com"
