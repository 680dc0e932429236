"""Which facts wake people, and how loudly. Deadlines passing are the ladder's affair, not this module's."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kesu.rules.operations import (
    COMPLETIONS,
    MERCHANT_REPLIES,
    PAYER_MESSAGES,
    PLATFORM_SERVICE_ENDS,
    PLATFORM_SERVICE_STARTS,
    is_known_operation,
)
from kesu.rules.states import HistoryEntry, is_open, latest_continuation

STALE_AFTER = timedelta(hours=24)
"""Older entries of a finished or newly met case are history, not news. As long as the reply limit: whatever is
older is late already, and if the case is open, the opening event and the ladder say so."""


class UrgencyClass(StrEnum):
    """Which share of a robot's budget a message may use, and what a digest may hold back."""

    URGENT = "urgent"
    NORMAL = "normal"
    SYSTEM = "system"


class AlertKind(StrEnum):
    NEW = "new"
    CONTINUED = "continued"  # 继续投诉
    USER_MESSAGE = "user_message"
    PLATFORM_SERVICE = "platform_service"  # 平台协助
    PLATFORM_SERVICE_ENDED = "platform_service_ended"
    PLATFORM_REMINDER = "platform_reminder"  # 平台催办
    PLATFORM_MESSAGE = "platform_message"
    ENTRUSTED_REFUND = "entrusted_refund"  # 受托退款: the platform refunded in the merchant's name
    REFUND_FAILED = "refund_failed"  # 退款异常, or closed after it was accepted
    COMMAND_UNKNOWN = "command_unknown"  # nobody knows whether the platform did what we asked for
    COMMAND_FAILED = "command_failed"  # what somebody wanted was not carried out
    REFUND_WAITING = "refund_waiting"  # a refund above somebody's limit waits for a second person
    REFUND_DECIDED = "refund_decided"
    HIGH_RISK = "high_risk"
    IMMEDIATE_SERVICE = "immediate_service"  # 即时服务
    SATISFACTION = "satisfaction"
    REFUND_REJECTED = "refund_rejected"
    CLOSED = "closed"
    UNKNOWN_ENTRY = "unknown_entry"


@dataclass(frozen=True, slots=True)
class AlertRule:
    urgency: UrgencyClass
    mention: bool


ALERT_RULES: dict[AlertKind, AlertRule] = {
    AlertKind.NEW: AlertRule(UrgencyClass.NORMAL, mention=True),
    AlertKind.CONTINUED: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.USER_MESSAGE: AlertRule(UrgencyClass.NORMAL, mention=True),
    AlertKind.PLATFORM_SERVICE: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.PLATFORM_SERVICE_ENDED: AlertRule(UrgencyClass.SYSTEM, mention=False),
    AlertKind.PLATFORM_REMINDER: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.PLATFORM_MESSAGE: AlertRule(UrgencyClass.NORMAL, mention=True),
    AlertKind.ENTRUSTED_REFUND: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.REFUND_FAILED: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.COMMAND_UNKNOWN: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.COMMAND_FAILED: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.REFUND_WAITING: AlertRule(UrgencyClass.NORMAL, mention=True),
    AlertKind.REFUND_DECIDED: AlertRule(UrgencyClass.NORMAL, mention=True),
    AlertKind.HIGH_RISK: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.IMMEDIATE_SERVICE: AlertRule(UrgencyClass.URGENT, mention=True),
    AlertKind.SATISFACTION: AlertRule(UrgencyClass.SYSTEM, mention=False),
    AlertKind.REFUND_REJECTED: AlertRule(UrgencyClass.SYSTEM, mention=False),
    AlertKind.CLOSED: AlertRule(UrgencyClass.SYSTEM, mention=False),
    AlertKind.UNKNOWN_ENTRY: AlertRule(UrgencyClass.NORMAL, mention=False),
}
"""How loud each is (our own choice). The wire words behind them: 查询投诉单协商历史
https://pay.weixin.qq.com/doc/v3/partner/4012691802, 查询投诉单详情 https://pay.weixin.qq.com/doc/v3/partner/4012691648."""

