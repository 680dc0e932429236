"""A worker that is told to stop does so at once, whoever it waits for; what it had in hand is due for the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kesu.config.archive import Place
from tests.forking import run_kesu
from tests.prepared import database_of
from tests.processes import environment, kesu, running, until
from tests.sandboxes import ServedSandbox, serving_sandbox

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

STOPS_WITHIN = 12
"""Far below what it takes to wait for the platform (three times 15 seconds), with room for a busy machine."""
HANGS = 600
WORDS = "您好, 经核实是仓库漏发了这件商品, 我们可以今天补发或者全额退款, 请问您希望怎样处理?"
REPLY = f"""
from kesu.cli.environment import desk
with desk(None):
    from kesu import clock
    from kesu.accounts.actor import Actor, Via
    from kesu.accounts.models import User
    from kesu.commands import verbs
    from kesu.commands.reading import note_view
    from kesu.complaints.models import Complaint
    user = User.objects.create_user("wang", password="a-long-password", role="owner")
    complaint = Complaint.objects.get()
    note_view(user, complaint, now=clock.now())
    verbs.reply(Actor(user, Via.PAGE, "203.0.113.7"), complaint, {WORDS!r}, now=clock.now())
"""


@dataclass
class Desk:
    sandbox: ServedSandbox
    place: Place
    env: dict[str, str]
    log: Path

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        with running(kesu("worker"), self.log, self.env, ready=self.is_working) as process:
            yield process

    def is_working(self) -> bool:
        return self.count("worker_heartbeat") == 1

    def stop(self, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGTERM)
        worker.wait(STOPS_WITHIN)
        assert worker.returncode == 0
        assert "Traceback" not in self.log.read_text()

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with self.place.connected() as connection:
            return connection.execute(sql, {"now": self.sandbox.now()}).fetchall()  # type: ignore[arg-type]

    def count(self, rows: str) -> int:
        return int(self.query(f"select count(*) from {rows}")[0][0])

    def fault(self, target: str, kind: str, **more: Any) -> None:
        self.sandbox.control("/faults", {"target": target, "kind": kind, **more})

    def hangs(self, target: str, **more: Any) -> None:
        """Everything is done there, and nothing answered."""
        self.fault(target, "timeout", value=HANGS, **more)

    def heal(self) -> None:
        address = f"{self.sandbox.described['control_url']}/faults"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE")).close()

    def complain(self) -> str:
        return self.sandbox.complain(self.sandbox.merchant()["mchid"])[0]

    def make_polls_due(self) -> None:
        self.query("update sync_poll set due_at = %(now)s where tier = 'newest' returning 1")

    def told(self) -> Counter[str]:
        pushes = self.sandbox.control("/wecom/messages?after=0")
        numbers = [one for (one,) in self.query("select complaint_id from complaints_complaint")]
        return Counter(one for push in pushes for one in numbers if one in push["content"])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        (tmp_path / "sandbox").mkdir()
        sandbox = stack.enter_context(serving_sandbox(tmp_path / "sandbox"))
        data = tmp_path / "desk"
        env = environment(data, KESU_POLL_NEWEST_SECONDS="600", PYTHONPATH=os.pathsep.join(sys.path))
        stack.enter_context(database_of(data))
        connect = ("merchants", "import-sandbox", str(sandbox.file), "--public-url", "http://127.0.0.1:1")
        assert run_kesu(*connect, env=env).returncode == 0
        yield Desk(sandbox, Place.of(data, ""), env, tmp_path / "worker.log")


def test_a_worker_waits_for_nobody_who_does_not_answer_and_loses_nothing(desk: Desk):
    with desk.worker() as worker:
        first = desk.complain()
        desk.make_polls_due()
        until(lambda: desk.told()[first] == 1, 60, "the first complaint to be told")

        desk.hangs("wechatpay", path="/response")  # the reply arrives, its answer does not
        subprocess.run([sys.executable, "-c", REPLY], env=desk.env, check=True)
        until(lambda: desk.count("commands_command where state = 'sending'"), 60, "the reply to be sent")

        desk.hangs("wecom")  # the message is shown, its answer does not come
        second = desk.complain()
        desk.make_polls_due()
        until(lambda: desk.count("alerts_attempt where outcome = 'sending'"), 60, "the second to be told")

        third = desk.complain()
        desk.hangs("wechatpay", path=third)
        desk.make_polls_due()
        until(lambda: desk.count("sync_refresh where leased_until > %(now)s"), 60, "the third to be read")

        desk.hangs("wechatpay")
        desk.make_polls_due()
        until(lambda: desk.count("sync_poll where due_at > %(now)s and tier = 'newest'"), 60, "polls to be under way")
        desk.stop(worker)

    soon = "%(now)s + interval '3 s'"
    assert desk.query("select state, error from commands_command") == [("unknown", "interrupted")]
    assert desk.count(f"commands_command where due_at > {soon}") == 0
    assert desk.query("select outcome from alerts_attempt order by id desc limit 1") == [("interrupted",)]
    assert desk.count(f"alerts_message where state = 'pending' and due_at > {soon}") == 0
    assert desk.count(f"sync_poll where tier = 'newest' and due_at > {soon}") == 0
    assert desk.count("sync_refresh where leased_until is not null") == 0
    assert desk.count("worker_heartbeat") == 0

    desk.heal()
    with desk.worker():
        until(lambda: desk.told()[third] == 1, 60, "the third to be told")
        until(lambda: desk.count("commands_command where state = 'confirmed'"), 60, "the reply to be found")
        until(lambda: desk.told()[second] == 2, 60, "the second to be told again, since nobody answered for the first")
        until(lambda: desk.count("alerts_message where state = 'pending'") == 0, 60, "nothing to wait")
    history = desk.sandbox.control(f"/complaints/{first}")["history"]
    assert [one["operate_details"] for one in history if one["operate_type"] == "MERCHANT_RESPONSE"] == [WORDS]


def test_a_platform_that_refuses_connections_does_not_hold_up_the_end(desk: Desk):
    with desk.worker() as worker:
        desk.query("update merchants_account set base_url = 'http://127.0.0.1:9', backup_base_url = '' returning 1")
        desk.complain()
        until(
            lambda: desk.make_polls_due() or desk.count("sync_poll where failures > 0"), 60, "the platform to be missed"
        )
        desk.make_polls_due()
        desk.stop(worker)
    pause = "interval '15 s' * power(2, greatest(failures, 1) - 1)"  # what its failures so far have earned it
    assert desk.count(f"sync_poll where tier = 'newest' and due_at > %(now)s + {pause} + interval '3 s'") == 0
    assert desk.count("worker_heartbeat") == 0
