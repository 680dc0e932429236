from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder import ClockFacts, Decision, decide, dedupe_key, first_due
from kesu.rules.ladder_steps import Audience, ClockKind, Ladder, LadderError, LadderStep, StepTrigger, ladder_problems
from kesu.rules.ladders import LADDERS

DEFAULT = LADDERS["default"]
START = datetime(2026, 3, 20, 6, tzinfo=UTC)
OVERDUE = LadderStep(ClockKind.REPLY, StepTrigger.OVERDUE_EVERY, timedelta(hours=2), audience=Audience.SECOND)
OVERDUE_COMPLETE = LadderStep(ClockKind.COMPLETE, StepTrigger.OVERDUE_EVERY, timedelta(hours=2))


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def reply_clock(done: Sequence[str] = (), *, claimed: bool = False) -> ClockFacts:
    return ClockFacts(ClockKind.REPLY, START, at(24), done, claimed)


def complete_clock(done: Sequence[str] = ()) -> ClockFacts:
    return ClockFacts(ClockKind.COMPLETE, START, at(72), done)


def after(minutes: int, *, only_unclaimed: bool = False) -> LadderStep:
    return LadderStep(
        ClockKind.REPLY, StepTrigger.AFTER_START, timedelta(minutes=minutes), only_unclaimed=only_unclaimed
    )


def before(minutes: int) -> LadderStep:
    return LadderStep(ClockKind.REPLY, StepTrigger.BEFORE_DEADLINE, timedelta(minutes=minutes))


def run(clock: ClockFacts, until: datetime) -> list[tuple[float, str]]:
    """What a punctual worker sends up to `until`, as (hours from the start, key)."""
    sent = []
    moment = first_due(DEFAULT, clock)
    while moment <= until:
        decision = decide(DEFAULT, clock, moment)
        if decision.key:
            sent.append(((moment - START) / timedelta(hours=1), decision.key))
        clock = ClockFacts(clock.kind, clock.started_at, clock.deadline_at, decision.done, clock.claimed)
        moment = decision.next_due_at
    return sent


class TestTheDefaultLadder:
    def test_nobody_reacts_and_the_reply_clock_speaks_at_each_step_then_every_two_hours(self) -> None:
        assert run(reply_clock(), at(29)) == [
            (0, "after:0"),
            (0.25, "after:15m"),
            (12, "before:12h"),
            (20, "before:4h"),
            (23, "before:1h"),
            (24, "overdue:1"),
            (26, "overdue:2"),
            (28, "overdue:3"),
        ]

    def test_the_completion_clock_speaks_from_24_hours_left(self) -> None:
        assert run(complete_clock(), at(75)) == [
            (48, "before:24h"),
            (60, "before:12h"),
            (66, "before:6h"),
            (69, "before:3h"),
            (71, "before:1h"),
            (72, "overdue:1"),
            (74, "overdue:2"),
        ]

    def test_a_claimed_case_is_spared_the_unclaimed_step_only(self) -> None:
        keys = [key for _, key in run(reply_clock(claimed=True), at(25))]
        assert keys == ["after:0", "before:12h", "before:4h", "before:1h", "overdue:1"]

    def test_overdue_goes_to_the_second_person_urgently_and_everything_mentions(self) -> None:
        overdue = [step for step in DEFAULT.steps if step.trigger is StepTrigger.OVERDUE_EVERY]
        assert [(step.clock, step.audience, step.urgency) for step in overdue] == [
            (ClockKind.REPLY, Audience.SECOND, UrgencyClass.URGENT),
            (ClockKind.COMPLETE, Audience.SECOND, UrgencyClass.URGENT),
        ]
        assert all(step.mention for step in DEFAULT.steps)

    def test_steps_within_six_hours_of_the_deadline_are_urgent(self) -> None:
        urgent = {step.key for step in DEFAULT.steps if step.urgency is UrgencyClass.URGENT}
        assert urgent == {"before:6h", "before:4h", "before:3h", "before:1h", "overdue"}


