"""A desk on disk, for tests that run its commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kesu.config.archive import Place
from kesu.config.database import EmbeddedPostgres
from tests.forking import run_kesu
from tests.operations.servers import contents
from tests.processes import environment


@dataclass
class Installation:
    """A data directory, and where its database is when it is not embedded."""

    data: Path
    url: str = ""

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        more = {"KESU_DATABASE_URL": self.url} if self.url else {}
        return run_kesu(*arguments, env=environment(self.data, **more, **env))

    def works(self, *arguments: str, **env: str) -> str:
        done = self.run(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return " ".join(done.stdout.split() + done.stderr.split())

    def refuses(self, *arguments: str, **env: str) -> str:
        done = self.run(*arguments, **env)
        assert done.returncode == 1, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return " ".join(done.stderr.split())

    @contextmanager
    def place(self) -> Iterator[Place]:
        server = None if self.url else EmbeddedPostgres(self.data)
        if server:
            server.enter()
        try:
            yield Place.of(self.data, self.url)
        finally:
            if server:
                server.leave()

    def contents(self) -> dict[str, str]:
        with self.place() as place:
            return contents(place)

    def execute(self, statement: str) -> None:
        with self.place() as place, place.connected() as connection:
            connection.execute(statement)

    def fill(self) -> None:
        """A working day: cases, pictures, pushes and sealed data."""
        more = {"KESU_DATABASE_URL": self.url} if self.url else {}
        command = [sys.executable, "-m", "tests.operations.seed"]
        subprocess.run(command, env=environment(self.data, **more), check=True, capture_output=True)

    def ask(self, question: str) -> Any:
        """The one value that a question to the database gives."""
        with self.place() as place, place.connected() as connection:
            row = connection.execute(question).fetchone()  # type: ignore[arg-type]
        return row and row[0]

    def empty(self) -> None:
        """Nothing of Kesu's in the database any more."""
        self.execute("drop schema public cascade")
        self.execute("create schema public")
