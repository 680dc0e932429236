"""The built-in ladders, ladders as JSON, and which ladder a case climbs."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kesu.rules.escalations import UrgencyClass
from kesu.rules.ladder_steps import Audience, ClockKind, Ladder, LadderStep, StepTrigger, Target, TargetKind

DEFAULT_LADDER = "default"

CASE_KINDS = ("repeat", "high_risk", "immediate_service", "platform_service")
"""What a case may be besides its problem type (REFUND, ...)."""

CLAIM_WITHOUT_FOLLOWING = timedelta(minutes=30)
"""How long a claim may stand without a reply before others are called (our own choice)."""

_WORDS = {
    StepTrigger.AFTER_START: "after",
    StepTrigger.BEFORE_DEADLINE: "before",
    StepTrigger.AFTER_CLAIM: "after_claim",
    StepTrigger.OVERDUE_EVERY: "overdue_every",
}
_FIELDS = {"clock", "to", "only_unclaimed", "mention", "urgency", *_WORDS.values()}
_DURATION = re.compile(r"(?P<amount>\d{1,4})(?P<unit>[mh])")
_NAME = re.compile(r"[\w.@+-]{1,40}")


class LadderFormatError(ValueError):
    """What was given is no ladder. `problems` are sentences that name the place."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class LadderRule:
    """`ladder` is for cases of any of `mchids` (all when empty) and any of `kinds` (CASE_KINDS or problem types)."""

    ladder: str
    mchids: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


def choose(rules: Sequence[LadderRule], mchids: Collection[str], kinds: Collection[str]) -> str:
    """The ladder of the first rule that fits a case, else the default.

    `mchids` are its merchant's number and that of the account it came through.
    """
    for rule in rules:
        if (not rule.mchids or rule.mchids & set(mchids)) and (not rule.kinds or rule.kinds & set(kinds)):
            return rule.ladder
    return DEFAULT_LADDER


def parse(name: str, data: object) -> Ladder:
    """A ladder from JSON: a list of steps such as

        {"clock": "reply", "before": "4h", "to": ["on_duty", "rota:night"], "urgency": "urgent"}

    with exactly one of after, before, after_claim and overdue_every (`15m`, `4h`, `0m`). `to` (default on_duty) holds
    on_duty or second, and person:NAME, rota:NAME, robot:CHANNEL. Raises LadderFormatError and LadderError.
    """
    problems: list[str] = []
    if not _NAME.fullmatch(name):
        problems.append(f"{name!r}: a ladder's name is up to 40 letters, digits and .@+-_")
    steps = []
    for number, given in enumerate(data if isinstance(data, list) else [None], start=1):
        try:
            steps.append(_step(given))
        except ValueError as error:
            problems.append(f"step {number}: {error}")
    if problems:
        raise LadderFormatError(problems)
    return Ladder(name, tuple(steps))


def opening_step(ladder: Ladder) -> LadderStep | None:
    """The reply clock's step at once: whom the event that opens a round is told to. None where a ladder has none."""
    steps = ladder.of(ClockKind.REPLY)
    return next((step for step in steps if step.trigger is StepTrigger.AFTER_START and not step.offset), None)


def dump(ladder: Ladder) -> list[dict[str, Any]]:
    """The JSON that `parse` reads."""
    return [_written(step) for step in ladder.steps]


def _step(given: object) -> LadderStep:
    if not isinstance(given, Mapping):
        raise ValueError("must be an object with clock and one of after, before, after_claim, overdue_every")
    if unknown := sorted(set(given) - _FIELDS):
        raise ValueError(f"unknown: {', '.join(map(str, unknown))}")
    triggers = [trigger for trigger, word in _WORDS.items() if word in given]
    if len(triggers) != 1:
        raise ValueError("needs exactly one of after, before, after_claim, overdue_every")
    audience, people, robots = _targets(given.get("to", ["on_duty"]))
    return LadderStep(
        clock=ClockKind(str(given.get("clock", ""))),
        trigger=triggers[0],
        offset=_duration(given[_WORDS[triggers[0]]]),
        audience=audience,
        only_unclaimed=_flag(given, "only_unclaimed", False),
        mention=_flag(given, "mention", True),
        urgency=UrgencyClass(str(given.get("urgency", UrgencyClass.NORMAL))),
        people=people,
        robots=robots,
    )


