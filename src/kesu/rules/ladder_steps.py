"""What a ladder is made of, and which ladders are refused."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise

from kesu.rules.escalations import UrgencyClass

SHORTEST_REPEAT = timedelta(minutes=5)


class ClockKind(StrEnum):
    REPLY = "reply"
    COMPLETE = "complete"


class StepTrigger(StrEnum):
    AFTER_START = "after"
    BEFORE_DEADLINE = "before"
    OVERDUE_EVERY = "overdue"
    AFTER_CLAIM = "claimed"


class Audience(StrEnum):
    """on_duty: whoever claimed the case, else who is on duty. second: whom to call when the first did not act.
    named: only the people the step names."""

    ON_DUTY = "on_duty"
    SECOND = "second"
    NAMED = "named"


class TargetKind(StrEnum):
    PERSON = "person"
    ROTA = "rota"


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody a step calls: a person by the name to sign in with, or whoever is on call in a rota."""

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One step. `offset` counts from the start, back from the deadline, from a claim, or is the interval of overdue.

    A step after a claim speaks only while the clock runs: when nothing has followed the claim. `people` are called
    besides the audience, or alone where that is `named`. `robots` name the channels that carry it; empty: all.

    Raises ValueError for an offset that cannot be (negative, no time before the deadline, no interval) and for a step
    that calls nobody.
    """

    clock: ClockKind
    trigger: StepTrigger
    offset: timedelta
    audience: Audience = Audience.ON_DUTY
    only_unclaimed: bool = False
    mention: bool = True
    urgency: UrgencyClass = UrgencyClass.NORMAL
    people: tuple[Target, ...] = ()
    robots: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.audience is Audience.NAMED and not self.people:
            raise ValueError("A ladder step must call somebody.")
        at_once = self.trigger is StepTrigger.AFTER_START and not self.offset
        if self.offset < timedelta(minutes=1) and not at_once:
            raise ValueError("A ladder step needs an offset of at least one minute.")
        if self.offset.microseconds or self.offset.seconds % 60:
            raise ValueError("A ladder step's offset is whole minutes.")

    @property
    def key(self) -> str:
        """`after:0`, `after:15m`, `before:1h`, `claimed:30m`, `overdue`: unique within a clock of a valid ladder."""
        if self.trigger is StepTrigger.OVERDUE_EVERY:
            return self.trigger.value
        return f"{self.trigger.value}:{_short(self.offset)}"


@dataclass(frozen=True, slots=True)
class LadderProblem:
    """Why a ladder is refused. `code`: unreachable, unordered, duplicate, not_repeating, too_frequent."""

    code: str
    clock: ClockKind
    step: str


class LadderError(ValueError):
    """The ladder cannot be used."""

    def __init__(self, problems: Sequence[LadderProblem]) -> None:
        super().__init__("; ".join(f"{p.clock.value} {p.step}: {p.code}" for p in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Ladder:
    """A named ladder. Raises LadderError when built from steps that `ladder_problems` objects to."""

    name: str
    steps: tuple[LadderStep, ...]

    def __post_init__(self) -> None:
        if problems := ladder_problems(self.steps):
            raise LadderError(problems)

    def of(self, kind: ClockKind) -> tuple[LadderStep, ...]:
        return tuple(step for step in self.steps if step.clock is kind)


def ladder_problems(
    steps: Sequence[LadderStep], reachable: Collection[Audience] = tuple(Audience)
) -> tuple[LadderProblem, ...]:
    """What is wrong with `steps`; empty when nothing is.

    For each clock: steps in the order of time (after the start, before the deadline, overdue), no two alike, exactly
    one overdue step and that not more often than every five minutes, and no audience outside `reachable`.
    """
    return tuple(problem for kind in ClockKind for problem in _clock_problems(kind, steps, reachable))


def _short(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    if minutes % 60:
        return f"{minutes}m"
    return f"{minutes // 60}h" if minutes else "0"


def _clock_problems(
    kind: ClockKind, steps: Sequence[LadderStep], reachable: Collection[Audience]
) -> Iterator[LadderProblem]:
    mine = [step for step in steps if step.clock is kind]
    seen: set[str] = set()
    for step in mine:
        if step.audience not in reachable:
            yield LadderProblem("unreachable", kind, step.key)
        if step.key in seen:
            yield LadderProblem("duplicate", kind, step.key)
        seen.add(step.key)
    for earlier, later in pairwise(step for step in mine if step.trigger is not StepTrigger.AFTER_CLAIM):
        if _position(earlier) > _position(later):
            yield LadderProblem("unordered", kind, later.key)
    yield from _repeat_problems(kind, mine)


def _repeat_problems(kind: ClockKind, steps: Sequence[LadderStep]) -> Iterator[LadderProblem]:
    """A clock must not fall silent while the platform waits, and claiming a case must not silence it either."""
    repeats = [step for step in steps if step.trigger is StepTrigger.OVERDUE_EVERY]
    if not any(not step.only_unclaimed for step in repeats):
        yield LadderProblem("not_repeating", kind, StepTrigger.OVERDUE_EVERY.value)
    for step in repeats:
        if step.offset < SHORTEST_REPEAT:
            yield LadderProblem("too_frequent", kind, step.key)


def _position(step: LadderStep) -> tuple[int, timedelta]:
    order = list(StepTrigger).index(step.trigger)
    return order, -step.offset if step.trigger is StepTrigger.BEFORE_DEADLINE else step.offset
