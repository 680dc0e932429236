"""Worlds whose keys are their own, because the stories told in them change keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from kesu.demo.world import World
from kesu.sandbox.identity import Identity
from tests.stories.conftest import DAY, HOUR, START

Story = Callable[[World], Awaitable[None]]


def teller(settings: Any, identity: Identity, directory: Path) -> Callable[..., None]:
    """Like the stories' ``tell``. ``newest``: seconds between polls; sparse, for notices must do."""
    identity.save(directory)

    def run(story: Story, *, newest: int = DAY) -> None:
        update = {"poll_newest_seconds": newest, "poll_recent_seconds": newest, "reread_open_seconds": 6 * HOUR}
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=update)

        async def main() -> None:
            world = World(START, identity=Identity.load(directory / "identity.json"))
            try:
                await world.connect()
                await story(world)
            finally:
                await world.close()

        asyncio.run(main())

    return run
