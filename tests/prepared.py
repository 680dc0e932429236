"""Databases with the current schema: made once, kept beside pytest's own cache, and copied.

The run's own server and each desk of a test start from a copy. What a first start does by itself is seen where no
database is laid, such as in ``tests/cli/test_beside_serve.py``.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from kesu.config.database import EmbeddedPostgres, _give_to_server_user
from tests.processes import environment, kesu

ROOT = Path(__file__).parent.parent
KEPT = ROOT / ".pytest_cache"
SCHEMA = ("constraints.txt", "src/kesu/*/migrations/*.py", "src/kesu/*/models.py", "src/kesu/*/apps.py")
"""What the schema and the rows that migrations write depend on; beside these, what migrations import."""
IMPORTED = ("src/kesu/commands/starters.py", "src/kesu/vault/fields.py", "src/kesu/config/*.py", "tests/prepared.py")


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
    """Of this schema; who comes first makes it, parallel workers and other runs wait for it."""
    KEPT.mkdir(exist_ok=True)
    made = KEPT / f"database-{_schema()}"
    with (KEPT / "database.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in sorted(KEPT.glob("database-*"), key=lambda kept: kept.stat().st_mtime)[:-2]:
                shutil.rmtree(old)
            making = KEPT / "making-database"
            shutil.rmtree(making, ignore_errors=True)
            subprocess.run(kesu("migrate"), env=environment(making), check=True, capture_output=True)
            making.rename(made)
    return made


@cache
def _schema() -> str:
    """A digest of all that decides what `kesu migrate` leaves."""
    digest = hashlib.sha256(sys.version.encode())
    for pattern in SCHEMA + IMPORTED:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
