from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.deadlines import (
    BEIJING,
    DEFAULT_PROFILE,
    PROFILES,
    DeadlineProfile,
    Limit,
    LimitKind,
    Urgency,
    round_deadlines,
    split_duration,
    urgency,
)

INSTANTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2035, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BEIJING]),
)
ANY_PROFILE = st.sampled_from(sorted(PROFILES)).map(PROFILES.__getitem__)
FROM = datetime(2026, 3, 20, 14, 0, tzinfo=BEIJING)


def test_the_default_profile_is_the_rolling_one() -> None:
    assert DEFAULT_PROFILE == "rolling"
    assert {name: profile.name for name, profile in PROFILES.items()} == {"rolling": "rolling", "calendar": "calendar"}


def test_rolling_limits_of_a_complaint_at_20_march_14_00_are_21_march_14_00_and_23_march_14_00() -> None:
    due = round_deadlines(PROFILES["rolling"], FROM)
    assert due.reply_due_at == datetime(2026, 3, 21, 14, 0, tzinfo=BEIJING)
    assert due.complete_due_at == datetime(2026, 3, 23, 14, 0, tzinfo=BEIJING)


def test_calendar_limits_of_a_complaint_at_20_march_14_00_are_the_ends_of_21_and_23_march() -> None:
    due = round_deadlines(PROFILES["calendar"], FROM)
    assert due.reply_due_at == datetime(2026, 3, 22, 0, 0, tzinfo=BEIJING)
    assert due.complete_due_at == datetime(2026, 3, 24, 0, 0, tzinfo=BEIJING)


def test_the_calendar_day_is_the_beijing_day_not_the_utc_day() -> None:
    just_before_midnight = datetime(2026, 3, 20, 15, 59, 59, tzinfo=UTC)
    midnight = just_before_midnight + timedelta(seconds=1)
    profile = PROFILES["calendar"]
    assert round_deadlines(profile, just_before_midnight).reply_due_at == datetime(2026, 3, 21, 16, tzinfo=UTC)
    assert round_deadlines(profile, midnight).reply_due_at == datetime(2026, 3, 22, 16, tzinfo=UTC)


def test_calendar_limits_cross_a_month_a_leap_day_and_a_year() -> None:
    profile = PROFILES["calendar"]
    leap = round_deadlines(profile, datetime(2028, 2, 27, 9, tzinfo=BEIJING))
    assert leap.reply_due_at == datetime(2028, 2, 29, tzinfo=BEIJING)
    new_year = round_deadlines(profile, datetime(2026, 12, 30, 9, tzinfo=BEIJING))
    assert new_year.complete_due_at == datetime(2027, 1, 3, tzinfo=BEIJING)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        round_deadlines(PROFILES["rolling"], datetime(2026, 3, 20, 14))  # noqa: DTZ001 - the point of the test


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limit(LimitKind.ROLLING, 0)


def test_a_profile_of_ones_own_may_mix_the_two_kinds() -> None:
    mixed = DeadlineProfile("mixed", reply=Limit(LimitKind.ROLLING, 4), complete=Limit(LimitKind.CALENDAR, 2))
    due = round_deadlines(mixed, FROM)
    assert due.reply_due_at == FROM + timedelta(hours=4)
    assert due.complete_due_at == datetime(2026, 3, 23, tzinfo=BEIJING)


@given(profile=ANY_PROFILE, started_at=INSTANTS)
def test_deadlines_lie_after_the_start_in_order_and_are_utc(profile: DeadlineProfile, started_at: datetime) -> None:
    due = round_deadlines(profile, started_at)
    assert started_at < due.reply_due_at < due.complete_due_at
    assert due.reply_due_at.tzinfo is UTC
    assert due.complete_due_at.tzinfo is UTC


@given(profile=ANY_PROFILE, one=INSTANTS, other=INSTANTS)
def test_a_later_complaint_is_never_due_earlier(profile: DeadlineProfile, one: datetime, other: datetime) -> None:
    first, second = (round_deadlines(profile, instant) for instant in sorted([one, other]))
    assert first.reply_due_at <= second.reply_due_at
    assert first.complete_due_at <= second.complete_due_at


@given(started_at=INSTANTS)
def test_rolling_is_never_looser_than_calendar(started_at: datetime) -> None:
    rolling = round_deadlines(PROFILES["rolling"], started_at)
    calendar = round_deadlines(PROFILES["calendar"], started_at)
    assert rolling.reply_due_at <= calendar.reply_due_at <= rolling.reply_due_at + timedelta(hours=24)
    assert rolling.complete_due_at <= calendar.complete_due_at <= rolling.complete_due_at + timedelta(hours=24)


@given(profile=ANY_PROFILE, started_at=INSTANTS)
def test_the_zone_an_instant_is_written_in_changes_nothing(profile: DeadlineProfile, started_at: datetime) -> None:
    assert round_deadlines(profile, started_at) == round_deadlines(profile, started_at.astimezone(UTC))


@pytest.mark.parametrize(
    ("hours_left", "expected"),
    [
        (24.0, Urgency.NEUTRAL),
        (12.01, Urgency.NEUTRAL),
        (12.0, Urgency.AMBER),
        (6.0, Urgency.AMBER),
        (5.99, Urgency.RED),
        (0.01, Urgency.RED),
        (0.0, Urgency.OVERDUE),
        (-2.0, Urgency.OVERDUE),
    ],
)
def test_the_colour_of_a_24_hour_clock_follows_the_time_left(hours_left: float, expected: Urgency) -> None:
    due_at = FROM + timedelta(hours=24)
    assert urgency(FROM, due_at, due_at - timedelta(hours=hours_left)) is expected


def test_under_six_hours_is_red_even_when_more_than_half_of_a_short_limit_is_left() -> None:
    assert urgency(FROM, FROM + timedelta(hours=8), FROM + timedelta(hours=3)) is Urgency.RED


@given(started_at=INSTANTS, hours=st.integers(1, 200), moments=st.lists(st.integers(0, 1_000_000), min_size=2))
def test_the_colour_only_ever_gets_worse(started_at: datetime, hours: int, moments: list[int]) -> None:
    due_at = started_at + timedelta(hours=hours)
    seen = [urgency(started_at, due_at, started_at + timedelta(seconds=s)) for s in sorted(moments)]
    assert seen == sorted(seen, key=list(Urgency).index)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, (0, 0, 0)), (59.9, (0, 0, 0)), (11520, (0, 3, 12)), (108000, (1, 6, 0)), (-7200, (0, 2, 0))],
)
def test_a_duration_is_cut_down_to_whole_minutes(seconds: float, expected: tuple[int, int, int]) -> None:
    assert split_duration(seconds) == expected


@given(seconds=st.integers(-(10**7), 10**7))
def test_the_parts_of_a_duration_add_up_to_it(seconds: int) -> None:
    days, hours, minutes = split_duration(seconds)
    assert 0 <= hours < 24
    assert 0 <= minutes < 60
    assert 0 <= abs(seconds) - (days * 86400 + hours * 3600 + minutes * 60) < 60
