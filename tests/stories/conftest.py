"""A world for stories: the desk on the test database, the sandbox in the same process, time standing still."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kesu.demo.world import World
from kesu.sandbox.identity import Identity

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 09:00 in Beijing
Story = Callable[[World], Awaitable[None]]

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture(scope="session")
def identity() -> Identity:
    """The keys of one platform, its merchants and its robot: making them takes half a second."""
    return Identity.create()


@pytest.fixture
def tell(transactional_db: Any, settings: Any, identity: Identity) -> Callable[..., None]:
    """Run a story in a world of its own.

    Polls and rereads are sparse, so that days pass quickly: a story whose subject they are says how often (seconds).
    ``connected`` False leaves ``await world.connect()`` to the story.
    """

    def run(
        story: Story, *, newest: int = 6 * HOUR, recent: int = DAY, reread: int = 6 * HOUR, connected: bool = True
    ) -> None:
        settings.CONFIGURATION = settings.CONFIGURATION.model_copy(
            update={"poll_newest_seconds": newest, "poll_recent_seconds": recent, "reread_open_seconds": reread}
        )

        async def main() -> None:
            world = World(START, identity=identity)
            try:
                if connected:
                    await world.connect()
                await story(world)
            finally:
                await world.close()

        asyncio.run(main())

    return run
