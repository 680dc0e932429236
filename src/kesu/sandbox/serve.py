"""Serve a sandbox on a port until told to stop. What the command line calls."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import uvicorn

from kesu.sandbox.api.broken import HideOnPurpose
from kesu.sandbox.identity import write_private
from kesu.sandbox.policy import Policy
from kesu.sandbox.sandbox import Sandbox

CONCURRENT_NOTICES = 16


class DirectoryInUse(Exception):
    """Another sandbox runs on this directory."""


class _Server(uvicorn.Server):
    """Leaves signals to us, so that stopping ends in a clean exit."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(
    directory: Path,
    port: int | None = None,
    seed: int = 1,
    quiet_payers: bool = False,
    *,
    host: str = "127.0.0.1",
    https_only: bool = False,
    policy: Policy | None = None,
    start: datetime | None = None,
    speed: float = 1.0,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Block until SIGTERM or SIGINT; then save and return.

    port: None or 0 takes the one served last from this directory if it is free, otherwise any free one.
    Writes `DIR/sandbox.json` (mode 0600) once connections are accepted, and prints one line with the
    addresses (or hands it to `announce`). Raises DirectoryInUse, or OSError when the port is taken.
    """
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    with _lock(directory):
        (directory / "sandbox.json").unlink(missing_ok=True)
        policy = policy or Policy()
        policy.https_only = policy.https_only or https_only
        asyncio.run(_serve(directory, port, seed, quiet_payers, host, policy, start, speed, announce or _print))


async def _serve(
    directory: Path,
    port: int | None,
    seed: int,
    quiet_payers: bool,
    host: str,
    policy: Policy,
    start: datetime | None,
    speed: float,
    announce: Callable[[str], None],
) -> None:
    sandbox = Sandbox.create(
        directory,
        seed=seed,
        start=start,
        speed=speed,
        quiet_payers=quiet_payers,
        policy=policy,
        concurrency=CONCURRENT_NOTICES,
    )
    sandbox.served = True
    listener = _listen(host, port, sandbox.identity.port)
    taken = listener.getsockname()[1]
    if sandbox.identity.port != taken:
        sandbox.identity.port = taken
        sandbox.identity.save(directory)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - only compared
    sandbox.base_url = f"http://[{shown}]:{taken}" if ":" in shown else f"http://{shown}:{taken}"
    server = _Server(
        uvicorn.Config(sandbox.app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    )
    logging.getLogger("uvicorn.error").addFilter(HideOnPurpose())
    _stop_on_signals(server, sandbox)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    living = asyncio.create_task(sandbox.run_forever())
    try:
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        if server.started:
            write_private(directory / "sandbox.json", sandbox.description())
            announce(
                f"Kesu sandbox: page {sandbox.base_url}/ · control {sandbox.control_url}"
                f" · connection data {directory / 'sandbox.json'}"
            )
        await asyncio.wait({serving, living}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        sandbox.stopping.set()
        living.cancel()
        results = await asyncio.gather(serving, living, return_exceptions=True)
        await sandbox.aclose()
    for result in results:
        if isinstance(result, Exception):
            raise result


def _listen(host: str, port: int | None, last: int | None) -> socket.socket:
    """A bound socket. The port of last time is only a wish."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if not port and last:
        with contextlib.suppress(OSError):
            return _bind(family, host, last)
    return _bind(family, host, port or 0)


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # Listening now, not only in the server, so that two of us cannot share a port unnoticed.
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _stop_on_signals(server: uvicorn.Server, sandbox: Sandbox) -> None:
    def stop() -> None:
        if server.should_exit:
            server.force_exit = True
        server.should_exit = True
        sandbox.stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only the main thread may; elsewhere the caller stops us otherwise.
        with contextlib.suppress(RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    with (directory / "sandbox.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUse(f"another sandbox runs on {directory}") from None
        yield


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the one line a person waits for
