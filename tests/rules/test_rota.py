"""Who is on call: one person at every instant, whatever was swapped."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.deadlines import BEIJING
from kesu.rules.rota import (
    TURN,
    Override,
    Rota,
    RotaError,
    anchor,
    duties,
    joined,
    on_call,
    swapped,
    turn_start,
    without,
)

MONDAY = datetime(2026, 11, 23, 1, tzinfo=UTC)  # 09:00 in Beijing
TEAM = Rota(("a", "b", "c"), MONDAY)
WEEK = TURN

EARLY = datetime(2020, 1, 1)  # noqa: DTZ001 - hypothesis adds the zone
hours = st.integers(-3000, 3000)
members = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5, unique=True).map(tuple)
overrides = st.lists(
    st.builds(
        lambda person, start, length: Override(
            person, MONDAY + timedelta(hours=start), MONDAY + timedelta(hours=start + length)
        ),
        st.sampled_from("xyz"),
        hours,
        st.integers(1, 400),
    ),
    max_size=5,
).map(tuple)
rotas = st.builds(Rota, members, st.just(MONDAY), overrides)


def after(count: float) -> datetime:
    return MONDAY + timedelta(hours=count)


def test_members_take_turns_of_a_week() -> None:
    assert [on_call(TEAM, MONDAY + n * WEEK) for n in range(-1, 5)] == ["c", "a", "b", "c", "a", "b"]
    assert on_call(TEAM, MONDAY - timedelta(microseconds=1)) == "c"
    assert on_call(TEAM, MONDAY + WEEK - timedelta(microseconds=1)) == "a"


def test_an_override_counts_while_it_lasts_and_the_later_of_two() -> None:
    rota = Rota(TEAM.members, MONDAY, (Override("x", after(5), after(9)), Override("y", after(8), after(10))))
    assert [on_call(rota, after(n)) for n in (4, 5, 8, 9, 10)] == ["a", "x", "y", "y", "a"]


def test_nobody_is_on_call_in_a_rota_without_members() -> None:
    assert on_call(Rota((), MONDAY), MONDAY) is None
    assert duties(Rota((), MONDAY), MONDAY, after(10)) == []


@given(rota=rotas, at=hours)
def test_exactly_one_person_is_on_call_at_any_instant(rota: Rota, at: int) -> None:
    assert on_call(rota, after(at)) in {*rota.members, *(override.person for override in rota.overrides)}


@given(rota=rotas, start=hours, length=st.integers(1, 2000), offset=st.floats(0, 0.999_999))
def test_duties_cover_a_span_without_gap_or_overlap_and_agree_with_on_call(
    rota: Rota, start: int, length: int, offset: float
) -> None:
    found = duties(rota, after(start), after(start + length))
    assert (found[0].starts_at, found[-1].ends_at) == (after(start), after(start + length))
    assert all(one.ends_at == other.starts_at for one, other in pairwise(found))
    instant = after(start) + offset * timedelta(hours=length)
    [holder] = [duty for duty in found if duty.starts_at <= instant < duty.ends_at]
    assert holder.person == on_call(rota, instant)


@given(people=members, one=hours, other=hours)
def test_a_swap_exchanges_two_turns_and_touches_no_other(people: tuple[str, ...], one: int, other: int) -> None:
    rota = Rota(people, MONDAY)
    try:
        pair = swapped(rota, after(one), after(other))
    except RotaError:
        assert on_call(rota, after(one)) == on_call(rota, after(other))
        return
    changed = Rota(people, MONDAY, pair)
    assert on_call(changed, after(one)) == on_call(rota, after(other))
    assert on_call(changed, after(other)) == on_call(rota, after(one))
    weeks = [MONDAY + n * WEEK for n in range(-20, 20)]
    touched = {turn_start(rota, after(one)), turn_start(rota, after(other))}
    assert all(on_call(changed, week) == on_call(rota, week) for week in weeks if week not in touched)


def test_a_swap_with_oneself_is_refused() -> None:
    for rota, other, code in (
        (TEAM, 1, "same_turn"),
        (TEAM, 3 * 168, "same_person"),
        (Rota((), MONDAY), 200, "no_members"),
    ):
        with pytest.raises(RotaError) as caught:
            swapped(rota, MONDAY, after(other))
        assert caught.value.code == code


@given(rota=rotas, at=hours)
def test_whoever_joins_or_leaves_ends_nobody_elses_turn(rota: Rota, at: int) -> None:
    now = after(at)
    assert on_call(joined(rota, "new", now), now) == on_call(rota, now)
    for person in rota.members:
        smaller = without(rota, person, now)
        assert set(smaller.members) == set(rota.members) - {person}
        if len(rota.members) > 1 and on_call(rota, now) != person:
            assert on_call(smaller, now) == on_call(rota, now)


def test_a_new_member_s_first_turn_comes_after_everybody_else_s() -> None:
    rota = joined(TEAM, "new", MONDAY + WEEK)
    assert [on_call(rota, MONDAY + n * WEEK) for n in range(1, 6)] == ["b", "c", "a", "new", "b"]


@given(
    weekday=st.integers(1, 7),
    hour=st.integers(0, 23),
    at=st.datetimes(timezones=st.just(UTC), min_value=EARLY),
)
def test_turns_start_on_their_weekday_at_their_hour_in_beijing(weekday: int, hour: int, at: datetime) -> None:
    found = anchor(weekday, hour, at)
    local = found.astimezone(BEIJING)
    assert (local.isoweekday(), local.hour, local.minute) == (weekday, hour, 0)
    assert timedelta(0) <= at - found < WEEK


def test_a_turn_that_cannot_start_is_refused() -> None:
    for weekday, hour in ((0, 9), (8, 9), (1, 24), (1, -1)):
        with pytest.raises(ValueError, match="weekday"):
            anchor(weekday, hour, MONDAY)
    with pytest.raises(RotaError):
        Override("a", MONDAY, MONDAY)
