"""Libraries that know no event loop: each call in a thread of its own, which nobody waits for when the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


async def call_apart(function: Callable[[], Result]) -> Result:
    """Call ``function`` away from the event loop. Whoever stops waiting leaves the thread to its own time limits."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result, error = None, None
        try:
            result = function()
        except BaseException as raised:  # noqa: BLE001 - carried over to whoever waits
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    # Not of a pool: the end of a process waits for a pool's threads, and for a mail server that does not answer.
    Thread(target=run, name="apart", daemon=True).start()
    return await future
