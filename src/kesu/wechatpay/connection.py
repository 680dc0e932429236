"""The line to the platform: sign, pace, send, fail over, verify. The endpoints stand on this.

All I/O goes through one seam, an `httpx2.AsyncBaseTransport`; everything else here is decided by arguments.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx2

from kesu.wechatpay.errors import (
    ConnectFailed,
    PlatformError,
    PlatformFailure,
    RateLimited,
    ResponseNotVerified,
    TimedOut,
    TransportError,
    UnexpectedAnswer,
    WeChatPayError,
    error_class,
    numeric_tail,
)
from kesu.wechatpay.keys import PUBLIC_KEY_PREFIX, MerchantCredentials, PlatformKeys
from kesu.wechatpay.notice import TOLERANCE_SECONDS, verify_notice
from kesu.wechatpay.pacing import Endpoint, Pacer
from kesu.wechatpay.rejections import NoticeRejected, UnknownSerial
from kesu.wechatpay.signing import authorization
from kesu.wechatpay.wire import json_object

BASE_URL = "https://api.mch.weixin.qq.com"
BACKUP_BASE_URL = "https://api2.mch.weixin.qq.com"
LARGEST_ANSWER = 16 * 1024 * 1024

KeyRefresh = Callable[[str], Awaitable[PlatformKeys | None]]


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be made. target: path and query exactly as they go over the wire.

    signed_body: what the signature covers where that is not the body (an upload's `meta`).
    verified: False only where the platform does not sign its answers (pictures, bills) or where the answer
    brings its own keys (certificates). busy_means_accepted: a 429 does not mean that nothing happened.
    """

    endpoint: Endpoint
    method: str
    target: str
    body: bytes = b""
    signed_body: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    key_serial: str | None = None
    verified: bool = True
    busy_means_accepted: bool = False
    largest_answer: int = LARGEST_ANSWER

    @property
    def is_read(self) -> bool:
        return self.method == "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. answered_at: the platform's clock, from the signed header (aware UTC);
    meaningless (our own clock) only where `Call.verified` was False. to_command: the platform has acted."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    answered_at: datetime
    to_command: bool

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises UnexpectedAnswer."""
        try:
            return json_object(self.body)
        except ValueError as error:
            raise UnexpectedAnswer(
                f"the platform's answer is unusable: {error}", outcome_unknown=self.to_command
            ) from None


class Connection:
    """Signs and sends calls for one account. See `client.Client` for the arguments."""

    def __init__(
        self,
        credentials: MerchantCredentials,
        platform_keys: PlatformKeys,
        *,
        now: Callable[[], datetime],
        transport: httpx2.AsyncBaseTransport | None = None,
        base_url: str = BASE_URL,
        backup_base_url: str | None = BACKUP_BASE_URL,
        pacer: Pacer | None = None,
        user_agent: str = "kesu-wechatpay",
        timeout: float = 15.0,
        read_attempts: int = 3,
        tolerance_seconds: int = TOLERANCE_SECONDS,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        on_unknown_serial: KeyRefresh | None = None,
    ) -> None:
        self.credentials = credentials
        self.platform_keys = platform_keys
        self.pacer = pacer or Pacer(now=now, sleep=sleep)
        self._now = now
        self._hosts = _hosts(base_url, backup_base_url)
        self._user_agent = user_agent
        self._read_attempts = max(1, read_attempts)
        self._tolerance_seconds = tolerance_seconds
        self._sleep = sleep
        self._jitter = jitter
        self._on_unknown_serial = on_unknown_serial
        self._refreshing = asyncio.Lock()
        self.clock_skew: float | None = None
        """Seconds by which the platform's clock was ahead of ours at its newest genuine answer; None before one.
        Also known from answers that are refused because of it."""
        limits = httpx2.Timeout(timeout, connect=min(timeout, 5.0))
        self._http = httpx2.AsyncClient(transport=transport, timeout=limits, follow_redirects=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The client cannot be used afterwards."""
        await self._http.aclose()

    async def call(self, call: Call) -> Answer:
        """Make the call and return its verified answer. Raises the errors of `errors.py`.

        A read is tried `read_attempts` times. Anything else is sent once: only where no connection came about
        (so that nothing can have happened) is it offered to the backup host.
        """
        host, attempt = 0, 1
        while True:
            await self.pacer.acquire(call.endpoint)
            try:
                return await self._exchange(call, self._hosts[host])
            except WeChatPayError as error:
                if isinstance(error, RateLimited):
                    self.pacer.throttled(call.endpoint)
                if not self._worth_another_try(call, error, attempt):
                    raise
                switched = isinstance(error, TransportError)
                host = (host + switched) % len(self._hosts)
            if not (switched and host):  # the other host may be asked at once
                await self._sleep(min(8.0, 0.5 * 2 ** (attempt - 1)) * (0.5 + self._jitter()))
            attempt += 1

    def _worth_another_try(self, call: Call, error: WeChatPayError, attempt: int) -> bool:
        if not call.is_read:
            return isinstance(error, ConnectFailed) and attempt < len(self._hosts)
        if attempt >= self._read_attempts:
            return False
        if isinstance(error, ResponseNotVerified):
            return error.reason == "signature_probe"
        return isinstance(error, TransportError | RateLimited | PlatformFailure)

    async def _exchange(self, call: Call, base_url: httpx2.URL) -> Answer:
        request = self._request(call, base_url)
        try:
            response = await self._http.send(request, stream=True)
            try:
                body = await _read_body(response, call)
            finally:
                await response.aclose()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError) as error:
            raise ConnectFailed(f"no connection to {base_url.host}: {type(error).__name__}") from error
        except httpx2.DecodingError as error:
            raise UnexpectedAnswer("the answer cannot be unpacked", outcome_unknown=not call.is_read) from error
        except httpx2.TransportError as error:
            raise TimedOut(
                f"{call.method} to {base_url.host} was sent but not answered: {type(error).__name__}",
                outcome_unknown=not call.is_read,
            ) from error
        if not 200 <= response.status_code < 300:
            self._measure_skew(response.headers, body)
            raise _platform_error(call, response.status_code, response.headers, body)
        answered_at = self._now()
        if call.verified:
            answered_at = await self.verify(call, response.headers, body)
        return Answer(response.status_code, response.headers, body, answered_at, to_command=not call.is_read)

    def _request(self, call: Call, base_url: httpx2.URL) -> httpx2.Request:
        url = base_url.copy_with(raw_path=call.target.encode("ascii"))
        if url.raw_path != call.target.encode("ascii"):
            raise ValueError("the path would not go over the wire as it was signed")
        signed = call.body if call.signed_body is None else call.signed_body
        account = self.credentials
        headers = {
            "Accept": call.accept,
            "User-Agent": self._user_agent,
            "Authorization": authorization(
                account.mchid,
                account.serial_no,
                account.private_key,
                call.method,
                call.target,
                signed,
                now=self._now(),
            ),
        }
        if call.body:
            headers["Content-Type"] = call.content_type
        serial = call.key_serial or self.platform_keys.preferred
        if serial and (call.key_serial or serial.startswith(PUBLIC_KEY_PREFIX)):
            headers["Wechatpay-Serial"] = serial
        return self._http.build_request(call.method, url, headers=headers, content=call.body or None)

    async def verify(
        self, call: Call, headers: Mapping[str, str], body: bytes, *, keys: PlatformKeys | None = None
    ) -> datetime:
        """The time the platform signed. Raises ResponseNotVerified. An unknown serial is asked for once,
        unless the keys to judge by are given."""
        try:
            try:
                self._verify_once(headers, body, keys or self.platform_keys)
            except UnknownSerial as unknown:
                if keys is None:
                    await self._refresh(unknown.serial)
                self._verify_once(headers, body, keys or self.platform_keys)
        except NoticeRejected as rejection:
            self._measure_skew(headers, body)
            raise ResponseNotVerified(
                rejection.reason,
                f"the answer is not to be believed: {rejection}",
                outcome_unknown=not call.is_read,
            ) from None
        answered_at = datetime.fromtimestamp(int(headers["wechatpay-timestamp"]), UTC)
        self.clock_skew = (answered_at - self._now()).total_seconds()
        return answered_at

    def _measure_skew(self, headers: Mapping[str, str], body: bytes) -> None:
        """Of an answer that brings no result: a clock that is wrong by minutes gets nothing but such answers."""
        try:
            verify_notice(headers, body, platform_keys=self.platform_keys, now=self._now(), tolerance_seconds=10**10)
            answered_at = datetime.fromtimestamp(int(headers["wechatpay-timestamp"]), UTC)
        except (NoticeRejected, OverflowError, ValueError, OSError):
            return
        self.clock_skew = (answered_at - self._now()).total_seconds()

    def _verify_once(self, headers: Mapping[str, str], body: bytes, keys: PlatformKeys) -> None:
        verify_notice(
            headers,
            body,
            platform_keys=keys,
            now=self._now(),
            tolerance_seconds=self._tolerance_seconds,
        )

    async def _refresh(self, serial: str) -> None:
        if self._on_unknown_serial is None:
            return
        async with self._refreshing:
            if serial not in self.platform_keys:
                self.platform_keys = await self._on_unknown_serial(serial) or self.platform_keys


