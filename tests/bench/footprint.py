"""What `kesu serve` takes while nobody asks for anything: memory, PostgreSQL included, and how soon it is there again.

Memory is the proportional set size (Pss) of all its processes: pages that several of them share count once. A warm
start is one on a database that exists: from the command until `/readyz` answers 200.
"""

from __future__ import annotations

import statistics
import time
from functools import partial
from pathlib import Path
from typing import Any

from tests.processes import answers, children, environment, free_port, kesu, named, running

MEGABYTES, SECONDS = 350, 5.0
SETTLED_WITHIN = 1.0
"""Megabytes: memory is read when it moves no more than this in a second."""


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The two rows of the table."""
    data = directory / "data"
    _serve(data)
    runs = [_serve(data) for _ in range(3 if quick else 7)]
    memory, starts = [run[0] for run in runs], [run[1] for run in runs]
    parts = ", ".join(f"{name} {size:.0f}" for name, size in runs[-1][2].items())
    return [
        {
            "what": "idle memory of kesu serve, PostgreSQL included",
            "measured": f"median {statistics.median(memory):.0f} MB, most {max(memory):.0f} MB ({parts})",
            "target": f"< {MEGABYTES} MB",
            "reached": max(memory) < MEGABYTES,
        },
        {
            "what": "warm start until /readyz",
            "measured": f"median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s of {len(starts)}",
            "target": f"< {SECONDS:.0f} s",
            "reached": max(starts) < SECONDS,
        },
    ]


def _serve(data: Path) -> tuple[float, float, dict[str, float]]:
    """One start: megabytes in all, seconds until it was ready, and megabytes by process."""
    port = free_port()
    ready = partial(answers, f"http://127.0.0.1:{port}/readyz")
    started = time.monotonic()
    with running(
        kesu("serve", "--port", str(port)), data.with_suffix(".log"), environment(data), ready=ready
    ) as served:
        seconds = time.monotonic() - started
        answers(f"http://127.0.0.1:{port}/accounts/login/")  # the pages too are loaded
        parts = _settled(served.pid, data)
        return sum(parts.values()), seconds, parts


def _settled(pid: int, data: Path) -> dict[str, float]:
    """Once every loop has run and memory moves no more."""
    before, parts = 0.0, _by_process(pid, data)
    settled = time.monotonic() + 8
    while time.monotonic() < settled or abs(sum(parts.values()) - before) > SETTLED_WITHIN:
        before = sum(parts.values())
        time.sleep(1)
        parts = _by_process(pid, data)
    return parts


def _by_process(pid: int, data: Path) -> dict[str, float]:
    """Megabytes of the supervisor, its children and the database's processes, by what they are."""
    postmaster = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    found = {"supervisor": _megabytes(pid), "PostgreSQL": _megabytes(postmaster)}
    for name in ("front", "pages", "worker"):
        found[name] = sum(map(_megabytes, named(f"kesu-{name}", of=pid)))
    found["PostgreSQL"] += sum(_megabytes(backend) for backend in children(postmaster))
    return found


def _megabytes(pid: int) -> float:
    """A process that ended meanwhile takes nothing."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
