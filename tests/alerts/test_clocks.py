"""Raising many clocks: in bulk, by several workers at once, each clock once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from kesu.alerts import services
from kesu.alerts.models import Clock, Message
from kesu.complaints.models import Complaint

from .conftest import START, Desk


def armed(desk: Desk, count: int) -> None:
    """Complaints whose reply clock is due 12 hours after START."""
    rows = [
        Complaint(
            account=desk.account,
            complaint_id=f"{number}",
            state="PENDING",
            complaint_time=START,
            raw="{}",
            answered_at=START,
            version=1,
            history_read_at=START,
            open=True,
            replied=False,
            reply_due_at=START + timedelta(hours=24),
            complete_due_at=START + timedelta(hours=72),
            next_due_at=START + timedelta(hours=24),
            first_seen_at=START,
        )
        for number in range(count)
    ]
    Complaint.objects.bulk_create(rows)
    Clock.objects.bulk_create(
        Clock(
            complaint=row,
            round_number=1,
            kind="reply",
            started_at=START,
            deadline_at=row.reply_due_at,
            done_steps=["after:15m"],
            due_at=START + timedelta(hours=12),
        )
        for row in rows
    )


def test_raising_costs_the_same_few_queries_for_one_clock_and_for_fifty(desk: Desk) -> None:
    desk.channel()
    desk.another_channel()
    armed(desk, 51)
    later = START + timedelta(hours=12)
    with CaptureQueriesContext(connection) as one:
        assert services.raise_due_clocks(now=later, limit=1) == 1
    with CaptureQueriesContext(connection) as fifty:
        assert services.raise_due_clocks(now=later, limit=50) == 50
    assert len(fifty) == len(one)
    assert Message.objects.count() == 102
    assert services.raise_due_clocks(now=later) == 0


def test_several_workers_raise_each_clock_once(desk: Desk) -> None:
    desk.channel()
    armed(desk, 120)
    later = START + timedelta(hours=12)

    def work(_: int) -> int:
        try:
            return sum(iter(lambda: services.raise_due_clocks(now=later, limit=10), 0))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(work, range(4)))
    assert sum(counts) == 120
    assert Message.objects.count() == 120


def test_a_case_whose_snapshot_is_being_recorded_is_left_for_the_next_tick(desk: Desk) -> None:
    desk.channel()
    armed(desk, 2)
    later = START + timedelta(hours=12)

    def work() -> int:
        try:
            return services.raise_due_clocks(now=later)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        Complaint.objects.select_for_update().get(complaint_id="0")
        assert pool.submit(work).result(timeout=20) == 1
    assert services.raise_due_clocks(now=later) == 1


def test_a_clock_is_either_running_or_stopped(desk: Desk) -> None:
    armed(desk, 1)
    with pytest.raises(IntegrityError):
        Clock.objects.update(stopped_at=START)
