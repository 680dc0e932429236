"""From a payer's complaint to the message in the staff's group, through real processes: `kesu sandbox`, `kesu serve`.

Sixty merchants in turn, ten complaints a second, each merchant with a robot of its own, which is how so many messages
get through at all: a robot takes 20 a minute (Kesu gives ordinary ones 12 and gathers what is more in digests), and the
platform lets a merchant read 200 histories a minute. No limit is lifted, on either side. Time runs from just before the
sandbox is told of the complaint (its notice goes out at once) until its robot has accepted the message, both by the
sandbox's clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from kesu.sandbox.identity import Account, Identity
from tests.processes import answers, environment, free_port, kesu, running
from tests.sandboxes import ServedSandbox, serving_sandbox

MERCHANTS = 60
PER_SECOND = 10
ARRIVE_SECONDS = 30
WARM_UP = MERCHANTS


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    seconds = 20 if quick else 60
    with ExitStack() as stack:
        sandbox = _start(directory, stack)
        merchants = [merchant["mchid"] for merchant in sandbox.merchants]
        _complain(sandbox, merchants, WARM_UP)
        _await_messages(sandbox, WARM_UP)
        after = sandbox.control("/wecom/messages?after=0")[-1]["n"]
        wanted = _complain(sandbox, merchants, PER_SECOND * seconds)
        messages = _await_messages(sandbox, len(wanted), after)
        delays = sorted(_delays(messages, wanted))
    refused = sum(not message["accepted"] for message in messages)
    median, p99 = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
    return [
        {
            "what": f"complaint to robot accepted, {PER_SECOND}/s over {seconds} s",
            "measured": f"median {median:.3f} s, p99 {p99:.3f} s, worst {delays[-1]:.3f} s; "
            f"{len(delays)} of {len(wanted)} arrived, {refused} refused",
            "target": "median < 0.5 s, p99 < 2 s",
            "reached": len(delays) == len(wanted) and median < 0.5 and p99 < 2,
        }
    ]


def _start(directory: Path, stack: ExitStack) -> ServedSandbox:
    (directory / "sandbox").mkdir()
    _identity().save(directory / "sandbox")
    sandbox = stack.enter_context(serving_sandbox(directory / "sandbox"))
    env = environment(directory / "alerting")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    connect = kesu("merchants", "import-sandbox", str(sandbox.file), "--public-url", url)
    subprocess.run(connect, env=env, check=True, stdout=subprocess.DEVNULL)
    robots = {merchant["mchid"]: sandbox.control("/robots", {})["webhook_url"] for merchant in sandbox.merchants}
    give = [sys.executable, "-m", "tests.bench.robots", env["KESU_DATA"]]
    subprocess.run(give, env=env, input=json.dumps(robots), text=True, check=True)
    serve = kesu("serve", "--port", str(port))
    log = directory / "serve.log"
    stack.enter_context(running(serve, log, env, ready=lambda: answers(f"{url}/readyz")))
    return sandbox


def _identity() -> Identity:
    """A platform with many direct merchants; they share a key pair, which nothing here looks at, to be made quickly."""
    identity = Identity.create()
    keys, apiv3_key = identity.accounts[0].keys, identity.accounts[0].apiv3_key
    identity.accounts = [Account(f"19000{number:05d}", "merchant", keys, apiv3_key) for number in range(MERCHANTS)]
    return identity


def _complain(sandbox: ServedSandbox, merchants: list[str], count: int) -> dict[str, float]:
    """``count`` complaints at an even pace, the merchants in turn: each one's number and when it was raised."""
    made = {}
    started = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        raised_at = sandbox.now().timestamp()
        [complaint_id] = sandbox.complain(merchants[number % len(merchants)])
        made[complaint_id] = raised_at
    return made


def _await_messages(sandbox: ServedSandbox, count: int, after: int = 0) -> list[dict[str, Any]]:
    deadline = time.monotonic() + ARRIVE_SECONDS
    while True:
        messages: list[dict[str, Any]] = sandbox.control(f"/wecom/messages?after={after}")
        if sum(message["accepted"] for message in messages) >= count or time.monotonic() > deadline:
            return messages
        time.sleep(0.2)


def _delays(messages: list[dict[str, Any]], raised_at: dict[str, float]) -> Iterator[float]:
    """Seconds from each complaint to the first accepted message that names it."""
    missing = dict(raised_at)
    for message in messages:
        found = next((number for number in missing if number in message["content"]), None)
        if message["accepted"] and found:
            yield datetime.fromisoformat(message["time"]).timestamp() - missing.pop(found)
