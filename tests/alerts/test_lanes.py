"""A robot's lane reads what waits for it, whatever waits for others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kesu.alerts import deliveries
from kesu.alerts.models import Message

from .conftest import Desk

OTHERS, EACH = 30, 20


def rows_read(plan: dict[str, Any]) -> Iterator[int]:
    """How many rows of messages each step of a plan looked at."""
    if plan.get("Relation Name") == "alerts_message":
        filtered = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        yield int((plan["Actual Rows"] + filtered) * plan["Actual Loops"])
    for inner in plan.get("Plans", ()):
        yield from rows_read(inner)


def test_a_claim_in_a_storm_reads_no_other_robots_messages(desk: Desk) -> None:
    """A storm begins when PostgreSQL still believes that nothing waits: the statistics here are of an empty table."""
    mine = desk.channel()
    for number in range(OTHERS):
        desk.another_channel(f"robot {number}")
    with connection.cursor() as cursor:
        cursor.execute("analyze alerts_message")
    for _ in range(EACH):
        desk.new()
    assert Message.objects.count() == EACH * (OTHERS + 1)
    with transaction.atomic(), CaptureQueriesContext(connection) as asked:
        assert deliveries.claim_next(mine.budget_key, now=desk.now) is not None
    looked = [query["sql"] for query in asked.captured_queries if query["sql"].lstrip()[:6].lower() == "select"]
    of_messages = [sql for sql in looked if "alerts_message" in sql]
    assert of_messages
    for sql in of_messages:
        with connection.cursor() as cursor:
            cursor.execute("explain (analyze, format json) " + sql)
            [(answer,)] = cursor.fetchall()
        plan = answer if isinstance(answer, list) else json.loads(answer)
        assert sum(rows_read(plan[0]["Plan"])) <= EACH, sql