class TestDecide:
    def test_before_the_start_nothing_is_due(self) -> None:
        decision = decide(DEFAULT, reply_clock(), at(-1))
        assert (decision.step, decision.next_due_at) == (None, START)

    def test_after_downtime_only_the_latest_step_is_sent_and_the_others_are_reported(self) -> None:
        decision = decide(DEFAULT, reply_clock(["after:0"]), at(20.5))
        assert (decision.key, decision.due_at) == ("before:4h", at(20))
        assert decision.skipped == ("after:15m", "before:12h")
        assert decision.next_due_at == at(23)

    def test_a_worker_that_slept_a_week_sends_one_message(self) -> None:
        decision = decide(DEFAULT, reply_clock(["before:1h"]), at(24 * 8 + 1))
        assert (decision.key, decision.skipped) == ("overdue:85", ("overdue:1-84",))
        assert decision.next_due_at == at(24 * 8 + 2)

    def test_one_overtaken_repeat_is_named_alone(self) -> None:
        assert decide(DEFAULT, reply_clock(["overdue:1"]), at(28)).skipped == ("overdue:2",)

    def test_repeats_overtaken_by_a_late_step_are_reported_too(self) -> None:
        late = Ladder("late", (after(27 * 60), OVERDUE, OVERDUE_COMPLETE))
        decision = decide(late, reply_clock(), at(27))
        assert (decision.key, decision.skipped) == ("after:27h", ("overdue:2", "overdue:1"))

    def test_a_step_that_is_done_is_not_sent_again_after_a_restart(self) -> None:
        first = decide(DEFAULT, reply_clock(), at(12))
        again = decide(DEFAULT, reply_clock(first.done), at(12))
        assert (first.key, again.key, again.done) == ("before:12h", None, first.done)

    def test_what_a_clock_stores_does_not_grow(self) -> None:
        assert decide(DEFAULT, reply_clock(["overdue:7"]), at(38)).done == ("overdue:8",)

    def test_keys_kept_by_a_caller_who_stores_the_skipped_ones_too_are_understood(self) -> None:
        kept = ["after:0", "after:15m", "before:12h", "overdue:1-84", "overdue:85", "a word of another version"]
        assert decide(DEFAULT, reply_clock(kept), at(24 * 8 + 1.5)).key is None

    def test_a_case_released_after_the_step_passed_is_announced_then(self) -> None:
        assert decide(DEFAULT, reply_clock(["after:0"], claimed=True), at(0.5)).key is None
        released = reply_clock(["after:0"])
        assert first_due(DEFAULT, released) == at(0.25)
        assert decide(DEFAULT, released, at(0.5)).key == "after:15m"

    def test_a_step_that_would_fall_before_the_start_does_not_exist(self) -> None:
        short = ClockFacts(ClockKind.REPLY, START, at(3), ["after:15m"])
        assert decide(DEFAULT, short, at(1)).key is None
        assert first_due(DEFAULT, short) == at(2)

    def test_a_clock_whose_deadline_passed_before_it_started_still_speaks(self) -> None:
        late = ClockFacts(ClockKind.REPLY, at(31), at(24))
        decision = decide(DEFAULT, late, at(31))
        assert (decision.key, decision.next_due_at) == ("after:0", at(31.25))
        following = decide(DEFAULT, ClockFacts(ClockKind.REPLY, at(31), at(24), decision.done), at(32))
        assert (following.key, following.next_due_at) == ("overdue:5", at(34))

    def test_a_done_step_of_an_earlier_deadline_does_not_silence_a_later_one(self) -> None:
        moved = ClockFacts(ClockKind.REPLY, START, at(48), ["before:1h"])
        assert decide(DEFAULT, moved, at(25)).key == "after:15m"
        assert decide(DEFAULT, moved, at(36)).key == "before:12h"

    def test_a_step_taken_off_the_ladder_stays_done(self) -> None:
        shorter = Ladder("shorter", (before(720), before(60), OVERDUE, OVERDUE_COMPLETE))
        assert decide(shorter, reply_clock(["before:4h"]), at(21)).key is None


