"""Apprise for everything it tells the truth about, and for nothing else."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx2
import pytest

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import Push, Receipt, SettingsError, TransientError
from kesu.alerts.content import Content, Tone

KIND = KINDS["apprise"]
CONTENT = Content("回复剩 1天 ¥199.00", "新投诉", tone=Tone.WARNING, quote="一周了没人理我", quote_label="原话")
PUSH = Push("1-1", "new", datetime(2026, 11, 20, 1, 12, tzinfo=UTC), CONTENT)


class Ntfy:
    """A push service on loopback, of the kind Apprise knows. Answers ``status``, keeps what it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(service.status)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"ntfy://127.0.0.1:{self.server.server_port}/topic"


@pytest.fixture
def ntfy() -> Iterator[Ntfy]:
    service = Ntfy()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


def send(url: str) -> Receipt:
    async def once() -> Receipt:
        async with httpx2.AsyncClient() as client:
            return await KIND.send(PUSH, KIND.parse({"url": url}), client)

    return asyncio.run(once())


def test_a_push_arrives_as_plain_text(ntfy: Ntfy) -> None:
    assert len(send(ntfy.url).payload_sha256) == 64
    sent = json.loads(ntfy.bodies[0])["message"]
    assert "原话: 一周了没人理我" in sent
    assert "<font" not in sent


def test_a_refusal_is_an_error(ntfy: Ntfy) -> None:
    ntfy.status = 500
    with pytest.raises(TransientError):
        send(ntfy.url)


@pytest.mark.parametrize(
    "url",
    [
        "wecombot://abcdefghijklmnopqrstuvwx",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=693a91f6-7aaa-4bc4-97a0-0ec2cifa5aaa",
        "wechat://corpid12345678:secret12345678@1000002/@user",
        "dingtalk://abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd",
        "feishu://abcdefghijklmnopqrstuvwxyz",
        "lark://abcdefghijklmnopqrstuvwxyz",
        "https://open.larksuite.com/open-apis/bot/v2/hook/abcdefghijklmnopqrstuvwxyz",
        "json://127.0.0.1/x",
        "forms://10.0.0.1/x",
        "xml://10.0.0.1/x",
        "syslog://",
        "nonsense",
        "",
    ],
)
def test_addresses_that_cannot_be_trusted_are_refused(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        KIND.parse({"url": url})
    assert list(caught.value.problems) == ["url"]


def test_passwords_are_masked() -> None:
    settings = KIND.parse({"url": "mailtos://staff:hunter2hunter2@example.com?smtp=smtp.example.com"})
    assert "hunter2" not in KIND.address(settings)
    assert "example.com" in KIND.address(settings)
