"""The WeCom robot: what is sent, and what its answers mean."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import (
    ChannelDeadError,
    PayloadError,
    Push,
    RateLimitError,
    Receipt,
    SendError,
    SettingsError,
    TransientError,
    UnknownOutcomeError,
)
from kesu.alerts.channels.wecom_robot.render import MARKDOWN_BYTES, TEXT_BYTES, markdown, mention_ids, payload
from kesu.alerts.channels.wecom_robot.settings import WecomRobotSettings
from kesu.alerts.content import Content, Row, Tone
from kesu.sandbox import Identity, Sandbox
from kesu.sandbox.faults import Fault

NOW = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)
KEY = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
URL = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}"
LINK = "https://desk.example.com/open/1-1-1795741920._LyVo-g2mFTybm71wbF6iBxGG3taZG6Q214kQIsIrwc"
KIND = KINDS["wecom_robot"]
CONTENT = Content(
    headline="回复剩 3小时12分 ¥199.00",
    title="新投诉",
    tone=Tone.WARNING,
    notes=("第3次提醒",),
    rows=(Row("商户", "商户A 1900000001"),),
    quote="一周了没人理我",
    quote_label="原话",
    link=LINK,
    link_text="打开投诉单",
    cut_mark="…内容较长已截断",
)


def push(content: Content = CONTENT, **changes: Any) -> Push:
    return Push(**({"id": "1-1", "kind": "new", "now": NOW, "content": content} | changes))


def settings(**changes: Any) -> WecomRobotSettings:
    return WecomRobotSettings(**({"webhook_url": URL} | changes))


def send(sandbox: Sandbox, found: Push) -> Receipt:
    async def once() -> Receipt:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=sandbox.app)) as client:
            return await KIND.send(found, KIND.parse({"webhook_url": _address(sandbox)}), client)

    return asyncio.run(once())


def _address(sandbox: Sandbox) -> str:
    return f"http://127.0.0.1:1/cgi-bin/webhook/send?key={sandbox.identity.robot_key}"


@pytest.fixture
def sandbox(identity: Identity) -> Sandbox:
    return Sandbox.create(start=NOW, speed=0, identity=identity)


def test_the_headline_is_the_first_thing_a_phone_shows() -> None:
    text = markdown(CONTENT, ("LiSi",))
    assert "3小时12分 ¥199.00" in text[:20]
    assert text.split("\n") == [
        "回复剩 3小时12分 ¥199.00",
        "<@LiSi>",
        '<font color="warning">新投诉 · 第3次提醒</font>',
        '<font color="comment">商户</font> 商户A 1900000001',
        "> 原话: 一周了没人理我",
        f"[打开投诉单]({LINK})",
    ]


def test_only_errcode_0_is_a_receipt(sandbox: Sandbox) -> None:
    receipt = send(sandbox, push())
    assert (receipt.http_status, receipt.code) == (200, "0")
    assert sandbox.robots.messages_after(0)[0].content == markdown(CONTENT)


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (-1, TransientError),
        (40001, TransientError),
        (40014, TransientError),
        (42001, TransientError),
        (40008, PayloadError),
        (40033, PayloadError),
        (40058, PayloadError),
        (42045, PayloadError),
        (44004, TransientError),
        (45002, PayloadError),
        (45009, RateLimitError),
        (45033, RateLimitError),
        (48002, ChannelDeadError),
        (60011, ChannelDeadError),
        (60020, ChannelDeadError),
        (60111, PayloadError),
        (81013, PayloadError),
        (82001, PayloadError),
        (86003, ChannelDeadError),
        (86008, ChannelDeadError),
        (93000, ChannelDeadError),
        (846607, ChannelDeadError),
        (99999, TransientError),
    ],
)
def test_every_other_errcode_is_an_error_although_http_says_200(
    sandbox: Sandbox, errcode: int, error: type[SendError]
) -> None:
    sandbox.faults.order(Fault("wecom", "errcode", errcode))
    with pytest.raises(error) as caught:
        send(sandbox, push())
    assert caught.value.receipt.code == str(errcode)
    assert caught.value.receipt.http_status == 200
    assert caught.value.permanent is (error in (PayloadError, ChannelDeadError))


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[]", b"null", b'{"errcode": "0"}', b'{"errcode": false}', b'{"errmsg": "ok"}']
)
def test_an_answer_without_a_proper_errcode_is_no_delivery(body: bytes) -> None:
    async def once() -> Receipt:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
        async with httpx2.AsyncClient(transport=transport) as client:
            return await KIND.send(push(), settings(), client)

    with pytest.raises(TransientError):
        asyncio.run(once())


def test_a_broken_connection_after_writing_leaves_the_outcome_unknown(sandbox: Sandbox) -> None:
    sandbox.faults.order(Fault("wecom", "timeout"))
    with pytest.raises(UnknownOutcomeError) as caught:
        send(sandbox, push())
    assert not caught.value.permanent
    assert sandbox.identity.robot_key not in str(caught.value)


def test_nobody_listening_is_transient() -> None:
    async def once() -> Receipt:
        async with httpx2.AsyncClient(trust_env=False) as client:
            found = settings(webhook_url=f"http://127.0.0.1:9/cgi-bin/webhook/send?key={KEY}")
            return await KIND.send(push(), found, client)

    with pytest.raises(TransientError):
        asyncio.run(once())


def test_text_is_used_where_markdown_cannot_ring() -> None:
    found = payload(push(mentions=("LiSi",)), settings(mobiles=["13800001111"], everyone=True))
    assert found["msgtype"] == "text"
    assert found["text"]["mentioned_list"] == ["LiSi", "@all"]
    assert found["text"]["mentioned_mobile_list"] == ["13800001111"]
    assert "<" not in found["text"]["content"]


def test_nobody_is_rung_by_number_when_nobody_is_to_be_called() -> None:
    found = payload(push(), settings(mobiles=["13800001111"], everyone=True))
    assert found["msgtype"] == "markdown"


def test_account_ids_that_are_none_are_left_out() -> None:
    assert mention_ids(["LiSi", "李四", "a b", "<@x>", "LiSi", "wang.jl@corp"]) == ("LiSi", "wang.jl@corp")


def test_raw_utf8_is_sent(sandbox: Sandbox) -> None:
    bodies = []

    async def look(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.content)
        return httpx2.Response(200, json={"errcode": 0, "errmsg": "ok"})

    async def once() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(look)) as client:
            await KIND.send(push(), settings(), client)

    asyncio.run(once())
    assert "回复剩".encode() in bodies[0]
    assert b"\\u" not in bodies[0]


words = st.text(max_size=3000)
short = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=400)


@given(
    headline=short, title=short, values=st.lists(short, max_size=8), quote=words, userids=st.lists(short, max_size=40)
)
def test_no_content_exceeds_the_robot_s_limits(
    headline: str, title: str, values: list[str], quote: str, userids: list[str]
) -> None:
    content = Content(
        headline=headline,
        title=title,
        rows=tuple(Row("行", value) for value in values),
        quote=quote,
        quote_label="原话",
        link=LINK,
        link_text="打开投诉单",
        cut_mark="…内容较长已截断",
    )
    for body, limit in (
        (payload(push(content, mentions=tuple(userids)), settings()), MARKDOWN_BYTES),
        (payload(push(content, mentions=("LiSi",)), settings(everyone=True)), TEXT_BYTES),
        (payload(push(content, short=True), settings()), 900),
    ):
        text = body[body["msgtype"]]["content"]
        encoded = text.encode("utf-8")
        assert len(encoded) <= limit
        assert encoded.decode() == text
        assert text.endswith((f"[打开投诉单]({LINK})", f"打开投诉单: {LINK}"))
        json.dumps(body, ensure_ascii=False).encode()


@given(quote=st.text(min_size=1500, max_size=3000))
def test_the_quote_shrinks_first_and_says_so(quote: str) -> None:
    content = Content(
        "回复剩 1天 ¥1.00", "新投诉", quote="长" + quote + "长" * 1500, quote_label="原话", link=LINK, link_text="打开"
    )
    text = markdown(content, ("LiSi",))
    assert "<@LiSi>" in text
    assert "…" in text
    assert len(text.encode()) > MARKDOWN_BYTES - 8


@pytest.mark.parametrize(
    "url",
    [
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com@evil.example/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com:8443/cgi-bin/webhook/send?key=" + KEY,
        "https://qyapi.weixin.qq.com/cgi-bin/message/send?key=" + KEY,
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=a b",
        "http://10.0.0.1/cgi-bin/webhook/send?key=" + KEY,
        "ftp://127.0.0.1/cgi-bin/webhook/send?key=" + KEY,
        "",
    ],
)
def test_an_address_that_is_not_a_robot_s_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KIND.parse({"webhook_url": url})
    assert list(caught.value.problems) == ["webhook_url"]
    assert KEY not in str(caught.value)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        KIND.parse({"webhook_url": URL, "webook": "x"})
    assert "webook" in caught.value.problems


def test_the_key_is_masked_in_every_output() -> None:
    assert KIND.address(settings()) == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=****5aaa"
