"""The dead man's switch: an address outside is asked for every minute while all is well; silence there means trouble.

Meant for services like healthchecks, which call people when a ping stays out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import httpx2
import structlog

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
STALLED_SECONDS = 600.0
"""A loop that ended no pass for so long beyond its own rest hangs; waiting for a turn at the platform takes less."""
TIMEOUT = httpx2.Timeout(10.0)


class DeadMan:
    """Told by the worker how its loops do. ``loops`` gives the seconds that each rests after a pass; ``seconds`` is
    any clock that only goes forward.
    """

    def __init__(
        self,
        url: str,
        loops: Mapping[str, float],
        *,
        seconds: Callable[[], float] = time.monotonic,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._url, self._seconds, self._transport = url, seconds, transport
        self._patience = {loop: rest + STALLED_SECONDS for loop, rest in loops.items()}
        self._ended = dict.fromkeys(loops, seconds())
        self._failing: set[str] = set()

    def passed(self, loop: str) -> None:
        """A loop ended a pass."""
        self._ended[loop] = self._seconds()
        self._failing.discard(loop)

    def failed(self, loop: str) -> None:
        """A loop's pass ended in an error."""
        self._failing.add(loop)

    def ill(self) -> list[str]:
        """The loops whose last pass failed or that hang; empty while all is well."""
        now = self._seconds()
        stalled = {loop for loop, ended in self._ended.items() if now - ended > self._patience[loop]}
        return sorted(stalled | self._failing)

    async def ping(self) -> bool:
        """Ask for the address once, unless a loop is ill; whether it answered well. The address is never logged."""
        if ill := self.ill():
            log.error("deadman.silent", loops=ill)
            return False
        try:
            async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT) as client:
                answer = await client.get(self._url)
        except httpx2.HTTPError as error:
            log.warning("deadman.not_reached", error=type(error).__name__)
            return False
        if not answer.is_success:
            log.warning("deadman.refused", status=answer.status_code)
        return bool(answer.is_success)

    async def run(self, stopping: asyncio.Event) -> None:
        """Ping until ``stopping`` is set; without an address, nothing."""
        while self._url and not stopping.is_set():
            await self.ping()
            try:
                await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)
            except TimeoutError:
                continue
