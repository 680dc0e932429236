"""The Feishu robot: its signature, its mentions, its limits, and what its answers mean."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import (
    ChannelDeadError,
    PayloadError,
    RateLimitError,
    SendError,
    SettingsError,
    TransientError,
)
from kesu.alerts.channels.feishu_robot.render import BODY_BYTES, encoded
from kesu.alerts.channels.feishu_robot.settings import FeishuRobotSettings
from kesu.alerts.channels.feishu_robot.transport import signature, signed_fields
from kesu.alerts.content import Content, Row
from kesu.sandbox import Sandbox
from kesu.sandbox.faults import Fault

from .conftest import CONTENT, LINK, NOW, Sender, push

SECRET = "demo-secret"
TOKEN = "0f1c2d3e-1111-2222-3333-444455556666"
URL = f"https://open.feishu.cn/open-apis/bot/v2/hook/{TOKEN}"
OPEN_ID = "ou_7d8a6e6df7621556ce0d21922b676706"


def settings(**changes: object) -> FeishuRobotSettings:
    return FeishuRobotSettings.model_validate({"webhook_url": URL} | changes)


@pytest.fixture
def robot(sandbox: Sandbox) -> dict[str, str]:
    """Settings of a robot that asks for a signature."""
    token = sandbox.chat_robots.create("feishu", SECRET).token
    return {"webhook_url": f"{sandbox.base_url}/open-apis/bot/v2/hook/{token}", "secret": SECRET}


def test_the_signature_is_that_of_the_worked_example_and_not_dingtalk_s() -> None:
    assert signature(SECRET, 1_700_000_000) == "mYHw2R2SOm8Rw/sne3lQdmz4sOfntKR+1P/8RKKTwmA="
    assert signature(SECRET, 1_700_000_000) != "QpuQa+geSeGNFIceuqIn2wMB7bl/MUclyiNJmHCj0uU="


def test_time_and_signature_are_strings_in_the_body() -> None:
    seconds = int(NOW.timestamp())
    assert signed_fields(settings(secret=SECRET), now=NOW) == {
        "timestamp": str(seconds),
        "sign": signature(SECRET, seconds),
    }
    assert signed_fields(settings(), now=NOW) == {}


def test_a_signed_push_is_shown_as_a_card(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    assert send("feishu_robot", robot).code == "0"
    (message,) = sandbox.chat_robots.messages_after("feishu", 0)
    card = json.loads(message.content)["card"]
    assert card["header"]["title"]["content"] == CONTENT.headline
    assert card["header"]["template"] == "red"
    assert card["elements"][0]["text"]["content"].splitlines() == [
        "**新投诉 · 第3次提醒**",
        "商户: 商户A 1900000001",
        "类型: 申请退款",
        "原话: 一周了没人理我",
    ]
    assert card["elements"][1]["actions"][0]["url"] == LINK


@pytest.mark.parametrize(("short", "form"), [(False, "<at id={}></at>"), (True, '<at user_id="{}"></at>')])
def test_people_are_called_in_the_form_of_each_message(
    send: Sender, sandbox: Sandbox, robot: dict[str, str], short: bool, form: str
) -> None:
    found = push(now=sandbox.clock.now(), short=short, mentions=(OPEN_ID, "<x>"))
    send("feishu_robot", robot | {"everyone": True}, found)
    (message,) = sandbox.chat_robots.messages_after("feishu", 0)
    assert message.mentions == [OPEN_ID, "all"]
    body = json.loads(message.content)
    text = body["content"]["text"] if short else body["card"]["elements"][0]["text"]["content"]
    assert form.format(OPEN_ID) in text
    assert form.format("all") in text


def test_nobody_is_called_when_nobody_is_to_be(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    send("feishu_robot", robot | {"everyone": True})
    assert sandbox.chat_robots.messages_after("feishu", 0)[0].mentions == []


def test_a_wrong_secret_kills_the_channel(send: Sender, robot: dict[str, str]) -> None:
    with pytest.raises(ChannelDeadError) as caught:
        send("feishu_robot", robot | {"secret": "another"})
    assert caught.value.receipt.code == "19021"


@pytest.mark.parametrize("short", [False, True])
def test_a_keyword_is_written_into_every_form(send: Sender, sandbox: Sandbox, short: bool) -> None:
    token = sandbox.chat_robots.create("feishu", keyword="客诉提醒").token
    raw = {"webhook_url": f"{sandbox.base_url}/open-apis/bot/v2/hook/{token}"}
    with pytest.raises(ChannelDeadError) as caught:
        send("feishu_robot", raw, push(short=short))
    assert caught.value.receipt.code == "19024"
    assert send("feishu_robot", raw | {"keyword": "客诉提醒"}, push(short=short)).code == "0"


def test_the_sixth_in_a_second_is_too_many_and_the_budget_stays_below(
    send: Sender, sandbox: Sandbox, robot: dict[str, str]
) -> None:
    for _ in range(5):
        send("feishu_robot", robot)
    with pytest.raises(RateLimitError):
        send("feishu_robot", robot)
    limits = dict((span, number) for number, span in KINDS["feishu_robot"].budget.limits)
    assert limits[timedelta(seconds=1)] < 5
    assert limits[timedelta(minutes=1)] < 100


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (19021, "sign match fail", ChannelDeadError),
        (19022, "Ip Not Allowed", ChannelDeadError),
        (19024, "Key Words Not Found", ChannelDeadError),
        (19001, "param invalid", ChannelDeadError),
        (11232, "frequency limited psm", RateLimitError),
        (9499, "too many request", RateLimitError),
        (9499, "Bad Request", PayloadError),
        (99999, "?", TransientError),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_every_code_but_0_is_an_error_whatever_http_says(
    send: Sender, code: int, message: str, error: type[SendError], status: int
) -> None:
    answer = httpx2.Response(status, json={"code": code, "msg": message, "data": {}})
    with pytest.raises(error) as caught:
        send("feishu_robot", {"webhook_url": URL}, push(), answering=answer)
    assert caught.value.receipt.code == str(code)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"StatusCode": 0}', b'{"code": "0"}', b'{"code": false}', b"null"])
def test_an_answer_without_a_proper_code_is_no_delivery(send: Sender, body: bytes) -> None:
    with pytest.raises(TransientError):
        send("feishu_robot", {"webhook_url": URL}, push(), answering=httpx2.Response(200, content=body))


def test_a_refusal_ordered_from_the_sandbox_is_one(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    sandbox.faults.order(Fault("feishu", "errcode", 11232))
    with pytest.raises(RateLimitError):
        send("feishu_robot", robot)


texts = st.text(max_size=4000)


@given(headline=texts, quote=texts, values=st.lists(texts, max_size=4), short=st.booleans())
def test_no_body_exceeds_the_limit(headline: str, quote: str, values: list[str], short: bool) -> None:
    content = Content(headline, "新投诉", rows=tuple(Row("行", value) for value in values), quote=quote, link=LINK)
    found = push(content, short=short, mentions=(OPEN_ID,))
    body = encoded(found, settings(keyword="客诉"), {"timestamp": "1700000000", "sign": "x" * 44})
    assert len(body) <= BODY_BYTES
    assert OPEN_ID in body.decode()


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("open.feishu.cn", "open.feishu.cn.evil.example"),
        URL + "?x=1",
        "https://open.feishu.cn/open-apis/bot/v2/hook/",
        "https://open.feishu.cn/open-apis/bot/hook/" + TOKEN,
    ],
)
def test_an_address_that_is_not_a_robot_s_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KINDS["feishu_robot"].parse({"webhook_url": url})
    assert list(caught.value.problems) == ["webhook_url"]
    assert TOKEN not in str(caught.value)


def test_lark_is_feishu_abroad_and_its_token_is_masked() -> None:
    found = KINDS["feishu_robot"].parse({"webhook_url": URL.replace("open.feishu.cn", "open.larksuite.com")})
    assert KINDS["feishu_robot"].address(found) == "https://open.larksuite.com/open-apis/bot/v2/hook/****6666"