class TestDedupeKeys:
    def test_the_step_at_once_is_the_message_of_the_event_that_opened_the_round(self) -> None:
        assert dedupe_key(1, ClockKind.REPLY, "after:0", START) == "new"
        assert dedupe_key(2, ClockKind.REPLY, "after:0", START) == "continued:2"

    def test_other_steps_name_round_clock_and_instant(self) -> None:
        assert dedupe_key(2, ClockKind.COMPLETE, "before:1h", at(71)) == "complete:2:before:1h@20260323T050000Z"

    def test_a_moved_deadline_makes_its_steps_new_messages(self) -> None:
        one = dedupe_key(1, ClockKind.REPLY, "overdue:1", at(24))
        assert one != dedupe_key(1, ClockKind.REPLY, "overdue:1", at(48))


class TestValidation:
    def problems(self, *steps: LadderStep) -> set[tuple[str, str]]:
        return {
            (p.code, p.step) for p in ladder_problems((*steps, OVERDUE_COMPLETE), (Audience.ON_DUTY, Audience.SECOND))
        }

    def test_the_default_ladder_has_no_problems(self) -> None:
        assert ladder_problems(DEFAULT.steps) == ()

    def test_steps_out_of_order_are_named(self) -> None:
        assert self.problems(before(60), before(240), OVERDUE) == {("unordered", "before:4h")}
        assert self.problems(before(60), after(15), OVERDUE) == {("unordered", "after:15m")}

    def test_the_same_step_twice_is_named(self) -> None:
        assert self.problems(before(60), before(60), OVERDUE) == {("duplicate", "before:1h")}

    def test_two_repeating_steps_in_one_clock_are_refused(self) -> None:
        assert self.problems(OVERDUE, OVERDUE) == {("duplicate", "overdue")}

    def test_an_audience_nobody_can_reach_is_named(self) -> None:
        found = ladder_problems(DEFAULT.steps, reachable=[Audience.ON_DUTY])
        assert [(p.code, p.clock, p.step) for p in found] == [
            ("unreachable", ClockKind.REPLY, "overdue"),
            ("unreachable", ClockKind.REPLY, "claimed:30m"),
            ("unreachable", ClockKind.COMPLETE, "overdue"),
        ]

    def test_a_clock_that_would_fall_silent_cannot_be_built(self) -> None:
        with pytest.raises(LadderError, match="not_repeating"):
            Ladder("silent", (before(60), OVERDUE_COMPLETE))

    def test_claiming_a_case_cannot_silence_overdue(self) -> None:
        spared = LadderStep(ClockKind.REPLY, StepTrigger.OVERDUE_EVERY, timedelta(hours=2), only_unclaimed=True)
        assert self.problems(spared) == {("not_repeating", "overdue")}

    def test_repeating_every_minute_is_refused(self) -> None:
        hasty = LadderStep(ClockKind.REPLY, StepTrigger.OVERDUE_EVERY, timedelta(minutes=1))
        assert self.problems(hasty) == {("too_frequent", "overdue")}

    @pytest.mark.parametrize("offset", [timedelta(hours=-1), timedelta(seconds=30), timedelta(minutes=1, seconds=1)])
    @pytest.mark.parametrize("trigger", list(StepTrigger))
    def test_an_offset_that_is_no_whole_positive_minute_cannot_be_built(
        self, trigger: StepTrigger, offset: timedelta
    ) -> None:
        with pytest.raises(ValueError, match="offset"):
            LadderStep(ClockKind.REPLY, trigger, offset)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    minutes = st.lists(st.integers(1, 3000), unique=True, max_size=5)
    steps = [after(m, only_unclaimed=draw(st.booleans())) for m in sorted(draw(minutes))]
    steps += [before(m) for m in sorted(draw(minutes), reverse=True)]
    repeat = timedelta(minutes=draw(st.integers(5, 600)))
    steps.append(LadderStep(ClockKind.REPLY, StepTrigger.OVERDUE_EVERY, repeat))
    if draw(st.booleans()):
        steps.insert(0, after(0))
    return Ladder("drawn", (*steps, OVERDUE_COMPLETE))


LIMITS = st.integers(1, 4000).map(lambda minutes: timedelta(minutes=minutes))
TICKS = st.lists(st.integers(0, 10_000), min_size=1, max_size=25).map(sorted)


