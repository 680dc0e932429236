"""Runs `kesu` commands as processes of their own that need not import the world each time.

`python -m tests.forking` imports the libraries that `kesu` is made of, and of Kesu's own what knows no settings (rules,
protocol client). Then it forks a process for each command: with its arguments, environment, directory, input, output
and exit status, as `python -m kesu.cli` has them. Whatever depends on the environment is read in the new process.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import random
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

LIBRARIES = (
    *("asyncio", "cryptography.x509", "cryptography.hazmat.primitives.asymmetric.rsa", "httpx2", "typer", "uuid"),
    *("rich.console", "rich.table", "rich.progress", "structlog", "pydantic", "pydantic_settings", "psycopg"),
    *("cryptography.hazmat.primitives.ciphers.aead", "django.core.management", "django.core.management.base"),
    *("django.db.models", "django.db.backends.postgresql.base", "django.db.migrations.executor", "django.urls"),
    *("django.forms", "django.http", "django.template.backends.django", "django.utils.translation.trans_real"),
    *("django.core.mail", "django.template.defaulttags", "django.template.loader_tags", "django.templatetags.i18n"),
    *("django.views.debug", "django.views.generic", "django.middleware.csrf", "django.contrib.auth.hashers"),
    *("django.contrib.messages.api", "django.contrib.postgres.indexes", "whitenoise.base", "logging.config", "getpass"),
    *("typer._adapters", "typer.rich_utils", "rich._emoji_codes", "wsgiref.util", "PIL.Image", "xml.sax"),
)
KNOW_NO_SETTINGS = (
    *("kesu.wechatpay", "kesu.rules.redlines", "kesu.rules.guards", "kesu.rules.rates", "kesu.rules.ladders"),
    *("kesu.rules.rota", "kesu.rules.operations"),
)
ENDED = b"ended "


def run_kesu(
    *arguments: str, env: Mapping[str, str], stdin: str = "", timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """What `kesu` with these arguments did. Raises subprocess.TimeoutExpired; nothing of it runs on then."""
    with ExitStack() as stack:
        order, given, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(4))
        given.write(stdin.encode())
        given.seek(0)
        order.write(json.dumps({"arguments": arguments, "env": dict(env), "directory": str(Path.cwd())}).encode())
        order.flush()
        told, tell = (stack.enter_context(end) for end in socket.socketpair())
        socket.send_fds(_server(), [b"run"], [end.fileno() for end in (order, given, out, err, tell)])
        tell.close()
        status = _status(told, arguments, timeout)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(["kesu", *arguments], status, out.read().decode(), err.read().decode())


def _status(told: socket.socket, arguments: tuple[str, ...], timeout: float) -> int:
    pid = int(told.recv(32))
    told.settimeout(timeout)
    try:
        answer = told.recv(32)
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(["kesu", *arguments], timeout) from None
    assert answer.startswith(ENDED), "the forking process is gone"
    return int(answer.removeprefix(ENDED))


@cache
def _server() -> socket.socket:
    """The forking process of this one; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(there.fileno())],
            pass_fds=[there.fileno()],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


def serve(orders: socket.socket) -> None:
    """Fork for each order until nobody gives any more. Returns in the processes that are to become `kesu`."""
    for library in LIBRARIES + KNOW_NO_SETTINGS:
        importlib.import_module(library)
    assert {".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("kesu.")} <= {
        "kesu.rules",
        "kesu.wechatpay",
    }
    gc.collect()
    gc.freeze()  # what is here stays: the new processes need not look through it
    running: dict[int, tuple[int, int]] = {}
    events = select.poll()
    events.register(orders, select.POLLIN)
    while True:
        for ready, _ in events.poll():
            if ready in running:
                events.unregister(ready)
                _tell_end(ready, *running.pop(ready))
                continue
            _, files, _, _ = socket.recv_fds(orders, 16, 5)
            if not files:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                for watched, (_, tell) in running.items():
                    os.close(watched)
                    os.close(tell)
                orders.close()
                return _take(files)
            running[watched := os.pidfd_open(pid)] = (pid, files[-1])
            events.register(watched, select.POLLIN)
            os.write(files[-1], str(pid).encode())
            for file in files[:-1]:
                os.close(file)


def _tell_end(watched: int, pid: int, tell: int) -> None:
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):
        os.write(tell, ENDED + str(os.waitstatus_to_exitcode(status)).encode())
    os.close(watched)
    os.close(tell)


def _take(files: list[int]) -> None:
    """In the new process: make everything as it was ordered."""
    order, given, out, err, tell = files
    call = json.loads(os.pread(order, os.fstat(order).st_size, 0))
    for number, file in enumerate((given, out, err)):
        os.dup2(file, number)
    for file in (order, given, out, err, tell):
        os.close(file)
    os.chdir(call["directory"])
    os.environ.clear()
    os.environ.update(call["env"])
    time.tzset()
    random.seed()
    sys.argv = ["kesu", *call["arguments"]]


def become_kesu() -> NoReturn:
    """As `python -m kesu.cli` would."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    runpy.run_module("kesu.cli", run_name="__main__", alter_sys=True)
    raise SystemExit


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
    become_kesu()
