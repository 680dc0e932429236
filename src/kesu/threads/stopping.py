"""A worker that is told to stop waits for nobody who does not answer: it drops the call and gives its work back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import django.db

Result = TypeVar("Result")


async def side_by_side(*work: Awaitable[Result]) -> list[Result]:
    """Like ``asyncio.gather``, but over only when all have ended, also when cancelled: each may have to clean up.

    Raises the first error there was.
    """
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]


async def giving_back(work: Awaitable[Result], give_back: Callable[[], Awaitable[object]]) -> Result:
    """Wait for ``work``; cancelled meanwhile, ``give_back`` what it holds, so that another worker goes on at once.

    Where the database is away, the lease runs out instead.
    """
    try:
        return await work
    except asyncio.CancelledError:
        with suppress(django.db.Error):
            await give_back()
        raise


async def end_within(seconds: float, tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Wait until all have ended; those that have not after so long are cancelled, and then waited for."""
    slow = set(tasks)
    if slow:
        _, slow = await asyncio.wait(slow, timeout=seconds)
    for task in slow:
        task.cancel()
    if slow:
        await asyncio.wait(slow)
