"""The WeCom robot: HTTP 200 always; bytes, not characters; twenty a minute; mentions."""

import pytest

pytestmark = pytest.mark.anyio


async def send(story, body, key=None):
    key = key or story.sandbox.identity.robot_key
    answer = await story.http.post(f"/cgi-bin/webhook/send?key={key}", json=body)
    assert answer.status_code == 200
    return answer.json()["errcode"]


def text(content, **more):
    return {"msgtype": "text", "text": {"content": content, **more}}


def markdown(content, version=""):
    kind = f"markdown{version}"
    return {"msgtype": kind, kind: {"content": content}}


async def messages(story, after=0):
    return (await story.control("GET", f"/wecom/messages?after={after}")).json()


async def test_a_message_is_shown_and_remembered(story):
    assert await send(story, text("你好")) == 0
    (message,) = await messages(story)
    assert message == {
        "n": 1,
        "time": "2026-03-02T09:00:00.000+08:00",
        "key": story.sandbox.identity.robot_key,
        "msgtype": "text",
        "content": "你好",
        "mentions": [],
        "errcode": 0,
        "accepted": True,
    }


async def test_messages_are_asked_for_after_a_number(story):
    for n in range(5):
        await send(story, text(str(n)))
    assert [one["content"] for one in await messages(story, after=3)] == ["3", "4"]
    assert await messages(story, after=5) == []
    assert await messages(story, after=99) == []


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        (text("x" * 2048), 0),
        (text("x" * 2049), 40058),
        (text("字" * 682), 0),
        (text("字" * 683), 40058),
        (markdown("x" * 4096), 0),
        (markdown("x" * 4097), 40058),
        (markdown("字" * 1366), 40058),
        (markdown("x" * 4097, "_v2"), 40058),
        (text(""), 44004),
        (text(5), 40058),
        ({"msgtype": "text"}, 40058),
        ({"msgtype": "poem"}, 40008),
        ({}, 40008),
        ([], 47001),
        (text("x", mentioned_list="me"), 40058),
        ({"msgtype": "template_card", "template_card": {"card_type": "text_notice"}}, 42045),
        (
            {
                "msgtype": "template_card",
                "template_card": {
                    "card_type": "text_notice",
                    "main_title": {"title": "投诉"},
                    "card_action": {"type": 1, "url": "https://desk.test"},
                },
            },
            0,
        ),
        ({"msgtype": "news", "news": {"articles": []}}, 40058),
    ],
)
async def test_limits_are_bytes_and_errors_are_errcodes(story, body, errcode):
    assert await send(story, body) == errcode
    (message,) = await messages(story)
    assert (message["errcode"], message["accepted"]) == (errcode, errcode == 0)


async def test_what_is_not_json_is_refused(story):
    key = story.sandbox.identity.robot_key
    answer = await story.http.post(f"/cgi-bin/webhook/send?key={key}", content=b"{")
    assert answer.json()["errcode"] == 47001


async def test_a_bad_key_is_refused_with_http_200(story):
    assert await send(story, text("x"), key="nobody") == 93000
    assert (await messages(story))[0]["accepted"] is False


async def test_twenty_a_minute_and_key(story):
    for _ in range(20):
        assert await send(story, text("x")) == 0
    assert await send(story, text("x")) == 45009
    other = (await story.control("POST", "/robots")).json()
    assert await send(story, text("x"), key=other["key"]) == 0
    await story.pass_time(seconds=59)
    assert await send(story, text("x")) == 45009
    await story.pass_time(seconds=1)
    assert await send(story, text("x")) == 0


async def test_a_removed_robot_is_a_bad_key(story):
    key = (await story.control("POST", "/robots")).json()["key"]
    assert await send(story, text("x"), key=key) == 0
    assert (await story.control("DELETE", f"/robots/{key}")).status_code == 204
    assert await send(story, text("x"), key=key) == 93000
    assert (await story.control("DELETE", f"/robots/{key}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "mentions"),
    [
        (
            text("x", mentioned_list=["zhang", "@all"], mentioned_mobile_list=["13800001111"]),
            ["zhang", "@all", "13800001111"],
        ),
        (text("<@wang> 看一下 <@wang>"), ["wang"]),
        (markdown("**超时** <@zhang><@li>"), ["zhang", "li"]),
        (markdown("<@zhang>", "_v2"), []),
        ({**markdown("x"), "markdown": {"content": "x", "mentioned_list": ["zhang"]}}, []),
        (markdown("zhang@shop.test"), []),
    ],
)
async def test_mentions_are_recorded_where_they_work(story, body, mentions):
    assert await send(story, body) == 0
    assert (await messages(story))[0]["mentions"] == mentions
