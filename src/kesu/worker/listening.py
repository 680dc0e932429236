"""Waking up: PostgreSQL tells the worker that the receiver committed notices, so that nobody waits for the
next second.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog

from kesu.intake.writer import connection_parameters
from kesu.sync.requests import WAKE_CHANNEL
from kesu.worker.loops import Worker

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = 2.0


async def listen(worker: Worker) -> None:
    """Wake the named loop at each notification, for ever. Losing the connection costs speed, nothing else."""
    parameters = connection_parameters()
    while True:
        try:
            listener = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)  # type: ignore[arg-type]
            async with listener:
                await listener.execute(f"listen {WAKE_CHANNEL}")
                async for notification in listener.notifies():
                    worker.wake(notification.payload)
        except psycopg.Error as error:
            log.warning("listener_lost", error=type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)
