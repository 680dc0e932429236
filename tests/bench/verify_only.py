"""Kesu's front with an inbox that acknowledges without writing: what receiving costs apart from durability."""

from __future__ import annotations

import asyncio

from kesu.config.front import Front
from kesu.intake.writer import Arrival


class Forgetful:
    """Stands where the inbox writer stands."""

    def write(self, arrival: Arrival) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def close(self) -> None:
        return


class VerifyOnly(Front):
    async def _start(self) -> None:
        await super()._start()
        self._receiver._writer = Forgetful()  # type: ignore[assignment]


application = VerifyOnly(pages="")  # nobody asks for any
