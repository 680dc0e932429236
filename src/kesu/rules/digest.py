"""How a robot's minute is shared out, and when many messages become one: decisions over counts and instants.

A key's messages go one by one while a minute can carry them. When more are waiting, the key digests: once a minute one
message stands for all that gathered, and only the most urgent still go by themselves, within what is reserved for them.

The budget and its parts are our own choice within the robot's 20 messages a minute (消息推送配置说明,
https://developer.work.weixin.qq.com/document/path/99110).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from kesu.rules.budget import LIMIT, WINDOW
from kesu.rules.escalations import UrgencyClass

RESERVED: Mapping[UrgencyClass, int] = MappingProxyType(
    {UrgencyClass.URGENT: 4, UrgencyClass.NORMAL: 12, UrgencyClass.SYSTEM: 2}
)
"""What each class may count on of LIMIT messages a minute; a digest uses the system's part."""

URGENT_WITHIN = timedelta(hours=6)
"""A case with less time left is urgent, whatever its message is about."""

DIGEST_EVERY = timedelta(seconds=60)
CALM_AFTER = timedelta(minutes=2)
MENTION_EVERY = timedelta(minutes=5)
LISTED = 10
"""How many cases a digest names, those with the least time left."""

_MINUTE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` messages in any `window`, for one robot."""

    limit: int = LIMIT
    window: timedelta = WINDOW


@dataclass(frozen=True, slots=True)
class Robot:
    """One key: what it sent within its window, by class, and from when on it may be used at all (a pause, a spacing,
    a longer limit)."""

    sent: tuple[tuple[datetime, UrgencyClass], ...]
    usable_at: datetime


@dataclass(frozen=True, slots=True)
class Mode:
    """`since` is None while messages go one by one. `busy_at`: when too many waited last; `gathered_at`: when the last
    digest was made."""

    since: datetime | None = None
    busy_at: datetime | None = None
    gathered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages are due, by class. `alone`: those that are about no case, which no digest covers."""

    cases: Mapping[UrgencyClass, int]
    alone: Mapping[UrgencyClass, int]


@dataclass(frozen=True, slots=True)
class Turn:
    """Which robot may send next, and when (not before now)."""

    robot: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a key may do now, and when it may do something next (`at`; None while nothing waits).

    `one_by_one`: classes whose cases may go by themselves now; `alone`: the same for messages about no case. `gather`:
    write a digest now of all that waits but the `kept` most urgent. `turns`: the robot of each class.
    """

    mode: Mode
    one_by_one: frozenset[UrgencyClass]
    alone: frozenset[UrgencyClass]
    gather: bool
    kept: int
    turns: Mapping[UrgencyClass, Turn]
    at: datetime | None


def share_of(urgency: str, deadline_at: datetime | None, now: datetime) -> UrgencyClass:
    """Which part of the budget a message uses at `now`. A word that is no class counts as normal."""
    if urgency == UrgencyClass.SYSTEM:
        return UrgencyClass.SYSTEM
    soon = deadline_at is not None and deadline_at < now + URGENT_WITHIN
    return UrgencyClass.URGENT if soon or urgency == UrgencyClass.URGENT else UrgencyClass.NORMAL


def reserved(limit: int) -> Mapping[UrgencyClass, int]:
    """RESERVED in proportion to another limit. Too small a limit is not divided: its parts are 0."""
    if limit < len(UrgencyClass):
        return dict.fromkeys(UrgencyClass, 0)
    urgent = max(1, limit * RESERVED[UrgencyClass.URGENT] // LIMIT)
    system = max(1, limit * RESERVED[UrgencyClass.SYSTEM] // LIMIT)
    return {UrgencyClass.URGENT: urgent, UrgencyClass.NORMAL: limit - urgent - system, UrgencyClass.SYSTEM: system}


def overloaded(waiting: Waiting, rate: Rate, robots: int) -> bool:
    """Whether more cases wait than the next minute can carry: normal ones their part, all of them the whole."""
    minute = robots * max(1, int(_MINUTE / rate.window))
    parts = reserved(rate.limit)
    normal = rate.limit - parts[UrgencyClass.URGENT] - parts[UrgencyClass.SYSTEM]
    return (
        waiting.cases.get(UrgencyClass.NORMAL, 0) > normal * minute or sum(waiting.cases.values()) > rate.limit * minute
    )


def free_at(robot: Robot, share: UrgencyClass, rate: Rate, now: datetime, *, digesting: bool) -> datetime:
    """The first instant, from `now` on, at which a robot may send one message of a class.

    What is reserved for the others and not yet used stays free for them; but urgent messages may use the normal part,
    and while digesting that part is nobody's. Then urgent ones by themselves get their part and no more.
    """
    moments = sorted({when + rate.window for when, _ in robot.sent if when + rate.window > now})
    low, high = 0, len(moments)
    while low < high:  # room only grows while time passes and nothing is sent
        middle = (low + high) // 2
        if _has_room(robot, share, rate, ([now, *moments])[middle], digesting=digesting):
            high = middle
        else:
            low = middle + 1
    return max([now, *moments][low], robot.usable_at)


def plan(mode: Mode, waiting: Waiting, robots: Sequence[Robot], rate: Rate, now: datetime) -> Plan:
    """What the robots of one group may do at `now`. `robots` is never empty.

    The first message after a silence goes at once and by itself, however many wait with it.
    """
    mode = _calmed(mode, now)
    first = mode.since is None and not any(_recent(robot, rate, now) for robot in robots)
    if overloaded(waiting, rate, len(robots)) and not first:
        mode = replace(mode, since=mode.since or now, busy_at=now)
    digesting = mode.since is not None
    turns = {share: _turn(robots, share, rate, now, digesting=digesting) for share in UrgencyClass}
    urgent = waiting.cases.get(UrgencyClass.URGENT, 0)
    kept = min(urgent, reserved(rate.limit)[UrgencyClass.URGENT] * len(robots))
    covered = sum(waiting.cases.values()) - kept if digesting else 0
    if covered == 1 and urgent > kept:
        kept, covered = urgent, 0
    digest_at = max(turns[UrgencyClass.SYSTEM].at, now if mode.gathered_at is None else mode.gathered_at + DIGEST_EVERY)
    one_by_one = {UrgencyClass.URGENT} if digesting else set(UrgencyClass)
    if covered == 1 and digest_at <= now:  # a digest of one case would be that case's own message
        one_by_one, turns[UrgencyClass.NORMAL] = set(UrgencyClass), turns[UrgencyClass.SYSTEM]
    wishes = [turns[share].at for share in one_by_one if waiting.cases.get(share)]
    wishes += [turns[share].at for share, number in waiting.alone.items() if number]
    wishes += [digest_at] if covered else []
    return Plan(
        mode=mode,
        one_by_one=frozenset(share for share in one_by_one if turns[share].at <= now),
        alone=frozenset(share for share in UrgencyClass if turns[share].at <= now),
        gather=covered > 1 and digest_at <= now,
        kept=kept,
        turns=turns,
        at=min(wishes, default=None),
    )


def may_mention(last_mention_at: datetime | None, now: datetime) -> bool:
    """Whether a digest may call people by name: at most every MENTION_EVERY."""
    return last_mention_at is None or last_mention_at + MENTION_EVERY <= now


def _calmed(mode: Mode, now: datetime) -> Mode:
    calm = mode.busy_at is None or mode.busy_at + CALM_AFTER <= now
    return Mode(gathered_at=mode.gathered_at) if mode.since is not None and calm else mode


def _turn(robots: Sequence[Robot], share: UrgencyClass, rate: Rate, now: datetime, *, digesting: bool) -> Turn:
    """The robot that is free first; of several the one that sent least lately, so that they take turns."""
    ranked = [
        (free_at(robot, share, rate, now, digesting=digesting), len(_recent(robot, rate, now)), number)
        for number, robot in enumerate(robots)
    ]
    at, _, number = min(ranked)
    return Turn(number, at)


def _recent(robot: Robot, rate: Rate, now: datetime) -> list[UrgencyClass]:
    return [share for when, share in robot.sent if when > now - rate.window]


def _has_room(robot: Robot, share: UrgencyClass, rate: Rate, now: datetime, *, digesting: bool) -> bool:
    sent = _recent(robot, rate, now)
    parts = reserved(rate.limit)
    if digesting and share is UrgencyClass.URGENT and sent.count(share) >= parts[share]:
        return False
    lends_normal = digesting or share is UrgencyClass.URGENT
    others = [
        other for other in UrgencyClass if other is not share and not (other is UrgencyClass.NORMAL and lends_normal)
    ]
    return len(sent) + sum(max(0, parts[other] - sent.count(other)) for other in others) < rate.limit
