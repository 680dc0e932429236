"""One push from a WeCom application, and one change of a card it sent. Only ``errcode == 0`` is success."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx2

from kesu.alerts.channels.answers import json_object, receipt_of
from kesu.alerts.channels.base import (
    TIMEOUT,
    Budget,
    Push,
    Receipt,
    SendError,
    SentCard,
    UnknownOutcomeError,
    parse_settings,
    post,
    sha256_hex,
)
from kesu.alerts.channels.wecom_app.render import payload
from kesu.alerts.channels.wecom_app.settings import WecomAppSettings
from kesu.alerts.channels.wecom_app.tokens import access_token
from kesu.rules.classify import classify_wecom

TOKEN_AND_MESSAGE_SECONDS = 45
"""Up to four calls, and less than a worker's lease on the message."""
TOKEN_REFUSED = frozenset({40001, 40014, 42001})
UNTRUSTED_ADDRESS = "60020"
_ADDRESS = re.compile(r"from ip: ?([0-9a-fA-F.:]+)")


class WecomApp:
    """An application of one's own (自建应用): personal messages, with buttons that answer.

    A member gets 30 messages a minute and 1000 an hour from one application; what is more is dropped without an error.
    """

    name = "wecom_app"
    budget = Budget(limit=27, also=((900, timedelta(hours=1)),))

    def parse(self, raw: Mapping[str, Any]) -> WecomAppSettings:
        return parse_settings(WecomAppSettings, raw)

    def budget_secret(self, settings: WecomAppSettings) -> str:
        return f"{settings.corpid}/{settings.agentid}"

    def address(self, settings: WecomAppSettings) -> str:
        return settings.address

    def receivers(self, settings: WecomAppSettings) -> tuple[str, ...]:
        return settings.receivers

    async def send(self, push: Push, settings: WecomAppSettings, client: httpx2.AsyncClient) -> Receipt:
        """A receipt whose answer names whoever was not reached; its card is what may be changed later."""
        body = payload(push, settings)
        answer, receipt = await _call("send", body, settings, client, now=push.now)
        found = json_object(answer) or {}
        missed = [f"{name}: {found[name]}" for name in ("invaliduser", "unlicenseduser") if found.get(name)]
        if missed:
            receipt = replace(receipt, answer=f"not reached: {'; '.join(missed)}"[:300])
        code = found.get("response_code")
        task_id = body.get("template_card", {}).get("task_id", "")
        return replace(receipt, card=SentCard(task_id, code)) if task_id and isinstance(code, str) and code else receipt

    async def grey_card(
        self, update_code: str, label: str, settings: WecomAppSettings, client: httpx2.AsyncClient, *, now: datetime
    ) -> Receipt:
        """Grey the buttons of a card for everybody who got it. ``update_code`` is used up by it. Raises SendError."""
        body = {
            "atall": 1,
            "agentid": settings.agentid,
            "response_code": update_code,
            "button": {"replace_name": label},
        }
        _answer, receipt = await _call("update_template_card", body, settings, client, now=now)
        return receipt


async def _call(
    verb: str, body: Mapping[str, Any], settings: WecomAppSettings, client: httpx2.AsyncClient, *, now: datetime
) -> tuple[bytes, Receipt]:
    """The answer and its receipt. Raises SendError, which names the address if that is not trusted."""
    raw = json.dumps(body, ensure_ascii=False).encode()
    try:
        async with asyncio.timeout(TOKEN_AND_MESSAGE_SECONDS), _route(settings, client) as route:
            status, answer, token = await _with_token(verb, raw, settings, route, now)
        receipt = receipt_of(
            status,
            answer,
            sha256_hex(raw),
            code="errcode",
            message="errmsg",
            classify=lambda errcode, _: classify_wecom(errcode),
            secret=token,
        )
    except SendError as error:
        raise _with_address(error) from None
    except TimeoutError:
        raise UnknownOutcomeError("no answer in time", payload_sha256=sha256_hex(raw)) from None
    return answer, receipt


async def _with_token(
    verb: str, raw: bytes, settings: WecomAppSettings, client: httpx2.AsyncClient, now: datetime
) -> tuple[int, bytes, str]:
    """POST; once more with a new token if WeCom has ended the first one early."""
    token = await access_token(settings, client, now=now)
    status, answer = await _post(verb, raw, settings, client, token)
    if (json_object(answer) or {}).get("errcode") in TOKEN_REFUSED:
        token = await access_token(settings, client, now=now, refused=token)
        status, answer = await _post(verb, raw, settings, client, token)
    return status, answer, token


async def _post(
    verb: str, raw: bytes, settings: WecomAppSettings, client: httpx2.AsyncClient, token: str
) -> tuple[int, bytes]:
    url = f"{settings.api_url}/cgi-bin/message/{verb}?access_token={token}"
    return await post(client, url, raw, {"Content-Type": "application/json"})


@asynccontextmanager
async def _route(settings: WecomAppSettings, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.AsyncClient]:
    """The client given, or one through the proxy that this channel asks for."""
    if not settings.proxy:
        yield client
        return
    async with httpx2.AsyncClient(proxy=settings.proxy, timeout=TIMEOUT, trust_env=False) as proxied:
        yield proxied


def _with_address(error: SendError) -> SendError:
    """For an untrusted address: say first which one it is, since that is what the admin console asks for."""
    receipt = error.receipt
    found = _ADDRESS.search(receipt.answer) if receipt.code == UNTRUSTED_ADDRESS else None
    if found is None:
        return error
    answer = f"{found[1]} is not among the trusted addresses (企业可信IP): {receipt.answer}"
    return type(error)(
        answer, http_status=receipt.http_status, code=receipt.code, payload_sha256=receipt.payload_sha256
    )


KIND = WecomApp()
