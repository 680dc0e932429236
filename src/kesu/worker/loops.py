"""The worker: every loop of Kesu, side by side in one event loop.

Each loop claims a bounded batch of due rows and goes on at once while it finds some; otherwise it waits a
second or until it is woken. Any number of workers may run on any number of machines: claims skip each other's
rows, leases of the dead run out.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import django.db
import structlog

from kesu import __version__
from kesu.alerts import cards, heartbeats
from kesu.alerts.dispatch import Dispatcher
from kesu.commands import refunds, second_person, speaking
from kesu.complaints import search
from kesu.intake import inbox
from kesu.retention import sweeps
from kesu.sync import doubts, limiting, payments, pictures, polling, refreshing, rereading, watching
from kesu.sync.gateway import Gateway
from kesu.threads import database_in_trouble, end_within, in_thread
from kesu.webhooks import events as webhooks
from kesu.webhooks.sending import Sender
from kesu.worker import watchdog
from kesu.worker.deadman import DeadMan
from kesu.worker.models import Heartbeat

log = structlog.get_logger(__name__)

IDLE_SECONDS = 1.0
AFTER_ERROR_SECONDS = (2.0, 4.0, 8.0, 15.0)
"""How long a loop rests after its first, second, ... failure in a row: nobody should fill a full disk with logs."""
STOP_SECONDS = 3.0
"""How long a worker that is told to stop waits for answers from elsewhere."""
HEARTBEAT_SECONDS = 5.0
LIVE_FOR = timedelta(minutes=1)
"""A worker that was not heard of for so long takes no share of the platform's rates any more."""
GONE_AFTER = timedelta(days=1)

Body = Callable[[], Awaitable[int]]


@dataclass(frozen=True)
class Loop:
    """``body`` does one batch and returns how much it did; ``wakes`` names loops that may have work because of it."""

    name: str
    body: Body
    wakes: tuple[str, ...] = ()
    idle_seconds: float = IDLE_SECONDS


def loops(gateway: Gateway, dispatcher: Dispatcher) -> list[Loop]:
    """Everything a worker does, in the order of a complaint's way."""
    now = gateway.now

    async def drain() -> int:
        return await in_thread(inbox.drain, now=now())

    async def foreground() -> int:
        return await refreshing.refresh_due(gateway, lane=refreshing.FOREGROUND, limit=8)

    async def background() -> int:
        return await refreshing.refresh_due(gateway, lane=refreshing.BACKGROUND, limit=4)

    async def clocks() -> int:
        return await in_thread(doubts.raise_due_clocks, now=now())

    return [
        Loop("polls", lambda: polling.poll_due(gateway, lane=polling.FREQUENT), wakes=("refresh",)),
        Loop("backfill", lambda: polling.poll_due(gateway, lane=polling.LONG), wakes=("check",)),
        Loop("rereads", lambda: in_thread(rereading.request_rereads, now=now()), wakes=("check",), idle_seconds=30),
        Loop("inbox", drain, wakes=("refresh",)),
        Loop("refresh", foreground, wakes=("outbox", "webhooks", "check", "pictures")),
        Loop("check", background, wakes=("outbox", "webhooks", "pictures")),
        Loop("clocks", clocks, wakes=("outbox", "refresh")),
        Loop("outbox", dispatcher.start_due),
        Loop("commands", lambda: speaking.carry_out_due(gateway), wakes=("refresh", "outbox")),
        Loop("refunds", lambda: refunds.follow_due(gateway), wakes=("refresh",)),
        Loop("requests", lambda: in_thread(second_person.remind_due, now=now()), wakes=("outbox",), idle_seconds=10),
        Loop("cards", lambda: cards.grey_due(now)),
        Loop("pictures", lambda: pictures.fetch_due(gateway)),
        Loop("payments", lambda: payments.read_due(gateway)),
    ]


def account_loops(gateway: Gateway) -> list[Loop]:
    """What looks after the accounts themselves."""
    return [
        Loop("accounts", lambda: watching.watch_due(gateway), wakes=("outbox", "limitations"), idle_seconds=10),
        Loop("limitations", lambda: limiting.ask_due(gateway), wakes=("outbox",), idle_seconds=10),
    ]


def webhook_loops(sender: Sender, now: Callable[[], datetime]) -> list[Loop]:
    """What tells a merchant's own systems; a slow one of them holds up nothing but itself."""
    return [
        Loop("webhooks", sender.start_due),
        Loop("due_soon", lambda: in_thread(webhooks.look_ahead, now=now()), wakes=("webhooks",), idle_seconds=5),
    ]


