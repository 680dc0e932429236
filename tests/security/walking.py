"""Every address of the desk with its parameters filled in, and what a request changed in the database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")
_OF_A_PATTERN = re.compile(r"\\Z|[\^$]|(?<=/)\?")
NOWHERE = 999_999
ELSEWHERE = ("/api/", "/admin/", "/callbacks/")
"""What is not a page of the desk's own: for programs, Django's admin, and what WeCom calls."""


def routes() -> dict[str, URLPattern]:
    """Route to pattern, as the resolver has them."""

    def walk(patterns: list[Any], before: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, before + str(pattern.pattern))
            else:
                yield before + str(pattern.pattern), pattern

    return dict(walk(get_resolver().url_patterns, "/"))


def pages() -> list[str]:
    return [route for route in routes() if not route.startswith(ELSEWHERE)]


def filled(route: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    """The address of a route. ``values``: by the beginning of a route (the longest that fits), parameter to value;
    ``""`` holds what fits everywhere else. What is nowhere becomes a number of nothing."""
    known: dict[str, Any] = {}
    for start in sorted(values, key=len):
        if route.startswith(start):
            known |= values[start]
    address = _PARAMETER.sub(lambda found: str(known.get(found[1] or found[2], NOWHERE)), route)
    return _OF_A_PATTERN.sub("", address)


def everything_stored(*, beside: tuple[str, ...] = ()) -> dict[str, str]:
    """A hash of each table's rows. ``beside``: tables, and columns as ``table.column``, that may change."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in beside]
        hashes = {}
        for table in tables:
            left_out = [name.partition(".")[2] for name in beside if name.startswith(f"{table}.")]
            row = "(to_jsonb(t) - %s::text[])::text"
            cursor.execute(f"select md5(string_agg(md5({row}), '' order by {row})) from \"{table}\" t", [left_out] * 2)
            hashes[table] = cursor.fetchone()[0]
    return hashes
