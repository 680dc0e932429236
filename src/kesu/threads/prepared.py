"""What loops ask every second, compiled once: Django writes such a query longer than PostgreSQL takes to answer it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakSet

from django.db import connection
from django.db.models import QuerySet

_MOMENT = datetime(9000, 1, 1, tzinfo=UTC)
"""Stands for the moment while the query is compiled."""


class Prepared:
    """The first value that ``rows`` finds at a moment, or None.

    ``rows(now)`` is a query of one column. What it compares with is fixed, but for ``now``, which it uses as it is;
    anything reckoned from it raises ValueError.
    """

    known: ClassVar[WeakSet[Prepared]] = WeakSet()
    """All there are: a test looks at the plan of each."""

    def __init__(self, rows: Callable[[datetime], QuerySet[Any, Any]]) -> None:
        self._rows = rows
        self.known.add(self)

    def __call__(self, now: datetime) -> Any:
        statement, given = self.compiled
        with connection.cursor() as cursor:
            cursor.execute(statement, [now if one is _MOMENT else one for one in given])
            found = cursor.fetchone()
        return found[0] if found else None

    @cached_property
    def compiled(self) -> tuple[str, list[Any]]:
        """The statement and what is given to it, a stand-in for the moment among them."""
        statement, given = self._rows(_MOMENT)[:1].query.sql_with_params()
        values = [_MOMENT if one == _MOMENT else one for one in given]
        if any(isinstance(one, datetime) and one is not _MOMENT for one in values):
            raise ValueError("a prepared query uses its moment as it is")
        return statement, values


def waiting(rows: Callable[[datetime], QuerySet[Any, Any]]) -> Prepared:
    """Whether there is any: the primary key of one."""
    return Prepared(lambda now: rows(now).values_list("pk"))
