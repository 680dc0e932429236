"""Starting and supervising Kesu's processes: the embedded database, one web process, one worker."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import structlog

from kesu.config.configuration import Configuration
from kesu.config.database import DatabaseError, EmbeddedPostgres

log = structlog.get_logger(__name__)

PR_SET_PDEATHSIG = 1
STOP_SECONDS = 20
RESTART_PAUSES = (0.2, 1.0, 3.0, 10.0)
DATABASE_EVERY = 1.0
MIGRATION_LOCK = 0x6B657375  # "kesu"


class AlreadyRunning(Exception):
    """Another ``kesu serve`` uses this data directory."""


@contextmanager
def database(configuration: Configuration) -> Iterator[EmbeddedPostgres | None]:
    """The database for the time of a command: the embedded server is started if nobody runs it, and stopped by its
    last user.
    """
    if configuration.database_url:
        yield None
        return
    server = EmbeddedPostgres(configuration.data_directory)
    server.enter()
    try:
        yield server
    finally:
        from django.db import connections

        connections.close_all()
        server.leave()


def migrate() -> None:
    """Bring the schema up to date; processes that start together take turns. Quick when there is nothing to do."""
    from django.core.management import call_command
    from django.db import connection

    if schema_is_current():
        return
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def schema_is_current() -> bool:
    """Whether every migration of this version is applied."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def run_web(host: str, port: int, trusted_proxies: str) -> None:
    """Serve the receiver and the pages until SIGTERM."""
    import uvicorn

    uvicorn.run(
        "kesu.config.asgi:application",
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=STOP_SECONDS // 2,
    )


def run_worker() -> None:
    """Run the loops until SIGTERM."""
    import django

    django.setup()
    from django.conf import settings

    from kesu import clock
    from kesu.alerts.dispatch import Dispatcher
    from kesu.sync.gateway import Gateway
    from kesu.worker.listening import listen
    from kesu.worker.loops import Worker

    async def main() -> None:
        deadman_url = settings.CONFIGURATION.deadman_url
        worker = Worker(Gateway(clock.now), Dispatcher(clock.now), deadman_url=deadman_url)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, worker.stop)
        listener = asyncio.create_task(listen(worker))
        await worker.run()
        listener.cancel()

    asyncio.run(main())


def die_with_parent(supervisor: int) -> None:
    """Ask the kernel to end this process when its supervisor is killed: nothing must hold the port for a dead one.

    ``supervisor`` is its process id as it said itself: it may be dead before this process has come so far to ask.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        raise SystemExit(1)


class Supervisor:
    """``kesu serve``: keeps the database, the web process and the worker alive; a child that dies is started again."""

    def __init__(self, configuration: Configuration, host: str, port: int) -> None:
        self.configuration = configuration
        common = [sys.executable, "-m", "kesu.cli"]
        data = ["--data", str(configuration.data_directory), "--supervised-by", str(os.getpid())]
        self._commands = {
            "web": [*common, "web", "--host", host, "--port", str(port), *data],
            "worker": [*common, "worker", *data],
        }
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._deaths = dict.fromkeys(self._commands, 0)
        self._restart_at = dict.fromkeys(self._commands, 0.0)
        self._started_at = dict.fromkeys(self._commands, 0.0)
        self._stopping = False
        self._database_due = 0.0
        self._database_failures = 0

    def run(self) -> None:
        """Until SIGTERM or SIGINT. Raises AlreadyRunning."""
        with serve_lock(self.configuration.data_directory), database(self.configuration) as server:
            migrate()
            from django.db import connections

            connections.close_all()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop)
            try:
                while not self._stopping:
                    self._look_after(server)
                    time.sleep(0.2)
            finally:
                self._end_children()

    def _look_after(self, server: EmbeddedPostgres | None) -> None:
        now = time.monotonic()
        for name, command in self._commands.items():
            child = self._children.get(name)
            if child is not None and child.poll() is None:
                if now - self._started_at[name] > 60:
                    self._deaths[name] = 0
                continue
            if child is not None:
                del self._children[name]
                pause = RESTART_PAUSES[min(self._deaths[name], len(RESTART_PAUSES) - 1)]
                self._deaths[name] += 1
                self._restart_at[name] = now + pause
                log.error("process_ended", process=name, code=child.returncode, restart_in_seconds=pause)
            if now >= self._restart_at[name]:
                self._children[name] = subprocess.Popen(command)
                self._started_at[name] = now
        if server is not None and now >= self._database_due:
            self._revive(server)

    def _revive(self, server: EmbeddedPostgres) -> None:
        """A database that cannot start (its disk is full) is tried again: its children answer with errors meanwhile."""
        try:
            server.revive()
        except (DatabaseError, OSError) as error:
            pause = RESTART_PAUSES[min(self._database_failures, len(RESTART_PAUSES) - 1)]
            self._database_failures += 1
            log.error("database_not_started", error=str(error)[-500:], again_in_seconds=pause)
        else:
            pause, self._database_failures = DATABASE_EVERY, 0
        self._database_due = time.monotonic() + pause

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _end_children(self) -> None:
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def serve_lock(directory: Path) -> Iterator[None]:
    """One ``kesu serve`` a data directory. The lock dies with its process, so a kill -9 leaves none behind."""
    directory.mkdir(parents=True, exist_ok=True)
    file: IO[str] = (directory / "serve.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "?"
        file.close()
        raise AlreadyRunning(holder) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    try:
        yield
    finally:
        file.truncate(0)
        file.close()
