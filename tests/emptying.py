"""How tests with transactions of their own leave the database: empty, as Django's `flush` would.

`flush` truncates some seventy tables, which makes a file for each of their indexes, and then makes the content types
and permissions again that it took: ten times the work of deleting the few rows that a test has written.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connections, transaction
from django.test import TransactionTestCase

# Written by migrations, the same at any time; no test changes them.
KEPT = ("django_content_type", "auth_permission")
# As a replica: neither foreign keys nor the audit's triggers, which refuse deletion, are asked.
DELETE_EVERYTHING = """
do $$
declare filled text;
begin
  set local session_replication_role = replica;
  foreach filled in array '{%s}'::text[] loop
    execute 'delete from ' || quote_ident(filled);
  end loop;
end $$
"""


def delete_instead_of_flush() -> None:
    """From now on tests with transactions of their own end with `empty` in place of Django's `flush`."""
    ends: Any = TransactionTestCase

    def end(case: Any) -> None:
        for alias in case._databases_names(include_mirrors=False):
            empty(alias)

    ends._fixture_teardown = end


def empty(alias: str) -> None:
    """Delete every row of every model's table but ``KEPT``; sequences count on."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(DELETE_EVERYTHING % ",".join(_tables(alias)))


@cache
def _tables(alias: str) -> list[str]:
    tables = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*tables} - {*KEPT})
