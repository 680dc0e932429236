"""The desk's clock is the machine's, or the sandbox's that its data directory was linked to."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kesu import clock
from kesu.clock import Clock, beijing_day


def write(path: Path, **reading: float) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(reading))
    fresh.replace(path)


def test_without_a_link_it_is_the_machines(tmp_path: Path):
    own = Clock(tmp_path)
    assert not own.is_virtual()
    assert abs(own.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_linked_directory_follows_the_sandbox_and_notices_every_change(tmp_path: Path):
    file, own = tmp_path / "clock.json", Clock(tmp_path)
    start = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)
    write(file, real=time.time(), virtual=start.timestamp(), speed=0)
    assert not own.is_virtual()
    clock.link(tmp_path, file)
    assert own.is_virtual()
    assert own.now() == start
    write(file, real=time.time(), virtual=start.timestamp() + 3600, speed=0)
    assert own.now() == start + timedelta(hours=1)
    clock.unlink(tmp_path)
    assert not own.is_virtual()


def test_a_fast_clock_runs_fast(tmp_path: Path):
    file, own = tmp_path / "clock.json", Clock(tmp_path)
    write(file, real=time.time() - 10, virtual=0, speed=3600)
    clock.link(tmp_path, file)
    assert own.now() >= datetime.fromtimestamp(36_000, UTC)
    assert own.speed() == 3600


def test_a_clock_file_that_is_gone_or_broken_leaves_the_last_reading(tmp_path: Path):
    file, own = tmp_path / "clock.json", Clock(tmp_path)
    write(file, real=time.time(), virtual=1_000_000, speed=0)
    clock.link(tmp_path, file)
    reading = own.now()
    file.write_text("{")
    assert own.now() == reading
    file.unlink()
    assert own.now() == reading


def test_a_beijing_day_begins_at_sixteen_hours_utc():
    assert beijing_day(datetime(2026, 3, 20, 15, 59, tzinfo=UTC)).isoformat() == "2026-03-20"
    assert beijing_day(datetime(2026, 3, 20, 16, 0, tzinfo=UTC)).isoformat() == "2026-03-21"
