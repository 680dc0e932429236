"""及时处理率 and 重复投诉率 counted directly, and what one case does to them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.deadlines import BEIJING, PROFILES
from kesu.rules.rates import (
    REPEAT,
    TIMELY,
    CaseRecord,
    Denominator,
    Outcome,
    Rate,
    RateEffect,
    beijing_day,
    effect_of,
    repeat_rate,
    timely_rate,
    window,
)

TODAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=BEIJING)
WITH_LIMIT = replace(TIMELY, limit=9_500)


def raised(days_ago: int, *, done_after: float | None = None, over: bool = False, times: int = 1) -> CaseRecord:
    """A case raised at noon Beijing so many days ago, finished so many hours later."""
    start = NOON - timedelta(days=days_ago)
    done = None if done_after is None else start + timedelta(hours=done_after)
    return CaseRecord(start.astimezone(UTC), done, over, times)


def timely(*cases: CaseRecord, today: date = TODAY) -> Rate:
    return timely_rate(cases, today=today)


class TestTheWindow:
    @pytest.mark.parametrize(("days_ago", "counts"), [(34, 0), (33, 1), (20, 1), (4, 1), (3, 0), (0, 0)])
    def test_only_days_t_minus_33_to_t_minus_4_count(self, days_ago: int, counts: int) -> None:
        assert timely(raised(days_ago, done_after=1)).denominator == counts

    def test_a_day_is_a_beijing_day(self) -> None:
        # 16:30 UTC on 27 April is 00:30 on 28 April in Beijing: T-3, outside.
        late = CaseRecord(datetime(2026, 4, 27, 16, 30, tzinfo=UTC))
        assert timely(late).denominator == 0
        assert timely(replace(late, first_complained_at=late.first_complained_at - timedelta(hours=1))).denominator == 1

    def test_a_naive_instant_is_refused(self) -> None:
        with pytest.raises(ValueError):
            timely(CaseRecord(datetime(2026, 4, 20)))  # noqa: DTZ001

    def test_every_case_of_the_window_is_decided_when_the_day_begins(self) -> None:
        last_instant = datetime(2026, 4, 28, tzinfo=BEIJING) - timedelta(microseconds=1)
        assert beijing_day(last_instant) == window(TIMELY, TODAY)[1]
        for profile in PROFILES.values():
            midnight = datetime(2026, 5, 1, tzinfo=BEIJING)
            late = CaseRecord(last_instant, midnight)
            assert timely_rate([late], today=TODAY, definition=replace(TIMELY, deadlines=profile)).numerator == 0

    def test_a_window_that_ends_before_it_begins_is_refused(self) -> None:
        with pytest.raises(ValueError):
            replace(TIMELY, first_day_back=3)


class TestTimely:
    @pytest.mark.parametrize(
        ("case", "numerator"),
        [
            (raised(10, done_after=71.99), 1),
            (raised(10, done_after=72), 0),  # late from the very instant on
            (raised(10, done_after=200), 0),
            (raised(10), 0),  # still open
            (raised(10, done_after=5, times=3), 1),  # only the first round is asked
        ],
    )
    def test_a_case_counts_when_its_first_round_was_finished_within_72_hours(
        self, case: CaseRecord, numerator: int
    ) -> None:
        assert (timely(case).numerator, timely(case).denominator) == (numerator, 1)

    def test_the_calendar_profile_has_until_midnight_of_day_three(self) -> None:
        calendar = replace(TIMELY, deadlines=PROFILES["calendar"])
        case = raised(10, done_after=80)
        assert timely_rate([case], today=TODAY, definition=calendar).numerator == 1
        assert timely(case).numerator == 0

    def test_a_case_finished_at_an_unknown_time_counts_as_late_and_is_told_apart(self) -> None:
        rate = timely(raised(10, over=True), raised(10, done_after=1))
        assert (rate.numerator, rate.denominator, rate.undated) == (1, 2, 1)

    def test_no_case_is_no_rate(self) -> None:
        rate = timely()
        assert rate.fraction is None
        assert rate.basis_points is None
        assert rate.within_limit is None

    def test_a_rate_never_looks_better_than_it_is(self) -> None:
        two_of_three = timely(raised(10, done_after=1), raised(10, done_after=1), raised(10))
        assert two_of_three.fraction == Fraction(2, 3)
        assert two_of_three.basis_points == 6_666
        one_of_three = repeat_rate([raised(9, over=True, times=2), *[raised(9, over=True)] * 2], today=TODAY)
        assert one_of_three.basis_points == 3_334

    def test_without_a_limit_nothing_is_said_about_one(self) -> None:
        rate = timely(raised(10))
        assert rate.affordable is None
        assert rate.within_limit is None

    @pytest.mark.parametrize(("good", "late", "affordable"), [(100, 0, 5), (100, 5, 0), (200, 0, 10), (10, 0, 0)])
    def test_how_many_more_may_come_late(self, good: int, late: int, affordable: int) -> None:
        cases = [raised(10, done_after=1)] * good + [raised(10)] * late
        assert timely_rate(cases, today=TODAY, definition=WITH_LIMIT).affordable == affordable


class TestRepeat:
    def test_continued_cases_of_the_finished_ones(self) -> None:
        cases = [raised(10, done_after=1), raised(10, done_after=1, times=2), raised(10)]
        rate = repeat_rate(cases, today=TODAY)
        assert (rate.numerator, rate.denominator) == (1, 2)

    def test_or_of_all_raised_where_the_profile_says_so(self) -> None:
        cases = [raised(10, done_after=1), raised(10, done_after=1, times=2), raised(10)]
        rate = repeat_rate(cases, today=TODAY, definition=replace(REPEAT, denominator=Denominator.RAISED))
        assert (rate.numerator, rate.denominator) == (1, 3)

    def test_a_case_counts_once_however_often_it_was_continued(self) -> None:
        assert repeat_rate([raised(10, done_after=1, times=9)], today=TODAY).numerator == 1

    @pytest.mark.parametrize(("repeated", "room", "within"), [(0, 4, True), (4, 0, True), (5, 0, False)])
    def test_ten_percent_are_tolerated(self, repeated: int, room: int, within: bool) -> None:
        cases = [raised(10, done_after=1, times=2)] * repeated + [raised(10, done_after=1)] * (40 - repeated)
        rate = repeat_rate(cases, today=TODAY)
        assert rate.affordable == room
        assert rate.within_limit is within

    def test_a_small_sample_is_told(self) -> None:
        assert not repeat_rate([raised(10, done_after=1)] * 9, today=TODAY).sample_suffices
        assert repeat_rate([raised(10, done_after=1)] * 10, today=TODAY).sample_suffices


class TestTheEffectOfOneCase:
    rate = timely_rate([raised(10, done_after=1)] * 49, today=TODAY)

    def effect(self, case: CaseRecord, outcome: Outcome, rate: Rate | None = None) -> RateEffect | None:
        return effect_of(case, outcome, rate or self.rate, now=NOON)

    def test_letting_it_pass_takes_the_rate_down(self) -> None:
        effect = self.effect(raised(1), Outcome.OVERDUE)
        assert effect is not None
        assert (effect.before.basis_points, effect.after.basis_points) == (10_000, 9_800)

    def test_it_really_counts_from_day_4_to_day_33_after_it_was_raised(self) -> None:
        effect = self.effect(raised(1), Outcome.OVERDUE)
        assert effect is not None
        assert (effect.counts_from, effect.counts_until) == (date(2026, 5, 4), date(2026, 6, 2))

    def test_completing_it_in_time_adds_a_good_one(self) -> None:
        effect = self.effect(raised(1), Outcome.COMPLETED_NOW)
        assert effect is not None
        assert (effect.after.numerator, effect.after.denominator) == (50, 50)

    @pytest.mark.parametrize(
        ("case", "outcome"),
        [
            (raised(3), Outcome.COMPLETED_NOW),  # its 72 hours are over
            (raised(3), Outcome.OVERDUE),
            (raised(1, done_after=2), Outcome.COMPLETED_NOW),
            (raised(1, done_after=2, times=2), Outcome.OVERDUE),
            (raised(1, done_after=2), Outcome.REPEATED),  # a repeat takes nothing from the first round
        ],
    )
    def test_what_is_decided_changes_no_more(self, case: CaseRecord, outcome: Outcome) -> None:
        assert self.effect(case, outcome) is None

    def test_a_repeat_outside_the_window_is_added_to_it(self) -> None:
        rate = repeat_rate([raised(10, done_after=1)] * 19, today=TODAY)
        effect = self.effect(raised(1), Outcome.REPEATED, rate)
        assert effect is not None
        assert (effect.after.numerator, effect.after.denominator) == (1, 20)

    def test_a_repeat_inside_the_window_replaces_the_case(self) -> None:
        inside = raised(10, done_after=1)
        effect = self.effect(inside, Outcome.REPEATED, repeat_rate([inside] * 20, today=TODAY))
        assert effect is not None
        assert (effect.after.numerator, effect.after.denominator) == (1, 20)

    def test_a_second_repeat_changes_nothing(self) -> None:
        again = raised(10, done_after=1, times=2)
        assert self.effect(again, Outcome.REPEATED, repeat_rate([again] * 20, today=TODAY)) is None


MOMENTS = st.datetimes(datetime(2026, 3, 20), datetime(2026, 5, 2), timezones=st.just(UTC))  # noqa: DTZ001
HOURS = st.none() | st.integers(0, 120).map(lambda hours: timedelta(hours=hours))


@st.composite
def records(draw: st.DrawFn) -> CaseRecord:
    start, took = draw(MOMENTS), draw(HOURS)
    times = draw(st.integers(1, 3)) if took is not None else 1
    return CaseRecord(start, start + took if took is not None else None, draw(st.booleans()), times)


CASES = st.lists(records(), max_size=40)
DEFINITIONS = st.sampled_from([TIMELY, WITH_LIMIT, REPEAT, replace(REPEAT, denominator=Denominator.RAISED)])


class TestWhateverTheCases:
    @given(cases=CASES)
    def test_a_rate_lies_between_nothing_and_all(self, cases: list[CaseRecord]) -> None:
        for rate in (timely(*cases), repeat_rate(cases, today=TODAY)):
            assert 0 <= rate.numerator <= rate.denominator <= len(cases)
            assert rate.basis_points is None or 0 <= rate.basis_points <= 10_000

    @given(cases=CASES)
    def test_it_equals_a_naive_count(self, cases: list[CaseRecord]) -> None:
        days = {TODAY - timedelta(days=back) for back in range(4, 34)}
        mine = [case for case in cases if case.first_complained_at.astimezone(BEIJING).date() in days]
        good = [
            case
            for case in mine
            if case.first_completed_at and case.first_completed_at - case.first_complained_at < timedelta(hours=72)
        ]
        assert (timely(*cases).numerator, timely(*cases).denominator) == (len(good), len(mine))
        finished = [case for case in mine if case.first_round_over or case.first_completed_at]
        again = [case for case in mine if case.times > 1]
        rate = repeat_rate(cases, today=TODAY)
        assert (rate.numerator, rate.denominator) == (len(again), len(finished))

    @given(cases=CASES, days=st.integers(-30, 30))
    def test_moving_today_moves_the_window_by_as_much(self, cases: list[CaseRecord], days: int) -> None:
        moved = timedelta(days=days)
        later = [
            replace(
                case,
                first_complained_at=case.first_complained_at + moved,
                first_completed_at=case.first_completed_at and case.first_completed_at + moved,
            )
            for case in cases
        ]
        here, there = timely(*cases), timely(*later, today=TODAY + moved)
        assert (here.numerator, here.denominator) == (there.numerator, there.denominator)
        assert [day + moved for day in window(TIMELY, TODAY)] == list(window(TIMELY, TODAY + moved))

    @given(cases=CASES)
    def test_exactly_the_affordable_failures_keep_the_limit(self, cases: list[CaseRecord]) -> None:
        rate = timely_rate(cases, today=TODAY, definition=WITH_LIMIT)
        room = rate.affordable
        assert room is not None
        if rate.within_limit:
            assert replace(rate, denominator=rate.denominator + room).within_limit
            assert not replace(rate, denominator=rate.denominator + room + 1).within_limit
        else:
            assert room == 0

    @given(
        cases=CASES, case=records(), outcome=st.sampled_from(Outcome), definition=DEFINITIONS, later=st.integers(0, 99)
    )
    def test_an_effect_is_what_counting_again_gives(self, cases, case, outcome, definition, later) -> None:
        now = case.first_complained_at + timedelta(hours=later)
        first, last = window(definition, TODAY)
        rate = timely_rate([*cases, case], today=TODAY, definition=definition)
        effect = effect_of(case, outcome, rate, now=now)
        if effect is None or not first <= beijing_day(case.first_complained_at) <= last:
            return
        if outcome is Outcome.OVERDUE:
            ended = case
        else:
            times = case.times + (outcome is Outcome.REPEATED)
            ended = CaseRecord(case.first_complained_at, case.first_completed_at if case.over else now, True, times)
        again = timely_rate([*cases, ended], today=TODAY, definition=definition)
        assert (effect.after.numerator, effect.after.denominator) == (again.numerator, again.denominator)
