"""Database work beside an event loop: a few threads, each with its own connection, closed when the work is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connections

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class DatabaseThreads:
    """``await threads.run(function, ...)`` calls a synchronous function where it may use the database.

    Cancelled meanwhile, it ends when the function has ended.
    """

    def __init__(self, size: int = 4) -> None:
        self._size = size
        self._pool = ThreadPoolExecutor(size, thread_name_prefix="database")

    async def run(
        self, function: Callable[Parameters, Result], *arguments: Parameters.args, **keywords: Parameters.kwargs
    ) -> Result:
        def call() -> Result:
            close_old_connections()
            return function(*arguments, **keywords)

        running = asyncio.get_running_loop().run_in_executor(self._pool, call)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running])  # a transaction cannot be taken back: whoever cleans up sees its result
            raise

    def close(self) -> None:
        """Wait for what runs, close every thread's connections, end the threads."""
        meeting = Barrier(self._size)  # so that each thread gets exactly one of the calls

        def leave() -> None:
            meeting.wait()
            connections.close_all()

        for _ in range(self._size):
            self._pool.submit(leave)
        self._pool.shutdown(wait=True)
