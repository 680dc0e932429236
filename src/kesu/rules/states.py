"""The states of a complaint, and its rounds: each pass from PENDING to PROCESSED, read from the history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from kesu.rules.deadlines import DeadlineProfile, round_deadlines
from kesu.rules.operations import (
    COMPLETIONS,
    CONTINUATION,
    CONTINUATION_TWIN,
    CONTINUATIONS,
    MERCHANT_REPLIES,
    REFUND_ARRIVALS,
)

TWIN_WINDOW = timedelta(minutes=5)
"""A continuation and its system message this close together are one continuation (assumption)."""


class ComplaintState(StrEnum):
    """`complaint_state`, 查询投诉单详情 https://pay.weixin.qq.com/doc/v3/partner/4012691648."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"


class Trigger(StrEnum):
    REPLY = "reply"
    COMPLETE = "complete"
    APPROVE_REFUND = "approve_refund"
    REJECT_REFUND = "reject_refund"
    REFUND_RECEIVED = "refund_received"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class Transition:
    """`refund_only`: the act exists for `problem_type` REFUND only. `documented`: an official page says so."""

    source: ComplaintState
    trigger: Trigger
    target: ComplaintState
    refund_only: bool = False
    documented: bool = True


_PENDING, _PROCESSING, _PROCESSED = ComplaintState

TRANSITIONS: tuple[Transition, ...] = (
    Transition(_PENDING, Trigger.REPLY, _PROCESSING),
    Transition(_PROCESSING, Trigger.REPLY, _PROCESSING),
    Transition(_PROCESSING, Trigger.COMPLETE, _PROCESSED),
    Transition(_PENDING, Trigger.COMPLETE, _PROCESSED, documented=False),
    Transition(_PENDING, Trigger.APPROVE_REFUND, _PROCESSING, refund_only=True, documented=False),
    Transition(_PROCESSING, Trigger.APPROVE_REFUND, _PROCESSING, refund_only=True, documented=False),
    Transition(_PENDING, Trigger.REJECT_REFUND, _PROCESSED, refund_only=True),
    Transition(_PROCESSING, Trigger.REJECT_REFUND, _PROCESSED, refund_only=True),
    Transition(_PENDING, Trigger.REFUND_RECEIVED, _PROCESSED, refund_only=True),
    Transition(_PROCESSING, Trigger.REFUND_RECEIVED, _PROCESSED, refund_only=True),
    Transition(_PROCESSED, Trigger.CONTINUE, _PENDING, documented=False),
)
"""What moves a complaint. Sources: 回复用户
https://pay.weixin.qq.com/docs/partner/apis/consumer-complaint/complaints/response-complaint-v2.html (first reply),
反馈处理完成 .../complete-complaint-v2.html, 更新退款审批结果 .../update-refund-progress.html (reject, arrival).
Continuing also adds one to `user_complaint_times` (guide reprinted at https://kjxzd.com/?p=1318)."""

_RANKS = {_PENDING: 0, _PROCESSING: 1, _PROCESSED: 2}
_UNKNOWN_RANK = 3


def next_state(state: str, trigger: Trigger) -> ComplaintState | None:
    """Where `trigger` leads from `state`, or None when the table has no such arc."""
    return next((arc.target for arc in TRANSITIONS if (arc.source, arc.trigger) == (state, trigger)), None)


def is_open(state: str) -> bool:
    """Whether the case still needs somebody. A state we do not know is open: a new word must not silence a clock."""
    return state != ComplaintState.PROCESSED


def is_replied(state: str) -> bool:
    """Whether the platform says that the first reply is no longer owed. A state we do not know does not say so."""
    return state in (ComplaintState.PROCESSING, ComplaintState.PROCESSED)


def state_rank(state: str) -> int:
    """Orders snapshots read in the same second, as `(user_complaint_times, state_rank(state))`: the greater is newer.

    Within a round the platform only moves forward. An unknown state outranks all, so that a tie stays open.
    """
    return next((rank for known, rank in _RANKS.items() if known == state), _UNKNOWN_RANK)


