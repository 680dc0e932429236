"""A whole story in the log of real processes: every line an event for machines, none with secrets or a payer's data."""

from __future__ import annotations

import http.client
import json
import re
import urllib.request
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.forking import run_kesu
from tests.prepared import lay_database
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox

PHONE = "13812345678"
WORDS = "我叫王小明住在人民路一号"
PASSWORD = "correct-horse-battery"


class Story(NamedTuple):
    """The log of it all, what must not be in it, and the metrics at its end."""

    log: str
    secrets: set[str]
    metrics: str


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A desk to which everything happened, on its most talkative level."""
    directory = tmp_path_factory.mktemp("logs")
    (directory / "sandbox").mkdir()
    log = directory / "desk.log"
    with serving_sandbox(directory / "sandbox") as sandbox:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        env = environment(directory / "desk", KESU_LOG_FORMAT="json", KESU_PUBLIC_URL=url) | {"KESU_LOG_LEVEL": "debug"}
        lay_database(directory / "desk")
        connected = run_kesu("merchants", "import-sandbox", str(sandbox.file), "--public-url", url, env=env)
        assert connected.returncode == 0, connected.stderr
        with running(kesu("serve", "--port", str(port)), log, env, ready=lambda: answers(f"{url}/readyz")):
            _metrics(url)  # sends are counted from the first reading on
            token = _everything_happens(sandbox, port)
            metrics = _settled_metrics(url)
        secrets = _secrets(sandbox) | {token}
    return Story(log.read_text(), secrets, metrics)


def _everything_happens(sandbox: ServedSandbox, port: int) -> str:
    """Complaints, forged and misdirected notices, a platform and a robot that fail, a wrong password.

    Returns the secret part of the callback's address.
    """
    merchant = sandbox.merchant()
    [complaint_id] = sandbox.complain(merchant["mchid"], phone=PHONE, detail=WORDS)
    until(lambda: _told(sandbox) >= 1, 60, "the first push")
    path = "/" + sandbox.control("/state")["notify_urls"][merchant["mchid"]].split("/", 3)[3]
    headers, body = sandbox.notice(complaint_id, merchant)
    assert _post(port, path, headers, body) == 204
    assert _post(port, path, headers, body + b" ") == 401
    assert _post(port, path + "x", headers, body) == 404
    assert _post(port, path, {}, json.dumps({"phone": PHONE, "words": WORDS}).encode()) >= 400
    form = {"username": "li", "password": PASSWORD}
    _post(port, "/sign-in", {"Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode())
    sandbox.control("/faults", {"target": "wechatpay", "kind": "status", "value": 500, "count": 4})
    sandbox.control("/faults", {"target": "wecom", "kind": "errcode", "value": 45009, "count": 1})
    sandbox.control(f"/complaints/{complaint_id}/payer", {"do": "message", "text": WORDS})
    sandbox.complain(merchant["mchid"], phone=PHONE, detail=WORDS, pictures=1)
    sandbox.control("/clock", {"advance": "13h"})
    until(lambda: _told(sandbox, accepted=False), 60, "the robot's refusal")
    sandbox.control("/clock", {"advance": "2m"})  # which makes the desk wait a minute
    until(lambda: _told(sandbox) >= 3, 60, "pushes in spite of everything")
    return path.rsplit("/", 1)[1]


def _settled_metrics(url: str) -> str:
    """Once they are fresh, and the worker has given a sign of life since the clock was advanced."""
    wanted = {'kesu_sends_total{outcome="rate"} 1.0', "kesu_workers 1.0"}
    until(lambda: wanted <= set(_metrics(url).splitlines()), 60, "fresh metrics")
    return _metrics(url)


def _metrics(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        return answer.read().decode()


def _told(sandbox: ServedSandbox, *, accepted: bool = True) -> int:
    return sum(push["accepted"] is accepted for push in sandbox.control("/wecom/messages?after=0"))


def _post(port: int, path: str, headers: dict[str, str], body: bytes) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    connection.request("POST", path, body, headers)
    return connection.getresponse().status


def _secrets(sandbox: ServedSandbox) -> set[str]:
    found = {PHONE, WORDS, PASSWORD, sandbox.described["wecom"]["webhook_url"].rpartition("key=")[2]}
    for merchant in sandbox.merchants:
        found |= {merchant["apiv3_key"], merchant["private_key_pem"].splitlines()[1]}
    return found


def test_no_secret_phone_token_robot_key_or_payers_word_is_in_the_log(story: Story):
    log = story.log
    assert len(story.secrets) >= 8
    assert [secret for secret in story.secrets if secret in log or json.dumps(secret)[1:-1] in log] == []
    assert re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", log) is None  # anything like a mobile number
    assert "BEGIN" not in log


def test_every_line_is_an_event_with_a_level_and_a_time(story: Story):
    greeting, *rest = story.log.splitlines()
    assert greeting.startswith("Kesu at http://")  # on standard output, for the person who started it
    lines = [json.loads(line) for line in rest]
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    assert {"worker_started", "message.tried", "worker_stopped"} <= {line["event"] for line in lines}


def test_the_metrics_of_the_serving_desk_tell_the_story_and_no_secret(story: Story):
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(story.metrics)
        for sample in family.samples
    }
    assert samples["kesu_notices_total", "accepted"] >= 2
    assert samples["kesu_notices_total", "rejected"] >= 3
    assert samples["kesu_notice_rejections_total", "unknown_token"] == 1
    assert samples["kesu_sends_total", "sent"] >= 2
    assert sum(value for name, value in samples.items() if name[0] == "kesu_complaints_open") == 2
    assert (samples["kesu_workers",], samples["kesu_database_up",]) == (1, 1)
    assert samples["kesu_complaints_open_without_clock",] == 0
    assert [secret for secret in story.secrets if secret in story.metrics] == []
