"""The receiver of platform notices: ``POST /notify/wechatpay/{token}``, raw ASGI.

Verify, open, one inbox row, COMMIT, then 204. Anything that is not a genuine notice gets a 4XX and
``{"code": "FAIL", "message": ...}`` (回调通知处理); the platform sends again after any 4XX or 5XX. Probes with a
wrong signature (签名探测流量) are refused like any wrong signature. Five seconds are allowed; this takes
milliseconds.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

import django.db
import psycopg
import structlog

from kesu.intake.directory import Directory, Recipient
from kesu.intake.rejections import RejectionLog
from kesu.intake.writer import Arrival, InboxWriter
from kesu.merchants.services import NOTIFY_PATH
from kesu.wechatpay.notice import open_notice
from kesu.wechatpay.rejections import NotDecryptable, NoticeRejected, UnknownSerial

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 1024 * 1024


class Refused(Exception):
    """A request that never was a notice: wrong method, too large, unknown address."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason = status, reason


class Unavailable(Exception):
    """The database does not answer, so that nobody can say whose address this is."""


class Receiver:
    """ASGI application for one process. ``in_thread`` runs a blocking function away from the event loop;
    ``on_unknown_serial`` fetches an account's platform certificates, in the background."""

    def __init__(
        self,
        writer: InboxWriter,
        directory: Directory,
        rejections: RejectionLog,
        *,
        now: Callable[[], datetime],
        in_thread: Callable[..., Awaitable[Any]],
        on_unknown_serial: Callable[[int], Awaitable[None]],
    ) -> None:
        self._writer, self._directory, self._rejections = writer, directory, rejections
        self._now, self._in_thread, self._on_unknown_serial = now, in_thread, on_unknown_serial
        self._background: set[asyncio.Task[None]] = set()
        self._rereading: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        recipient: Recipient | None = None
        size = 0
        try:
            recipient = await self._recipient(scope)
            body = await _read_body(receive)
            size = len(body)
            await self._accept(recipient, _headers(scope), body)
        except Refused as refused:
            self._note(recipient, refused.reason, str(refused), scope, size)
            await _answer(send, refused.status, str(refused))
        except NoticeRejected as rejected:
            self._note(recipient, rejected.reason, str(rejected), scope, size)
            await _answer(send, rejected.status, str(rejected))
        except (psycopg.Error, Unavailable):
            await _answer(send, 503, "not stored, send again")
        else:
            await _answer(send, 204)

    async def _recipient(self, scope: Scope) -> Recipient:
        if scope["method"] != "POST":
            raise Refused(405, "wrong_method", "only POST is served here")
        token = scope["path"][len(NOTIFY_PATH) :]
        recipient = self._directory.find(token)
        if self._directory.is_due() or (recipient is None and self._directory.may_be_forced()):
            await self._reread()
            recipient = self._directory.find(token)
        if recipient is not None:
            return recipient
        if not self._directory.is_current:
            raise Unavailable
        raise Refused(404, "unknown_token", "no account has this address")

    async def _accept(self, recipient: Recipient, headers: dict[str, str], body: bytes) -> None:
        now = self._now()
        try:
            notice = self._open(recipient, headers, body, now)
        except (UnknownSerial, NotDecryptable) as miss:
            recipient = await self._with_fresh_keys(recipient)
            if isinstance(miss, UnknownSerial) and miss.serial not in recipient.platform_keys:
                self._fetch_certificates(recipient)
            notice = self._open(recipient, headers, body, now)
        await self._writer.write(
            Arrival(
                recipient.account_id,
                notice.id[:64],
                notice.event_type[:64],
                (notice.action_type or "")[:64],
                (notice.complaint_id or "")[:64],
                body,
                now,
            )
        )

    def _open(self, recipient: Recipient, headers: dict[str, str], body: bytes, now: datetime) -> Any:
        return open_notice(
            headers, body, platform_keys=recipient.platform_keys, apiv3_keys=recipient.apiv3_keys, now=now
        )

    async def _with_fresh_keys(self, recipient: Recipient) -> Recipient:
        """Keys may have been changed since they were read."""
        if self._directory.may_be_forced():
            await self._reread()
        return self._directory.find(recipient.token) or recipient

    def _fetch_certificates(self, recipient: Recipient) -> None:
        """In the background, for the platform's next try."""
        task = asyncio.ensure_future(self._on_unknown_serial(recipient.account_id))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _reread(self) -> None:
        """One at a time: whoever comes meanwhile waits for the same answer. A failure leaves what was known."""
        if self._rereading is None:
            self._rereading = asyncio.ensure_future(self._read_directory())
        await asyncio.wait([self._rereading])

    async def _read_directory(self) -> None:
        try:
            await self._in_thread(self._directory.reread, self._now())
        except django.db.Error as error:
            log.warning("directory_not_read", error=type(error).__name__)
        finally:
            self._rereading = None

    def _note(self, recipient: Recipient | None, reason: str, detail: str, scope: Scope, size: int) -> None:
        client = scope.get("client")
        self._rejections.add(
            self._now(), recipient.account_id if recipient else None, reason, detail, client[0] if client else "", size
        )


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "truncated", "the body ended early")
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise Refused(413, "too_large", "a notice has at most 1 MB")
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts) if len(parts) > 1 else part


async def _answer(send: Send, status: int, message: str = "") -> None:
    body = json.dumps({"code": "FAIL", "message": message}).encode() if message else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())] if body else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
