"""Real `kesu` processes for tests and benches, each in a directory of its own, on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

READY_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data: Path, **more: str) -> dict[str, str]:
    """The caller's environment without settings of a real installation. What is compiled is kept, as it is there."""
    left_out = ("KESU_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"KESU_DATA": str(data), "KESU_LANGUAGE": "en", "KESU_LOG_LEVEL": "warning"} | more


def kesu(*arguments: str) -> list[str]:
    """The command line of a `kesu` command."""
    return [sys.executable, "-m", "kesu.cli", *arguments]


@contextmanager
def running(
    command: Sequence[str], log: Path, env: dict[str, str], *, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the time of the block, from when it is ready."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
        try:
            until(lambda: process.poll() is not None or ready(), READY_SECONDS, f"{command} to be ready")
            if process.poll() is not None:
                raise AssertionError(f"{command} ended; its log: {log.read_text(errors='replace')[-2000:]}")
            yield process
        finally:
            process.terminate()
            process.wait(30)


def until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Return once ``condition`` holds. Raises AssertionError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def answers(url: str) -> bool:
    """Whether something there answers with a status below 500."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def children(pid: int) -> dict[int, str]:
    """The process ids of a process's children, with their command lines."""
    return processes(of=pid)


def named(name: str, *, of: int | None = None) -> list[int]:
    """The process ids of those that call themselves so, of all or of one's children."""
    return [pid for pid in processes(of=of) if _name(pid) == name]


def _name(pid: int) -> str:
    """Empty for one that ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def processes(*, of: int | None = None) -> dict[int, str]:
    """The process ids of everything that runs, or of one's children, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, UnicodeDecodeError):
                if of is None or int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == of:
                    found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
    return found
