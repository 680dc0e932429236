"""Group commit: notices that arrive together become durable together.

While one batch is being committed the next one gathers, so the number of commits follows the disk and not the number of
notices. Nobody is told "received" before COMMIT has returned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple

import psycopg
import structlog
from django.db import connection

from kesu.sync.requests import WAKE_CHANNEL

log = structlog.get_logger(__name__)

BATCH = 500

# One statement, so that a batch costs one round trip: rows, the worker's wake-up and, in autocommit, the COMMIT.
# In order, so that two processes that are sent the same notices wait for each other instead of dead-locking.
INSERT = """
    with stored as (
        insert into intake_notice (account_id, envelope_id, event_type, action_type, complaint_id, body,
                                   state, attempts, error, received_at, due_at)
        select a, e, t, x, c, b, 'received', 0, '', r, r
        from unnest(%b::bigint[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bytea[], %b::timestamptz[])
             as given(a, e, t, x, c, b, r)
        order by a, e
        on conflict (account_id, envelope_id) do nothing
    )
    select pg_notify(%s, 'inbox')
"""


DJANGOS_OWN = frozenset({"context", "cursor_factory", "prepare_threshold"})


def connection_parameters() -> dict[str, object]:
    """What psycopg needs to reach Django's database, encryption and time-outs of its address included."""
    parameters = connection.get_connection_params()
    return {key: value for key, value in parameters.items() if key not in DJANGOS_OWN}


class Arrival(NamedTuple):
    """One verified notice on its way into the inbox."""

    account_id: int
    envelope_id: str
    event_type: str
    action_type: str
    complaint_id: str
    body: bytes
    received_at: datetime


class InboxWriter:
    """Writes arrivals in batches over one connection of its own.

    It stays in the event loop: handing batches to a thread and back cost a seventh of the throughput. ``connect``
    opens a connection; it is called again after any failure. ``write`` raises psycopg.Error when the batch could not
    be committed: nothing was acknowledged, the platform sends again.
    """

    def __init__(self, connect: Callable[[], Awaitable[psycopg.AsyncConnection]]) -> None:
        self._connect = connect
        self._connection: psycopg.AsyncConnection | None = None
        self._waiting: list[tuple[Arrival, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    def write(self, arrival: Arrival) -> asyncio.Future[None]:
        """Durable when the returned future is done. Call from the event loop."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((arrival, done))
        if self._running is None:
            self._running = loop.create_task(self._drain())
        return done

    async def close(self) -> None:
        """Finish what is waiting, then give the connection back."""
        if self._running is not None:
            await self._running
        await self._drop_connection()

    async def _drain(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
                error: Exception | None = None
                try:
                    await self._commit([arrival for arrival, _ in batch])
                except psycopg.Error as failure:
                    log.error("inbox_write_failed", notices=len(batch), error=type(failure).__name__)
                    error = failure
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error) if error else done.set_result(None)
        finally:
            self._running = None

    async def _commit(self, batch: list[Arrival]) -> None:
        """One transaction. A connection that died while idle is replaced once; the insert is idempotent."""
        try:
            await self._insert(batch)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            await self._insert(batch)

    async def _insert(self, batch: list[Arrival]) -> None:
        columns = [list(column) for column in zip(*batch, strict=True)]
        try:
            if self._connection is None or self._connection.closed:
                self._connection = await self._connect()
                # The end of the statement is the COMMIT; otherwise air would be acknowledged.
                await self._connection.set_autocommit(True)
            await self._connection.execute(INSERT, [*columns, WAKE_CHANNEL], prepare=True)
        except psycopg.Error:
            await self._drop_connection()
            raise

    async def _drop_connection(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
