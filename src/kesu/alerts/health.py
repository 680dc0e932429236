"""How channels do, in one word each: every page, command and figure that tells of a channel asks ``healths``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import F, OuterRef, Q, Subquery

from kesu.alerts.breaker import UNANSWERED
from kesu.alerts.models import Attempt, BudgetKey, Channel


class State(StrEnum):
    """What is true of a channel; of several the first in this order."""

    OFF = "off"  # switched off by somebody
    DEAD = "dead"  # takes nothing until somebody acts
    DOWN = "down"  # many tries in a row were not answered; heals by itself
    PAUSED = "paused"  # was too fast: every robot it has left rests
    FAILING = "failing"  # the newest try was not answered
    PARTIAL = "partial"  # some robots of its group are gone or silent
    UNTRIED = "untried"  # nothing was sent yet to the address it has now
    LIVE = "live"  # all its robots answer


LEVELS: Mapping[State, str] = {
    State.OFF: "warn",
    State.DEAD: "bad",
    State.DOWN: "bad",
    State.PAUSED: "warn",
    State.FAILING: "warn",
    State.PARTIAL: "warn",
    State.UNTRIED: "warn",
    State.LIVE: "good",
}


@dataclass(frozen=True, slots=True)
class Health:
    """``answering`` of its ``robots`` are not left alone (1 of 1 for a channel without a group of them).

    ``since``: when it died or fell silent. ``until``: when it may send again after a rest, or is probed next.
    ``left_alone``: other channels carry its messages. ``reason``: the answer that decided.
    """

    state: State
    robots: int
    answering: int
    since: datetime | None = None
    until: datetime | None = None
    left_alone: bool = False
    reason: str = ""

    @property
    def level(self) -> str:
        """``good``, ``warn`` or ``bad``."""
        return LEVELS[self.state]


def healths(channels: Collection[Channel], *, now: datetime) -> dict[int, Health]:
    """The health of each channel by its primary key: two queries, whatever their number."""
    newest = _newest_outcomes(channels)
    keys = BudgetKey.objects.in_bulk({key for channel in channels for key in _keys(channel)})
    return {
        channel.pk: _health(channel, [keys[key] for key in _keys(channel) if key in keys], newest.get(channel.pk), now)
        for channel in channels
    }


def _health(channel: Channel, rows: Sequence[BudgetKey], newest: str | None, now: datetime) -> Health:
    robots = len(_keys(channel))
    gone = {row.key for row in rows if robots > 1 and row.gone_until is not None}
    resting = {row.key: row.paused_until for row in rows if row.paused_until is not None and row.paused_until > now}
    rests = [resting.get(key) for key in _keys(channel) if key not in gone]
    free_at = None if None in rests else min((at for at in rests if at is not None), default=None)
    state = _state(channel, newest, resting=free_at is not None, whole=not gone)
    return Health(
        state=state,
        robots=robots,
        answering=0 if state in (State.DEAD, State.DOWN) else robots - len(gone),
        since=channel.down_since or channel.dead_since,
        until=channel.probe_at or free_at,
        left_alone=channel.enabled and channel.dead_since is not None,
        reason=channel.dead_reason,
    )


def _state(channel: Channel, newest: str | None, *, resting: bool, whole: bool) -> State:
    true = {
        State.OFF: not channel.enabled,
        State.DEAD: channel.dead_since is not None and channel.down_since is None,
        State.DOWN: channel.down_since is not None,
        State.PAUSED: resting,
        State.FAILING: newest in UNANSWERED,
        State.PARTIAL: not whole,
        State.UNTRIED: newest is None,
        State.LIVE: True,
    }
    return next(state for state in State if true[state])


def _newest_outcomes(channels: Collection[Channel]) -> dict[int, str | None]:
    """The outcome of each channel's newest try that came to an end, by the index of the log."""
    settled = Attempt.objects.filter(channel=OuterRef("pk")).exclude(outcome__in=_NO_ANSWER_YET).order_by("-id")
    newest = settled.filter(Q(at__gte=F("channel__address_since")) | Q(channel__address_since=None))
    rows = Channel.objects.filter(pk__in=[channel.pk for channel in channels])
    return dict(rows.annotate(newest=Subquery(newest.values("outcome")[:1])).values_list("pk", "newest"))


def _keys(channel: Channel) -> list[str]:
    return [channel.budget_key, *channel.more_budget_keys]


_NO_ANSWER_YET = (Attempt.Outcome.SENDING, Attempt.Outcome.INTERRUPTED)
