"""Databases for desks of their own: made with the current schema once a run, and copied.

What a first start does by itself is seen where no database is laid, such as in ``tests/cli/test_beside_serve.py``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kesu.config.database import EmbeddedPostgres, _give_to_server_user
from tests.processes import environment, kesu


def lay_database(data: Path) -> None:
    """Give a data directory that has none a database as the first `kesu migrate` leaves it; nothing else of a desk."""
    source, target = _prepared() / "postgres", data / "postgres"
    data.mkdir(parents=True, exist_ok=True)
    target.mkdir(mode=0o700)
    _give_to_server_user(target)
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)


@contextmanager
def database_of(data: Path) -> Iterator[EmbeddedPostgres]:
    """The server of ``data`` with such a database, kept running for the time of the block."""
    lay_database(data)
    server = EmbeddedPostgres(data)
    server.enter()
    try:
        yield server
    finally:
        server.leave()


def _prepared() -> Path:
    """Shared by the parallel workers of a run, as their KESU_DATA is: who comes first makes it."""
    run = Path(os.environ["KESU_DATA"])
    made = run / "prepared"
    with (run / "prepared.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            making = run / "preparing"
            shutil.rmtree(making, ignore_errors=True)
            subprocess.run(kesu("migrate"), env=environment(making), check=True, capture_output=True)
            making.rename(made)
    return made
