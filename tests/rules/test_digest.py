from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.budget import LIMIT, WINDOW
from kesu.rules.digest import (
    CALM_AFTER,
    DIGEST_EVERY,
    RESERVED,
    Mode,
    Plan,
    Rate,
    Robot,
    Waiting,
    free_at,
    may_mention,
    overloaded,
    plan,
    reserved,
    share_of,
)
from kesu.rules.escalations import UrgencyClass

NOW = datetime(2026, 3, 20, 6, tzinfo=UTC)
URGENT, NORMAL, SYSTEM = UrgencyClass.URGENT, UrgencyClass.NORMAL, UrgencyClass.SYSTEM
RATE = Rate()
ONE_BY_ONE = Mode()
DIGESTING = Mode(since=NOW - timedelta(seconds=90), busy_at=NOW - timedelta(seconds=30))

shares = st.sampled_from(list(UrgencyClass))
sends = st.lists(st.tuples(st.floats(0, 70), shares), max_size=18)


def robot(*sent: tuple[float, UrgencyClass], usable_at: datetime = NOW) -> Robot:
    """A robot that sent so many seconds ago."""
    return Robot(tuple((NOW - timedelta(seconds=ago), share) for ago, share in sent), usable_at)


def waiting(urgent: int = 0, normal: int = 0, system: int = 0, **alone: int) -> Waiting:
    cases = {URGENT: urgent, NORMAL: normal, SYSTEM: system}
    return Waiting(cases, {UrgencyClass(name): number for name, number in alone.items()})


def planned(load: Waiting, *robots: Robot, mode: Mode = ONE_BY_ONE, now: datetime = NOW) -> Plan:
    return plan(mode, load, robots or (robot((1, NORMAL)),), RATE, now)


class TestTheParts:
    def test_the_parts_are_the_whole(self) -> None:
        assert sum(RESERVED.values()) == LIMIT
        assert reserved(LIMIT) == RESERVED

    @given(limit=st.integers(3, 1000))
    def test_every_class_has_a_part_of_any_limit_that_can_be_divided(self, limit: int) -> None:
        assert sum(reserved(limit).values()) == limit
        assert min(reserved(limit).values()) >= 1

    @pytest.mark.parametrize(
        ("urgency", "hours_left", "expected"),
        [
            ("normal", 24, NORMAL),
            ("normal", 5.99, URGENT),
            ("normal", -3, URGENT),
            ("urgent", 70, URGENT),
            ("system", 1, SYSTEM),
            ("nonsense", 24, NORMAL),
        ],
    )
    def test_less_than_six_hours_left_is_urgent(self, urgency: str, hours_left: float, expected: UrgencyClass) -> None:
        assert share_of(urgency, NOW + timedelta(hours=hours_left), NOW) is expected
        assert share_of(urgency, None, NOW) is share_of(urgency, NOW + timedelta(days=9), NOW)

    def test_normal_messages_leave_room_for_the_others(self) -> None:
        assert free_at(robot(*[(1, NORMAL)] * 11), NORMAL, RATE, NOW, digesting=False) == NOW
        full = robot(*[(1, NORMAL)] * 12)
        assert free_at(full, NORMAL, RATE, NOW, digesting=False) == NOW + timedelta(seconds=59)
        assert free_at(full, URGENT, RATE, NOW, digesting=False) == NOW
        assert free_at(full, SYSTEM, RATE, NOW, digesting=False) == NOW

    def test_urgent_messages_may_use_the_normal_part_and_never_the_system_s(self) -> None:
        assert free_at(robot(*[(1, URGENT)] * 15), URGENT, RATE, NOW, digesting=False) == NOW
        assert free_at(robot(*[(1, URGENT)] * 16), URGENT, RATE, NOW, digesting=False) > NOW

    def test_while_digesting_urgent_messages_get_their_part_and_no_more(self) -> None:
        assert free_at(robot(*[(1, URGENT)] * 3), URGENT, RATE, NOW, digesting=True) == NOW
        assert free_at(robot(*[(1, URGENT)] * 4), URGENT, RATE, NOW, digesting=True) > NOW

    @given(sent=sends, share=shares, digesting=st.booleans(), limit=st.integers(1, 40), wait=st.floats(0, 90))
    def test_a_promised_instant_is_free_and_stays_free(
        self, sent: list[tuple[float, UrgencyClass]], share: UrgencyClass, digesting: bool, limit: int, wait: float
    ) -> None:
        rate = Rate(limit)
        at = free_at(robot(*sent), share, rate, NOW, digesting=digesting)
        later = at + timedelta(seconds=wait)
        assert free_at(robot(*sent), share, rate, later, digesting=digesting) == later

    @given(
        wishes=st.lists(st.tuples(st.floats(0, 300), shares, st.booleans()), max_size=120).map(sorted),
        limit=st.integers(3, 20),
    )
    def test_whoever_keeps_to_it_never_exceeds_the_limit_and_finds_the_urgent_part_free(
        self, wishes: list[tuple[float, UrgencyClass, bool]], limit: int
    ) -> None:
        sent: list[tuple[datetime, UrgencyClass]] = []
        for seconds, share, digesting in wishes:
            now = NOW + timedelta(seconds=seconds)
            if free_at(Robot(tuple(sent), now), share, Rate(limit), now, digesting=digesting) == now:
                sent.append((now, share))
            recent = Counter(one for when, one in sent if when > now - WINDOW)
            assert sum(recent.values()) <= limit
            if recent[URGENT] < reserved(limit)[URGENT]:
                assert free_at(Robot(tuple(sent), now), URGENT, Rate(limit), now, digesting=True) == now


