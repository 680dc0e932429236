"""When a running clock speaks again: a ladder of steps as data, and one pure decision over it.

Each round has two clocks, reply and complete, and each decides by itself: while a reply is still owed the completion
clock climbs its own steps too, and both may be due in the same tick.

How a caller uses it: keep `done` and the next due instant with the clock; when that instant has come, call `decide`,
write the step's message under `dedupe_key`, and store `Decision.done` and `Decision.next_due_at` in one transaction.
When arming a clock of a round whose opening event is being told, only store what `decide` returns: one message is
enough. Forget `done` when the clock's deadline moves. Stop asking when the platform says that the round is answered
or finished; until then overdue steps go on for ever. When the case is claimed or released, `first_due` tells anew.
What a step is stands in `ladder_steps`, the built-in ladders in `ladders`.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kesu.rules.escalations import opening_key
from kesu.rules.ladder_steps import ClockKind, Ladder, LadderStep, StepTrigger

_STAMP = "%Y%m%dT%H%M%SZ"
_CLAIM_KEY = re.compile(r"claimed:\d+[mh]?@(?P<stamp>\d{8}T\d{6}Z)")
_FIXED_KEY = re.compile(r"(?P<trigger>after|before):(?P<amount>\d+)(?P<unit>[mh]?)")
_REPEAT_KEY = re.compile(r"overdue:(?:\d+-)?(?P<last>\d+)")


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """A running clock. `done` holds the occurrence keys that were decided; only the newest of them matters.

    `claimed_at` is when the case was claimed, None while it is not (or when that does not matter).
    """

    kind: ClockKind
    started_at: datetime
    deadline_at: datetime
    done: Collection[str] = ()
    claimed: bool = False
    claimed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to send now, if anything, and when to ask again.

    `key` names the occurrence (`before:1h`, `overdue:3`), `due_at` is when it fell due, `skipped` are the occurrences
    that it overtook (`overdue:1-7` for several repeats). `done` replaces the clock's; it does not grow beyond two.
    `next_due_at` is always later than `now`.
    """

    step: LadderStep | None
    key: str | None
    due_at: datetime | None
    skipped: tuple[str, ...]
    done: tuple[str, ...]
    next_due_at: datetime


def decide(ladder: Ladder, clock: ClockFacts, now: datetime) -> Decision:
    """The newest step that has come due and is not done; older ones are skipped, never sent late in a bunch.

    A step whose condition does not hold now (only while unclaimed) is passed over. Steps that would fall before the
    start (12 h left of a limit of 10 h) do not exist. Our own policy: the platform documents no reminders.
    """
    steps = _applicable(ladder, clock)
    floor = _newest_done(steps, clock, now)
    due = [o for o in _due_by(steps, clock, now) if floor is None or o.due_at > floor]
    following = _next_after(steps, clock, now)
    if not due:
        return Decision(None, None, None, (), tuple(clock.done), following)
    newest = due[-1]
    overtaken = tuple(o.key for o in due[:-1]) + _overtaken_repeats(due, clock, floor)
    return Decision(newest.step, newest.key, newest.due_at, overtaken, _done_after(newest, clock), following)


def upcoming(ladder: Ladder, clock: ClockFacts, until: datetime) -> list[tuple[datetime, LadderStep]]:
    """Every step of a clock from its start up to `until`, in the order of time, as if each were raised on time."""
    steps = _applicable(ladder, clock)
    found: list[tuple[datetime, LadderStep]] = []
    instant: datetime | None = None
    while (moment := _next_after(steps, clock, instant)) <= until:
        found.append((moment, _due_by(steps, clock, moment)[-1].step))
        instant = moment
    return found


def first_due(ladder: Ladder, clock: ClockFacts) -> datetime:
    """The earliest instant at which `decide` has something to say, given what is done. It may lie in the past."""
    steps = _applicable(ladder, clock)
    return _next_after(steps, clock, _newest_done(steps, clock, None))


def dedupe_key(round_number: int, kind: ClockKind, key: str, due_at: datetime) -> str:
    """The outbox key of an occurrence, within one complaint.

    The reply clock's step at once is the same message as the event that opened the round, so both have one key and
    only one is sent. The others name their instant: should a deadline move, its steps are new messages.
    """
    if kind is ClockKind.REPLY and key == "after:0":
        return opening_key(round_number)
    return f"{kind.value}:{round_number}:{key.partition('@')[0]}@{due_at.astimezone(UTC):{_STAMP}}"


@dataclass(frozen=True, slots=True)
class _Occurrence:
    step: LadderStep
    key: str
    due_at: datetime


def _applicable(ladder: Ladder, clock: ClockFacts) -> tuple[LadderStep, ...]:
    return tuple(
        step
        for step in ladder.of(clock.kind)
        if not (step.only_unclaimed and clock.claimed)
        and not (step.trigger is StepTrigger.AFTER_CLAIM and clock.claimed_at is None)
    )


