"""The disk fills up: nothing is acknowledged that is not stored, pages say so, and room is all it takes to go on."""

from __future__ import annotations

import psycopg
import pytest

from tests.crash.claims import everything_arrived
from tests.crash.load import under_load
from tests.faults.disks import Disk
from tests.faults.serving import FaultyDesk
from tests.processes import until

pytestmark = pytest.mark.timeout(120)

FULL = {"zh-hans": "磁盘已满", "en": "The disk is full"}


def test_a_full_disk_refuses_notices_says_so_and_goes_on_by_itself(served: FaultyDesk, disk: Disk):
    before = served.processes()
    pump = under_load(served)
    with disk.full():
        until(lambda: pump.failures["503"] > 20, 30, "notices to be refused")
        assert not pump.is_over
        status, why = served.readiness()
        assert (status, "disk" in why) == (503, True)
        for language, words in FULL.items():
            page = served.page("/", language=language)
            assert words in page.text
            assert "Traceback" not in page.text
        assert served.processes() == before
    everything_arrived(served, pump)
    served.await_ready()
    assert FULL["zh-hans"] not in served.page("/").text
    assert served.processes() == before


def test_a_database_that_a_full_disk_brought_down_comes_back_with_the_room(served: FaultyDesk, disk: Disk):
    before = served.processes()
    pump = under_load(served)
    with disk.full():
        break_the_log(served)
        until(lambda: served.page("/").status == 503, 30, "the database to be down")
        for language, words in FULL.items():
            page = served.page("/", language=language)
            assert (page.status, words in page.text) == (503, True)
        assert served.readiness()[0] == 503
        assert served.processes() == before
    everything_arrived(served, pump)
    served.await_ready()
    assert served.processes() == before


def break_the_log(desk: FaultyDesk) -> None:
    """Let PostgreSQL need a new segment of its log, for which there is no room: it stops, and cannot start."""
    with pytest.raises(psycopg.Error):
        fill_the_log(desk)


def fill_the_log(desk: FaultyDesk) -> None:
    for _ in range(20):
        desk.query("select pg_switch_wal()")
        desk.query("select pg_logical_emit_message(true, 'kesu', repeat('x', 1000000))")
