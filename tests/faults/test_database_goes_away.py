"""PostgreSQL is restarted and its connections are cut while notices pour in: everybody comes back by themselves."""

from __future__ import annotations

import pytest

from tests.crash.claims import everything_arrived
from tests.crash.load import under_load
from tests.faults.serving import FaultyDesk
from tests.processes import until

pytestmark = pytest.mark.timeout(120)


def test_cutting_every_connection_again_and_again_loses_nothing(served: FaultyDesk):
    before = served.processes()
    pump = under_load(served)
    for _ in range(5):
        held = len(pump.acknowledged)
        until(served.cut_every_connection, 20, "connections to cut")
        until(lambda held=held: pump.is_over or len(pump.acknowledged) > held, 20, "notices to be taken again")
    everything_arrived(served, pump)
    served.await_ready()
    assert served.page("/").status == 200
    assert served.processes() == before


def test_a_restart_of_the_database_under_load_loses_nothing(served: FaultyDesk):
    before, postmaster = served.processes(), served.postmaster
    pump = under_load(served)
    served.stop_database()
    assert not pump.is_over
    everything_arrived(served, pump)
    served.await_ready()
    assert served.page("/").status == 200
    assert served.postmaster != postmaster
    assert served.processes() == before


def test_the_receiver_the_pages_and_the_listener_each_get_a_new_connection(served: FaultyDesk):
    until(lambda: listeners(served) == 1, 10, "the worker to listen")
    served.page("/")
    served.cut_every_connection()
    assert served.page("/").status == 200
    assert served.readiness()[0] == 200
    until(lambda: listeners(served) == 1, 10, "the worker to listen again")


def listeners(desk: FaultyDesk) -> int:
    [(number,)] = desk.query("select count(*) from pg_stat_activity where starts_with(query, 'listen ')")
    return int(number)
