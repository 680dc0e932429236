"""A really served sandbox: a process, a port, files, a clean end."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import httpx2
import pytest

from kesu.sandbox import Identity
from kesu.wechatpay.signing import authorization

COMMAND = (
    "import sys, pathlib; from kesu.sandbox.serve import run;"
    "run(pathlib.Path(sys.argv[1]), int(sys.argv[2]), 1, sys.argv[3] == 'quiet', speed=float(sys.argv[4]))"
)


@contextmanager
def served(directory: Path, port: int = 0, payers: str = "quiet", speed: float = 1.0):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(directory), str(port), payers, str(speed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, json.loads((directory / "sandbox.json").read_text()), line
    finally:
        process.send_signal(signal.SIGTERM)
        out, errors = process.communicate(timeout=20)
        process.left = (process.returncode, out, errors)


def until(condition, seconds=20):
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def test_it_serves_when_the_file_is_there_and_ends_cleanly(tmp_path):
    with served(tmp_path) as (process, described, line):
        assert described["control_url"] in line
        assert stat.S_IMODE((tmp_path / "sandbox.json").stat().st_mode) == 0o600
        state = httpx2.get(described["control_url"] + "/state").json()
        assert state["complaints"]["total"] == 0
        clock = json.loads(Path(described["clock_file"]).read_text())
        assert abs(clock["virtual"] + (time.time() - clock["real"]) * clock["speed"] - time.time()) < 5
        assert httpx2.post(described["wecom"]["webhook_url"], json={}).json()["errcode"] == 40008
    assert process.left == (0, "", "")


def test_a_restart_keeps_port_keys_and_truth(tmp_path):
    with served(tmp_path) as (_, described, _line):
        wish = {"mchid": described["merchants"][0]["mchid"], "count": 3}
        made = httpx2.post(described["control_url"] + "/complaints", json=wish).json()["complaint_ids"]
        httpx2.post(described["control_url"] + "/clock", json={"advance": "3d"})
    with served(tmp_path) as (_, again, _line):
        assert again == described
        for complaint in made:
            assert httpx2.get(f"{again['control_url']}/complaints/{complaint}").status_code == 200
        assert httpx2.get(again["control_url"] + "/clock").json()["unix"] > time.time() + 250_000


def test_a_second_sandbox_on_the_directory_is_refused(tmp_path):
    with served(tmp_path):
        second = subprocess.run(
            [sys.executable, "-c", COMMAND, str(tmp_path), "0", "quiet", "1"], capture_output=True, text=True
        )
        assert second.returncode != 0
        assert "another sandbox runs on" in second.stderr


def test_a_taken_port_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = subprocess.run(
            [sys.executable, "-c", COMMAND, str(tmp_path), str(port), "quiet", "1"], capture_output=True, text=True
        )
    assert failed.returncode != 0
    assert not (tmp_path / "sandbox.json").exists()


class Hook(Thread):
    """Takes notices on a socket, one connection at a time, and answers 204."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}/notify"
        self.bodies = []

    def run(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                length = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                self.bodies.append(json.loads(stream.read(length)))
                connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


@pytest.fixture
def hook():
    hook = Hook()
    hook.start()
    yield hook
    hook.server.close()


def test_live_payers_and_notices(tmp_path, hook):
    with served(tmp_path, payers="lively", speed=60) as (_, described, _line):
        account = Identity.load(tmp_path / "identity.json").accounts[1]
        body = json.dumps({"url": hook.url}).encode()
        path = "/v3/merchant-service/complaint-notifications"
        clock = json.loads(Path(described["clock_file"]).read_text())
        now = clock["virtual"] + (time.time() - clock["real"]) * clock["speed"]
        signed = authorization(
            account.mchid,
            account.keys.serial_no,
            account.keys.private_key,
            "POST",
            path,
            body,
            now=datetime.fromtimestamp(now, UTC),
        )
        headers = {"Authorization": signed, "Accept": "*/*", "User-Agent": "t", "Content-Type": "application/json"}
        answer = httpx2.post(described["wechatpay"]["base_url"] + path, content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        until(lambda: len(hook.bodies) >= 2)
        assert all(one["resource"]["algorithm"] == "AEAD_AES_256_GCM" for one in hook.bodies)


def test_broken_and_late_answers_on_a_socket(tmp_path):
    with served(tmp_path) as (process, described, _line):
        control, robot = described["control_url"], described["wecom"]["webhook_url"]
        message = {"msgtype": "text", "text": {"content": "x"}}
        httpx2.post(control + "/faults", json={"target": "wecom", "kind": "drop", "count": 1})
        with pytest.raises(httpx2.TransportError):
            httpx2.post(robot, json=message)
        httpx2.post(control + "/faults", json={"target": "wecom", "kind": "timeout", "value": 30, "count": 1})
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(robot, json=message, timeout=0.2)
        assert httpx2.post(robot, json=message).json()["errcode"] == 0
    assert process.left == (0, "", "")


def test_kill_nine_leaves_files_to_start_from(tmp_path):
    with served(tmp_path) as (process, described, _line):
        wish = {"mchid": described["merchants"][0]["mchid"]}
        httpx2.post(described["control_url"] + "/complaints", json=wish)
        file = tmp_path / "state.json"
        until(lambda: file.exists() and b"USER_CREATE_COMPLAINT" in file.read_bytes())
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
    with served(tmp_path) as (_, again, _line):
        assert httpx2.get(again["control_url"] + "/state").json()["complaints"]["total"] == 1
