"""`wechatpay-axios-plugin` (npm) judges the signature of every request that our client makes, whatever the endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kesu.clock import beijing_day
from kesu.sandbox import Sandbox
from kesu.wechatpay import (
    Client,
    MerchantCredentials,
    PlatformError,
    PlatformKeys,
    load_certificate,
    load_public_key,
    text_block,
)
from kesu.wechatpay.keys import load_private_key
from tests.contract.axios_plugin import ask

pytestmark = pytest.mark.contract

PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64
META = re.compile(rb'name="meta"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', re.DOTALL)


class Recorder(httpx2.AsyncBaseTransport):
    """Passes everything on, and remembers what was signed over which bytes."""

    def __init__(self, inside: httpx2.AsyncBaseTransport) -> None:
        self._inside = inside
        self.requests: list[dict[str, str]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        meta = META.search(body)
        self.requests.append(
            {
                "method": request.method,
                "target": request.url.raw_path.decode(),
                "authorization": request.headers["authorization"],
                "signed": (meta[1] if meta else body).decode(),
            }
        )
        return await self._inside.handle_async_request(request)


class Story:
    """Our client as the sandbox's direct merchant, with a complaint to talk about."""

    def __init__(self) -> None:
        self.sandbox = Sandbox.create(start=datetime.now(UTC), speed=1.0)
        described = self.sandbox.description()
        self.merchant: Mapping[str, Any] = next(m for m in described["merchants"] if m["role"] == "merchant")
        platform = described["wechatpay"]
        key = load_public_key(platform["public_key_pem"])
        self.keys = PlatformKeys({platform["public_key_id"]: key, platform["certificate_serial"]: key})
        self.recorder = Recorder(httpx2.ASGITransport(self.sandbox.app))
        self.today = beijing_day(datetime.now(UTC))

    async def run(self) -> None:
        credentials = MerchantCredentials(
            self.merchant["mchid"],
            self.merchant["serial_no"],
            load_private_key(self.merchant["private_key_pem"]),
            apiv3_keys=(self.merchant["apiv3_key"],),
        )
        now = self.sandbox.clock.now
        async with (
            Client(credentials, self.keys, now=now, transport=self.recorder, base_url=self.sandbox.base_url) as client,
            httpx2.AsyncClient(transport=httpx2.ASGITransport(self.sandbox.app)) as control,
        ):
            for call in self._calls(client, await self._complain(control)):
                # Some are refused (a rejection after completion ...): signed they were all the same.
                with suppress(PlatformError):
                    await call()

    async def _complain(self, control: httpx2.AsyncClient) -> str:
        wish = {"mchid": self.merchant["mchid"], "temperament": "none", "amount": 1990, "pictures": 1}
        answer = await control.post(f"{self.sandbox.control_url}/complaints", json=wish)
        return str(answer.json()["complaint_ids"][0])

    def _calls(self, client: Client, complaint: str) -> list[Callable[[], Awaitable[object]]]:
        mchid = self.merchant["mchid"]
        url = "https://desk.example.com/notify/wechatpay/secret"
        order = self.sandbox.platform.order_of(self.sandbox.platform.complaint(complaint))
        picture = f"{self.sandbox.base_url}/v3/merchant-service/images/ChAyMDIx%2FMDEwMQ%3D%3D"
        refund = {"out_refund_no": "R1", "refund": 10, "total": 1990}
        blocks = [text_block("在的")]
        return [
            lambda: client.list_complaints(self.today, self.today),
            lambda: client.get_complaint(complaint),
            lambda: client.get_history(complaint, limit=50),
            lambda: client.upload_image("凭证.png", PICTURE),
            lambda: client.download_image(picture),
            lambda: client.reply(complaint, mchid=mchid, content="您好😊, 已核实\n正在处理"),
            lambda: client.reply_immediate_service(complaint, mchid=mchid, blocks=blocks, idempotent_id="一"),
            lambda: client.approve_refund(complaint, launch_refund_day=0),
            lambda: client.reject_refund(complaint, reason="不符合条件"),
            lambda: client.complete(complaint, mchid=mchid),
            lambda: client.create_notify_url(url),
            lambda: client.get_notify_url(),
            lambda: client.update_notify_url(f"{url}2"),
            lambda: client.delete_notify_url(),
            lambda: client.create_refund(transaction_id=order.transaction_id, reason="退款", **refund),
            lambda: client.query_refund("R1"),
            lambda: client.apply_abnormal_refund("5030000", out_refund_no="R1", type="MERCHANT_BANK_CARD"),
            lambda: client.query_order(transaction_id=order.transaction_id),
            lambda: client.download_certificates(),
        ]


def test_every_request_of_our_client_carries_a_signature_it_accepts():
    story = Story()
    asyncio.run(story.run())
    requests = story.recorder.requests
    assert len({(one["method"], re.sub(r"[0-9]{6,}|R1|Ch.*", "*", one["target"])) for one in requests}) >= 18
    public_key = load_certificate(story.merchant["certificate_pem"]).pem
    verdicts = ask("verify", public_key=public_key, requests=requests)
    refused = [one["target"] for one, good in zip(requests, verdicts, strict=True) if not good]
    assert refused == []


def test_it_notices_a_changed_request():
    story = Story()
    asyncio.run(story.run())
    [reply] = [one for one in story.recorder.requests if one["target"].endswith("/response")]
    changed = [
        reply | {"signed": reply["signed"].replace("处理", "拒绝")},
        reply | {"target": reply["target"] + "?a=b"},
        reply | {"method": "PUT"},
    ]
    assert ask("verify", public_key=story.merchant["certificate_pem"], requests=[reply, *changed]) == [
        True,
        False,
        False,
        False,
    ]
