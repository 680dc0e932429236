"""Requests for pages on their way through the front: as they came, and no further than their asker waits."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from kesu.config.forwarding import ALIVE, Forwarding

MEGABYTE = 1024 * 1024


@contextmanager
def served(application: Any, listening: socket.socket, **more: Any) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(application, log_config=None, lifespan="off", **more))
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()
    try:
        yield
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


class Pages:
    """Tells what it was asked, and whether its asker stayed."""

    def __init__(self) -> None:
        self.was_left = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == ALIVE:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"4711"})
        elif scope["path"] == "/long":
            await self._long(receive, send)
        elif scope["path"] == "/half":
            await self._half(send)
        else:
            await self._echo(scope, receive, send)

    async def _echo(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        told = {
            "method": scope["method"],
            "target": (scope["raw_path"] + b"?" + scope["query_string"]).decode(),
            "scheme": scope["scheme"],
            "client": (scope["client"] or [""])[0],
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
            "body": [len(body), hashlib.sha256(body).hexdigest()],
        }
        headers = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})

    async def _long(self, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.was_left.set()

    async def _half(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(0)
        raise RuntimeError("the pages end here")


@pytest.fixture
def inner(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "pages"))
        listening.listen()
        yield listening


@pytest.fixture
def pages(inner: socket.socket) -> Iterator[Pages]:
    application = Pages()
    with served(application, inner, forwarded_allow_ips="*"):
        yield application


@pytest.fixture
def forwarding(inner: socket.socket) -> Forwarding:
    return Forwarding(inner.getsockname())


@pytest.fixture
def port(forwarding: Forwarding) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as outer, served(forwarding, outer, proxy_headers=False):
        yield outer.getsockname()[1]


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    yield connection
    connection.close()


def ask(connection: http.client.HTTPConnection, method: str, target: str, body: Any = None, **headers: str) -> Any:
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    return json.loads(connection.getresponse().read())


@pytest.mark.parametrize("target", ["/cases/1?q=%E4%BD%A0&q=a+b", "/a%2Fb//c/../d?", "/?to=//evil.example"])
def test_the_target_arrives_as_it_was_sent(pages: Pages, connection: http.client.HTTPConnection, target: str):
    path, _, query = target.partition("?")
    assert ask(connection, "GET", target)["target"] == f"{path}?{query}"


def test_headers_arrive_but_for_those_that_concern_one_connection(pages: Pages, connection: http.client.HTTPConnection):
    told = ask(connection, "GET", "/", Cookie="a=1; b=2", Accept_Language="zh", Connection="keep-alive", TE="trailers")
    headers = dict(told["headers"])
    assert (headers["cookie"], headers["accept-language"]) == ("a=1; b=2", "zh")
    assert headers["host"].startswith("127.0.0.1:")
    assert "te" not in headers


def test_every_cookie_of_an_answer_comes_back(pages: Pages, connection: http.client.HTTPConnection):
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]


def test_nobody_but_the_front_says_who_asks(pages: Pages, connection: http.client.HTTPConnection):
    told = ask(connection, "GET", "/", X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
    assert (told["client"], told["scheme"]) == ("127.0.0.1", "http")
    assert [value for name, value in told["headers"] if name == "x-forwarded-for"] == ["127.0.0.1"]


def test_what_a_trusted_proxy_says_of_who_asks_is_passed_on(pages: Pages, forwarding: Forwarding):
    trusting = {"proxy_headers": True, "forwarded_allow_ips": "127.0.0.1"}
    with socket.create_server(("127.0.0.1", 0)) as outer, served(forwarding, outer, **trusting):
        connection = http.client.HTTPConnection(*outer.getsockname(), timeout=20)
        told = ask(connection, "GET", "/", X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https")
        connection.close()
    assert (told["client"], told["scheme"]) == ("203.0.113.7", "https")


@pytest.mark.parametrize("in_pieces", [False, True], ids=["with its length", "in pieces"])
def test_an_upload_arrives_whole(pages: Pages, connection: http.client.HTTPConnection, in_pieces: bool):
    body = bytes(range(256)) * (3 * MEGABYTE // 256)
    pieces = iter([body[:MEGABYTE], body[MEGABYTE:]])
    told = ask(connection, "POST", "/", pieces if in_pieces else body)
    assert told["body"] == [len(body), hashlib.sha256(body).hexdigest()]


def test_a_post_without_a_body_is_one(pages: Pages, connection: http.client.HTTPConnection):
    told = ask(connection, "POST", "/")
    assert (told["method"], told["body"][0]) == ("POST", 0)


def test_an_answer_to_head_has_no_body(pages: Pages, connection: http.client.HTTPConnection):
    connection.request("HEAD", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"")
    assert ask(connection, "GET", "/")["method"] == "GET"


def test_an_answer_is_passed_on_while_it_is_written_and_no_longer_than_somebody_reads(
    pages: Pages, connection: http.client.HTTPConnection
):
    connection.request("GET", "/long")
    answer = connection.getresponse()
    assert answer.read(5) == b"begun"
    answer.close()
    connection.close()
    assert pages.was_left.wait(20)


def test_half_an_answer_does_not_pass_for_a_whole_one(pages: Pages, connection: http.client.HTTPConnection):
    connection.request("GET", "/half")
    with pytest.raises(http.client.IncompleteRead):
        connection.getresponse().read()


def test_a_header_that_is_none_is_refused(pages: Pages, port: int):
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Odd: a\x01b\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")


def test_pages_that_end_while_they_are_asked_are_told_of_and_asked_again(
    inner: socket.socket, connection: http.client.HTTPConnection
):
    ended = threading.Thread(target=lambda: inner.accept()[0].close())
    ended.start()
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Retry-After"]) == (502, "1")
    assert "The pages are starting again" in answer.read().decode()
    ended.join()
    with served(Pages(), inner, forwarded_allow_ips="*"):
        assert ask(connection, "GET", "/")["method"] == "GET"


def test_whoever_asks_while_the_pages_start_waits(inner: socket.socket, connection: http.client.HTTPConnection):
    connection.request("GET", "/")
    with served(Pages(), inner, forwarded_allow_ips="*"):
        assert connection.getresponse().status == 200


def test_the_process_of_the_pages_is_known_while_they_answer(inner: socket.socket, tmp_path: Path):
    async def processes() -> tuple[int | None, int | None]:
        forwarding, nowhere = Forwarding(inner.getsockname()), Forwarding(str(tmp_path / "nowhere"))
        try:
            return await forwarding.process(), await nowhere.process()
        finally:
            await forwarding.close()
            await nowhere.close()

    with served(Pages(), inner, forwarded_allow_ips="*"):
        assert asyncio.run(processes()) == (4711, None)
