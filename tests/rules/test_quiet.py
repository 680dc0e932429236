"""Quiet hours hold and deliver."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.digest import URGENT_WITHIN, share_of
from kesu.rules.escalations import UrgencyClass
from kesu.rules.quiet import QuietHours, held_until, parse, quiet_until

EVENING = datetime(2026, 11, 23, 15, tzinfo=UTC)  # 23:00 in Beijing
MORNING = datetime(2026, 11, 24, 0, tzinfo=UTC)  # 08:00
NIGHT = parse("22:00-08:00")

minutes = st.integers(0, 1439)
spans = st.tuples(minutes, minutes).filter(lambda span: span[0] != span[1]).map(lambda span: QuietHours(*span))
EARLY, LATE = (datetime(year, 1, 1) for year in (2020, 2030))  # noqa: DTZ001 - hypothesis adds the zone
moments = st.datetimes(timezones=st.just(UTC), min_value=EARLY, max_value=LATE)


def test_a_night_ends_in_the_morning() -> None:
    assert quiet_until(NIGHT, EVENING) == MORNING
    assert quiet_until(NIGHT, MORNING - timedelta(minutes=1)) == MORNING
    assert quiet_until(NIGHT, MORNING) is None
    assert quiet_until(parse("12:00-13:30"), datetime(2026, 11, 23, 4, tzinfo=UTC)) == datetime(
        2026, 11, 23, 5, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["22-8", "22:00", "25:00-08:00", "22:60-08:00", "22:00-22:00", "２２:00-08:00"])
def test_other_writings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="22:00-08:00"):
        parse(text)


@given(hours=spans, at=moments)
def test_quiet_hours_end_within_a_day_and_are_over_then(hours: QuietHours, at: datetime) -> None:
    assert parse(str(hours)) == hours
    end = quiet_until(hours, at)
    if end is not None:
        assert at < end <= at + timedelta(days=1)
        assert quiet_until(hours, end) is None


def test_a_new_complaint_of_the_evening_waits_until_morning() -> None:
    assert held_until([NIGHT], "normal", EVENING + timedelta(hours=24), EVENING) == MORNING


def test_nothing_urgent_waits() -> None:
    assert held_until([NIGHT], "urgent", EVENING + timedelta(hours=24), EVENING) is None
    assert held_until([NIGHT], "normal", EVENING + timedelta(hours=5), EVENING) is None


def test_a_message_goes_at_the_latest_when_its_case_has_six_hours_left() -> None:
    deadline = EVENING + timedelta(hours=10)
    assert held_until([NIGHT], "normal", deadline, EVENING) == deadline - URGENT_WITHIN


def test_one_awake_person_is_enough_and_without_any_nothing_waits() -> None:
    assert held_until([NIGHT, None], "normal", None, EVENING) is None
    assert held_until([], "normal", None, EVENING) is None
    assert held_until([NIGHT, parse("22:00-07:00")], "normal", None, EVENING) == MORNING - timedelta(hours=1)


@given(
    quiet=st.lists(st.none() | spans, max_size=4),
    urgency=st.sampled_from(list(UrgencyClass)),
    left=st.none() | st.floats(-50, 100),
    at=moments,
)
def test_whatever_waits_is_delivered_within_a_day_and_before_it_is_urgent(
    quiet: list[QuietHours | None], urgency: UrgencyClass, left: float | None, at: datetime
) -> None:
    deadline = at + timedelta(hours=left) if left is not None else None
    until = held_until(quiet, urgency, deadline, at)
    if until is not None:
        assert at < until <= at + timedelta(days=1)
        assert share_of(urgency, deadline, until - timedelta(microseconds=1)) is not UrgencyClass.URGENT
