"""How long a genuine notice waits to be accepted, 200 of them a second, while a storm is digested, against while all is
quiet: the same `kesu serve`, in turn.

The storm: more and more cases come due all the time the notices last, their reminders pile up before one robot, and go
out as digests. Notices speak of one known complaint, so that reading it costs the same in both.

    python -m tests.bench.storm DATA CASES   seeds a data directory   ->   the path that notices are posted to
"""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psycopg

from kesu.config.database import NAME, EmbeddedPostgres
from tests.bench.notices import _request
from tests.processes import answers, environment, free_port, kesu, running
from tests.sandboxes import ServedSandbox, serving_sandbox

PER_SECOND = 200
CONNECTIONS = 32
DUE_PER_SECOND = 200
CALM_SECONDS = 3.0
CALM = (
    "truncate alerts_attempt, alerts_message, alerts_card",
    "update alerts_budgetkey set used_at = '[]', used_by = '{}', digest_since = null, digest_busy_at = null,"
    " digested_at = null",
    "update complaints_complaint set history_read_at = %(now)s, read_again_at = %(now)s + interval '10 minutes'",
    "update alerts_clock set started_at = %(now)s - interval '16 minutes', deadline_at = %(now)s + interval '23 hours',"
    """ done_steps = '["after:0"]', due_at = %(now)s + interval '1 hour'""",
    "vacuum analyze",
    "checkpoint",
)
COME_DUE = """
    update alerts_clock set due_at = %(now)s
    where id in (select id from alerts_clock where kind = 'reply' and done_steps = '["after:0"]' and due_at > %(now)s
                 order by id limit %(count)s)
"""


@dataclass
class Bench:
    directory: Path
    sandbox: ServedSandbox
    connection: psycopg.Connection
    port: int
    path: str
    seconds: int

    def p99(self, *, storm: bool) -> float:
        """Milliseconds, over one round."""
        for statement in CALM:
            self.connection.execute(statement, {"now": self.sandbox.now()} if "%(now)s" in statement else None)  # type: ignore[arg-type]
        stock = self.directory / "notices"
        stock.write_bytes(pickle.dumps(self._notices(PER_SECOND * self.seconds)))
        time.sleep(CALM_SECONDS)
        load = [
            sys.executable,
            "-m",
            "tests.bench.paced",
            str(self.port),
            str(CONNECTIONS),
            str(stock),
            str(PER_SECOND),
        ]
        with self._storming() if storm else ExitStack():
            done = subprocess.run(load, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout)
        if found["statuses"] != {"204": PER_SECOND * self.seconds}:
            raise SystemExit(f"not everything was acknowledged: {found['statuses']}")
        latencies = sorted(found["latencies"])
        return float(latencies[len(latencies) * 99 // 100] * 1000)

    def _notices(self, count: int) -> list[bytes]:
        merchant = self.sandbox.merchant()
        complaint_id = self.sandbox.control("/complaints?limit=1")[0]["complaint_id"]
        return [_request(self.path, *self.sandbox.notice(complaint_id, merchant)) for _ in range(count)]

    @contextmanager
    def _storming(self) -> Iterator[None]:
        """Cases come due, four times a second, until the block ends; their reminders must have been digested."""
        over = Event()

        def rage() -> None:
            while not over.wait(0.25):
                given = {"now": self.sandbox.now(), "count": DUE_PER_SECOND // 4}
                self.connection.execute(COME_DUE, given)

        raging = Thread(target=rage)
        raging.start()
        try:
            yield
        finally:
            over.set()
            raging.join()
        [(digests, covered)] = self.connection.execute(
            "select count(*) filter (where kind = 'digest'), count(*) filter (where digest_id is not null)"
            " from alerts_message"
        )
        if not digests or not covered:
            raise SystemExit(f"no storm was digested: {digests} digests of {covered} messages")


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    seconds, rounds = (6, 2) if quick else (12, 4)
    with ExitStack() as stack:
        bench = _start(directory, seconds, stack)
        bench.p99(storm=True)  # warms up
        quiet, stormy = [], []
        for number in range(rounds):
            for storm in (False, True) if number % 2 else (True, False):
                (stormy if storm else quiet).append(bench.p99(storm=storm))
    ratios = [theirs / ours for ours, theirs in zip(quiet, stormy, strict=True)]
    ratio = statistics.median(ratios)
    return [
        {
            "what": f"p99 of an accepted notice at {PER_SECOND}/s while a storm is digested, against in quiet",
            "measured": f"{ratio:.1f}x (rounds {min(ratios):.1f} to {max(ratios):.1f}): "
            f"{statistics.median(stormy):.0f} ms against {statistics.median(quiet):.0f} ms",
            "target": "<= 3x",
            "reached": ratio <= 3,
        }
    ]


def _start(directory: Path, seconds: int, stack: ExitStack) -> Bench:
    data, port = directory / "data", free_port()
    (directory / "sandbox").mkdir()
    sandbox = stack.enter_context(serving_sandbox(directory / "sandbox"))
    sandbox.complain(sandbox.merchant()["mchid"])
    env = environment(data)
    connect = kesu("merchants", "import-sandbox", str(sandbox.file))
    subprocess.run(connect, env=env, check=True, stdout=subprocess.DEVNULL)
    seed = [sys.executable, "-m", "tests.bench.storm", str(data), str(DUE_PER_SECOND * (seconds + 4))]
    path = subprocess.run(seed, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    serve = kesu("serve", "--port", str(port))
    ready = f"http://127.0.0.1:{port}/readyz"
    stack.enter_context(running(serve, directory / "serve.log", env, ready=lambda: answers(ready)))
    socket = str(EmbeddedPostgres(data).socket_directory)
    connection = stack.enter_context(psycopg.connect(host=socket, user=NAME, dbname=NAME, autocommit=True))
    return Bench(directory, sandbox, connection, port, path, seconds)


def _seed(cases: int) -> str:
    """Cases whose clocks come due later. In a process of its own, with a desk."""
    from kesu import clock
    from kesu.merchants.models import Account
    from kesu.merchants.services import NOTIFY_PATH
    from tests.bench import seeds

    account = Account.objects.get(role=Account.Role.MERCHANT)
    seeds.multiply(seeds.make_case(account, raised_at=clock.now()), seeds.numbers(cases))
    return f"{NOTIFY_PATH}{account.token}"


if __name__ == "__main__":
    from kesu.cli.environment import desk

    with desk(Path(sys.argv[1])):
        print(_seed(int(sys.argv[2])))