def upkeep(now: Callable[[], datetime]) -> list[Loop]:
    """What looks after the rest; no complaint's way leads through it."""
    return [
        Loop(
            "watchdog",
            lambda: in_thread(lambda: watchdog.watch(now=now())),
            idle_seconds=watchdog.EVERY_SECONDS,
        ),
        Loop("heartbeats", lambda: in_thread(heartbeats.owe_heartbeats, now=now()), wakes=("outbox",), idle_seconds=20),
        Loop("search", lambda: in_thread(search.fill), idle_seconds=600),
        Loop("retention", lambda: in_thread(lambda: sweeps.sweep(now=now())), idle_seconds=sweeps.EVERY_SECONDS),
    ]


class Worker:
    """Runs the loops until ``stop`` is called; then each finishes its batch, or gives it back after STOP_SECONDS."""

    def __init__(self, gateway: Gateway, dispatcher: Dispatcher, *, deadman_url: str = "") -> None:
        self.gateway, self.dispatcher = gateway, dispatcher
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._stopping = asyncio.Event()
        self.sender = Sender(gateway.now)
        self._loops = loops(gateway, dispatcher) + account_loops(gateway) + upkeep(gateway.now)
        self._loops += webhook_loops(self.sender, gateway.now)
        self._wakes = {loop.name: asyncio.Event() for loop in self._loops}
        self._deadman = DeadMan(deadman_url, {loop.name: loop.idle_seconds for loop in self._loops})

    def wake(self, name: str) -> None:
        """Let the named loop look at once. Unknown names are ignored: a newer process may know more."""
        if name in self._wakes:
            self._wakes[name].set()

    def stop(self) -> None:
        self.gateway.closing = True
        self._stopping.set()
        for event in self._wakes.values():
            event.set()

    async def run(self) -> None:
        log.info("worker_started", worker=self.name)
        started_at = self.gateway.now()
        await self._appear(started_at)  # before the first call: its share of the platform's rates depends on it
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._run_loop(loop), name=loop.name) for loop in self._loops]
                tasks.append(group.create_task(self._beat(started_at), name="heartbeat"))
                tasks.append(group.create_task(self._deadman.run(self._stopping), name="deadman"))
                group.create_task(self._wind_down(tasks), name="end")
        finally:
            await self.dispatcher.close()
            await self.sender.close()
            await self.gateway.close()
        log.info("worker_stopped", worker=self.name)

    async def _wind_down(self, tasks: list[asyncio.Task[None]]) -> None:
        """A platform or a robot that does not answer must not hold up the end."""
        await self._stopping.wait()
        await asyncio.gather(
            end_within(STOP_SECONDS, tasks),
            self.dispatcher.wind_down(STOP_SECONDS),
            self.sender.wind_down(STOP_SECONDS),
        )

    async def _run_loop(self, loop: Loop) -> None:
        wake, failures = self._wakes[loop.name], 0
        while not self._stopping.is_set():
            wake.clear()
            try:
                did = await loop.body()
            except Exception as error:  # noqa: BLE001 - the boundary of a loop
                _tell(loop.name, error)
                self._deadman.failed(loop.name)
                await self._pause(wake, AFTER_ERROR_SECONDS[min(failures, len(AFTER_ERROR_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            self._deadman.passed(loop.name)
            if did:
                for name in loop.wakes:
                    self.wake(name)
            else:
                await self._pause(wake, loop.idle_seconds)

    async def _pause(self, wake: asyncio.Event, seconds: float) -> None:
        if self._stopping.is_set():
            return
        try:
            await asyncio.wait_for(wake.wait(), seconds)
        except TimeoutError:
            return

    async def _beat(self, started_at: datetime) -> None:
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await self._appear(started_at)
        with contextlib.suppress(django.db.Error):  # a worker must be able to end while the database is away
            await in_thread(Heartbeat.objects.filter(name=self.name).delete)

    async def _appear(self, started_at: datetime) -> None:
        """Say that this worker lives, and share the platform's rates with those that do."""
        try:
            self.gateway.share_between(await in_thread(_beat, self.name, started_at, self.gateway.now()))
        except Exception as error:  # noqa: BLE001 - the boundary of a loop
            _tell("heartbeat", error)


def _tell(loop: str, error: Exception) -> None:
    """A database in trouble is one line and no trace: every loop meets it, again and again."""
    if database_in_trouble(error):
        log.error("loop_failed", loop=loop, error=type(error).__name__, database=str(error).strip()[:200])
    else:
        log.exception("loop_failed", loop=loop)


def _beat(name: str, started_at: datetime, now: datetime) -> int:
    """How many workers live, this one included."""
    Heartbeat.objects.update_or_create(
        name=name, defaults={"version": __version__, "started_at": started_at, "seen_at": now}
    )
    Heartbeat.objects.filter(seen_at__lt=now - GONE_AFTER).delete()
    return Heartbeat.objects.filter(seen_at__gt=now - LIVE_FOR).count()