def expected_occurrences(ladder: Ladder, clock: ClockFacts, now: datetime) -> dict[str, datetime]:
    """Every occurrence that exists up to `now`, written out the slow and plain way."""
    due: dict[str, datetime] = {}
    for step in ladder.of(clock.kind):
        if step.only_unclaimed and clock.claimed:
            continue
        if step.trigger is StepTrigger.AFTER_START:
            due[step.key] = clock.started_at + step.offset
        elif step.trigger is StepTrigger.BEFORE_DEADLINE:
            due[step.key] = clock.deadline_at - step.offset
        else:
            moment, number = clock.deadline_at, 1
            while moment <= now:
                due[f"overdue:{number}"] = moment
                moment, number = moment + step.offset, number + 1
    return {key: moment for key, moment in due.items() if clock.started_at <= moment <= now}


class TestUnderAnyTicking:
    @given(ladder=ladders(), limit=LIMITS, ticks=TICKS, claimed=st.booleans())
    def test_every_step_is_sent_at_most_once_and_the_newest_due_one_is_never_missed(
        self, ladder: Ladder, limit: timedelta, ticks: list[int], claimed: bool
    ) -> None:
        sent: list[str] = []
        done: tuple[str, ...] = ()
        for minute in ticks:
            now = START + timedelta(minutes=minute)
            clock = ClockFacts(ClockKind.REPLY, START, START + limit, done, claimed)
            decision = decide(ladder, clock, now)
            if decision.key is not None:
                sent.append(decision.key)
            expected = expected_occurrences(ladder, clock, now)
            newest = max(expected.values(), default=None)
            assert newest is None or newest in {expected[key] for key in sent if key in expected}
            done = decision.done
        assert len(sent) == len(set(sent))

    @given(ladder=ladders(), limit=LIMITS, ticks=TICKS, claimed=st.booleans())
    def test_each_occurrence_is_either_sent_or_reported_as_skipped(
        self, ladder: Ladder, limit: timedelta, ticks: list[int], claimed: bool
    ) -> None:
        accounted: list[str] = []
        done: tuple[str, ...] = ()
        for minute in ticks:
            clock = ClockFacts(ClockKind.REPLY, START, START + limit, done, claimed)
            decision = decide(ladder, clock, START + timedelta(minutes=minute))
            accounted += spelled_out(decision)
            done = decision.done
        now = START + timedelta(minutes=ticks[-1])
        clock = ClockFacts(ClockKind.REPLY, START, START + limit, (), claimed)
        assert sorted(accounted) == sorted(expected_occurrences(ladder, clock, now))

    @given(ladder=ladders(), limit=LIMITS, minute=st.integers(-100, 10_000), claimed=st.booleans())
    def test_the_next_due_instant_is_ahead_and_nothing_is_due_before_it(
        self, ladder: Ladder, limit: timedelta, minute: int, claimed: bool
    ) -> None:
        now = START + timedelta(minutes=minute)
        clock = ClockFacts(ClockKind.REPLY, START, START + limit, (), claimed)
        decision = decide(ladder, clock, now)
        assert decision.next_due_at > now
        later = ClockFacts(ClockKind.REPLY, START, START + limit, decision.done, claimed)
        assert decide(ladder, later, decision.next_due_at - timedelta(microseconds=1)).key is None
        assert decide(ladder, later, decision.next_due_at).due_at == decision.next_due_at

    @given(ladder=ladders(), limit=LIMITS, claimed=st.booleans())
    def test_the_first_due_instant_is_the_first_at_which_there_is_something_to_say(
        self, ladder: Ladder, limit: timedelta, claimed: bool
    ) -> None:
        clock = ClockFacts(ClockKind.REPLY, START, START + limit, (), claimed)
        first = first_due(ladder, clock)
        assert decide(ladder, clock, first).due_at == first
        assert decide(ladder, clock, first - timedelta(microseconds=1)).key is None


def spelled_out(decision: Decision) -> list[str]:
    keys = [decision.key] if decision.key else []
    for key in decision.skipped:
        first, dash, last = key.removeprefix("overdue:").partition("-")
        keys += [f"overdue:{n}" for n in range(int(first), int(last) + 1)] if dash else [key]
    return keys
