"""The DingTalk robot: its signature, its mentions, its limits, and what its answers mean."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

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
    UnknownOutcomeError,
)
from kesu.alerts.channels.dingtalk_robot.render import BODY_BYTES, called, encoded
from kesu.alerts.channels.dingtalk_robot.settings import DingtalkRobotSettings
from kesu.alerts.channels.dingtalk_robot.transport import signature, signed_url
from kesu.alerts.content import Content, Row
from kesu.sandbox import Sandbox
from kesu.sandbox.faults import Fault

from .conftest import CONTENT, LINK, NOW, Sender, push

SECRET = "SEC0123456789abcdef"
URL = f"https://oapi.dingtalk.com/robot/send?access_token={'a1b2' * 16}"


def settings(**changes: object) -> DingtalkRobotSettings:
    return DingtalkRobotSettings.model_validate({"webhook_url": URL} | changes)


@pytest.fixture
def robot(sandbox: Sandbox) -> dict[str, str]:
    """Settings of a robot that asks for a signature."""
    made = sandbox.chat_robots.create("dingtalk", SECRET)
    return {"webhook_url": f"{sandbox.base_url}/robot/send?access_token={made.token}", "secret": SECRET}


def test_the_signature_is_that_of_the_worked_example() -> None:
    assert signature(SECRET, 1_700_000_000_000) == "TSZbRFUuvaSQaRKUpF970OPCb2/LcQAP3wOvwZIzBZk="


def test_the_signature_is_encoded_once_on_the_wire() -> None:
    found = signed_url(settings(secret=SECRET), now=NOW)
    request = httpx2.Request("POST", found)
    assert b"%25" not in request.url.raw_path
    query = parse_qs(urlsplit(found).query)
    assert query["timestamp"] == [str(int(NOW.timestamp() * 1000))]
    assert query["sign"] == [signature(SECRET, int(NOW.timestamp() * 1000))]


def test_a_robot_without_a_secret_gets_a_bare_address() -> None:
    assert signed_url(settings(), now=NOW) == URL


def test_a_signed_push_is_shown(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    receipt = send("dingtalk_robot", robot)
    assert (receipt.http_status, receipt.code) == (200, "0")
    (message,) = sandbox.chat_robots.messages_after("dingtalk", 0)
    body = json.loads(message.content)
    assert body["markdown"]["title"] == CONTENT.headline
    assert body["markdown"]["text"].splitlines() == [
        "回复剩 3小时12分 ¥199.00  ",
        "**新投诉 · 第3次提醒**  ",
        "商户: 商户A 1900000001  ",
        "类型: 申请退款  ",
        "",
        "> 原话: 一周了没人理我",
        "",
        f"[打开投诉单]({LINK})",
    ]


def test_a_wrong_secret_kills_the_channel(send: Sender, robot: dict[str, str]) -> None:
    with pytest.raises(ChannelDeadError) as caught:
        send("dingtalk_robot", robot | {"secret": "SECwrong"})
    assert (caught.value.receipt.code, caught.value.receipt.http_status) == ("310000", 200)


def test_a_clock_an_hour_off_is_refused_as_a_signature(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    with pytest.raises(ChannelDeadError, match="timestamp"):
        send("dingtalk_robot", robot, push(now=sandbox.clock.now() - timedelta(minutes=61)))


def test_people_are_called_by_number_and_by_id_and_named_in_the_text(
    send: Sender, sandbox: Sandbox, robot: dict[str, str]
) -> None:
    send("dingtalk_robot", robot, push(now=sandbox.clock.now(), mentions=("13800001111", "manager01", "<b>")))
    (message,) = sandbox.chat_robots.messages_after("dingtalk", 0)
    body = json.loads(message.content)
    assert body["at"] == {"atMobiles": ["13800001111"], "atUserIds": ["manager01"], "isAtAll": False}
    assert "@13800001111 @manager01" in body["markdown"]["text"]
    assert message.mentions == ["13800001111", "manager01"]


def test_everyone_is_called_only_where_somebody_is(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    send("dingtalk_robot", robot | {"everyone": True})
    send("dingtalk_robot", robot | {"everyone": True}, push(now=sandbox.clock.now(), mentions=("13800001111",)))
    quiet, loud = sandbox.chat_robots.messages_after("dingtalk", 0)
    assert (quiet.mentions, loud.mentions) == ([], ["13800001111", "@all"])


def test_what_is_neither_number_nor_id_is_left_out() -> None:
    assert called(["13800001111", "李四", "a b", "13800001111", "user_1"]) == (["13800001111"], ["user_1"])


@pytest.mark.parametrize("short", [False, True])
def test_a_keyword_is_written_into_every_form(send: Sender, sandbox: Sandbox, short: bool) -> None:
    token = sandbox.chat_robots.create("dingtalk", keyword="客诉提醒").token
    raw = {"webhook_url": f"{sandbox.base_url}/robot/send?access_token={token}"}
    with pytest.raises(ChannelDeadError):
        send("dingtalk_robot", raw, push(short=short))
    assert send("dingtalk_robot", raw | {"keyword": "客诉提醒"}, push(short=short)).code == "0"


def test_the_twenty_first_in_a_minute_costs_ten_minutes(send: Sender, sandbox: Sandbox, robot: dict[str, str]) -> None:
    for _ in range(20):
        send("dingtalk_robot", robot)
    with pytest.raises(RateLimitError) as caught:
        send("dingtalk_robot", robot)
    assert caught.value.receipt.code == "130101"
    sandbox.clock.advance(timedelta(minutes=9))
    with pytest.raises(RateLimitError):
        send("dingtalk_robot", robot)
    sandbox.clock.advance(KINDS["dingtalk_robot"].budget.pause)
    assert send("dingtalk_robot", robot).code == "0"


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (-1, TransientError),
        (130101, RateLimitError),
        (410100, RateLimitError),
        (300005, ChannelDeadError),
        (310000, ChannelDeadError),
        (90030, ChannelDeadError),
        (400013, ChannelDeadError),
        (460101, PayloadError),
        (40035, PayloadError),
        (430102, PayloadError),
        (12345, TransientError),
    ],
)
def test_every_number_but_0_is_an_error_although_http_says_200(
    send: Sender, sandbox: Sandbox, robot: dict[str, str], errcode: int, error: type[SendError]
) -> None:
    sandbox.faults.order(Fault("dingtalk", "errcode", errcode))
    with pytest.raises(error) as caught:
        send("dingtalk_robot", robot)
    assert (caught.value.receipt.http_status, caught.value.receipt.code) == (200, str(errcode))


@pytest.mark.parametrize("body", [b"", b"[]", b"ok", b'{"errcode": "0"}', b'{"errcode": false}', b'{"errmsg": "ok"}'])
def test_an_answer_without_a_proper_number_is_no_delivery(send: Sender, body: bytes) -> None:
    with pytest.raises(TransientError):
        send("dingtalk_robot", {"webhook_url": URL}, push(), answering=httpx2.Response(200, content=body))


def test_a_zero_with_another_http_status_is_no_delivery(send: Sender) -> None:
    answer = httpx2.Response(502, json={"errcode": 0, "errmsg": "ok"})
    with pytest.raises(TransientError):
        send("dingtalk_robot", {"webhook_url": URL}, push(), answering=answer)


def test_silence_after_writing_leaves_the_outcome_unknown(
    send: Sender, sandbox: Sandbox, robot: dict[str, str]
) -> None:
    sandbox.faults.order(Fault("dingtalk", "timeout"))
    with pytest.raises(UnknownOutcomeError):
        send("dingtalk_robot", robot)


def test_the_token_is_covered_in_what_is_kept_of_an_answer(send: Sender) -> None:
    answer = httpx2.Response(200, json={"errcode": 300005, "errmsg": f"token {'a1b2' * 16} is not exist"})
    with pytest.raises(ChannelDeadError) as caught:
        send("dingtalk_robot", {"webhook_url": URL}, push(), answering=answer)
    assert caught.value.receipt.answer == "token **** is not exist"


texts = st.text(max_size=4000)


@given(headline=texts, quote=texts, values=st.lists(texts, max_size=4), short=st.booleans())
def test_no_body_exceeds_the_limit(headline: str, quote: str, values: list[str], short: bool) -> None:
    content = Content(headline, "新投诉", rows=tuple(Row("行", value) for value in values), quote=quote, link=LINK)
    body = encoded(push(content, short=short, mentions=("13800001111",) * 3), settings(keyword="客诉"))
    assert len(body) <= BODY_BYTES
    assert "@13800001111" in body.decode()


@pytest.mark.parametrize(
    "url",
    [
        URL.replace("https", "http"),
        URL.replace("oapi.dingtalk.com", "oapi.dingtalk.com.evil.example"),
        URL.replace("/robot/send", "/robot/sendBySession"),
        "https://oapi.dingtalk.com/robot/send",
        "https://oapi.dingtalk.com/robot/send?access_token=a b",
    ],
)
def test_an_address_that_is_not_a_robot_s_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KINDS["dingtalk_robot"].parse({"webhook_url": url})
    assert list(caught.value.problems) == ["webhook_url"]
    assert "a1b2" not in str(caught.value)


def test_the_token_is_masked_in_every_output() -> None:
    shown = KINDS["dingtalk_robot"].address(settings(secret=SECRET))
    assert shown == "https://oapi.dingtalk.com/robot/send?access_token=****a1b2"
