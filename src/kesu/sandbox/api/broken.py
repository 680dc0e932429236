"""Answers that do not arrive: broken connections and late ones."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import httpx2
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox


class ConnectionDropped(httpx2.RemoteProtocolError):
    """Raised on purpose. In process the caller gets it as it is; a server closes the connection."""

    def __init__(self) -> None:
        super().__init__("the sandbox broke this connection on purpose")


class _Broken(Response):
    """Promises more than it sends, so that the server has to cut the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})
        raise ConnectionDropped


def broken_answer(sandbox: Sandbox) -> Response:
    """No answer: a cut connection when served, the client's own exception in process."""
    if not sandbox.served:
        raise ConnectionDropped
    return _Broken()


async def late_answer(sandbox: Sandbox, answer: Response, seconds: float) -> Response:
    """The answer after so many real seconds, or when the sandbox stops; in process nobody waits, the time-out
    comes at once."""
    if not sandbox.served:
        raise httpx2.ReadTimeout("the sandbox did not answer in time, on purpose")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(sandbox.stopping.wait(), seconds)
    return answer


class HideOnPurpose(logging.Filter):
    """Keeps connections broken on purpose out of the server's error log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.exc_info and isinstance(record.exc_info[1], ConnectionDropped))
