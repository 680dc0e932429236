"""Django's ORM from async code: database work runs in threads, each with a connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from kesu.threads.database import DatabaseThreads
from kesu.threads.prepared import Prepared, waiting
from kesu.threads.stopping import end_within, giving_back, side_by_side
from kesu.threads.trouble import database_in_trouble

__all__ = [
    "DatabaseThreads",
    "Prepared",
    "database_in_trouble",
    "end_within",
    "giving_back",
    "in_thread",
    "side_by_side",
    "waiting",
]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_shared = DatabaseThreads(8)


async def in_thread(
    function: Callable[Parameters, Result], *arguments: Parameters.args, **keywords: Parameters.kwargs
) -> Result:
    """Call ``function`` away from the event loop, on this process's shared threads."""
    return await _shared.run(function, *arguments, **keywords)