def _targets(given: object) -> tuple[Audience, tuple[Target, ...], tuple[str, ...]]:
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError("to must be a list of on_duty, second, person:NAME, rota:NAME, robot:CHANNEL")
    audiences = [word for word in words if word in (Audience.ON_DUTY, Audience.SECOND)]
    named = [word.partition(":") for word in words if word not in audiences]
    if len(audiences) > 1 or any(kind not in ("person", "rota", "robot") or not name for kind, _, name in named):
        raise ValueError("to holds one of on_duty and second at most, and person:NAME, rota:NAME, robot:CHANNEL")
    people = tuple(Target(TargetKind(kind), name) for kind, _, name in named if kind != "robot")
    robots = tuple(name for kind, _, name in named if kind == "robot")
    default = Audience.NAMED if people else Audience.ON_DUTY
    return Audience(audiences[0]) if audiences else default, people, robots


def _duration(given: object) -> timedelta:
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError(f"{given!r} is no time such as 15m or 4h")
    return int(found["amount"]) * (timedelta(minutes=1) if found["unit"] == "m" else timedelta(hours=1))


def _flag(given: Mapping[str, object], name: str, default: bool) -> bool:
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _written(step: LadderStep) -> dict[str, Any]:
    minutes = int(step.offset.total_seconds()) // 60
    time = f"{minutes // 60}h" if minutes and not minutes % 60 else f"{minutes}m"
    audience = [] if step.audience is Audience.NAMED else [str(step.audience)]
    return {
        "clock": str(step.clock),
        _WORDS[step.trigger]: time,
        "to": [*audience, *map(str, step.people), *(f"robot:{name}" for name in step.robots)],
        **({"only_unclaimed": True} if step.only_unclaimed else {}),
        **({} if step.mention else {"mention": False}),
        "urgency": str(step.urgency),
    }


def _steps_left(clock: ClockKind, hours_left: Sequence[int], urgent_from: int) -> Iterator[LadderStep]:
    for hours in hours_left:
        urgency = UrgencyClass.URGENT if hours <= urgent_from else UrgencyClass.NORMAL
        yield LadderStep(clock, StepTrigger.BEFORE_DEADLINE, timedelta(hours=hours), urgency=urgency)


def _overdue(clock: ClockKind, hours: int) -> LadderStep:
    return LadderStep(
        clock,
        StepTrigger.OVERDUE_EVERY,
        timedelta(hours=hours),
        audience=Audience.SECOND,
        urgency=UrgencyClass.URGENT,
    )


def _unclaimed(minutes: int, audience: Audience = Audience.ON_DUTY) -> LadderStep:
    offset = timedelta(minutes=minutes)
    return LadderStep(ClockKind.REPLY, StepTrigger.AFTER_START, offset, audience=audience, only_unclaimed=True)


def _after_claim(offset: timedelta) -> LadderStep:
    return LadderStep(ClockKind.REPLY, StepTrigger.AFTER_CLAIM, offset, audience=Audience.SECOND)


_AT_ONCE = LadderStep(ClockKind.REPLY, StepTrigger.AFTER_START, timedelta(0))

LADDERS: dict[str, Ladder] = {
    "default": Ladder(
        name="default",
        steps=(
            _AT_ONCE,
            _unclaimed(15),
            *_steps_left(ClockKind.REPLY, (12, 4, 1), urgent_from=6),
            _overdue(ClockKind.REPLY, 2),
            _after_claim(CLAIM_WITHOUT_FOLLOWING),
            *_steps_left(ClockKind.COMPLETE, (24, 12, 6, 3, 1), urgent_from=6),
            _overdue(ClockKind.COMPLETE, 2),
        ),
    ),
    "important": Ladder(
        name="important",
        steps=(
            _AT_ONCE,
            _unclaimed(5),
            _unclaimed(15, Audience.SECOND),
            *_steps_left(ClockKind.REPLY, (18, 12, 6, 3, 1), urgent_from=12),
            _overdue(ClockKind.REPLY, 1),
            _after_claim(CLAIM_WITHOUT_FOLLOWING / 2),
            *_steps_left(ClockKind.COMPLETE, (48, 24, 12, 6, 3, 1), urgent_from=12),
            _overdue(ClockKind.COMPLETE, 1),
        ),
    ),
}
"""The default is the seed article's "push again as 72 h nears", made concrete (our own choice, configurable);
`important` speaks earlier, more often, and sooner to a second person."""
