"""Telling a database that is in trouble from a database that refuses a row."""

from __future__ import annotations

import django.db
import psycopg

# Connections (08), dead-locks (40), no room, memory or connection left (53), shutting down or starting (57P), files
# that cannot be read or written (58), a standby that takes no writes yet (25006): PostgreSQL's appendix A, error codes.
_OURS = ("08", "40", "53", "57P", "58", "25006")
DISK_FULL = "53100"


def database_in_trouble(error: BaseException) -> bool:
    """Whether it would have met any other row as well: the connection was cut, the disk is full, the server restarts.

    Then nothing is wrong with what was being stored, and the same will pass later. Takes Django's errors and psycopg's.
    """
    if not isinstance(error, django.db.Error | psycopg.Error):
        return False
    if isinstance(error, django.db.InterfaceError | psycopg.InterfaceError):
        return True
    state = sqlstate(error)
    if state is None:
        return isinstance(error, django.db.OperationalError | psycopg.OperationalError)
    return state.startswith(_OURS)


def sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's own code of an error; None when it did not come from the server."""
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    return cause.sqlstate if isinstance(cause, psycopg.Error) else None
