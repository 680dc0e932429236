"""Names that lead anywhere, numbers that nobody may be sent to, and a network that keeps what reaches it."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx2
import pytest

from kesu.alerts.channels import KINDS
from kesu.alerts.channels.base import Push
from kesu.alerts.content import Content

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PUSH = Push("1-1", "new", NOW, Content("回复剩 1天", "新投诉"))
PRIVATE = [
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",  # where clouds tell their machines' secrets
    "100.100.100.200",  # the same of Alibaba Cloud
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fec0::1",
    "ff0e::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:0:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::a00:1",
    "2002:a00:1::1",
    "2002:7f00:1::1",
    "2001:0:a00:1::1",
    "5f00::1",
]
Names = dict[str, list[str]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """What the resolver says of these names, and nothing of numbers spelt as usual."""
    known: Names = {}
    real = socket.getaddrinfo

    def look(host: Any, port: Any, *arguments: Any, **more: Any) -> Any:
        if host not in known:
            return real(host, port, *arguments, **more)
        family = {4: socket.AF_INET, 6: socket.AF_INET6}
        numbers = [ipaddress.ip_address(number) for number in known[host]]
        return [(family[n.version], socket.SOCK_STREAM, 6, "", (str(n), port)) for n in numbers]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return known


def outside(seen: list[httpx2.Request], answer: httpx2.Response | None = None) -> httpx2.MockTransport:
    """The network: keeps what reaches it."""

    def take(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer or httpx2.Response(200)

    return httpx2.MockTransport(take)


def push(kind: str, settings: dict[str, Any], transport: httpx2.AsyncBaseTransport) -> None:
    async def once() -> None:
        async with httpx2.AsyncClient(transport=transport) as client:
            await KINDS[kind].send(PUSH, KINDS[kind].parse(settings), client)

    asyncio.run(once())


class Service:
    """A push service on loopback. Sends whoever asks on to ``leads_to``; counts who came."""

    def __init__(self) -> None:
        self.leads_to, self.came = "", 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.came += 1
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                self.send_response(307 if service.leads_to else 200)
                if service.leads_to:
                    self.send_header("Location", service.leads_to)
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST  # noqa: N815 - the name that is called

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        thread.join()
        service.server.server_close()
