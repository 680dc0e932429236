"""What every request to the platform goes through: headers, signature, frequency, troubles; and a signed answer.

Sources: 签名与验签规则; the complaint FAQ for 头部信息不完整; 排障手册 for the tail of Request-ID.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kesu.sandbox.api.broken import broken_answer, late_answer
from kesu.sandbox.api.halves import after_signing, before_signing
from kesu.sandbox.errors import BAD_SIGNATURE, PlatformError, invalid_request, parameter_error
from kesu.sandbox.faults import Fault
from kesu.sandbox.fields import Group
from kesu.sandbox.identity import Account, KeyPair
from kesu.sandbox.platform import Platform
from kesu.wechatpay.signing import (
    PROBE_PREFIX,
    Authorization,
    parse_authorization,
    request_message,
    signed_headers,
    verify,
)

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

TOLERANCE_SECONDS = 300
SERVER_ERROR_NUMBER = 268435457


@dataclass
class Call:
    """A request that proved who sent it. `now`: the virtual time of its arrival."""

    sandbox: Sandbox
    request: Request
    account: Account
    body: bytes
    now: datetime

    @property
    def platform(self) -> Platform:
        return self.sandbox.platform

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.request.query_params)

    def part(self, name: str) -> str:
        """A parameter of the path."""
        value: str = self.request.path_params[name]
        return value

    def json(self, fields: Group) -> dict[str, Any]:
        """The body, checked against its documented fields. Raises PlatformError PARAM_ERROR."""
        return checked_json(self.body, fields)

    def number(self, name: str, *, default: int, least: int, most: int | None = None) -> int:
        """An integer of the query within its documented range. Raises PlatformError PARAM_ERROR."""
        text = self.query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise parameter_error(f"{name}应为整数")
        value = int(text)
        if value < least or (most is not None and value > most):
            raise parameter_error(f"{name}超出取值范围")
        return value


Handler = Callable[[Call], Awaitable[dict[str, Any] | Response | None]]


def checked_json(raw: bytes, fields: Group) -> dict[str, Any]:
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise parameter_error("请求体不是合法的JSON") from None
    fields.check(body)
    checked: dict[str, Any] = body
    return checked


async def _whole_body(request: Request) -> bytes:
    return await request.body()


class Gate:
    """Builds the routes of the platform's endpoints."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def route(
        self,
        method: str,
        path: str,
        name: str,
        handler: Handler,
        *,
        signed_part: Callable[[Request], Awaitable[bytes]] = _whole_body,
        answer_is_signed: bool = True,
    ) -> Route:
        """One endpoint. `name` is its name in frequencies and counters; `signed_part` gives the bytes that the
        request's signature covers (an upload signs only its meta)."""

        async def endpoint(request: Request) -> Response:
            fault = self._sandbox.faults.strike("wechatpay", request.url.path)
            if fault and not fault.comes_after:
                return self._trouble(fault)
            answer = await self._answer(request, name, handler, signed_part, answer_is_signed, fault)
            return await self._after(fault, answer)

        return Route(path, endpoint, methods=[method])

    async def _answer(
        self,
        request: Request,
        name: str,
        handler: Handler,
        signed_part: Callable[[Request], Awaitable[bytes]],
        answer_is_signed: bool,
        fault: Fault | None,
    ) -> Response:
        sandbox, account = self._sandbox, None
        sandbox.let_time_pass()
        sandbox.state.count(f"requests_{name}")
        try:
            body = await request.body()
            account = self._authenticate(request, await signed_part(request))
            if sandbox.policy.rate_limits:
                sandbox.frequencies.take(account.mchid, name, sandbox.clock.now())
            content = await handler(Call(sandbox, request, account, body, sandbox.clock.now()))
        except PlatformError as error:
            sandbox.state.count(f"errors_{error.code}")
            return self._signed(request, account, error.status, _error_body(error), error.number, fault)
        if request.method != "GET":
            sandbox.touch()
        if isinstance(content, Response):
            content.headers["Request-ID"] = self._request_id(0)
            return content if not answer_is_signed else self._sign(request, account, content, fault)
        return self._signed(request, account, 204 if content is None else 200, content, 0, fault)

    def _authenticate(self, request: Request, signed: bytes) -> Account:
        """Raises PlatformError: 400 for missing headers, 401 SIGN_ERROR for the rest."""
        if not request.headers.get("accept") or not request.headers.get("user-agent"):
            raise invalid_request("头部信息不完整, 缺少Accept或User-Agent")
        try:
            authorization = parse_authorization(request.headers.get("authorization", ""))
        except ValueError:
            raise _sign_error("Authorization不合法") from None
        account = self._sandbox.identity.account(authorization.mchid)
        keys = account.keys_of(authorization.serial_no) if account else None
        if account is None or keys is None:
            raise _sign_error("商户号或商户证书序列号有误")
        self._check_signature(request, authorization, keys, signed)
        return account

    def _check_signature(self, request: Request, authorization: Authorization, keys: KeyPair, signed: bytes) -> None:
        skew = authorization.timestamp - self._sandbox.clock.now().timestamp()
        if abs(skew) > TOLERANCE_SECONDS:
            raise _sign_error("Http头Authorization值中的timestamp与发起请求的时间不得超过5分钟")
        message = request_message(
            request.method,
            target(request),
            authorization.timestamp,
            authorization.nonce_str,
            signed,
        )
        if not verify(keys.public_key, message, authorization.signature):
            raise _sign_error("签名错误, 请检查后再试")

    def _signed(
        self,
        request: Request,
        account: Account | None,
        status: int,
        content: dict[str, Any] | None,
        number: int,
        fault: Fault | None,
    ) -> Response:
        raw = b"" if content is None else json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"Request-ID": self._request_id(number)}
        if content is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        return self._sign(request, account, Response(raw, status, headers), fault)

    def _sign(self, request: Request, account: Account | None, response: Response, fault: Fault | None) -> Response:
        serial = self._sandbox.serial_for(account, request.headers.get("wechatpay-serial"))
        if fault and fault.kind == "half":
            response = before_signing(response, fault.word())
        raw = bytes(response.body)
        signed = raw + b" " if fault and fault.kind == "forge" else raw
        key = self._sandbox.identity.signing_key(serial)
        headers = signed_headers(key, serial, signed, now=self._sandbox.clock.now())
        if fault and fault.kind == "signtest":
            headers["Wechatpay-Signature"] = PROBE_PREFIX + headers["Wechatpay-Signature"]
        response.headers.update(headers)
        return response

    def _request_id(self, number: int) -> str:
        return f"08{self._sandbox.random.getrandbits(120):030X}-{number}"

    def _trouble(self, fault: Fault) -> Response:
        """Instead of doing anything."""
        self._sandbox.state.count(f"faults_wechatpay_{fault.kind}")
        if fault.kind == "drop":
            return broken_answer(self._sandbox)
        if fault.kind == "errcode":
            error = PlatformError(fault.value or "SYSTEM_ERROR", "沙箱按要求返回的错误")
        else:
            status = int(fault.number(500))
            code = "FREQUENCY_LIMITED" if status == 429 else "SYSTEM_ERROR"
            error = PlatformError(code, "沙箱按要求返回的错误", SERVER_ERROR_NUMBER, status)
        raw = json.dumps(_error_body(error), ensure_ascii=False).encode()
        headers = {"Request-ID": self._request_id(error.number), "Content-Type": "application/json"}
        return Response(raw, error.status, headers)

    async def _after(self, fault: Fault | None, answer: Response) -> Response:
        """What becomes of the answer after all was done."""
        if fault is None:
            return answer
        self._sandbox.state.count(f"faults_wechatpay_{fault.kind}")
        if fault.kind == "drop":
            return broken_answer(self._sandbox)
        if fault.kind == "timeout":
            return await late_answer(self._sandbox, answer, fault.number(60))
        if fault.kind == "half":
            return after_signing(answer, fault.word(), served=self._sandbox.served)
        return answer


def target(request: Request) -> str:
    """Path and query exactly as on the wire; a path that was decoded and encoded again would not verify."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (raw.split(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


def _sign_error(message: str) -> PlatformError:
    return PlatformError("SIGN_ERROR", message, BAD_SIGNATURE)


def _error_body(error: PlatformError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message}
