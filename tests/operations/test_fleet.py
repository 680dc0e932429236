"""Several web processes and workers on several machines, one PostgreSQL: nothing is lost, nothing told twice.

Each machine is a network namespace with a data directory of its own, where they can be made; else all is this one.
"""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kesu.config.archive import Place
from tests.cannot_run import cannot_run
from tests.operations.machines import Machine, loopback_of, machines
from tests.operations.servers import external_server
from tests.processes import answers, environment, free_port, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

COMPLAINTS = 6
NOTICES_EACH = 8
# What polling would find is left to the notices: a lost one must show.
NO_POLLING = {
    "KESU_POLL_NEWEST_SECONDS": "86400",
    "KESU_POLL_RECENT_SECONDS": "86400",
    "KESU_REREAD_OPEN_SECONDS": "86400",
}
# Vanished machines are given up after 20 seconds; here after four.
HASTE = "?" + urlencode(
    {
        "options": "-c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2"
        " -c tcp_user_timeout=4000",
        "tcp_user_timeout": 4000,
    }
)


@dataclass
class Node:
    """What runs on one machine."""

    machine: Machine
    env: dict[str, str]
    port: int
    worker: subprocess.Popen[bytes] | None = None

    def is_ready(self) -> bool:
        return answers(f"http://{self.machine.address}:{self.port}/readyz")

    def post(self, path: str, headers: dict[str, str], body: bytes) -> int:
        connection = http.client.HTTPConnection(self.machine.address, self.port, timeout=10)
        connection.request("POST", path, body, headers)
        return connection.getresponse().status


@dataclass
class Fleet:
    sandbox: ServedSandbox
    place: Place
    nodes: list[Node]
    log: Path
    stack: ExitStack

    def start(self, node: Node, *words: str) -> subprocess.Popen[bytes]:
        command = node.machine.command(kesu(*words))
        return self.stack.enter_context(running(command, self.log, node.env, ready=lambda: True))

    def is_ready(self) -> bool:
        return self.workers_alive() == len(self.nodes) and all(node.is_ready() for node in self.nodes)

    def workers_alive(self) -> int:
        """Those that gave a sign of life within ten seconds by the sandbox's clock."""
        return int(
            self.query(
                "select count(*) from worker_heartbeat where seen_at > %s::timestamptz - interval '10 s'",
                self.sandbox.now(),
            )[0][0]
        )

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.place.connected() as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

    def complain(self) -> list[str]:
        merchant = self.sandbox.merchant()["mchid"]
        return [self.sandbox.complain(merchant)[0] for _ in range(COMPLAINTS)]

    def notify(self, complaints: list[str], nodes: list[Node]) -> set[str]:
        """Every notice to every one of ``nodes``, as the platform repeats itself; the ids, all acknowledged."""
        path = self.query("select notify_url from merchants_account where role = 'merchant'")[0][0].split("/", 3)[3]
        ids = set()
        for number in range(NOTICES_EACH):
            for complaint_id in complaints:
                id = f"{complaint_id[-12:]}-{number}"
                headers, body = self.sandbox.notice(complaint_id, self.sandbox.merchant(), id=id)
                statuses = [node.post(f"/{path}", headers, body) for node in nodes]
                assert statuses == [204] * len(nodes)
                ids.add(id)
        return ids

    def settle(self, seconds: float = 60) -> None:
        try:
            until(lambda: not self.unfinished(), seconds, "the fleet to finish")
        except AssertionError as error:
            raise AssertionError(
                f"{error}: {self.unfinished()}; {self.log.read_text(errors='replace')[-3000:]}"
            ) from None

    def unfinished(self) -> dict[str, int]:
        counted = {
            "notices": "select count(*) from intake_notice where state <> 'processed'",
            "readings": "select count(*) from sync_refresh",
            "clocks": "select count(*) from alerts_clock where due_at < %s",
            "pushes": "select count(*) from alerts_message where state = 'pending'",
        }
        now = self.sandbox.now()
        found = {name: self.query(sql, *[now] * sql.count("%s"))[0][0] for name, sql in counted.items()}
        return {name: number for name, number in found.items() if number}

    def told(self, complaints: list[str]) -> Counter[str]:
        """How often the group was told of each."""
        contents = [push["content"] for push in self.sandbox.control("/wecom/messages?after=0") if push["accepted"]]
        return Counter(one for content in contents for one in complaints if one in content)

    def tried_again(self) -> set[str]:
        """Complaints with a push whose try was cut off: its outcome is unknown, so it is made again."""
        return {
            one
            for (one,) in self.query(
                "select c.complaint_id from alerts_attempt a join alerts_message m on m.id = a.message_id"
                " join complaints_complaint c on c.id = m.complaint_id where a.outcome in ('interrupted', 'unknown')"
            )
        }


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    directory = tmp_path_factory.mktemp("fleet")
    (directory / "sandbox").mkdir()
    with ExitStack() as stack:
        sandbox = stack.enter_context(serving_sandbox(directory / "sandbox"))
        url = stack.enter_context(external_server(directory / "server")) + HASTE
        first = directory / "data0"
        connect = kesu("merchants", "import-sandbox", str(sandbox.file), "--public-url", "http://127.0.0.1:1")
        env = environment(first, KESU_DATABASE_URL=url)
        subprocess.run(connect, env=env, check=True, capture_output=True)
        # Its own notices are lost on purpose: those of the test, which are counted, must do.
        sandbox.control("/faults", {"target": "notice", "kind": "drop"})
        fleet = Fleet(sandbox, Place.of(first, url), [], directory / "fleet.log", stack)
        platform = int(sandbox.described["control_url"].split(":")[2].split("/")[0])
        for number, machine in enumerate(stack.enter_context(machines(2))):
            stack.enter_context(loopback_of(machine, platform, directory))
            data = directory / f"data{number}"
            if number:
                data.mkdir()
                shutil.copy(first / "virtual-clock.json", data)
            node = Node(
                machine,
                environment(
                    data,
                    KESU_DATABASE_URL=url.replace("127.0.0.1", machine.us),
                    KESU_KEYS=(first / "keys.json").read_text(),
                    **NO_POLLING,
                ),
                free_port(),
            )
            fleet.nodes.append(node)
            fleet.start(node, "web", "--host", "0.0.0.0", "--port", str(node.port))
            node.worker = fleet.start(node, "worker")
        until(fleet.is_ready, 90, "the fleet to be ready")
        yield fleet


