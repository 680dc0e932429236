"""`kill -9` of each process at random moments under load: what was acknowledged is never lost, and all goes on by
itself.

The seed of a failure is in its message; CRASH_SEED plays the same kills again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from random import Random, SystemRandom

import pytest

from tests.crash.desk import Desk
from tests.crash.siege import KILLS_A_ROUND, Siege, deal
from tests.processes import free_port, kesu

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

ROUNDS = 4
SEED = int(os.environ.get("CRASH_SEED") or SystemRandom().randrange(10**6))


@pytest.fixture(scope="module")
def siege(desk: Desk) -> Siege:
    return Siege(desk)


@pytest.mark.parametrize("number", range(1, ROUNDS + 1))
def test_kills_at_random_moments_lose_nothing_and_leave_nothing_stuck(siege: Siege, number: int):
    kills = deal(Random(f"{SEED} {number}"))
    findings = siege.round(kills)
    told = f"CRASH_SEED={SEED}, round {number}: {'; '.join(map(str, kills))}"
    assert not findings, f"{findings}\n{told}\nlog: {siege.desk.log.read_text(errors='replace')[-3000:]}"


def test_the_suite_kills_twenty_times_and_every_process_in_each_round():
    rounds = [deal(Random(f"{SEED} {number}")) for number in range(1, ROUNDS + 1)]
    assert ROUNDS * KILLS_A_ROUND == sum(map(len, rounds)) == 20
    for kills in rounds:
        victims = Counter(kill.victim for kill in kills)
        assert {"front", "worker", "database"} <= set(victims)
        assert victims["supervisor"] + victims["everything"] == 1
        assert sum(kill.steps_fall_due for kill in kills) == 1


def test_a_second_serve_on_the_same_data_is_refused_and_says_why(desk: Desk):
    second = subprocess.run(
        kesu("serve", "--port", str(free_port())), env=desk.env, capture_output=True, text=True, timeout=60
    )
    assert second.returncode == 1
    assert "Another kesu serve" in second.stderr
    assert str(desk.supervisor) in second.stderr
    assert "Traceback" not in second.stderr
    assert desk.is_ready()


def test_a_process_whose_supervisor_died_while_it_started_ends_at_once():
    dead = subprocess.Popen(["true"])
    dead.wait()
    start = f"from kesu.config.children import die_with; die_with({dead.pid}); print('serves')"
    started = subprocess.run([sys.executable, "-c", start], capture_output=True, text=True, timeout=60)
    assert (started.returncode, started.stdout) == (1, "")
