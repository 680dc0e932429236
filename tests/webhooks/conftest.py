"""A world with a program that takes webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kesu.demo.world import World
from kesu.rules.hooks import SUBSCRIBABLE
from kesu.threads import in_thread
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import Wanted
from kesu.webhooks.models import Endpoint
from tests.stories.conftest import identity, tell
from tests.webhooks.receiver import Receiver

__all__ = ["identity", "subscribe", "tell"]

ALL = tuple(str(event) for event in SUBSCRIBABLE)


async def subscribe(
    world: World, events: Sequence[str] = ALL, *, name: str = "工单系统", path: str = "/hook", **more: Any
) -> tuple[Receiver, Endpoint, str]:
    """The program, its endpoint and its secret."""
    if not isinstance(world.hooks.inside, Receiver):
        world.hooks.inside = Receiver()
    wanted = Wanted(name, f"http://127.0.0.1{path}", events, **more)
    endpoint, secret = await in_thread(lambda: endpoints.add(wanted, created_by=None, now=world.now()))
    return world.hooks.inside, endpoint, secret
