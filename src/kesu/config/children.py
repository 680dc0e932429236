"""Processes that are kept alive: one that ends is started again, after pauses that grow while it keeps ending.

They are forked once everything is loaded: they share most of their memory, a new one is there at once, and it is of the
same version as the others even if another one was installed meanwhile.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import time
from collections.abc import Callable, Mapping
from multiprocessing import get_context

import structlog

log = structlog.get_logger(__name__)

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15
STOP_SECONDS = 20
RESTART_PAUSES = (0.2, 1.0, 3.0, 10.0)
LIVES_AFTER = 60
"""Seconds after which a process counts as well again."""

LOOK_EVERY = 0.2
STOPPING = {signal.SIGTERM, signal.SIGINT}


class Forked:
    """``work`` in a process that shares what is loaded by now. ``name``: how ``ps`` and ``top`` call it, 15 bytes.

    It ends with the process that forked it. Fork only where a single thread runs.
    """

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        parent = os.getpid()

        def run() -> None:
            for number in STOPPING:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
            ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode())
            die_with(parent)
            work()

        self._process = get_context("fork").Process(target=run, name=name)
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # a signal before the child can heed it must not be lost
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
        self.terminate, self.kill = self._process.terminate, self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def ends_within(self, seconds: float) -> bool:
        self._process.join(seconds)
        return self._process.exitcode is not None


class Children:
    """``starters``: how each is started, by name."""

    def __init__(self, starters: Mapping[str, Callable[[], Forked]]) -> None:
        self._starters = starters
        self._running: dict[str, Forked] = {}
        self._deaths = dict.fromkeys(starters, 0)
        self._restart_at = dict.fromkeys(starters, 0.0)
        self._started_at = dict.fromkeys(starters, 0.0)

    def look_after(self) -> None:
        """Start those that do not run and whose pause is over. To be called several times a second."""
        now = time.monotonic()
        for name, start in self._starters.items():
            child = self._running.get(name)
            if child is not None and (code := child.poll()) is None:
                if now - self._started_at[name] > LIVES_AFTER:
                    self._deaths[name] = 0
                continue
            if child is not None:
                del self._running[name]
                pause = RESTART_PAUSES[min(self._deaths[name], len(RESTART_PAUSES) - 1)]
                self._deaths[name] += 1
                self._restart_at[name] = now + pause
                log.error("process_ended", process=name, code=code, restart_in_seconds=pause)
            if now >= self._restart_at[name]:
                self._running[name] = start()
                self._started_at[name] = now

    def end(self) -> None:
        """All at once; those that take too long are killed."""
        for child in self._running.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._running.values():
            if not child.ends_within(max(0.1, deadline - time.monotonic())):
                child.kill()
                child.ends_within(STOP_SECONDS)


def die_with(parent: int) -> None:
    """Ask the kernel to end this process when its parent is killed: nothing must hold the port for a dead one.

    ``parent`` is its process id as it said itself: it may be dead before this process has come so far to ask.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(1)


def keep_running(children: Children, *, beside: Callable[[], None] = lambda: None) -> None:
    """Until SIGTERM or SIGINT; then end them. ``beside`` is called now and then."""
    gc.collect()
    gc.freeze()  # what is loaded is not looked at again by the collector: it stays shared, and pauses stay short
    told: list[int] = []
    for number in STOPPING:
        signal.signal(number, lambda number, frame: told.append(number))
    try:
        while not told:
            children.look_after()
            beside()
            time.sleep(LOOK_EVERY)
    finally:
        children.end()
