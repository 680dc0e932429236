"""Who is on call: weekly turns, and what was agreed otherwise. Beijing has no daylight saving time: a week is 168 h."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from kesu.rules.deadlines import BEIJING, require_aware

TURN = timedelta(days=7)


class RotaError(ValueError):
    """The change cannot be made. `code`: no_members, same_person, same_turn, backwards, named (by a ladder),
    no_override, taken (its name)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Override:
    """`person` is on call from `starts_at` until just before `ends_at`, whoever's turn it is. Raises RotaError."""

    person: str
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.ends_at <= self.starts_at:
            raise RotaError("backwards")


@dataclass(frozen=True, slots=True)
class Rota:
    """`members` take turns of a week each; the first one's first turn starts at `anchor` (and the circle is endless, to
    both sides). Of overlapping `overrides` the later in order counts."""

    members: tuple[str, ...]
    anchor: datetime
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """One person on call without a break, from `starts_at` until just before `ends_at`."""

    person: str
    starts_at: datetime
    ends_at: datetime
    overridden: bool = False


def on_call(rota: Rota, at: datetime) -> str | None:
    """The one person on call at an instant; None only for a rota without members and without a fitting override."""
    for override in reversed(rota.overrides):
        if override.starts_at <= at < override.ends_at:
            return override.person
    return rota.members[turn_number(rota, at) % len(rota.members)] if rota.members else None


def turn_number(rota: Rota, at: datetime) -> int:
    """Which turn an instant falls in, counted from the anchor; negative before it."""
    require_aware(at)
    return (at - rota.anchor) // TURN


def turn_start(rota: Rota, at: datetime) -> datetime:
    """When the turn that holds an instant began, overrides aside."""
    return rota.anchor + turn_number(rota, at) * TURN


def duties(rota: Rota, starts_at: datetime, ends_at: datetime) -> list[Duty]:
    """Who is on call in a span, piece by piece without gaps. Empty for a rota without members."""
    if not rota.members:
        return []
    edges = {starts_at, ends_at}
    edges |= {turn_start(rota, starts_at) + number * TURN for number in range((ends_at - starts_at) // TURN + 2)}
    edges |= {edge for override in rota.overrides for edge in (override.starts_at, override.ends_at)}
    inside = sorted(edge for edge in edges if starts_at <= edge <= ends_at)
    found: list[Duty] = []
    for begin, end in pairwise(inside):
        person = on_call(rota, begin) or ""
        overridden = any(override.starts_at <= begin < override.ends_at for override in rota.overrides)
        if found and (found[-1].person, found[-1].overridden) == (person, overridden):
            found[-1] = Duty(person, found[-1].starts_at, end, overridden)
        else:
            found.append(Duty(person, begin, end, overridden))
    return found


def swapped(rota: Rota, one: datetime, other: datetime) -> tuple[Override, Override]:
    """What makes two members take each other's turn: of those that hold the two instants. Raises RotaError."""
    if not rota.members:
        raise RotaError("no_members")
    if turn_number(rota, one) == turn_number(rota, other):
        raise RotaError("same_turn")
    first, second = turn_start(rota, one), turn_start(rota, other)
    # Whose turns they are by now: a turn that was swapped before may be swapped again.
    person, peer = on_call(rota, first), on_call(rota, second)
    if person is None or peer is None or person == peer:
        raise RotaError("same_person")
    return Override(peer, first, first + TURN), Override(person, second, second + TURN)


def joined(rota: Rota, person: str, now: datetime) -> Rota:
    """With one more member, at the end of the circle that begins with the present turn: nobody's present turn ends."""
    if not rota.members:
        return Rota((person,), rota.anchor, rota.overrides)
    place = turn_number(rota, now) % len(rota.members)
    members = (*rota.members[place:], *rota.members[:place], person)
    return Rota(members, turn_start(rota, now), rota.overrides)


def without(rota: Rota, person: str, now: datetime) -> Rota:
    """Without a member; who is on call now stays so, unless it is them: then the next one takes over at once."""
    if person not in rota.members:
        return rota
    place = turn_number(rota, now) % len(rota.members)
    circle = (*rota.members[place:], *rota.members[:place])
    return Rota(tuple(member for member in circle if member != person), turn_start(rota, now), rota.overrides)


def moved(rota: Rota, weekday: int, hour: int, now: datetime) -> Rota:
    """With turns that start on another weekday or hour; the present turn goes on until then. Raises ValueError."""
    start = anchor(weekday, hour, now)
    place = turn_number(rota, now) % len(rota.members) if rota.members else 0
    return Rota((*rota.members[place:], *rota.members[:place]), start, rota.overrides)


def anchor(weekday: int, hour: int, at: datetime) -> datetime:
    """The latest instant up to `at` that is `weekday` (1 Monday to 7 Sunday) at `hour` o'clock in Beijing, in UTC."""
    if not (1 <= weekday <= 7 and 0 <= hour <= 23):
        raise ValueError("A turn starts on a weekday from 1 to 7, at an hour from 0 to 23.")
    local = at.astimezone(BEIJING)
    start = local.replace(hour=hour, minute=0, second=0, microsecond=0) - timedelta(days=local.isoweekday() - weekday)
    return (start if start <= local else start - TURN).astimezone(UTC)