class TestWhenToDigest:
    def test_twelve_normal_cases_fit_a_minute_and_thirteen_do_not(self) -> None:
        assert not overloaded(waiting(normal=12), RATE, 1)
        assert overloaded(waiting(normal=13), RATE, 1)
        assert overloaded(waiting(urgent=19), RATE, 1)

    def test_each_further_robot_of_a_group_carries_as_much_again(self) -> None:
        assert not overloaded(waiting(normal=24), RATE, 2)
        assert overloaded(waiting(normal=25), RATE, 2)

    def test_few_go_one_by_one(self) -> None:
        found = planned(waiting(normal=5))
        assert (found.mode.since, found.gather, NORMAL in found.one_by_one) == (None, False, True)

    def test_after_a_silence_the_first_goes_by_itself_however_many_wait(self) -> None:
        found = planned(waiting(normal=500), robot())
        assert (found.mode.since, found.gather, NORMAL in found.one_by_one) == (None, False, True)

    def test_too_many_become_one_at_once(self) -> None:
        found = planned(waiting(normal=13))
        assert (found.mode.since, found.gather, found.one_by_one) == (NOW, True, {URGENT})

    def test_the_next_digest_is_a_minute_later(self) -> None:
        mode = Mode(DIGESTING.since, DIGESTING.busy_at, NOW - timedelta(seconds=20))
        found = planned(waiting(normal=30), mode=mode)
        assert (found.gather, found.at) == (False, NOW + timedelta(seconds=40))
        assert planned(waiting(normal=30), mode=mode, now=NOW + timedelta(seconds=40)).gather

    def test_the_most_urgent_stay_out_of_a_digest_as_many_as_their_part(self) -> None:
        found = planned(waiting(urgent=9, normal=20), mode=DIGESTING)
        assert (found.kept, found.gather, URGENT in found.one_by_one) == (4, True, True)

    def test_a_single_case_is_its_own_message(self) -> None:
        found = planned(waiting(normal=1), mode=DIGESTING)
        assert (found.gather, NORMAL in found.one_by_one) == (False, True)

    def test_two_quiet_minutes_end_it(self) -> None:
        mode = Mode(NOW - timedelta(minutes=9), NOW - CALM_AFTER, NOW)
        assert planned(waiting(normal=5), mode=mode).mode == Mode(gathered_at=NOW)
        almost = Mode(mode.since, NOW - CALM_AFTER + timedelta(seconds=1), NOW)
        assert planned(waiting(normal=5), mode=almost).mode == almost

    def test_a_digest_calls_people_at_most_every_five_minutes(self) -> None:
        assert may_mention(None, NOW)
        assert not may_mention(NOW - timedelta(seconds=299), NOW)
        assert may_mention(NOW - timedelta(seconds=300), NOW)

    def test_robots_of_one_group_take_turns(self) -> None:
        found = planned(waiting(normal=2), robot((1, NORMAL), (2, NORMAL)), robot((3, NORMAL)))
        assert found.turns[NORMAL].robot == 1

    @given(
        load=st.builds(waiting, st.integers(0, 30), st.integers(0, 30), st.integers(0, 5)),
        sent=st.lists(sends, min_size=1, max_size=3),
        since=st.none() | st.floats(0, 200),
        gathered=st.none() | st.floats(0, 90),
    )
    def test_there_is_something_to_do_exactly_when_the_plan_says_so(
        self, load: Waiting, sent: list[list[tuple[float, UrgencyClass]]], since: float | None, gathered: float | None
    ) -> None:
        busy_at = NOW - timedelta(seconds=since) if since is not None else None
        mode = Mode(busy_at, busy_at, NOW - timedelta(seconds=gathered) if gathered is not None else None)
        robots = [robot(*one) for one in sent]
        found = plan(mode, load, robots, RATE, NOW)
        doable = found.gather or any(load.cases[share] for share in found.one_by_one)
        assert doable == (found.at is not None and found.at <= NOW)
        if found.at is not None and found.at > NOW:
            then = plan(found.mode, load, robots, RATE, found.at)
            assert then.gather or any(load.cases[share] for share in then.one_by_one)
        assert (found.at is None) == (sum(load.cases.values()) == 0)

    def test_digests_are_a_minute_apart(self) -> None:
        assert timedelta(seconds=60) == DIGEST_EVERY
