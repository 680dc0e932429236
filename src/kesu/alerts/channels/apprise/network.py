"""Where Apprise may connect to.

It looks names up and follows redirects by itself, in a dozen libraries: so every connection of a push is checked in the
moment in which it is made, when its number is known and nothing can change it any more.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from kesu.alerts.channels.addresses import is_public

CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


class OutsideError(OSError):
    """This number is not for a push. An OSError: every library takes it for a network that cannot be reached."""


@dataclass
class Fence:
    """What one push may connect to. ``refused``: it wanted to go elsewhere."""

    loopback: bool = False
    anywhere: bool = False
    refused: bool = False

    def lets(self, address: Any) -> bool:
        """``address``: as sockets have it, (number, port, ...); a path is a socket of this machine."""
        if self.anywhere:
            return True
        try:
            number = ipaddress.ip_address(str(address[0]).partition("%")[0])
        except (ValueError, TypeError, IndexError):
            return False
        return is_public(number) or (self.loopback and number.is_loopback)


_FENCE: ContextVar[Fence | None] = ContextVar("kesu_apprise_fence", default=None)


@contextmanager
def fenced(*, loopback: bool, anywhere: bool) -> Iterator[Fence]:
    """For the time of the block this thread connects to public numbers only, besides ``loopback`` or ``anywhere``."""
    _listen()
    fence = Fence(loopback, anywhere)
    token = _FENCE.set(fence)
    try:
        yield fence
    finally:
        _FENCE.reset(token)


@cache
def _listen() -> None:
    """Python asks its audit hooks before a socket connects; what one raises is what the caller gets."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event in CONNECTING and (fence := _FENCE.get()) is not None and not fence.lets(arguments[1]):
        fence.refused = True
        raise OutsideError("inside a private network")
