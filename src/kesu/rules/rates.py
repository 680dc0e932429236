"""The merchant's rates: 及时处理率 and 重复投诉率, counted directly from cases. Definitions are data.

No archived official page gives a formula, a smallest sample or a threshold. The window T-33 .. T-4 and the tolerance
of 10 % are what merchants report; all the rest is an assumption. Every figure is a field of `RateDefinition`, to be
replaced by what a merchant's own 商户平台 shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction

from kesu.rules.deadlines import BEIJING, PROFILES, DeadlineProfile, require_aware, round_deadlines

WHOLE = 10_000
"""Basis points of one: 9820 is 98.20 %."""


class RateName(StrEnum):
    TIMELY = "timely"  # 及时处理率
    REPEAT = "repeat"  # 重复投诉率


class Numerator(StrEnum):
    FIRST_ROUND_IN_TIME = "first_round_in_time"
    REPEATED = "repeated"  # continued at least once; a case counts once however often


class Denominator(StrEnum):
    RAISED = "raised"  # every case raised in the window
    COMPLETED = "completed"  # those of them whose first round is over


class Direction(StrEnum):
    """On which side of the limit it is good to be; the limit itself is still good (assumption)."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class RateDefinition:
    """How a rate is counted.

    The window is the Beijing days T-`first_day_back` .. T-`last_day_back`, both included. `minimum_sample` is the
    smallest denominator that says anything. `limit` is in basis points, None where nobody has told it.
    `deadlines` says what in time means.
    """

    name: RateName
    numerator: Numerator
    denominator: Denominator
    direction: Direction
    limit: int | None
    source: str
    first_day_back: int = 33
    last_day_back: int = 4
    minimum_sample: int = 10
    deadlines: DeadlineProfile = PROFILES["rolling"]

    def __post_init__(self) -> None:
        if not 0 <= self.last_day_back <= self.first_day_back:
            raise ValueError("A window begins before it ends, and not in the future.")
        if self.limit is not None and not 0 < self.limit <= WHOLE:
            raise ValueError("A limit is more than 0 and at most 10000 basis points.")
        if self.minimum_sample < 1:
            raise ValueError("A sample has at least one case.")


TIMELY = RateDefinition(
    name=RateName.TIMELY,
    numerator=Numerator.FIRST_ROUND_IN_TIME,
    denominator=Denominator.RAISED,
    direction=Direction.AT_LEAST,
    limit=None,
    source="assumption: window as merchants report it; no page gives formula or threshold",
)
"""On day T every case of the window is decided: one raised late on T-4 was due before T began. No threshold is known,
so none is made up: enter the one that 商户平台 shows."""

