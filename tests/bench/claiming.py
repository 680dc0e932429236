"""Taking due clocks in hand while many more are armed: 5,000 due ones among 500,000, against 5,000 among 5,000.

Two databases of one PostgreSQL take turns. What is timed is what a worker's loop calls, from the first due clock until
none is left: ladder, outbox rows and next moments included. The due ones lie scattered among the others.

    python -m tests.bench.claiming DATA DUE ARMED ROUNDS   ->   {"few": [seconds, ...], "many": [...], "plans": [...]}
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.processes import environment

DUE, ARMED = 5_000, 500_000
INDEX = "clock_due"
FEW, MANY = "few", "many"


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    armed, rounds = (100_000, 3) if quick else (ARMED, 9)
    data = directory / "data"
    command = [sys.executable, "-m", "tests.bench.claiming", str(data), str(DUE), str(armed), str(rounds)]
    done = subprocess.run(command, env=environment(data), stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    ratios = [many / few for few, many in zip(found[FEW], found[MANY], strict=True)]
    ratio, by_index = statistics.median(ratios), all(INDEX in plan for plan in found["plans"])
    few, many = statistics.median(found[FEW]), statistics.median(found[MANY])
    way = "by the index of armed clocks" if by_index else "NOT by the index of armed clocks"
    return [
        {
            "what": f"claiming {DUE:,} due clocks among {armed:,} armed, against among {DUE:,}",
            "measured": f"{ratio:.2f}x (rounds {min(ratios):.2f} to {max(ratios):.2f}): "
            f"{many:.2f} s against {few:.2f} s, {way}",
            "target": "<= 1.2x, by the index",
            "reached": ratio <= 1.2 and by_index,
        }
    ]


def run(due: int, armed: int, rounds: int) -> dict[str, list[Any]]:
    """In a process of its own, with a desk: the seconds of each round, and how PostgreSQL finds due clocks."""
    from kesu import clock

    now = clock.now()
    _fill(FEW, due, ("reply",), due, now)
    _fill(MANY, armed // 2, ("reply", "complete"), due, now)
    seconds: dict[str, list[Any]] = {FEW: [], MANY: []}
    for number in range(rounds + 1):
        for name in (FEW, MANY) if number % 2 else (MANY, FEW):
            taken = _round(name, due, now)
            if number:  # the first one warms up
                seconds[name].append(taken)
    _use(MANY)
    return seconds | {"plans": _plans(now)}


def _fill(name: str, cases: int, kinds: tuple[str, ...], due: int, now: datetime) -> None:
    """A database with so many cases. ``due_clock`` remembers which clocks are to be due, and since when."""
    from django.db import connection

    from kesu.alerts.services import add_channel
    from tests.bench import seeds
    from tests.factories import make_account

    _use("postgres")
    with connection.cursor() as cursor:
        cursor.execute(f"create database {name} template kesu")
    _use(name)
    account = make_account(now=now)
    address = "http://127.0.0.1:1/cgi-bin/webhook/send?key=00000000-0000"
    add_channel("robot", "wecom_robot", {"webhook_url": address}, now=now)
    original = seeds.make_case(account, raised_at=now - seeds.UNCLAIMED_AFTER - timedelta(minutes=1))
    original.history_read_at = now  # no case is in doubt
    original.save(update_fields=["history_read_at"])
    seeds.multiply(original, seeds.numbers(cases), kinds=kinds)
    with connection.cursor() as cursor:
        cursor.execute(
            "create table due_clock as select id, due_at, done_steps from alerts_clock"
            " where kind = 'reply' and complaint_id %% %s = 0",
            [cases // due],
        )
        cursor.execute(
            "update alerts_clock set due_at = %s + (complaint_id %% 70000) * interval '1 second'",
            [now + timedelta(hours=1)],
        )
        cursor.execute("vacuum full analyze alerts_clock")
        cursor.execute("vacuum analyze")


def _round(name: str, due: int, now: datetime) -> float:
    """Seconds until all due clocks are told, after they were set back."""
    from django.db import connection

    from kesu.sync import doubts

    _use(name)
    with connection.cursor() as cursor:
        cursor.execute("delete from alerts_message")
        cursor.execute(
            "update alerts_clock as clock set due_at = one.due_at, done_steps = one.done_steps"
            " from due_clock as one where one.id = clock.id"
        )
        cursor.execute("vacuum alerts_message, alerts_clock")
        cursor.execute("checkpoint")
    taken, started = 0, time.perf_counter()
    while number := doubts.raise_due_clocks(now=now):
        taken += number
    seconds = time.perf_counter() - started
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from alerts_message")
        told = cursor.fetchone()
    if taken != due or told != (due,):
        raise SystemExit(f"{name}: {due} clocks were due, {taken} taken, {told} told")
    return seconds


def _plans(now: datetime) -> list[str]:
    """How PostgreSQL finds what the loop asks for: the plan of each of its queries for clocks."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from kesu.sync import doubts

    with CaptureQueriesContext(connection) as asked:
        doubts.raise_due_clocks(now=now)
    found = []
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            if query["sql"].startswith("SELECT") and 'FROM "alerts_clock"' in query["sql"]:
                cursor.execute("explain " + query["sql"])
                found.append("\n".join(line for (line,) in cursor.fetchall()))
    return found


def _use(name: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


if __name__ == "__main__":
    data, *numbers = sys.argv[1:]
    from kesu.cli.environment import desk

    with desk(Path(data)):
        print(json.dumps(run(*map(int, numbers))))
