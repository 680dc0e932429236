"""The database counts the rates exactly as the rules do, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kesu.complaints import rates
from kesu.complaints.models import Complaint, Round
from kesu.rules.rates import CaseRecord, beijing_day, repeat_rate, timely_rate
from tests.factories import make_account

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

case = st.tuples(
    st.integers(0, 40 * 24),  # raised so many hours ago
    st.one_of(st.none(), st.integers(0, 100)),  # first round over so many hours later
    st.integers(1, 3),  # times
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(case, max_size=12))
def test_the_counts_agree_with_the_rules(cases):
    Complaint.objects.all().delete()
    account = make_account()
    records = [store(account, number, *one) for number, one in enumerate(cases)]
    counted = rates.of_merchant(account, "1900000001", now=NOW)
    today = beijing_day(NOW)
    assert counted.timely == timely_rate(records, today=today)
    assert counted.repeat == repeat_rate(records, today=today)


def store(account, number, hours_ago, done_after, times):
    raised = NOW - timedelta(hours=hours_ago)
    done = raised + timedelta(hours=done_after) if done_after is not None else None
    is_open = done is None and times == 1
    row = Complaint.objects.create(
        account=account,
        complaint_id=f"C{number}",
        complainted_mchid="1900000001",
        state="PENDING" if is_open else "PROCESSED",
        complaint_time=raised,
        user_complaint_times=times,
        raw="{}",
        answered_at=NOW,
        version=0,
        history_read_at=NOW,
        round_number=times,
        open=is_open,
        replied=not is_open,
        reply_due_at=raised,
        complete_due_at=raised,
        next_due_at=raised if is_open else None,
        first_seen_at=NOW,
    )
    Round.objects.create(
        complaint=row,
        number=1,
        started_at=raised,
        completed_at=done,
        reply_due_at=raised,
        complete_due_at=raised,
    )
    return CaseRecord(raised, done, first_round_over=times > 1 or not is_open, times=times)