def test_two_webs_and_two_workers_tell_of_each_complaint_once(fleet: Fleet):
    assert fleet.workers_alive() == 2
    complaints = fleet.complain()
    ids = fleet.notify(complaints, fleet.nodes)
    fleet.settle()
    assert {id for (id,) in fleet.query("select envelope_id from intake_notice")} == ids
    assert fleet.told(complaints) == Counter(dict.fromkeys(complaints, 1))
    fleet.sandbox.control("/clock", {"advance": "16m"})  # nobody claimed them: the ladder's next step
    until(lambda: fleet.told(complaints).total() >= 2 * COMPLAINTS, 60, "the reminders")
    fleet.settle()
    assert fleet.told(complaints) == Counter(dict.fromkeys(complaints, 2))
    assert fleet.query("select count(*) from alerts_clock where due_at is null and stopped_at is null") == [(0,)]


def test_a_killed_worker_loses_nothing_and_the_other_takes_over(fleet: Fleet):
    fleet.sandbox.control("/clock", {"advance": "2m"})
    complaints = fleet.complain()
    victim = fleet.nodes[0].worker
    assert victim is not None
    fleet.notify(complaints, fleet.nodes[:1])
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    fleet.notify(complaints[:1], fleet.nodes[1:])
    fleet.sandbox.control("/clock", {"advance": "3m"})  # its leases run out
    fleet.settle()
    told = fleet.told(complaints)
    assert set(told) == set(complaints)
    assert {one for one, times in told.items() if times > 1} <= fleet.tried_again()
    fleet.nodes[0].worker = fleet.start(fleet.nodes[0], "worker")
    until(fleet.is_ready, 60, "another worker")


def test_a_machine_cut_off_from_the_network_holds_up_nothing(fleet: Fleet):
    away, stays = fleet.nodes
    if not away.machine.cable:
        cannot_run("network namespaces cannot be made here")
    fleet.sandbox.control("/clock", {"advance": "5m"})
    complaints = fleet.complain()
    holder = away.machine.command([sys.executable, "-m", "tests.operations.holder"])
    dying = fleet.stack.enter_context(subprocess.Popen(holder, env=away.env, stdout=subprocess.PIPE))
    assert dying.stdout is not None
    assert dying.stdout.readline() == b"held\n"  # in the middle of a batch: nobody may push while this lasts
    away.machine.cut_off()
    dying.kill()
    fleet.notify(complaints, [stays])
    try:
        fleet.sandbox.control("/clock", {"advance": "5m"})
        fleet.settle(60)
        assert set(fleet.told(complaints)) == set(complaints)
    finally:
        away.machine.plug_in()
    until(fleet.is_ready, 90, "what was cut off to work again")
    more = fleet.complain()
    fleet.notify(more, [away])
    fleet.settle()
    assert set(fleet.told(more)) == set(more)
