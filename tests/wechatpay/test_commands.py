"""What is said to payers and to the platform, and the pictures."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx2
import pytest

from kesu.wechatpay import (
    Client,
    MediaRefused,
    MiniProgramJump,
    ParameterError,
    UnexpectedAnswer,
    image_block,
    text_block,
)

pytestmark = pytest.mark.anyio


async def test_a_reply_carries_only_what_was_given(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(status=204)]
    await client.reply("7", mchid="1900012181", content="您好，已为您退款 😀")
    assert stranger.last.url.path == "/v3/merchant-service/complaints-v2/7/response"
    assert stranger.json() == {"complainted_mchid": "1900012181", "response_content": "您好，已为您退款 😀"}


async def test_a_reply_may_carry_pictures_and_links(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(status=204)]
    await client.reply(
        "7",
        mchid="1",
        content="x",
        images=["m1", "m2"],
        jump_url="https://shop.example/",
        jump_url_text="查看",
        mini_program=MiniProgramJump("wx1", "pages/index", "打开"),
    )
    sent = stranger.json()
    assert sent["response_images"] == ["m1", "m2"]
    assert (sent["jump_url"], sent["jump_url_text"]) == ("https://shop.example/", "查看")
    assert sent["mini_program_jump_info"] == {"appid": "wx1", "path": "pages/index", "text": "打开"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"content": ""},
        {"content": "字" * 501},
        {"images": ["m"] * 5},
        {"jump_url": "https://x.example"},
        {"jump_url_text": "查看"},
        {"jump_url": "http://x.example", "jump_url_text": "查看"},
        {"jump_url": "https://x.example", "jump_url_text": "字" * 11},
    ],
)
async def test_a_reply_outside_the_documented_limits_is_not_sent(
    client: Client, stranger: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        await client.reply("7", **{"mchid": "1", "content": "x", **arguments})
    assert stranger.requests == []


async def test_completing_names_the_merchant_complained_about(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(status=204)]
    await client.complete("7", mchid="1900012181")
    assert stranger.last.url.path.endswith("/7/complete")
    assert stranger.json() == {"complainted_mchid": "1900012181"}


async def test_approving_and_rejecting_a_refund_never_mix_their_fields(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok(status=204)]
    await client.approve_refund("7", launch_refund_day=0, remark="r")
    assert stranger.last.url.path.endswith("/7/update-refund-progress")
    assert stranger.json() == {"action": "APPROVE", "launch_refund_day": 0, "remark": "r"}
    await client.reject_refund("7", reason="已发货", media=["m"])
    assert stranger.json() == {"action": "REJECT", "reject_reason": "已发货", "reject_media_list": ["m"]}


@pytest.mark.parametrize("arguments", [{"reason": ""}, {"reason": "字" * 201}, {"reason": "x", "media": ["m"] * 5}])
async def test_a_rejection_outside_the_documented_limits_is_not_sent(
    client: Client, stranger: Any, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        await client.reject_refund("7", **arguments)
    assert stranger.requests == []


async def test_an_immediate_reply_has_blocks_and_a_key_of_its_own(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({"log_id": "300285320210322170000071077"})]
    log_id = await client.reply_immediate_service(
        "7", mchid="1", blocks=[text_block("您好"), image_block("m", wide=True)], idempotent_id="u-1"
    )
    assert log_id == "300285320210322170000071077"
    assert stranger.last.url.path.endswith("/7/response-immediate-service")
    sent = stranger.json()
    assert (sent["complainted_mchid"], sent["idempotent_id"]) == ("1", "u-1")
    assert sent["message"]["sender_identity"] == "MANUAL"
    assert sent["message"]["blocks"] == [
        {"type": "TEXT", "text": {"text": "您好", "color": "DEFAULT", "is_bold": False}},
        {"type": "IMAGE", "image": {"media_id": "m", "image_style_type": "IMAGE_STYLE_TYPE_WIDE"}},
    ]


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [(400, "RESOURCE_NOT_EXISTS", "x"), (404, "RESOURCE_NOT_EXISTS", "x"), (400, "PARAM_ERROR", "操作的数据项不存在")],
)
async def test_no_notify_url_is_none_in_both_shapes(
    client: Client, stranger: Any, status: int, code: str, message: str
) -> None:
    stranger.steps = [stranger.error(status, code, message)]
    assert await client.get_notify_url() is None


async def test_any_other_parameter_error_is_told(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(400, "PARAM_ERROR", "参数错误")]
    with pytest.raises(ParameterError):
        await client.get_notify_url()


async def test_the_notify_url_is_created_read_replaced_and_deleted(client: Client, stranger: Any) -> None:
    url = "https://desk.example/notify/wechatpay/t"
    stranger.steps = [stranger.ok({"mchid": "1900000001", "url": url})]
    created = await client.create_notify_url(url)
    assert (created.mchid, created.url) == ("1900000001", url)
    read = await client.get_notify_url()
    assert read is not None
    assert read.url == url
    await client.update_notify_url(url)
    stranger.steps = [stranger.ok(status=204)]
    await client.delete_notify_url()
    assert [request.method for request in stranger.requests] == ["POST", "GET", "PUT", "DELETE"]
    assert json.loads(stranger.requests[0].content) == {"url": url}
    assert {request.url.path for request in stranger.requests} == {"/v3/merchant-service/complaint-notifications"}


async def test_an_upload_gives_its_media_id(client: Client, stranger: Any) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    stranger.steps = [stranger.ok({"media_id": "BB04A5DEEFEA18D4"})]
    assert await client.upload_image("凭证.png", content) == "BB04A5DEEFEA18D4"
    request = stranger.last
    assert request.url.path == "/v3/merchant-service/images/upload"
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert content in request.content
    assert hashlib.sha256(content).hexdigest().encode() in request.content


async def test_an_upload_that_the_platform_would_refuse_is_not_sent(client: Client, stranger: Any) -> None:
    with pytest.raises(MediaRefused):
        await client.upload_image("a.gif", b"GIF89a")
    assert stranger.requests == []


async def test_an_upload_without_a_media_id_is_unexpected(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.ok({})]
    with pytest.raises(UnexpectedAnswer):
        await client.upload_image("a.png", b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("media", ["ChsyMDAy%2FFR1pAGKAMwAjgB", "abc%3D%3D", "abc==", "a%2fb+c"])
async def test_a_picture_is_fetched_and_signed_by_its_raw_path(client: Client, stranger: Any, media: str) -> None:
    stranger.steps = [httpx2.Response(200, headers={"Content-Type": "image/png"}, content=b"\x89PNG")]
    image = await client.download_image(f"https://evil.example/v3/merchant-service/images/{media}")
    assert (image.content, image.content_type) == (b"\x89PNG", "image/png")
    request = stranger.last
    assert request.url.raw_path == f"/v3/merchant-service/images/{media}".encode()
    assert request.url.host == "api.mch.weixin.qq.com"
    assert request.headers["accept"] == "*/*"
    assert stranger.signature_holds(request)


async def test_a_picture_elsewhere_is_not_fetched(client: Client, stranger: Any) -> None:
    with pytest.raises(MediaRefused):
        await client.download_image("http://169.254.169.254/latest/meta-data")
    assert stranger.requests == []
