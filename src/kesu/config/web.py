"""Two processes behind one port.

``kesu-front`` receives notices and forwards the rest to ``kesu-pages``: each has an interpreter, and so a lock, of its
own (docs/adr/0003). Their sockets are held here, so that while one of them is started again its callers wait instead of
being refused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kesu.config.children import STOP_SECONDS, Children, Forked, keep_running

BACKLOG = 2048
GRACE_SECONDS = STOP_SECONDS // 2
PAGES_KEEP_SECONDS = 75
"""Longer than the front keeps a connection (``forwarding.KEEP_SECONDS``)."""


class CannotListen(Exception):
    """The port is taken, or not ours to take; the message says why."""


@dataclass(frozen=True)
class Sockets:
    """``outer`` is reached by the world, ``inner`` by the front alone, which asks the pages there."""

    outer: socket.socket
    inner: socket.socket


@contextmanager
def listening(host: str, port: int) -> Iterator[Sockets]:
    """Both sockets, for the time of the block. Raises CannotListen."""
    with (
        _listen(host, port) as outer,
        TemporaryDirectory(prefix="kesu-web-") as directory,  # only we may enter
        socket.socket(socket.AF_UNIX) as inner,
    ):
        inner.bind(str(Path(directory) / "pages"))
        inner.listen(BACKLOG)
        yield Sockets(outer, inner)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)) from None


def web_children(sockets: Sockets, trusted_proxies: str) -> dict[str, Callable[[], Forked]]:
    """How front and pages are started, everything that they need being loaded."""
    from kesu.config.front import Front
    from kesu.config.pages import Pages
    from kesu.intake.storage import storage
    from kesu.rules import redlines

    redlines.compile_all()
    storage()  # before the fork: what the front finds out about the disk is told on the pages

    def front() -> None:
        _serve(Front(sockets.inner.getsockname()), sockets.outer, trusted_proxies, lifespan="on")

    def pages() -> None:
        _serve(Pages(), sockets.inner, "*", lifespan="off", timeout_keep_alive=PAGES_KEEP_SECONDS)

    return {"front": partial(Forked, "kesu-front", front), "pages": partial(Forked, "kesu-pages", pages)}


def run_web(host: str, port: int, trusted_proxies: str) -> None:
    """Serve the receiver and the pages until SIGTERM. Raises CannotListen."""
    with listening(host, port) as sockets:
        keep_running(Children(web_children(sockets, trusted_proxies)))


def _serve(application: Any, listening: socket.socket, trusted_proxies: str, **more: Any) -> None:
    import uvicorn

    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **more,
    )
    uvicorn.Server(config).run(sockets=[listening])
