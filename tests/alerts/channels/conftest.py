"""One push, and a sandbox that takes it, for channels of every kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import Push, Receipt
from kesu.alerts.content import Content, Row, Tone
from kesu.sandbox import Identity, Sandbox

NOW = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)
BASE_URL = "http://127.0.0.1:1"
LINK = "https://desk.example.com/open/1-1-1795741920._LyVo-g2mFTybm71wbF6iBxGG3taZG6Q214kQIsIrwc"
CONTENT = Content(
    headline="回复剩 3小时12分 ¥199.00",
    title="新投诉",
    tone=Tone.WARNING,
    notes=("第3次提醒",),
    rows=(Row("商户", "商户A 1900000001"), Row("类型", "申请退款")),
    quote="一周了没人理我",
    quote_label="原话",
    link=LINK,
    link_text="打开投诉单",
    claim_text="认领",
    cut_mark="…内容较长已截断",
)

Sender = Callable[..., Receipt]


def push(content: Content = CONTENT, **changes: Any) -> Push:
    return Push(**({"id": "1-1", "kind": "new", "now": NOW, "content": content} | changes))


@pytest.fixture
def sandbox(identity: Identity) -> Sandbox:
    return Sandbox.create(start=NOW, speed=0, identity=identity, base_url=BASE_URL)


@pytest.fixture
def send(sandbox: Sandbox) -> Sender:
    """``send(kind, raw settings, push)`` through the sandbox; ``answering`` takes its place with a fixed answer."""

    def once(
        kind: str, raw: Mapping[str, Any], found: Push | None = None, *, answering: httpx2.Response | None = None
    ) -> Receipt:
        async def inner() -> Receipt:
            transport: httpx2.AsyncBaseTransport = httpx2.ASGITransport(app=sandbox.app)
            if answering is not None:
                transport = httpx2.MockTransport(lambda request: answering)
            async with httpx2.AsyncClient(transport=transport) as client:
                channel = KINDS[kind]
                return await channel.send(found or push(now=sandbox.clock.now()), channel.parse(raw), client)

        return asyncio.run(inner())

    return once
