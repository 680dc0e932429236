"""Webhooks on the command line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.prepared import database_of
from tests.processes import environment
from tests.webhooks.receiver import verify


class Program(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    seen: list[tuple[Any, bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Program)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/t0ken"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    directory: Path = tmp_path_factory.mktemp("webhooks")
    with database_of(directory):
        yield Shell(environment(directory), {"t0ken"})


def test_a_webhook_from_its_beginning_to_its_end(desk: Shell, address: str) -> None:
    made = desk.result("webhooks", "add", "tickets", "--url", address, "--event", "complaint.created")
    assert made["events"] == ["complaint.created"]
    desk.secrets.add(made["secret"])
    tried = desk.result("webhooks", "test", "tickets")
    assert (tried["state"], tried["status"]) == ("delivered", 204)
    headers, body = Program.seen[-1]
    told = verify(made["secret"], headers, body, seconds=int(headers["webhook-timestamp"]))
    assert told["type"] == "webhook.test"
    [row] = desk.result("webhooks", "log", "tickets")
    assert (row["state"], len(row["tries"])) == ("delivered", 1)
    assert desk.run("webhooks", "redeliver", str(row["id"])).returncode == 0
    assert desk.result("webhooks", "log")[0]["state"] == "pending"
    assert desk.result("webhooks", "rotate", "tickets")["secret"].startswith("whsec_")
    assert desk.run("webhooks", "switch", "tickets", "--off").returncode == 0
    [listed] = desk.result("webhooks", "list")
    assert (listed["state"], listed["failed"]) == ("off", 1)
    desk.refusal("webhooks", "test", "tickets")
    assert desk.run("webhooks", "remove", "tickets").returncode == 0
    assert desk.result("webhooks", "list") == []
    written = [entry for entry in desk.result("audit", "list") if entry["subject"] == "webhook:tickets"]
    assert len(written) == 6
    assert "t0ken" not in json.dumps(written)


def test_what_is_not_there_or_cannot_be_is_refused(desk: Shell) -> None:
    assert "nothing" in desk.refusal("webhooks", "log", "nothing")
    assert "999" in desk.refusal("webhooks", "redeliver", "999")
    assert "https://" in desk.refusal("webhooks", "add", "x", "--url", "http://example.com")
    assert "1900000001" in desk.refusal(
        "webhooks", "add", "x", "--url", "https://example.com", "--account", "1900000001"
    )
    assert "complaint.created" in desk.refusal(
        "webhooks", "add", "x", "--url", "https://example.com", "--event", "complaint.exploded"
    )
