"""Requests for pages, handed on to the process of the pages over its Unix socket, and its answers handed back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

import httpx2
import structlog

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

ALIVE = "/-/alive"
ALIVE_SECONDS = 5.0
KEEP_SECONDS = 30
"""How long an unused connection is kept here. The pages keep theirs longer: none is closed while it is taken."""

# About one connection (RFC 9110, 7.6.1), or said anew here: nobody but us may say who asks.
_CONNECTION = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
_OURS = _CONNECTION | {b"expect", b"x-forwarded-for", b"x-forwarded-proto"}
_REFUSED = b"This request is not HTTP.\n"
_RESTARTING = "页面正在重启, 请稍后刷新. The pages are starting again: reload in a moment.\n".encode()


class Forwarding:
    """ASGI application for one process. ``socket`` is the path that the pages listen on."""

    def __init__(self, socket: str) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=KEEP_SECONDS)
        self._transport = httpx2.AsyncHTTPTransport(uds=socket, limits=limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 502 when the pages ended before they answered; whoever went away is worked for no longer."""
        read = asyncio.Event()
        answering = asyncio.ensure_future(self._answer(_request(scope, receive, read), send))
        leaving = asyncio.ensure_future(_left(receive, read))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()
        with suppress(asyncio.CancelledError):
            await answering

    async def process(self) -> int | None:
        """The process id of the pages; None when they do not answer."""
        timeouts = httpx2.Timeout(ALIVE_SECONDS).as_dict()
        request = httpx2.Request("GET", f"http://localhost{ALIVE}", extensions={"timeout": timeouts})
        try:
            answer = await self._transport.handle_async_request(request)
            return int(await answer.aread())
        except (httpx2.TransportError, ValueError):
            return None

    async def close(self) -> None:
        await self._transport.aclose()

    async def _answer(self, request: httpx2.Request, send: Send) -> None:
        started = False
        try:
            answer = await self._transport.handle_async_request(request)
            try:
                headers = [(name.lower(), value) for name, value in answer.headers.raw]
                kept = [(name, value) for name, value in headers if name not in _CONNECTION]
                await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
                started = True
                async for part in answer.aiter_raw():
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            finally:
                await answer.aclose()
        except _Left:
            return
        except httpx2.TransportError as error:
            log.warning("page_not_forwarded", error=type(error).__name__)
            if started:
                raise  # the server then cuts the connection: half an answer must not pass for a whole one
            if isinstance(error, httpx2.LocalProtocolError):
                await _say(send, 400, _REFUSED)
            else:
                await _say(send, 502, _RESTARTING)


class _Left(Exception):
    """The other side went away before it had said everything."""


def _request(scope: Scope, receive: Receive, read: asyncio.Event) -> httpx2.Request:
    """``read`` is set once the body was taken. The target is handed on byte for byte."""
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    headers = [(name, value) for name, value in scope["headers"] if name not in _OURS]
    headers.append((b"x-forwarded-proto", scope["scheme"].encode()))
    if scope["client"]:
        headers.append((b"x-forwarded-for", scope["client"][0].encode()))
    has_body = any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])
    if not has_body:
        read.set()
    return httpx2.Request(
        scope["method"],
        "http://localhost/",
        headers=headers,
        content=_body(receive, read) if has_body else None,
        extensions={"target": target, "timeout": {}},
    )


async def _body(receive: Receive, read: asyncio.Event) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Left
        yield message.get("body", b"")
        more = message.get("more_body", False)
    read.set()


async def _left(receive: Receive, read: asyncio.Event) -> None:
    """Until the other side went away. Whoever listens takes what comes, so the body is waited for."""
    await read.wait()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _say(send: Send, status: int, text: bytes) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode()),
        (b"retry-after", b"1"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
