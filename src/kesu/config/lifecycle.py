"""Starting and supervising Kesu's processes: the embedded database, the web processes, one worker."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

import structlog

from kesu.config.children import RESTART_PAUSES, STOPPING, Children, Forked, keep_running
from kesu.config.configuration import Configuration
from kesu.config.database import DatabaseError, EmbeddedPostgres
from kesu.config.web import listening, web_children

log = structlog.get_logger(__name__)

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


def migrate_apart() -> None:
    """``migrate`` in a process of its own: who forks later holds no connection. Raises DatabaseError."""
    told, tell = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=_migrate_and_tell, args=[tell])
    process.start()
    tell.close()
    try:
        problem: str = told.recv()
    except EOFError:
        problem = "Migrating the database ended before it was done; the log says more."
    process.join()
    if problem:
        raise DatabaseError(problem)


def _migrate_and_tell(tell: Connection) -> None:
    from django.db import Error

    try:
        migrate()
    except Error as error:
        tell.send(f"The database cannot be used: {error}".strip())
    else:
        tell.send("")


def schema_is_current() -> bool:
    """Whether every migration of this version is applied."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


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
        for number in STOPPING:
            asyncio.get_running_loop().add_signal_handler(number, worker.stop)
        listener = asyncio.create_task(listen(worker))
        await worker.run()
        listener.cancel()

    asyncio.run(main())


class Supervisor:
    """``kesu serve``: keeps the database, the web processes and the worker alive."""

    def __init__(self, configuration: Configuration, host: str, port: int) -> None:
        self.configuration, self._host, self._port = configuration, host, port
        self._database_due = 0.0
        self._database_failures = 0

    def run(self, announce: Callable[[], None]) -> None:
        """Until SIGTERM or SIGINT. ``announce`` is called once the port is ours. Raises AlreadyRunning, CannotListen,
        DatabaseError.
        """
        import django

        configuration = self.configuration
        with (
            serve_lock(configuration.data_directory),
            listening(self._host, self._port) as sockets,
            database(configuration) as server,
        ):
            announce()
            django.setup()
            migrate_apart()
            web = web_children(sockets, configuration.trusted_proxies)
            children = Children(web | {"worker": partial(Forked, "kesu-worker", run_worker)})
            keep_running(children, beside=lambda: self._look_after(server))

    def _look_after(self, server: EmbeddedPostgres | None) -> None:
        if server is not None and time.monotonic() >= self._database_due:
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


@contextmanager
def serve_lock(directory: Path) -> Iterator[None]:
    """One ``kesu serve`` a data directory. The lock is this process's, not its children's, and dies with it: a kill -9
    leaves none behind.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file: IO[str] = (directory / "serve.lock").open("a+")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
