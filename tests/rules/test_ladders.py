"""Several ladders: as JSON, which one a case climbs, and the step after a claim."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder import ClockFacts, decide, first_due, upcoming
from kesu.rules.ladder_steps import (
    Audience,
    ClockKind,
    Ladder,
    LadderError,
    LadderStep,
    StepTrigger,
    Target,
    TargetKind,
    ladder_problems,
)
from kesu.rules.ladders import LADDERS, LadderFormatError, LadderRule, choose, dump, parse

START = datetime(2026, 3, 20, 6, tzinfo=UTC)
DEFAULT = LADDERS["default"]
OVERDUE = [{"clock": clock, "overdue_every": "2h", "to": ["second"]} for clock in ("reply", "complete")]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def clock(done: tuple[str, ...] = (), claimed_at: datetime | None = None) -> ClockFacts:
    return ClockFacts(ClockKind.REPLY, START, at(24), done, claimed_at is not None, claimed_at)


class TestTheStepAfterAClaim:
    def test_a_claim_without_a_reply_calls_others_half_an_hour_later(self) -> None:
        claimed = clock(("after:0",), at(1))
        assert first_due(DEFAULT, claimed) == at(1.5)
        decision = decide(DEFAULT, claimed, at(1.5))
        assert decision.step is not None
        assert (decision.key, decision.step.audience) == ("claimed:30m@20260320T073000Z", Audience.SECOND)

    def test_it_speaks_once_a_claim(self) -> None:
        first = decide(DEFAULT, clock(("after:0",), at(1)), at(1.5))
        assert decide(DEFAULT, clock(first.done, at(1)), at(5)).key is None
        assert decide(DEFAULT, clock(first.done, at(3)), at(3.5)).key == "claimed:30m@20260320T093000Z"

    def test_what_was_done_before_it_stays_done_when_the_case_is_released(self) -> None:
        done = decide(DEFAULT, clock(("before:12h",), at(12.5)), at(13)).done
        assert done == ("before:12h", "claimed:30m@20260320T190000Z")
        assert decide(DEFAULT, clock(done), at(14)).key is None

    def test_without_a_claim_it_does_not_exist(self) -> None:
        assert "claimed:30m" not in {step.key for _, step in upcoming(DEFAULT, clock(), at(100))}

    def test_a_claim_kept_into_a_new_round_counts_from_the_round(self) -> None:
        early = clock(("after:0",), at(-10))
        assert first_due(DEFAULT, early) == at(0.5)

    def test_a_fraction_of_a_second_does_not_make_it_speak_twice(self) -> None:
        claimed = clock(("after:0",), at(1) + timedelta(microseconds=700))
        due = first_due(DEFAULT, claimed)
        done = decide(DEFAULT, claimed, due).done
        assert decide(DEFAULT, clock(done, claimed.claimed_at), due + timedelta(seconds=1)).key is None

    def test_it_may_stand_anywhere_in_the_list(self) -> None:
        step = LadderStep(ClockKind.REPLY, StepTrigger.AFTER_CLAIM, timedelta(minutes=10))
        assert ladder_problems((step, *DEFAULT.steps)) == ()


class TestUpcoming:
    def test_it_is_what_a_punctual_worker_would_send(self) -> None:
        found = [
            ((moment - START) / timedelta(hours=1), step.key) for moment, step in upcoming(DEFAULT, clock(), at(26))
        ]
        assert found == [
            (0, "after:0"),
            (0.25, "after:15m"),
            (12, "before:12h"),
            (20, "before:4h"),
            (23, "before:1h"),
            (24, "overdue"),
            (26, "overdue"),
        ]


class TestWhichLadder:
    RULES = (
        LadderRule("vip", mchids=frozenset({"1900000001"})),
        LadderRule("important", kinds=frozenset({"high_risk", "REFUND"})),
    )

    @pytest.mark.parametrize(
        ("mchids", "kinds", "expected"),
        [
            (["1900000001"], [], "vip"),
            (["1900000109", "1900000001"], ["high_risk"], "vip"),
            (["1900000002"], ["REFUND"], "important"),
            (["1900000002"], ["repeat"], "default"),
        ],
    )
    def test_the_first_rule_that_fits_counts(self, mchids: list[str], kinds: list[str], expected: str) -> None:
        assert choose(self.RULES, mchids, kinds) == expected

    def test_both_merchant_and_kind_must_fit(self) -> None:
        rule = LadderRule("x", mchids=frozenset({"1"}), kinds=frozenset({"repeat"}))
        assert [
            choose((rule,), [mchid], kinds) for mchid, kinds in (("1", []), ("2", ["repeat"]), ("1", ["repeat"]))
        ] == [
            "default",
            "default",
            "x",
        ]


class TestTheFormat:
    @pytest.mark.parametrize("name", sorted(LADDERS))
    def test_a_built_in_ladder_can_be_written_and_read_again(self, name: str) -> None:
        assert parse(name, dump(LADDERS[name])) == LADDERS[name]

    def test_steps_to_a_robot_a_person_and_a_rota(self) -> None:
        given_steps = [
            {"clock": "reply", "after": "10m", "to": ["on_duty", "rota:night", "robot:老板群"], "only_unclaimed": True},
            {"clock": "reply", "before": "4h", "to": "person:xiaowang", "mention": False, "urgency": "urgent"},
            *OVERDUE,
        ]
        first, second, *_ = parse("mine", given_steps).steps
        assert first.people == (Target(TargetKind.ROTA, "night"),)
        assert (first.audience, first.robots, first.only_unclaimed) == (Audience.ON_DUTY, ("老板群",), True)
        assert (second.audience, second.people) == (Audience.NAMED, (Target(TargetKind.PERSON, "xiaowang"),))
        assert (second.mention, second.urgency) == (False, UrgencyClass.URGENT)

    @pytest.mark.parametrize(
        ("step", "problem"),
        [
            ({"clock": "reply"}, "exactly one of"),
            ({"clock": "reply", "after": "1h", "before": "1h"}, "exactly one of"),
            ({"clock": "reply", "after": "soon"}, "no time"),
            ({"clock": "lunch", "after": "1h"}, "lunch"),
            ({"clock": "reply", "before": "0m"}, "at least one minute"),
            ({"clock": "reply", "after": "1h", "to": ["everybody"]}, "to holds"),
            ({"clock": "reply", "after": "1h", "to": ["on_duty", "second"]}, "to holds"),
            ({"clock": "reply", "after": "1h", "to": 7}, "to must be"),
            ({"clock": "reply", "after": "1h", "loud": True}, "unknown: loud"),
            ({"clock": "reply", "after": "1h", "mention": "yes"}, "mention must be"),
            ({"clock": "reply", "after": "1h", "urgency": "max"}, "max"),
            ("reply", "must be an object"),
        ],
    )
    def test_what_is_no_step_is_refused_with_its_place(self, step: object, problem: str) -> None:
        with pytest.raises(LadderFormatError, match=f"step 2: .*{problem}"):
            parse("mine", [OVERDUE[0], step])

    def test_a_ladder_that_would_fall_silent_is_refused(self) -> None:
        with pytest.raises(LadderError, match="not_repeating"):
            parse("mine", [OVERDUE[0]])

    @pytest.mark.parametrize("name", ["", "two words", "x" * 41])
    def test_a_name_is_short_and_without_spaces(self, name: str) -> None:
        with pytest.raises(LadderFormatError, match="name"):
            parse(name, OVERDUE)

    @given(
        after=st.lists(st.integers(0, 5000), unique=True).map(sorted),
        before=st.lists(st.integers(1, 5000), unique=True).map(lambda found: sorted(found, reverse=True)),
        audience=st.sampled_from(list(Audience)),
        people=st.lists(
            st.builds(Target, st.sampled_from(list(TargetKind)), st.text("abc张三:", min_size=1)), min_size=1
        ),
        robots=st.lists(st.text("群ab: ", min_size=1).map(str)),
        flags=st.tuples(st.booleans(), st.booleans()),
        urgency=st.sampled_from(list(UrgencyClass)),
    )
    def test_whatever_can_be_a_ladder_survives_being_written(
        self,
        after: list[int],
        before: list[int],
        audience: Audience,
        people: list[Target],
        robots: list[str],
        flags: tuple[bool, bool],
        urgency: UrgencyClass,
    ) -> None:
        steps = [
            LadderStep(
                ClockKind.REPLY, trigger, timedelta(minutes=m), audience, *flags, urgency, tuple(people), tuple(robots)
            )
            for trigger, minutes in ((StepTrigger.AFTER_START, after), (StepTrigger.BEFORE_DEADLINE, before))
            for m in minutes
        ]
        ladder = Ladder("drawn", (*steps, *parse("o", OVERDUE).steps))
        assert parse("drawn", dump(ladder)) == ladder
