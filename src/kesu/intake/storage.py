"""Whether what arrives can be stored, for ``/readyz`` and for the pages that say so when it cannot."""

from __future__ import annotations

import mmap
import shutil
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LEAST_FREE_BYTES = 32 * 1024 * 1024
"""Two segments of PostgreSQL's log: with less it may stop at any moment."""

DISK_FULL = "disk_full"
REFUSED = "refused"

# A new page of a new table is what a full disk refuses; an old page may have room for a while.
_PROBE = "create temporary table storage_probe on commit drop as select repeat('x', 1000) from generate_series(1, 100)"


class Storage:
    """What the answers of the receiver tell, and how much room the disk has.

    ``directory`` is where the embedded database lies; None when another machine keeps it. Processes forked from one
    share what it remembers.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._memory = mmap.mmap(-1, 1)

    @property
    def _refused(self) -> bool:
        return self._memory[0] == 1

    @_refused.setter
    def _refused(self, refused: bool) -> None:
        self._memory[0] = refused

    def watching(self, send: Send) -> Send:
        """Remember from the receiver's own answers whether notices are stored."""

        async def watched(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] in (204, 503):
                self._refused = message["status"] == 503
            await send(message)

        return watched

    def problem(self) -> str:
        """``disk_full``, ``refused`` (the last notice could not be stored) or nothing. Costs no query."""
        if self._directory is not None:
            try:
                if shutil.disk_usage(self._directory).free < LEAST_FREE_BYTES:
                    return DISK_FULL
            except OSError:
                return DISK_FULL
        return REFUSED if self._refused else ""

    def try_again(self) -> None:
        """After a refusal, write something, so that a process that gets no notices any more finds out that it could.

        Raises django.db.Error while the database takes nothing.
        """
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_PROBE)
        except DatabaseError:
            self._refused = True
            raise
        self._refused = False


_storage: Storage | None = None


def storage() -> Storage:
    """This process's, and its children's."""
    global _storage
    if _storage is None:
        from django.conf import settings

        _storage = Storage(None if settings.CONFIGURATION.database_url else settings.KESU_DATA)
    return _storage
