"""How much room the database takes."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Sizes:
    """Bytes: of the whole database, and of each table with its indexes, largest first."""

    database: int
    tables: list[tuple[str, int]]


def sizes() -> Sizes:
    with connection.cursor() as cursor:
        cursor.execute("select pg_database_size(current_database())")
        database = cursor.fetchone()[0]
        cursor.execute(
            "select relname, pg_total_relation_size(oid) from pg_class"
            " where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 2 desc, 1"
        )
        return Sizes(database, list(cursor.fetchall()))


def megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"
