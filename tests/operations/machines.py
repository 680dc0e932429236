"""Machines for a fleet: network namespaces, each with a loopback and a cable of its own, or this machine alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import answers, free_port, running


@dataclass
class Machine:
    """``address``: where we reach it; ``us``: where it reaches us. ``cable`` is empty when it is this machine."""

    name: str
    address: str = "127.0.0.1"
    us: str = "127.0.0.1"
    cable: str = ""
    enter: list[str] = field(default_factory=list)

    def command(self, words: list[str]) -> list[str]:
        return [*self.enter, *words]

    def cut_off(self) -> None:
        """As if its network were gone: what is sent there is heard by nobody and answered by nobody."""
        ip("-n", self.name, "addr", "del", f"{self.address}/31", "dev", self.cable)

    def plug_in(self) -> None:
        ip("-n", self.name, "addr", "add", f"{self.address}/31", "dev", self.cable)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def namespaces_work() -> bool:
    name = f"kt{os.getpid()}"
    try:
        ip("netns", "add", name)
        ip("netns", "del", name)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@contextmanager
def machines(count: int) -> Iterator[list[Machine]]:
    """Namespaces where this account may make them."""
    with ExitStack() as stack:
        if namespaces_work():
            yield [stack.enter_context(_namespace(number)) for number in range(count)]
        else:
            yield [Machine(f"here{number}") for number in range(count)]


@contextmanager
def _namespace(number: int) -> Iterator[Machine]:
    """A cable between us (.1) and the namespace (.2); its network is of the range set aside for such tests."""
    tag = os.getpid() % 16384 * 4 + number
    name, cable, far = f"kesu{tag}", f"kt{tag}a", f"kt{tag}b"
    us, address = (f"198.{18 + tag // 32768}.{tag % 32768 // 128}.{tag % 128 * 2 + end}" for end in (0, 1))
    ip("netns", "add", name)
    try:
        ip("link", "add", cable, "type", "veth", "peer", "name", far, "netns", name)
        ip("addr", "add", f"{us}/31", "dev", cable)
        ip("link", "set", cable, "up")
        ip("-n", name, "addr", "add", f"{address}/31", "dev", far)
        ip("-n", name, "link", "set", far, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield Machine(name, address, us, far, ["ip", "netns", "exec", name])
    finally:
        ip("netns", "del", name)


@contextmanager
def loopback_of(machine: Machine, port: int, directory: Path) -> Iterator[None]:
    """Let the machine reach our loopback's ``port`` at the same port of its own loopback."""
    if not machine.cable:
        yield
        return
    between = free_port()
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    relay = [sys.executable, "-m", "tests.operations.relay"]
    ours = [*relay, f"{machine.us}:{between}", f"127.0.0.1:{port}"]
    theirs = machine.command([*relay, f"127.0.0.1:{port}", f"{machine.us}:{between}"])
    log = directory / f"{machine.name}.relay.log"
    with (
        running(ours, log, environ, ready=lambda: answers(f"http://{machine.us}:{between}/")),
        running(theirs, log, environ, ready=lambda: True),
    ):
        yield
