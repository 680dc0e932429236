"""The virtual clock and the file by which others follow it."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from kesu.sandbox import VirtualClock
from kesu.sandbox.virtual_clock import parse_duration

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


class Real:
    """A real clock for tests."""

    def __init__(self):
        self.time = 1_000_000.0

    def __call__(self):
        return self.time


def followed(file, real):
    """The virtual time as another process reads it."""
    saved = json.loads(file.read_text())
    return datetime.fromtimestamp(saved["virtual"] + (real.time - saved["real"]) * saved["speed"], UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("23h50m", timedelta(hours=23, minutes=50)),
        ("90s", timedelta(seconds=90)),
        ("3d", timedelta(days=3)),
        ("1h30m", timedelta(minutes=90)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0s", timedelta(0)),
    ],
)
def test_durations_are_read(text, expected):
    assert parse_duration(text) == expected


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1m1h", "1.5h", "1 h", "1w", "9" * 30 + "d"])
def test_other_durations_are_refused(text):
    with pytest.raises(ValueError):
        parse_duration(text)


def test_it_runs_with_real_time_times_speed():
    real = Real()
    clock = VirtualClock(START, speed=60, real=real)
    real.time += 10
    assert clock.now() == START + timedelta(minutes=10)
    clock.set_speed(0)
    real.time += 10
    assert clock.now() == START + timedelta(minutes=10)


def test_it_only_goes_forward():
    clock = VirtualClock(START, speed=0)
    clock.advance(timedelta(hours=23, minutes=50))
    assert clock.now() == START + timedelta(hours=23, minutes=50)
    with pytest.raises(ValueError):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError):
        clock.set_speed(-1)


def test_others_follow_it_by_its_file(tmp_path):
    real, file = Real(), tmp_path / "clock.json"
    clock = VirtualClock(START, speed=2, file=file, real=real)
    clock.publish()
    real.time += 5
    assert followed(file, real) == clock.now()
    clock.advance(timedelta(days=3))
    assert followed(file, real) == clock.now() == START + timedelta(days=3, seconds=10)
    clock.set_speed(7)
    real.time += 5
    assert followed(file, real) == clock.now()


def test_the_file_is_never_behind(tmp_path):
    """Whoever reads the file while the clock moves sees the new time at the latest with the clock itself."""
    real, file = Real(), tmp_path / "clock.json"
    clock = VirtualClock(START, speed=0, file=file, real=real)
    seen = []
    write = clock._write

    def spy(*values):
        write(*values)
        seen.append((followed(file, real), clock.now()))

    clock._write = spy
    clock.advance(timedelta(hours=1))
    assert seen == [(START + timedelta(hours=1), START)]


def test_it_goes_on_after_a_restart(tmp_path):
    real, file = Real(), tmp_path / "clock.json"
    clock = VirtualClock(START, speed=3, file=file, real=real)
    clock.advance(timedelta(hours=5))
    real.time += 100
    restored = VirtualClock.restore(file, real=real)
    assert restored.now() == clock.now()
    assert restored.speed == 3


def test_without_a_readable_file_there_is_nothing_to_restore(tmp_path):
    file = tmp_path / "clock.json"
    assert VirtualClock.restore(file) is None
    file.write_text("{")
    assert VirtualClock.restore(file) is None
