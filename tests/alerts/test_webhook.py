"""The signed webhook: verifiable by the receiver, and no way into a private network."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kesu.alerts import services
from kesu.alerts.channels import KINDS
from kesu.alerts.channels.addresses import ForbiddenAddressError, is_loopback_host, is_public, resolve
from kesu.alerts.channels.base import (
    ANSWER_BYTES,
    ChannelDeadError,
    PayloadError,
    Push,
    RateLimitError,
    Receipt,
    SendError,
    SettingsError,
    TransientError,
)
from kesu.alerts.channels.webhook.transport import signed_headers
from kesu.alerts.content import Content
from kesu.alerts.models import Message

from .conftest import Desk

NOW = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()
KIND = KINDS["webhook"]
PUSH = Push("1-7", "new", NOW, Content("回复剩 1天 ¥1.00", "新投诉"), facts={"complaint_id": "42", "amount": 100})


def send(answer: httpx2.Response, url: str = "http://127.0.0.1:1/hook") -> tuple[list[httpx2.Request], Receipt]:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer

    async def once() -> Receipt:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(take)) as client:
            return await KIND.send(PUSH, KIND.parse({"url": url, "secret": SECRET}), client)

    return seen, asyncio.run(once())


def test_the_signature_is_that_of_standard_webhooks() -> None:
    (request,), receipt = send(httpx2.Response(204))
    signed = f"1-7.{int(NOW.timestamp())}.".encode() + request.content
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-id"] == "1-7"
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert request.headers["webhook-signature"] == f"v1,{expected}"
    assert receipt.payload_sha256 == hashlib.sha256(request.content).hexdigest()


def test_the_published_vector_of_standard_webhooks_holds() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_body_is_for_machines() -> None:
    (request,), _ = send(httpx2.Response(200))
    body = json.loads(request.content)
    assert body["type"] == "alert.new"
    assert body["data"]["complaint_id"] == "42"
    assert body["data"]["text"].startswith("回复剩 1天 ¥1.00")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, PayloadError),
        (307, PayloadError),
        (400, PayloadError),
        (401, ChannelDeadError),
        (404, ChannelDeadError),
        (410, ChannelDeadError),
        (429, RateLimitError),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_only_2xx_is_a_delivery_and_redirects_are_not_followed(status: int, error: type[SendError]) -> None:
    with pytest.raises(error) as caught:
        send(httpx2.Response(status, headers={"Location": "http://169.254.169.254/"}))
    assert caught.value.receipt.http_status == status


def test_of_a_long_answer_only_the_beginning_is_read() -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 1024
            yield b"x" * 1024

    send(httpx2.Response(200, content=endless()))
    assert read <= ANSWER_BYTES + 1024


@pytest.mark.parametrize(
    "number",
    [
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "127.0.0.1",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_private_numbers_are_not_public(number: str) -> None:
    assert not is_public(ipaddress.ip_address(number))


def test_public_numbers_are_public() -> None:
    assert is_public(ipaddress.ip_address("1.1.1.1"))
    assert is_public(ipaddress.ip_address("2606:4700:4700::1111"))


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "2130706433", "0x7f.1", "0177.0.0.1"])
def test_a_webhook_into_a_private_network_is_refused(host: str) -> None:
    with pytest.raises((PayloadError, TransientError)):
        send(httpx2.Response(200), f"https://{host}/hook")


def test_a_private_network_can_be_allowed_by_the_installation(settings: Any) -> None:
    settings.KESU_WEBHOOK_ALLOW_PRIVATE = True
    (request,), _ = send(httpx2.Response(200), "https://10.0.0.1/hook")
    assert request.url.host == "10.0.0.1"


def test_a_name_is_looked_up_once_and_its_number_is_used() -> None:
    (request,), _ = send(httpx2.Response(200), "http://localhost:8080/hook")
    assert request.url.host in ("127.0.0.1", "::1")
    assert request.headers["host"] == "localhost:8080"


def test_a_name_that_does_not_exist_is_tried_again_later() -> None:
    async def look() -> str:
        return await resolve("no-such-host.invalid", 443, allow_private=False)

    with pytest.raises(OSError, match=r"\[Errno -?\d+\]"):
        asyncio.run(look())


def test_a_loopback_name_must_lead_to_loopback() -> None:
    assert is_loopback_host("localhost")
    assert not is_loopback_host("localhost.example.com")
    with pytest.raises(ForbiddenAddressError):
        asyncio.run(resolve("10.1.2.3", 443, allow_private=False))


@pytest.mark.parametrize(
    ("raw", "wrong"),
    [
        ({"url": "http://example.com/hook", "secret": SECRET}, "url"),
        ({"url": "https://user:pw@example.com/hook", "secret": SECRET}, "url"),
        ({"url": "https://example.com:99999/hook", "secret": SECRET}, "url"),
        ({"url": "file:///etc/passwd", "secret": SECRET}, "url"),
        ({"url": "https://example.com/hook", "secret": "whsec_c2hvcnQ="}, "secret"),
        ({"url": "https://example.com/hook", "secret": "hunter2hunter2hunter2hunter2"}, "secret"),
        ({"url": "https://example.com/hook"}, "secret"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(raw: dict[str, str], wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KIND.parse(raw)
    assert list(caught.value.problems) == [wrong]
    assert "hunter2" not in str(caught.value)


def test_the_path_is_not_shown() -> None:
    settings = KIND.parse({"url": "https://example.com/hook/s3cret", "secret": SECRET})
    assert KIND.address(settings) == "https://example.com/…"


def test_a_complaint_reaches_a_webhook_without_phone_or_openid(desk: Desk) -> None:
    seen: list[httpx2.Request] = []

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    desk.transports = {"webhook": httpx2.MockTransport(take)}  # type: ignore[dict-item]
    services.add_channel("程序", "webhook", {"url": "http://127.0.0.1:1/hook", "secret": SECRET}, now=desk.now)
    _, complaint = desk.new(complaint_detail="打 13812345678")
    desk.dispatch()
    body = json.loads(seen[0].content)
    assert Message.objects.get().state == "sent"
    assert body["data"]["complaint_id"] == complaint.complaint_id
    assert body["data"]["amount"] == 19900
    assert b"13812345678" not in seen[0].content
    assert b"oUpF8uMuAJO" not in seen[0].content
