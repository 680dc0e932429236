"""Pushes that workers prepare on one database: two of them against one, in turn.

Many merchants with a robot each, each merchant with many due clocks. The workers are `kesu worker` processes that stand
ready when the clocks come due. A push is prepared when its clock was raised and its outbox row is written. The robots
rest, as in the middle of a storm when each has said "too often": sending does not stand for preparing. A round lasts
from the commit that makes the clocks due until the last outbox row is there.

    python -m tests.bench.workers DATA MERCHANTS PORT   seeds a data directory
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from kesu.config.database import NAME, EmbeddedPostgres
from tests.processes import environment, free_port, kesu, running, until

EACH = 40
"""Due clocks a merchant."""
SETTLING_SECONDS = 2.0
ROUND_SECONDS = 120
SET_BACK = (
    "truncate alerts_attempt, alerts_message, worker_heartbeat cascade",
    "insert into alerts_budgetkey (key, used_at, paused_until, spacing_seconds)"
    " select budget_key, '[]', now() + interval '1 minute', 0 from alerts_channel"
    " on conflict (key) do update set paused_until = excluded.paused_until",
    "update complaints_complaint set history_read_at = now(), read_again_at = now() + interval '10 minutes'",
    "update alerts_clock set started_at = now() - interval '16 minutes', deadline_at = now() + interval '23 hours',"
    """ done_steps = '["after:0"]', due_at = now() + interval '1 hour'""",
    "update sync_poll set due_at = now() + interval '1 minute', finished_at = now()",
    "update merchants_accounthealth set due_at = now() + interval '10 minutes'",
    "vacuum analyze",
    "checkpoint",
)
COME_DUE = """
    with due as (update alerts_clock set due_at = now() - interval '1 second' where kind = 'reply'),
         wake as (select pg_notify('kesu_work', 'clocks'))
    select clock_timestamp() from wake
"""
WRITTEN = "select count(*) from alerts_message where complaint_id is not null"
WRITTEN_BY = "select extract(epoch from clock_timestamp() - %s)"
DOUBLES = """
    select (select count(*) - count(distinct (channel_id, dedupe_key)) from alerts_message),
           (select count(*) - count(distinct message_id) from alerts_attempt),
           (select count(*) from alerts_message where complaint_id is not null)
"""


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    merchants, rounds = (100, 2) if quick else (300, 5)
    data, port = directory / "data", free_port()
    pushes = merchants * EACH
    with ExitStack() as stack:
        env = environment(data)
        connection = stack.enter_context(_seeded(data, merchants, port, env))
        rates: dict[int, list[float]] = {1: [], 2: []}
        _round(connection, 1, pushes, directory, env)  # warms up
        for number in range(rounds):
            for workers in (1, 2) if number % 2 else (2, 1):
                rates[workers].append(pushes / _round(connection, workers, pushes, directory, env))
    ratios = [two / one for one, two in zip(rates[1], rates[2], strict=True)]
    ratio = statistics.median(ratios)
    return [
        {
            "what": "pushes prepared by two workers on one database, against one",
            "measured": f"{ratio:.2f}x (rounds {min(ratios):.2f} to {max(ratios):.2f}): "
            f"{statistics.median(rates[2]):.0f}/s against {statistics.median(rates[1]):.0f}/s, 0 doubles",
            "target": ">= 1.6x, 0 doubles",
            "reached": ratio >= 1.6,
        }
    ]


@contextmanager
def _seeded(data: Path, merchants: int, port: int, env: dict[str, str]) -> Iterator[psycopg.Connection]:
    """A connection to the data directory's database, which runs for as long."""
    seed = [sys.executable, "-m", "tests.bench.workers", str(data), str(merchants), str(port)]
    subprocess.run(seed, env=env, check=True)
    server = EmbeddedPostgres(data)
    server.enter()
    try:
        with psycopg.connect(host=str(server.socket_directory), user=NAME, dbname=NAME, autocommit=True) as connection:
            yield connection
    finally:
        server.leave()


def _round(connection: psycopg.Connection, workers: int, pushes: int, directory: Path, env: dict[str, str]) -> float:
    """Seconds until every push was prepared."""
    for statement in SET_BACK:
        connection.execute(statement)
    with ExitStack() as stack:
        for number in range(workers):
            ready = partial(_beating, connection, number + 1)
            log = directory / f"worker{number}.log"
            stack.enter_context(running(kesu("worker"), log, env, ready=ready))
        time.sleep(SETTLING_SECONDS)
        (began,) = connection.execute(COME_DUE).fetchone() or ()
        until(lambda: _one(connection, WRITTEN) >= pushes, ROUND_SECONDS, f"{pushes} pushes to be prepared")
        took = float(_one(connection, WRITTEN_BY, began))
        doubles = connection.execute(DOUBLES).fetchone()
    if doubles != (0, 0, pushes):
        raise SystemExit(f"{workers} workers: doubled outbox rows, doubled tries, rows: {doubles}; {pushes} were due")
    return took


def _beating(connection: psycopg.Connection, workers: int) -> bool:
    return bool(_one(connection, "select count(*) from worker_heartbeat") == workers)


def _one(connection: psycopg.Connection, query: str, *given: object) -> Any:
    [(value,)] = connection.execute(query, given)  # type: ignore[arg-type]
    return value


def _seed(merchants: int, port: int) -> None:
    """Merchants with a robot and ``EACH`` cases each. In a process of its own, with a desk."""
    from kesu import clock
    from kesu.alerts.services import add_channel
    from kesu.sync.polling import start_polling
    from tests.bench import seeds
    from tests.factories import make_account

    now = clock.now()
    for number in range(merchants):
        account = make_account(f"19{number:08d}", now=now, base_url="http://127.0.0.1:1")
        address = f"http://127.0.0.1:{port}/cgi-bin/webhook/send?key=00000000-{number:04d}"
        add_channel(account.mchid, "wecom_robot", {"webhook_url": address}, accounts=[account], now=now)
        start_polling(account, now=now)
        seeds.multiply(seeds.make_case(account, raised_at=now), seeds.numbers(EACH))


if __name__ == "__main__":
    from kesu.cli.environment import desk

    with desk(Path(sys.argv[1])):
        _seed(*map(int, sys.argv[2:]))
