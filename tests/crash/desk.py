"""A desk that can be killed: `kesu serve` on a data directory connected to a served sandbox."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from kesu.config.database import EmbeddedPostgres
from tests.forking import run_kesu
from tests.prepared import lay_database
from tests.processes import answers, children, environment, free_port, kesu, named, processes, until
from tests.sandboxes import ServedSandbox

# What polling would find is left to the notices: a lost one must show.
NO_POLLING = {
    "KESU_POLL_NEWEST_SECONDS": "86400",
    "KESU_POLL_RECENT_SECONDS": "86400",
    "KESU_REREAD_OPEN_SECONDS": "86400",
}


class Desk:
    def __init__(self, directory: Path, sandbox: ServedSandbox) -> None:
        self.data = directory / "desk"
        self.log = directory / "desk.log"
        self.sandbox = sandbox
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = environment(self.data, **NO_POLLING)
        self._postgres = EmbeddedPostgres(self.data)

    def connect(self) -> None:
        """Connected to the sandbox, on a database that the desk finds there."""
        lay_database(self.data)
        done = run_kesu("merchants", "import-sandbox", str(self.sandbox.file), "--public-url", self.url, env=self.env)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        with self.log.open("ab") as output:
            command = kesu("serve", "--port", str(self.port))
            self._serve = subprocess.Popen(command, env=self.env, stdout=output, stderr=output)
        until(self.is_ready, 60, "the desk to be ready")

    def stop(self) -> None:
        self._serve.terminate()
        self._serve.wait(40)

    def is_ready(self) -> bool:
        if self._serve.poll() is not None:
            raise AssertionError(f"kesu serve ended: {self.log.read_text(errors='replace')[-2000:]}")
        return answers(f"{self.url}/readyz")

    def accepts_connections(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def supervisor(self) -> int:
        return self._serve.pid

    @property
    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split("\n")[0])

    @property
    def live_postmaster(self) -> int | None:
        """None while no server of this data directory runs: the number of a dead one may be another's by now."""
        with suppress(OSError, ValueError):
            pid = self.postmaster
            command = (Path("/proc") / str(pid) / "cmdline").read_text()
            return pid if str(self.data / "postgres") in command else None
        return None

    def child(self, name: str) -> int | None:
        """The process id of the supervised ``front``, ``pages`` or ``worker``; None while there is none."""
        found = named(f"kesu-{name}", of=self.supervisor)
        return found[0] if found else None

    def orphans(self) -> list[int]:
        """Process ids of those that outlived the supervisor that started them."""
        mark, ours = f"serve --port {self.port}", {self.supervisor, *children(self.supervisor)}
        return [pid for pid, command in processes().items() if mark in command and pid not in ours]

    def kill(self, *pids: int | None) -> None:
        """SIGKILL, all within a moment."""
        for pid in pids:
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def await_replacement(self, name: str, killed: int | None) -> None:
        """Until another process does what the killed one did."""
        until(lambda: self.child(name) not in (None, killed), 30, f"a new {name} process")

    def forget_dead_supervisor(self) -> None:
        """Reap it, and wait for its children to have left the port and the database."""
        self._serve.wait(10)
        until(lambda: not self.accepts_connections(), 30, "the port to be free")

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(host=str(self._postgres.socket_directory), user="kesu", dbname="kesu") as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]