def _hosts(base_url: str, backup_base_url: str | None) -> list[httpx2.URL]:
    # Whoever points the client at a look-alike must not find its requests at the real backup host.
    if base_url.rstrip("/") != BASE_URL and backup_base_url == BACKUP_BASE_URL:
        backup_base_url = None
    hosts = [httpx2.URL(url) for url in (base_url, backup_base_url) if url]
    if any(host.raw_path != b"/" or not host.host for host in hosts):
        raise ValueError("a base URL is scheme and host only: the path is what gets signed")
    return hosts


async def _read_body(response: httpx2.Response, call: Call) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > call.largest_answer:
            raise UnexpectedAnswer("the answer is too large", outcome_unknown=not call.is_read)
    return bytes(body)


def _platform_error(call: Call, status: int, headers: Mapping[str, str], body: bytes) -> PlatformError:
    try:
        fields = json_object(body)
    except ValueError:
        fields = {}
    code, message = str(fields.get("code") or ""), str(fields.get("message") or "")[:500]
    request_id = headers.get("request-id", "")
    kind = error_class(status, code, message, numeric_tail(request_id))
    busy = issubclass(kind, RateLimited) and call.busy_means_accepted
    return kind(
        status,
        code,
        message,
        request_id=request_id,
        detail=fields.get("detail"),
        outcome_unknown=busy or (not call.is_read and (status >= 500 or issubclass(kind, PlatformFailure))),
    )