ENTRY_ALERTS: dict[str, AlertKind] = {
    **dict.fromkeys(PAYER_MESSAGES, AlertKind.USER_MESSAGE),
    **dict.fromkeys(PLATFORM_SERVICE_STARTS, AlertKind.PLATFORM_SERVICE),
    **dict.fromkeys(PLATFORM_SERVICE_ENDS, AlertKind.PLATFORM_SERVICE_ENDED),
    "PLATFORM_HELP_APPLICATION": AlertKind.PLATFORM_REMINDER,
    "PLATFORM_RESPONSE": AlertKind.PLATFORM_MESSAGE,
    "COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE": AlertKind.ENTRUSTED_REFUND,
    "USER_SUBMIT_SATISFACTION": AlertKind.SATISFACTION,
}
"""What an entry of the history means to staff. A known word that is missing here is quiet: the merchant's own acts,
and what the facts of the case already say (created, continued, completed, refunded)."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the detail of a complaint says, as far as it can wake anybody. `complaint_time` is aware."""

    state: str
    complaint_time: datetime
    user_complaint_times: int = 1
    high_risk: bool = False
    need_immediate_service: bool = False
    in_platform_service: bool = False


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing to tell. `dedupe` names it within its complaint for ever: told once, it is never told again."""

    kind: AlertKind
    log_id: str | None
    occurred_at: datetime
    dedupe: str

    @property
    def rule(self) -> AlertRule:
        return ALERT_RULES[self.kind]


def opening_key(round_number: int) -> str:
    """The key of the message that opens a round: `new` or `continued:<round number>`."""
    return "new" if round_number <= 1 else f"continued:{round_number}"


def events_of(
    before: Facts | None,
    after: Facts,
    new_entries: Iterable[HistoryEntry],
    *,
    now: datetime,
    stale_after: timedelta = STALE_AFTER,
) -> tuple[AlertEvent, ...]:
    """What a fresh read of detail and history gives staff to know, in the order of time.

    `before` is None for a complaint never seen; `new_entries` are the history rows not stored yet, in any order.
    Give both reads of one refresh together.

    - A case met for the first time tells one opening event if it is open, however old it is, and the urgent entries
      not older than `stale_after`. One that is finished by then tells nothing: a backfill of 30 days is silent about
      what is done.
    - A known case tells all its new entries while it is open; once finished, those not older than `stale_after`.
    - Several messages of the payer in one read are one event, and none if the merchant has answered after them.
    - HIGH_RISK tells once a complaint, 即时服务 and a 平台协助 flag without its entry once a round.
    """
    entries = sorted({entry.log_id: entry for entry in new_entries}.values(), key=_when)
    if before is None and not is_open(after.state):
        return ()
    events = [
        *_opening(before, after, entries, now),
        *_flags(before, after, entries, now),
        *_entry_events(before, after, entries, now - stale_after),
        *_closing(before, after, entries, now),
    ]
    return tuple(sorted(events, key=lambda event: event.occurred_at))


def _opening(
    before: Facts | None, after: Facts, entries: Sequence[HistoryEntry], now: datetime
) -> Iterator[AlertEvent]:
    times = after.user_complaint_times
    if not is_open(after.state) or (before is not None and before.user_complaint_times >= times):
        return
    if times <= 1:
        yield AlertEvent(AlertKind.NEW, None, after.complaint_time, opening_key(1))
        return
    entry = latest_continuation(entries)
    yield AlertEvent(
        AlertKind.CONTINUED,
        entry.log_id if entry else None,
        entry.operate_time if entry else now,
        opening_key(times),
    )


def _flags(before: Facts | None, after: Facts, entries: Sequence[HistoryEntry], now: datetime) -> Iterator[AlertEvent]:
    """Flags of the detail that were raised since. A finished case's flags count when it opens again."""
    if not is_open(after.state):
        return
    was = before if before is not None and is_open(before.state) else None
    round_number = max(after.user_complaint_times, 1)
    if after.high_risk and not (was and was.high_risk):
        yield AlertEvent(AlertKind.HIGH_RISK, None, now, "high_risk")
    if after.need_immediate_service and not (was and was.need_immediate_service):
        yield AlertEvent(AlertKind.IMMEDIATE_SERVICE, None, now, f"immediate_service:{round_number}")
    told_by_entry = any(entry.operate_type in PLATFORM_SERVICE_STARTS for entry in entries)
    if after.in_platform_service and not (was and was.in_platform_service) and not told_by_entry:
        yield AlertEvent(AlertKind.PLATFORM_SERVICE, None, now, f"platform_service:{round_number}")


def _entry_events(
    before: Facts | None, after: Facts, entries: Sequence[HistoryEntry], stale_before: datetime
) -> Iterator[AlertEvent]:
    last_message = _unanswered_message(entries)
    for entry in entries:
        kind = _kind_of(entry)
        if kind is None or (kind is AlertKind.USER_MESSAGE and entry is not last_message):
            continue
        fresh = entry.operate_time >= stale_before
        if before is None:
            wanted = fresh and ALERT_RULES[kind].urgency is UrgencyClass.URGENT
        else:
            wanted = fresh or is_open(after.state)
        if wanted:
            yield AlertEvent(kind, entry.log_id, entry.operate_time, f"entry:{entry.log_id}")


def _closing(
    before: Facts | None, after: Facts, entries: Sequence[HistoryEntry], now: datetime
) -> Iterator[AlertEvent]:
    if before is None or is_open(after.state):
        return
    if not is_open(before.state) and before.user_complaint_times >= after.user_complaint_times:
        return
    ending = next((entry for entry in reversed(entries) if entry.operate_type in COMPLETIONS), None)
    rejected = ending is not None and ending.operate_type == "MERCHANT_REFUSE_RERUND"
    yield AlertEvent(
        AlertKind.REFUND_REJECTED if rejected else AlertKind.CLOSED,
        ending.log_id if ending else None,
        ending.operate_time if ending else now,
        f"closed:{max(after.user_complaint_times, 1)}",
    )


def _kind_of(entry: HistoryEntry) -> AlertKind | None:
    """A word the platform never published is told, as the platform advises for unknown notices."""
    if not is_known_operation(entry.operate_type):
        return AlertKind.UNKNOWN_ENTRY
    return ENTRY_ALERTS.get(entry.operate_type)


def _unanswered_message(entries: Sequence[HistoryEntry]) -> HistoryEntry | None:
    for entry in reversed(entries):
        if entry.operate_type in MERCHANT_REPLIES:
            return None
        if entry.operate_type in PAYER_MESSAGES:
            return entry
    return None


def _when(entry: HistoryEntry) -> tuple[datetime, str]:
    return entry.operate_time, entry.log_id
