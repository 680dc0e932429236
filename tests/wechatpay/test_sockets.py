"""The same client over real sockets: what goes over the wire is what was signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from kesu.wechatpay import Client, ConnectFailed, MerchantCredentials, PlatformKeys, TimedOut
from kesu.wechatpay.signing import parse_authorization, request_message, signed_headers, verify

pytestmark = pytest.mark.anyio

SERIAL = "PUB_KEY_ID_1"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def connect(credentials: MerchantCredentials, platform_key: rsa.RSAPrivateKey, clock: Any) -> Callable[..., Client]:
    keys = PlatformKeys({SERIAL: platform_key.public_key()})

    def make(base_url: str, **options: Any) -> Client:
        return Client(credentials, keys, now=clock, sleep=clock.sleep, base_url=base_url, **options)

    return make


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    return method, target, headers, await reader.readexactly(int(headers.get("content-length", 0)))


async def test_the_bytes_on_the_wire_are_the_bytes_signed(
    connect: Callable[..., Client], merchant_key: rsa.RSAPrivateKey, platform_key: rsa.RSAPrivateKey, clock: Any
) -> None:
    seen: list[tuple[str, str]] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, target, headers, body = await read_request(reader)
        parts = parse_authorization(headers["authorization"])
        message = request_message(method, target, parts.timestamp, parts.nonce_str, body)
        assert verify(merchant_key.public_key(), message, parts.signature)
        seen.append((method, target))
        answer = json.dumps({"complaint_id": "1"}).encode() if method == "GET" else b""
        lines = [f"{k}: {v}" for k, v in signed_headers(platform_key, SERIAL, answer, now=clock()).items()]
        head = [f"HTTP/1.1 {'200 OK' if answer else '204 No Content'}", *lines, f"Content-Length: {len(answer)}"]
        writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode() + answer)
        writer.close()

    async with served(handler) as base_url, connect(base_url) as client:
        await client.get_complaint("a/b=c 投")
        await client.download_image("https://api.mch.weixin.qq.com/v3/merchant-service/images/a%2Fb%3D%3D+c==")
        await client.reply("1", mchid="2", content="您好 😀")
    assert seen == [
        ("GET", "/v3/merchant-service/complaints-v2/a%2Fb%3Dc%20%E6%8A%95"),
        ("GET", "/v3/merchant-service/images/a%2Fb%3D%3D+c=="),
        ("POST", "/v3/merchant-service/complaints-v2/1/response"),
    ]


async def test_a_server_that_hangs_up_may_have_acted(connect: Callable[..., Client]) -> None:
    commands: list[str] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands.append((await read_request(reader))[1])
        writer.close()

    async with served(handler) as base_url, connect(base_url) as client:
        with pytest.raises(TimedOut) as caught:
            await client.complete("1", mchid="2")
    assert caught.value.outcome_unknown
    assert len(commands) == 1


async def test_a_server_that_never_answers_may_have_acted(connect: Callable[..., Client]) -> None:
    gone = asyncio.Event()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await reader.read()
        writer.close()
        gone.set()

    async with served(handler) as base_url, connect(base_url, timeout=0.2) as client:
        with pytest.raises(TimedOut) as caught:
            await client.complete("1", mchid="2")
        await gone.wait()
    assert caught.value.outcome_unknown


async def test_a_closed_port_means_that_nothing_happened(connect: Callable[..., Client]) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with served(handler) as base_url:
        pass
    async with connect(base_url) as client:
        with pytest.raises(ConnectFailed) as caught:
            await client.complete("1", mchid="2")
    assert caught.value.outcome_unknown is False