REPEAT = RateDefinition(
    name=RateName.REPEAT,
    numerator=Numerator.REPEATED,
    denominator=Denominator.COMPLETED,
    direction=Direction.AT_MOST,
    limit=1_000,
    source="assumption: tolerance of 10 % as merchants report it; that the rate is a key metric says "
    "https://pay.weixin.qq.com/docs/merchant/apis/consumer-complaint/complaints/complete-complaint-v2.html",
)
"""Only a finished case can be repeated, so finished ones are the denominator: the stricter of the two readings."""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """What a rate needs of a case. Instants are aware.

    `first_completed_at` is None while the first round is open, and also where nothing visible tells its time; then
    `first_round_over` is the platform's word that it is over. `times` is `user_complaint_times`.
    """

    first_complained_at: datetime
    first_completed_at: datetime | None = None
    first_round_over: bool = False
    times: int = 1

    @property
    def over(self) -> bool:
        """The first round is finished: only a finished case can have been continued."""
        return self.first_round_over or self.first_completed_at is not None or self.times > 1


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate as counted for day `today` (a Beijing day). `undated`: cases in the denominator of the timely rate that
    are finished at an unknown time; they count as late, the stricter guess."""

    definition: RateDefinition
    today: date
    numerator: int
    denominator: int
    undated: int = 0

    @property
    def fraction(self) -> Fraction | None:
        """Exact; None without a case."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def basis_points(self) -> int | None:
        """Rounded to the worse side, so that a rate never looks better than it is; None without a case."""
        if not self.denominator:
            return None
        if self.definition.direction is Direction.AT_LEAST:
            return self.numerator * WHOLE // self.denominator
        return -(-self.numerator * WHOLE // self.denominator)

    @property
    def sample_suffices(self) -> bool:
        return self.denominator >= self.definition.minimum_sample

    @property
    def within_limit(self) -> bool | None:
        """None without a limit or without a case."""
        limit = self.definition.limit
        if limit is None or not self.denominator:
            return None
        if self.definition.direction is Direction.AT_LEAST:
            return self.numerator * WHOLE >= limit * self.denominator
        return self.numerator * WHOLE <= limit * self.denominator

    @property
    def affordable(self) -> int | None:
        """How many more failures fit before the limit is crossed, in this window; None without a limit.

        Timely: cases that come late on top of those counted. Repeat: counted cases that are continued. 0 when crossed.
        """
        limit = self.definition.limit
        if limit is None:
            return None
        if self.definition.direction is Direction.AT_LEAST:
            return max(0, self.numerator * WHOLE // limit - self.denominator)
        return max(0, limit * self.denominator // WHOLE - self.numerator)


class Outcome(StrEnum):
    COMPLETED_NOW = "completed_now"
    OVERDUE = "overdue"
    REPEATED = "repeated"  # completed now if it is not yet, and then continued


@dataclass(frozen=True, slots=True)
class RateEffect:
    """What an outcome of one case does to a rate.

    `before` is the rate as it stands; `after` the same with this case in it and ended so. The case really counts on
    the days `counts_from` .. `counts_until`, when others have come and gone: this is its weight, not a forecast.
    """

    outcome: Outcome
    before: Rate
    after: Rate
    counts_from: date
    counts_until: date


def beijing_day(instant: datetime) -> date:
    """The Beijing day of an aware instant. Raises ValueError when it is naive."""
    require_aware(instant)
    return instant.astimezone(BEIJING).date()


def window(definition: RateDefinition, today: date) -> tuple[date, date]:
    """First and last Beijing day of the window on day `today`, both included."""
    return today - timedelta(days=definition.first_day_back), today - timedelta(days=definition.last_day_back)


def timely_rate(cases: Iterable[CaseRecord], *, today: date, definition: RateDefinition = TIMELY) -> Rate:
    """及时处理率: cases raised in the window whose first round was finished in time, of all raised in it."""
    return count(cases, today=today, definition=definition)


def repeat_rate(cases: Iterable[CaseRecord], *, today: date, definition: RateDefinition = REPEAT) -> Rate:
    """重复投诉率: cases raised in the window that were continued, of those finished (or raised, by definition)."""
    return count(cases, today=today, definition=definition)


def count(cases: Iterable[CaseRecord], *, today: date, definition: RateDefinition) -> Rate:
    """Count `definition` over `cases`; those outside its window are left out."""
    first, last = window(definition, today)
    numerator = denominator = undated = 0
    for case in cases:
        if first <= beijing_day(case.first_complained_at) <= last:
            share = _share(case, definition)
            numerator += share[0]
            denominator += share[1]
            undated += case.over and case.first_completed_at is None
    timely = definition.numerator is Numerator.FIRST_ROUND_IN_TIME
    return Rate(definition, today, numerator, denominator, undated if timely else 0)


def effect_of(case: CaseRecord, outcome: Outcome, rate: Rate, *, now: datetime) -> RateEffect | None:
    """What `outcome` of `case` does to `rate`, which was counted with or without it by its window alone.

    None when it changes nothing for this case: its first round is over, its time is up, it was repeated already.
    """
    definition = rate.definition
    ended = _ended(case, outcome, now)
    stands, becomes = _share(case, definition), _share(ended, definition)
    if stands == becomes and _is_decided(case, definition, now):
        return None
    day = beijing_day(case.first_complained_at)
    first, last = window(definition, rate.today)
    counted = stands if first <= day <= last else (0, 0)
    after = replace(
        rate,
        numerator=rate.numerator - counted[0] + becomes[0],
        denominator=rate.denominator - counted[1] + becomes[1],
    )
    if after == rate:
        return None
    return RateEffect(
        outcome=outcome,
        before=rate,
        after=after,
        counts_from=day + timedelta(days=definition.last_day_back),
        counts_until=day + timedelta(days=definition.first_day_back),
    )


def _share(case: CaseRecord, definition: RateDefinition) -> tuple[int, int]:
    """What one case adds to numerator and denominator."""
    if definition.denominator is Denominator.COMPLETED and not case.over:
        return 0, 0
    if definition.numerator is Numerator.REPEATED:
        return int(case.times > 1), 1
    done = case.first_completed_at
    return int(done is not None and done < _due_at(case, definition)), 1


def _due_at(case: CaseRecord, definition: RateDefinition) -> datetime:
    return round_deadlines(definition.deadlines, case.first_complained_at).complete_due_at


def _is_decided(case: CaseRecord, definition: RateDefinition, now: datetime) -> bool:
    return case.over or now >= _due_at(case, definition)


def _ended(case: CaseRecord, outcome: Outcome, now: datetime) -> CaseRecord:
    if outcome is Outcome.OVERDUE:
        return case
    done = now if not case.over else case.first_completed_at
    times = case.times + 1 if outcome is Outcome.REPEATED else case.times
    return replace(case, first_completed_at=done, first_round_over=True, times=times)
