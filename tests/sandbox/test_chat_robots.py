"""DingTalk and Feishu robots of the sandbox: signatures, words, limits, and how a script sees them."""

import base64
import hashlib
import hmac

import pytest

pytestmark = pytest.mark.anyio

DINGTALK = {"msgtype": "text", "text": {"content": "你好 @13800001111"}, "at": {"atMobiles": ["13800001111", "139"]}}
FEISHU = {"msg_type": "text", "content": {"text": '你好 <at user_id="ou_1"></at>'}}


async def create(story, kind, **wish):
    return (await story.control("POST", f"/{kind}/robots", wish)).json()


async def messages(story, kind, after=0):
    return (await story.control("GET", f"/{kind}/messages?after={after}")).json()


async def post(story, url, body):
    answer = await story.http.post(url, json=body)
    assert answer.status_code == 200
    found = answer.json()
    return found.get("errcode", found.get("code"))


def dingtalk_sign(secret, milliseconds):
    digest = hmac.new(secret.encode(), f"{milliseconds}\n{secret}".encode(), hashlib.sha256).digest()
    return {"timestamp": str(milliseconds), "sign": base64.b64encode(digest).decode()}


def feishu_sign(secret, seconds):
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": str(seconds), "sign": base64.b64encode(digest).decode()}


@pytest.mark.parametrize(("kind", "body"), [("dingtalk", DINGTALK), ("feishu", FEISHU)])
async def test_a_message_is_shown_with_whom_it_calls(story, kind, body):
    robot = await create(story, kind)
    assert await post(story, robot["webhook_url"], body) == 0
    (message,) = await messages(story, kind)
    assert message["mentions"] == (["13800001111"] if kind == "dingtalk" else ["ou_1"])
    assert (message["key"], message["accepted"]) == (robot["token"], True)
    assert await messages(story, kind, after=1) == []


@pytest.mark.parametrize(
    ("late", "secret", "errcode"), [(0, "SECx", 0), (3599, "SECx", 0), (3601, "SECx", 310000), (0, "no", 310000)]
)
async def test_dingtalk_wants_a_fresh_signature_in_the_address(story, late, secret, errcode):
    robot = await create(story, "dingtalk", secret="SECx")
    milliseconds = int((story.sandbox.clock.now().timestamp() - late) * 1000)
    signed = dingtalk_sign(secret, milliseconds)
    answer = await story.http.post(
        robot["webhook_url"], params={"access_token": robot["token"], **signed}, json=DINGTALK
    )
    assert answer.json()["errcode"] == errcode


@pytest.mark.parametrize(
    ("late", "secret", "code"), [(0, "x", 0), (3599, "x", 0), (3601, "x", 19021), (0, "no", 19021)]
)
async def test_feishu_wants_a_fresh_signature_in_the_body(story, late, secret, code):
    robot = await create(story, "feishu", secret="x")
    seconds = int(story.sandbox.clock.now().timestamp() - late)
    assert await post(story, robot["webhook_url"], {**FEISHU, **feishu_sign(secret, seconds)}) == code


async def test_the_signature_of_one_is_none_for_the_other(story):
    robot = await create(story, "feishu", secret="x")
    seconds = int(story.sandbox.clock.now().timestamp())
    assert await post(story, robot["webhook_url"], {**FEISHU, **dingtalk_sign("x", seconds)}) == 19021


@pytest.mark.parametrize(("kind", "body", "errcode"), [("dingtalk", DINGTALK, 310000), ("feishu", FEISHU, 19024)])
async def test_a_word_may_be_wanted(story, kind, body, errcode):
    assert await post(story, (await create(story, kind, keyword="客诉"))["webhook_url"], body) == errcode
    assert await post(story, (await create(story, kind, keyword="你好"))["webhook_url"], body) == 0


async def test_dingtalk_punishes_haste_for_ten_minutes(story):
    robot = await create(story, "dingtalk")
    assert [await post(story, robot["webhook_url"], DINGTALK) for _ in range(21)] == [0] * 20 + [130101]
    await story.pass_time(minutes=9, seconds=59)
    assert await post(story, robot["webhook_url"], DINGTALK) == 130101
    await story.pass_time(seconds=1)
    assert await post(story, robot["webhook_url"], DINGTALK) == 0


async def test_feishu_takes_five_a_second_and_a_hundred_a_minute(story):
    robot = await create(story, "feishu")
    for _ in range(20):
        assert [await post(story, robot["webhook_url"], FEISHU) for _ in range(6)] == [0] * 5 + [9499]
        await story.pass_time(seconds=1)
    assert await post(story, robot["webhook_url"], FEISHU) == 9499


@pytest.mark.parametrize(
    ("kind", "body", "errcode"),
    [
        ("dingtalk", {"msgtype": "text", "text": {"content": "x" * 20_000}}, 460101),
        ("dingtalk", {"msgtype": "poem"}, 40035),
        ("dingtalk", {"msgtype": "markdown", "markdown": {"text": "x"}}, 40035),
        ("feishu", {"msg_type": "text", "content": {"text": "x" * 20_480}}, 9499),
        ("feishu", {"msg_type": "poem"}, 19002),
    ],
)
async def test_what_is_too_long_or_malformed_is_refused(story, kind, body, errcode):
    assert await post(story, (await create(story, kind))["webhook_url"], body) == errcode
    assert (await messages(story, kind))[0]["accepted"] is False


@pytest.mark.parametrize(("kind", "errcode"), [("dingtalk", 300005), ("feishu", 19001)])
async def test_a_removed_robot_is_unknown(story, kind, errcode):
    robot = await create(story, kind)
    assert (await story.control("DELETE", f"/{kind}/robots/{robot['token']}")).status_code == 204
    assert await post(story, robot["webhook_url"], DINGTALK if kind == "dingtalk" else FEISHU) == errcode
    assert (await story.control("DELETE", f"/{kind}/robots/{robot['token']}")).status_code == 404


@pytest.mark.parametrize(("kind", "errcode"), [("dingtalk", 130101), ("feishu", 11232)])
async def test_troubles_can_be_ordered(story, kind, errcode):
    robot = await create(story, kind)
    body = DINGTALK if kind == "dingtalk" else FEISHU
    await story.fault(kind, "errcode", count=1)
    assert await post(story, robot["webhook_url"], body) == errcode
    await story.fault(kind, "status", value=503, count=1)
    assert (await story.http.post(robot["webhook_url"], json=body)).status_code == 503
    assert await post(story, robot["webhook_url"], body) == 0