def _done_after(newest: _Occurrence, clock: ClockFacts) -> tuple[str, ...]:
    """A step after a claim counts no more once the case is released, so what was done before it is kept beside it."""
    if newest.step.trigger is not StepTrigger.AFTER_CLAIM:
        return (newest.key,)
    kept = [key for key in clock.done if not key.startswith(StepTrigger.AFTER_CLAIM)]
    return (*kept[-1:], newest.key)


def _due_by(steps: Sequence[LadderStep], clock: ClockFacts, now: datetime) -> list[_Occurrence]:
    """What has fallen due up to `now`, in that order; of the overdue step only its latest occurrence."""
    found = []
    for step in steps:
        if step.trigger is StepTrigger.OVERDUE_EVERY:
            number = (now - clock.deadline_at) // step.offset + 1
            found.append(_repeat(step, clock, max(number, 1)))
        else:
            found.append(_fixed(step, clock))
    exists = [o for o in found if clock.started_at <= o.due_at <= now]
    return sorted(exists, key=lambda o: o.due_at)


def _next_after(steps: Sequence[LadderStep], clock: ClockFacts, instant: datetime | None) -> datetime:
    """The first due instant later than `instant` (from the start on when None)."""
    before = clock.started_at - timedelta(microseconds=1)
    after = before if instant is None else max(instant, before)
    found = []
    for step in steps:
        if step.trigger is StepTrigger.OVERDUE_EVERY:
            number = (after - clock.deadline_at) // step.offset + 2
            found.append(_repeat(step, clock, max(number, 1)).due_at)
        else:
            found.append(_fixed_due(step.trigger, step.offset, clock))
    return min(due for due in found if due > after)


def _fixed(step: LadderStep, clock: ClockFacts) -> _Occurrence:
    """Of a step after a claim the key names the instant, for a case may be claimed again."""
    due_at = _fixed_due(step.trigger, step.offset, clock)
    by_claim = step.trigger is StepTrigger.AFTER_CLAIM
    return _Occurrence(step, f"{step.key}@{due_at.astimezone(UTC):{_STAMP}}" if by_claim else step.key, due_at)


def _fixed_due(trigger: StepTrigger, offset: timedelta, clock: ClockFacts) -> datetime:
    if trigger is StepTrigger.AFTER_START:
        return clock.started_at + offset
    if trigger is StepTrigger.AFTER_CLAIM and clock.claimed_at is not None:
        return max(clock.claimed_at, clock.started_at).replace(microsecond=0) + offset
    return clock.deadline_at - offset


def _repeat(step: LadderStep, clock: ClockFacts, number: int) -> _Occurrence:
    """The first occurrence falls on the deadline itself."""
    return _Occurrence(step, f"overdue:{number}", clock.deadline_at + (number - 1) * step.offset)


def _newest_done(steps: Sequence[LadderStep], clock: ClockFacts, now: datetime | None) -> datetime | None:
    """When the newest done occurrence fell due. One still to come is left over from another deadline: ignored."""
    times = [_due_of(key, steps, clock) for key in clock.done]
    return max((time for time in times if time and (now is None or time <= now)), default=None)


def _due_of(key: str, steps: Sequence[LadderStep], clock: ClockFacts) -> datetime | None:
    """Read from the key alone where possible, so that a step since taken off the ladder stays done."""
    if match := _REPEAT_KEY.fullmatch(key):
        repeating = next(step for step in steps if step.trigger is StepTrigger.OVERDUE_EVERY)
        return _repeat(repeating, clock, int(match["last"])).due_at
    if (match := _CLAIM_KEY.fullmatch(key)) and clock.claimed_at is not None:
        return datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)
    if match := _FIXED_KEY.fullmatch(key):
        unit = timedelta(minutes=1) if match["unit"] == "m" else timedelta(hours=1)
        return _fixed_due(StepTrigger(match["trigger"]), int(match["amount"]) * unit, clock)
    return None


def _overtaken_repeats(due: Sequence[_Occurrence], clock: ClockFacts, floor: datetime | None) -> tuple[str, ...]:
    """The overdue occurrences before the latest one in `due`, as one key or one range of them."""
    latest = next((o for o in due if o.step.trigger is StepTrigger.OVERDUE_EVERY), None)
    if latest is None:
        return ()
    interval = latest.step.offset
    last = (latest.due_at - clock.deadline_at) // interval
    start = clock.started_at - timedelta(microseconds=1)
    after = start if floor is None else max(floor, start)
    first = max((after - clock.deadline_at) // interval + 2, 1)
    if first > last:
        return ()
    return (f"overdue:{last}",) if first == last else (f"overdue:{first}-{last}",)
