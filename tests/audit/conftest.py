from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections


@pytest.fixture
def together() -> Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]:
    """Calls in threads, each with a connection of its own."""

    def run(call: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
        def alone(argument: Any) -> Any:
            try:
                return call(argument)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(alone, arguments))

    return run
