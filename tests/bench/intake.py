"""Notices accepted and durable per second by one web process, against a peer and against verifying alone.

Rounds are interleaved (Kesu, peer, verify-only, Kesu, ...), each compared within itself; medians of rounds are shown.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from tests.bench import notices
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, private_pem, public_pem
from tests.processes import answers, environment, free_port, kesu, running

CONNECTIONS = 256
UVICORN = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
KESU_UVICORN = ["--no-server-header", "--no-date-header"]
PEER_TABLE = """
    create table if not exists peer_notice (
        id bigserial primary key, envelope_id varchar(64) unique not null, event_type varchar(64) not null,
        action_type varchar(64) not null, complaint_id varchar(64) not null, body bytea not null,
        received_at timestamptz not null default now())
"""


@dataclass
class Contestant:
    name: str
    port: int
    path: str
    table: str = ""
    share: float = 1.0
    rates: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


@dataclass
class Bench:
    """The three servers and their one database, for the time of the rounds."""

    directory: Path
    connection: psycopg.Connection
    contestants: list[Contestant]

    def round(self, count: int, *, counted: bool = True) -> None:
        for contestant in self.contestants:
            result = self._post(contestant, max(200, int(count * contestant.share)))
            if counted:
                contestant.rates.append(result["rate"])
                contestant.p99.append(result["p99_ms"])

    def _post(self, contestant: Contestant, count: int) -> dict[str, Any]:
        """One run: fresh notices, an empty table, no checkpoint inherited from the run before."""
        if contestant.table:
            self.connection.execute(f"truncate {contestant.table}")  # type: ignore[arg-type]
        self.connection.execute("checkpoint")
        stock = self.directory / "notices"
        notices.store(
            stock,
            count,
            path=contestant.path,
            key_pem=private_pem("platform"),
            serial=PUBLIC_KEY_ID,
            apiv3_key=APIV3_KEY,
        )
        command = [sys.executable, "-m", "tests.bench.load"]
        done = subprocess.run(
            [*command, str(contestant.port), str(CONNECTIONS), str(stock), str(count)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        result: dict[str, Any] = json.loads(done.stdout)
        if result["statuses"] != {"204": count}:
            raise SystemExit(f"{contestant.name} did not acknowledge everything: {result['statuses']}")
        if contestant.table:
            [(stored,)] = self.connection.execute(f"select count(*) from {contestant.table}")  # type: ignore[arg-type]
            if stored != count:
                raise SystemExit(f"{contestant.name} acknowledged {count} notices and stored {stored}")
        result["rate"] = count / result["seconds"]
        return result


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The two rows of the table."""
    count, rounds = (3000, 3) if quick else (10_000, 7)
    with ExitStack() as stack:
        bench = _start(directory, stack)
        bench.round(500, counted=False)
        for _ in range(rounds):
            bench.round(count)
    ours, peer, bare = bench.contestants
    return [
        _row("notices accepted and durable, against FastAPI + wechatpayv3 + a commit each", ours, peer, 4.0),
        _row("the same, against only verifying and acknowledging", ours, bare, 0.85),
    ]


def _row(what: str, ours: Contestant, other: Contestant, target: float) -> dict[str, Any]:
    ratios = [mine / theirs for mine, theirs in zip(ours.rates, other.rates, strict=True)]
    ratio = statistics.median(ratios)
    return {
        "what": what,
        "measured": f"{ratio:.2f}x (rounds {min(ratios):.2f} to {max(ratios):.2f}): "
        f"{statistics.median(ours.rates):,.0f}/s, p99 {statistics.median(ours.p99):.0f} ms, "
        f"against {statistics.median(other.rates):,.0f}/s, p99 {statistics.median(other.p99):.0f} ms",
        "target": f">= {target}x",
        "reached": ratio >= target,
    }


def _start(directory: Path, stack: ExitStack) -> Bench:
    data = directory / "intake"
    data.mkdir()
    os.environ["KESU_DATA"] = str(data)
    from kesu.cli.environment import desk  # reads the environment

    stack.enter_context(desk(data))
    from kesu.intake.writer import connection_parameters
    from tests.factories import make_account

    account = make_account(now=datetime.now(UTC))
    parameters = connection_parameters()
    connection = stack.enter_context(psycopg.connect(**parameters, autocommit=True))  # type: ignore[arg-type]
    if connection.execute("show fsync").fetchone() != ("on",):
        raise SystemExit("fsync is off: durability would not be measured")
    connection.execute(PEER_TABLE)
    path = f"/notify/wechatpay/{account.token}"
    contestants = [
        Contestant("Kesu", free_port(), path, "intake_notice"),
        Contestant("the peer", free_port(), "/notify", "peer_notice", share=0.3),
        Contestant("verify-only", free_port(), path),
    ]
    _serve(contestants, directory, environment(data), conninfo.make_conninfo(**parameters), stack)  # type: ignore[arg-type]
    return Bench(directory, connection, contestants)


def _serve(contestants: list[Contestant], directory: Path, env: dict[str, str], dsn: str, stack: ExitStack) -> None:
    ours, peer, bare = contestants
    uvicorn = [sys.executable, "-m", "uvicorn", *UVICORN]
    peer_env = env | {"PEER_DATABASE": dsn, "PEER_KEYS": json.dumps(_peer_keys())}
    commands = [
        (ours, kesu("web", "--port", str(ours.port)), env),
        (peer, [*uvicorn, "--port", str(peer.port), "tests.bench.peer:app"], peer_env),
        (
            bare,
            [*uvicorn, *KESU_UVICORN, "--port", str(bare.port), "tests.bench.verify_only:application"],
            env | {"DJANGO_SETTINGS_MODULE": "kesu.config.settings"},
        ),
    ]
    for contestant, command, its_env in commands:
        ready = partial(answers, f"http://127.0.0.1:{contestant.port}/readyz")
        stack.enter_context(running(command, directory / f"{contestant.port}.log", its_env, ready=ready))


def _peer_keys() -> dict[str, str]:
    return {
        "mchid": "1900000001",
        "private_key": private_pem("merchant"),
        "serial_no": "1234ABCD",
        "apiv3_key": APIV3_KEY,
        "public_key": public_pem("platform"),
        "public_key_id": PUBLIC_KEY_ID,
    }
