"""What time it is: the only place in Kesu that asks the machine.

Everything below an entry point takes ``now`` as an argument. Entry points (HTTP, worker loops, commands) ask here.
When the data directory was connected to a sandbox, the sandbox's virtual clock is followed instead, so that a
72-hour story can be played in a minute and the desk, the platform and the robot agree about the time.

The link is ``DATA/virtual-clock.json``: ``{"clock_file": "<path>"}``; the clock file itself holds
``{"real": unix seconds, "virtual": unix seconds, "speed": factor}`` and is replaced atomically by the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")
LINK_NAME = "virtual-clock.json"


@dataclass(frozen=True)
class ClockFile:
    """One reading of a virtual clock: ``virtual`` at the moment ``real``, running at ``speed``."""

    real: float
    virtual: float
    speed: float

    def at(self, real: float) -> float:
        return self.virtual + (real - self.real) * self.speed


class Clock:
    """Wall time, or the virtual time of the sandbox that ``directory`` was linked to.

    Reading costs two ``stat`` calls; files are parsed again only when they changed.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._link = directory / LINK_NAME if directory else None
        self._seen: tuple[int, int] | None = None
        self._file: Path | None = None
        self._file_seen: tuple[int, int] | None = None
        self._reading: ClockFile | None = None

    def now(self) -> datetime:
        """The present, aware, UTC."""
        reading = self._current()
        real = time.time()
        return datetime.fromtimestamp(reading.at(real) if reading else real, tz=UTC)

    def is_virtual(self) -> bool:
        return self._current() is not None

    def speed(self) -> float:
        """Virtual seconds a real second; 1.0 for wall time."""
        reading = self._current()
        return reading.speed if reading else 1.0

    def _current(self) -> ClockFile | None:
        if self._link is None:
            return None
        link_version = _version(self._link)
        if link_version != self._seen:
            self._seen = link_version
            self._file = _linked_file(self._link) if link_version else None
            self._file_seen = self._reading = None
        if self._file is None:
            return None
        version = _version(self._file)
        if version is not None and version != self._file_seen:
            self._reading = _read_clock(self._file) or self._reading
            self._file_seen = version
        return self._reading


def _version(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice as fast as Path.stat on a path taken thousands of times a second
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _linked_file(link: Path) -> Path | None:
    try:
        return Path(json.loads(link.read_text())["clock_file"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read_clock(path: Path) -> ClockFile | None:
    try:
        raw = json.loads(path.read_text())
        return ClockFile(float(raw["real"]), float(raw["virtual"]), float(raw["speed"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


_clock = Clock(Path(os.environ["KESU_DATA"]) if os.environ.get("KESU_DATA") else None)


def follow(directory: Path) -> None:
    """Make this process ask the clock of ``directory`` (its sandbox link, if it has one)."""
    global _clock
    _clock = Clock(directory)


def now() -> datetime:
    """The present, aware, UTC; virtual when this data directory follows a sandbox."""
    return _clock.now()


def is_virtual() -> bool:
    return _clock.is_virtual()


def speed() -> float:
    return _clock.speed()


async def sleep(seconds: float) -> None:
    """Wait for ``seconds`` of this clock; a virtual one may run faster or slower, and may be moved meanwhile."""
    await asyncio.sleep(seconds / max(speed(), 0.01))


def link(directory: Path, clock_file: Path) -> None:
    """Connect a data directory to a sandbox's clock; running processes notice at their next reading."""
    target = directory / LINK_NAME
    temporary = target.with_suffix(".tmp")
    temporary.write_text(json.dumps({"clock_file": str(clock_file)}))
    temporary.replace(target)


def unlink(directory: Path) -> None:
    """Return a data directory to wall time."""
    (directory / LINK_NAME).unlink(missing_ok=True)


def beijing_day(moment: datetime) -> date:
    """The Beijing calendar day that ``moment`` falls on."""
    return moment.astimezone(BEIJING).date()