class HistoryEntry(Protocol):
    """What a rule needs of a row of the negotiation history; a `HistoryItem` or a database row will do."""

    @property
    def log_id(self) -> str: ...
    @property
    def operate_type(self) -> str: ...
    @property
    def operate_time(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One row of 协商历史 as the platform sent it. `operate_time` is aware."""

    log_id: str
    operate_type: str
    operate_time: datetime
    operate_details: str = ""


@dataclass(frozen=True, slots=True)
class Round:
    """One pass from PENDING to PROCESSED. Number 1 is the first complaint, n the (n-1)th continuation.

    `replied` and `completed` are the platform's word (its state, or a later continuation) and alone stop a clock.
    `replied` means that no first reply is owed any more; a refund may have ended the round without one.
    `replied_at` and `completed_at` are read from the history, None when nothing visible tells the time.
    `start_known` is False when the history shows no continuation and the complaint's time stands in.
    """

    number: int
    started_at: datetime
    replied: bool
    completed: bool
    replied_at: datetime | None
    completed_at: datetime | None
    reply_due_at: datetime
    complete_due_at: datetime
    start_known: bool = True


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a round lies in time. `until` is None for the newest."""

    number: int
    started_at: datetime
    until: datetime | None
    start_known: bool = True


def derive_rounds(
    complaint_time: datetime,
    entries: Iterable[HistoryEntry],
    *,
    state: str,
    user_complaint_times: int,
    profile: DeadlineProfile,
) -> tuple[Round, ...]:
    """The rounds, oldest first; the last is the current one and has the number `user_complaint_times`.

    Any order and duplication of `entries` gives the same rounds. `state` is the platform's state, and wins: PENDING
    means not replied whatever the history shows, PROCESSED means completed even if no completion is visible.
    Earlier rounds are over, because only a PROCESSED complaint can be continued.

    Missing history: when fewer continuations are visible than `user_complaint_times` says, they start the newest
    rounds and the rounds nothing is known of are left out; with none visible the current round starts at
    `complaint_time`, the stricter guess. Continuations beyond `user_complaint_times` are left for the next read of
    the detail (see `history_is_ahead`), so that the state of one round never counts for another.

    Sources: 查询投诉单详情 https://pay.weixin.qq.com/doc/v3/partner/4012691648 (`user_complaint_times` is 1 at first,
    +1 with each continuation); whether the clocks restart is `profile.restart_on_continue`.
    """
    history = _unique(entries)
    spans = _spans(complaint_time, _continuations(history), max(user_complaint_times, 1))
    rounds = []
    for span in spans:
        clock_started_at = span.started_at if profile.restart_on_continue else complaint_time
        state_now = state if span is spans[-1] else None
        rounds.append(_read_round(span, history, state_now, clock_started_at, profile))
    return tuple(rounds)


def current_round(rounds: Sequence[Round]) -> Round:
    """The round the platform's state speaks of."""
    return rounds[-1]


def history_is_ahead(entries: Iterable[HistoryEntry], user_complaint_times: int) -> bool:
    """Whether the history already shows a continuation that the detail does not count: read the detail again."""
    return len(_continuations(_unique(entries))) > max(user_complaint_times, 1) - 1


def latest_continuation(entries: Iterable[HistoryEntry]) -> HistoryEntry | None:
    """The newest continuation visible, or None."""
    found = _continuations(_unique(entries))
    return found[-1] if found else None


def _unique(entries: Iterable[HistoryEntry]) -> list[HistoryEntry]:
    """Each `log_id` once, in the order of time. Of two versions the smaller stays, whatever came first."""
    by_log_id: dict[str, HistoryEntry] = {}
    for entry in entries:
        known = by_log_id.get(entry.log_id)
        if known is None or _order(entry) < _order(known):
            by_log_id[entry.log_id] = entry
    return sorted(by_log_id.values(), key=_order)


def _order(entry: HistoryEntry) -> tuple[datetime, str, str]:
    return entry.operate_time, entry.log_id, entry.operate_type


def _continuations(history: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Each continuation once. The system message stands for one only where the payer's own entry is missing."""
    told = [entry.operate_time for entry in history if entry.operate_type == CONTINUATION]

    def counts(entry: HistoryEntry) -> bool:
        if entry.operate_type == CONTINUATION_TWIN:
            return all(abs(entry.operate_time - time) > TWIN_WINDOW for time in told)
        return entry.operate_type in CONTINUATIONS

    return [entry for entry in history if counts(entry)]


def _spans(complaint_time: datetime, continuations: Sequence[HistoryEntry], times: int) -> list[_Span]:
    starts = [entry.operate_time for entry in continuations[: times - 1]]
    if times > 1 and not starts:
        # Nothing tells where round 1 ended: it keeps the history, the current round keeps the stricter deadline.
        return [_Span(1, complaint_time, None), _Span(times, complaint_time, None, start_known=False)]
    first_number = times - len(starts) + 1
    bounds = [complaint_time, *starts]
    numbers = [1, *range(first_number, times + 1)]
    return [_Span(number, start, until) for number, start, until in zip(numbers, bounds, [*starts, None], strict=True)]


def _read_round(
    span: _Span,
    history: Sequence[HistoryEntry],
    state: str | None,
    clock_started_at: datetime,
    profile: DeadlineProfile,
) -> Round:
    """One round. `state` is the platform's for the current round, None for one that was continued."""
    inside = [entry for entry in history if _is_inside(entry, span)] if span.start_known else []
    first_reply = _first_time(inside, MERCHANT_REPLIES)
    replied = _owes_no_reply(state, first_reply)
    completed = state is None or not is_open(state)
    ended_at = _first_time(inside, COMPLETIONS) or _first_time(inside, REFUND_ARRIVALS)
    due = round_deadlines(profile, clock_started_at)
    return Round(
        number=span.number,
        started_at=span.started_at,
        replied=replied,
        completed=completed,
        replied_at=first_reply if replied else None,
        completed_at=ended_at if completed else None,
        reply_due_at=due.reply_due_at,
        complete_due_at=due.complete_due_at,
        start_known=span.start_known,
    )


def _owes_no_reply(state: str | None, first_reply: datetime | None) -> bool:
    """A state we do not know says nothing about the reply; then the platform's own history does."""
    if state is None or is_replied(state):
        return True
    return state != ComplaintState.PENDING and first_reply is not None


def _is_inside(entry: HistoryEntry, span: _Span) -> bool:
    """A completion in the very second of a continuation came before it: only a PROCESSED case can be continued."""
    ends = entry.operate_type in COMPLETIONS | REFUND_ARRIVALS
    time = entry.operate_time
    if span.number > 1 and (time < span.started_at or (ends and time == span.started_at)):
        return False
    return span.until is None or time < span.until or (ends and time == span.until)


def _first_time(entries: Sequence[HistoryEntry], kinds: frozenset[str]) -> datetime | None:
    return next((entry.operate_time for entry in entries if entry.operate_type in kinds), None)
