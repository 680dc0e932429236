"""The sandbox's time: a virtual clock that other processes can follow through a small file.

The file is JSON `{"real": <Unix seconds>, "virtual": <Unix seconds>, "speed": <float>}` and means
`virtual now = virtual + (real now - real) * speed`. It is replaced atomically, and always before this clock
itself moves, so that nobody ever sees something signed in their future.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
MAXIMUM_SPEED = 100_000.0
MAXIMUM_ADVANCE = timedelta(days=3660)

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def parse_duration(text: str) -> timedelta:
    """Read "23h50m", "90s", "3d", "1h30m". Raises ValueError for anything else, and for nothing at all."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise ValueError(f'not a duration: {text!r} (write it as "23h50m", "90s" or "3d")')
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"a duration too long to count: {text!r}") from None


def rfc3339(moment: datetime, *, milliseconds: bool = False) -> str:
    """Beijing time as the platform writes it. The platform does so with and without milliseconds."""
    return moment.astimezone(BEIJING).isoformat(timespec="milliseconds" if milliseconds else "seconds")


class VirtualClock:
    """Starts at `start` (aware; the real time when None) and runs `speed` times as fast as real time.

    speed 0 stands still, which makes stories exact. `real` is the only place that reads the machine's clock.
    """

    def __init__(
        self,
        start: datetime | None = None,
        *,
        speed: float = 1.0,
        file: Path | None = None,
        real: Callable[[], float] = time.time,
    ) -> None:
        self._clock = real
        self._real = real()
        self._virtual = start.timestamp() if start else self._real
        self._speed = speed
        self.file = file

    @classmethod
    def restore(cls, file: Path, *, real: Callable[[], float] = time.time) -> VirtualClock | None:
        """The clock that an earlier run left in `file`, still running; None when there is none."""
        try:
            saved = json.loads(file.read_text())
            clock = cls(file=file, real=real)
            clock._real, clock._virtual = float(saved["real"]), float(saved["virtual"])
            clock._speed = float(saved["speed"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return clock

    @property
    def speed(self) -> float:
        return self._speed

    def now(self) -> datetime:
        """The virtual time, aware, UTC."""
        return datetime.fromtimestamp(self._virtual_at(self._clock()), UTC)

    def advance(self, delta: timedelta) -> None:
        """Jump forward. Raises ValueError for a jump backward or beyond ten years."""
        if not timedelta(0) <= delta <= MAXIMUM_ADVANCE:
            raise ValueError("the clock only goes forward, and at most ten years at once")
        self._set(self._speed, delta.total_seconds())

    def set_speed(self, speed: float) -> None:
        """Raises ValueError unless 0 <= speed <= MAXIMUM_SPEED."""
        if not 0 <= speed <= MAXIMUM_SPEED:
            raise ValueError(f"speed must be between 0 and {MAXIMUM_SPEED:.0f}")
        self._set(speed, 0.0)

    def publish(self) -> None:
        """Write the file as the clock stands, if there is a file."""
        self._write(self._real, self._virtual, self._speed)

    def real_seconds_until(self, moment: datetime) -> float | None:
        """How long to wait in real seconds; None when the clock stands still before that moment."""
        ahead = (moment - self.now()).total_seconds()
        if ahead <= 0:
            return 0.0
        return ahead / self._speed if self._speed else None

    def _virtual_at(self, real: float) -> float:
        return self._virtual + (real - self._real) * self._speed

    def _set(self, speed: float, jump: float) -> None:
        real = self._clock()
        virtual = self._virtual_at(real) + jump
        self._write(real, virtual, speed)
        self._real, self._virtual, self._speed = real, virtual, speed

    def _write(self, real: float, virtual: float, speed: float) -> None:
        if self.file is None:
            return
        fresh = self.file.with_name(self.file.name + ".new")
        fresh.write_text(json.dumps({"real": real, "virtual": virtual, "speed": speed}))
        os.replace(fresh, self.file)  # noqa: PTH105 - says "atomic" to the reader
