"""Every guard there is, as data: how grave, may a role set it aside, what would be better, whose rule it is."""

from dataclasses import dataclass
from enum import StrEnum

from kesu.rules.guards.sources import RuleSource


class Level(StrEnum):
    BLOCK = "block"
    CONFIRM = "confirm"
    INFO = "info"


class Verb(StrEnum):
    REPLY = "reply"
    REPLY_IMMEDIATELY = "reply_immediately"  # 即时服务
    COMPLETE = "complete"
    APPROVE_REFUND = "approve_refund"
    REJECT_REFUND = "reject_refund"
    REFUND = "refund"
    RESEND_REFUND = "resend_refund"
    NOTE = "note"
    ASSIGN = "assign"
    CLAIM = "claim"


class Better(StrEnum):
    """What to do instead, or first. Those that share a word with a `Verb` are that verb."""

    REPLY = "reply"
    REPLY_IMMEDIATELY = "reply_immediately"
    APPROVE_REFUND = "approve_refund"
    REFUND = "refund"
    REFUND_IN_FULL = "refund_in_full"
    READ_AGAIN = "read_again"
    OPEN_MESSAGES = "open_messages"
    WAIT = "wait"
    RESEND_REFUND = "resend_refund"
    CORRECT_INPUT = "correct_input"
    PAUSE = "pause"


class GuardCode(StrEnum):
    # any act at the platform
    STALE_READ = "stale_read"
    COMMAND_UNFINISHED = "command_unfinished"
    STATE_UNKNOWN = "state_unknown"
    PLATFORM_SERVICE_RUNNING = "platform_service_running"
    HIGH_RISK = "high_risk"
    IMMEDIATE_SERVICE_OWED = "immediate_service_owed"
    CAMPAIGN = "campaign"
    # complete, and reject, which completes
    ALREADY_PROCESSED = "already_processed"
    COMPLETE_FROM_PENDING = "complete_from_pending"
    NO_REPLY_IN_ROUND = "no_reply_in_round"
    MESSAGE_UNREAD = "message_unread"
    MESSAGE_UNANSWERED = "message_unanswered"
    REFUND_RUNNING = "refund_running"
    REFUND_FAILED = "refund_failed"
    REFUND_RETURNED = "refund_returned"
    REFUND_REQUEST_WAITING = "refund_request_waiting"
    REPEATED_NOTHING_CHANGED = "repeated_nothing_changed"
    REPEATED_BEFORE = "repeated_before"
    TOO_MANY_COMPLETIONS = "too_many_completions"
    NOT_SETTLED = "not_settled"
    PARTLY_REFUNDED = "partly_refunded"
    REPEAT_WOULD_COUNT = "repeat_would_count"
    REPEAT_TOLERANCE_SPENT = "repeat_tolerance_spent"
    TIMELY_NOW = "timely_now"
    COMPLETION_LATE = "completion_late"
    # approve and reject
    NOT_A_REFUND_COMPLAINT = "not_a_refund_complaint"
    DECISION_ALREADY_MADE = "decision_already_made"
    ORDER_ALREADY_REFUNDED = "order_already_refunded"
    APPROVAL_MOVES_NO_MONEY = "approval_moves_no_money"
    APPROVAL_PAST_DEADLINE = "approval_past_deadline"
    ASKED_MORE_THAN_LEFT = "asked_more_than_left"
    DAYS_NEGATIVE = "days_negative"
    REMARK_TOO_LONG = "remark_too_long"
    REJECT_BEFORE_REPLY = "reject_before_reply"
    REJECT_CLOSES = "reject_closes"
    REJECT_TRUSTED = "reject_trusted"
    REJECT_REASON_MISSING = "reject_reason_missing"
    REJECT_REASON_TOO_LONG = "reject_reason_too_long"
    # refund
    ORDER_UNKNOWN = "order_unknown"
    PAID_UNKNOWN = "paid_unknown"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    AMOUNT_OVER_LEFT = "amount_over_left"
    ORDER_TOO_OLD = "order_too_old"
    ORDER_OVER_A_MONTH = "order_over_a_month"
    TOO_MANY_REFUNDS = "too_many_refunds"
    REFUND_TOO_SOON = "refund_too_soon"
    DUPLICATE_REFUND = "duplicate_refund"
    ABNORMAL_REFUND = "abnormal_refund"
    REFUNDS_FORBIDDEN = "refunds_forbidden"
    DECIDE_FIRST = "decide_first"
    REFUNDED_ELSEWHERE = "refunded_elsewhere"
    LESS_THAN_ASKED = "less_than_asked"
    PARTIAL_REFUND = "partial_refund"
    REFUND_REASON_TOO_LONG = "refund_reason_too_long"
    REFUND_REASON_HIDDEN = "refund_reason_hidden"
    # resend a refund
    REFUND_NOT_STUCK = "refund_not_stuck"
    RESEND_TO_CARD = "resend_to_card"
    RESEND_TO_MERCHANT = "resend_to_merchant"
    # reply
    REPLY_EMPTY = "reply_empty"
    REPLY_TOO_LONG = "reply_too_long"
    REPLY_SAME = "reply_same"
    REPLY_TO_PROCESSED = "reply_to_processed"
    REPLY_LATE = "reply_late"
    TOO_MANY_PICTURES = "too_many_pictures"
    LINKS_NOT_ALLOWED = "links_not_allowed"
    LINK_INCOMPLETE = "link_incomplete"
    LINK_NOT_HTTPS = "link_not_https"
    LINK_TEXT_TOO_LONG = "link_text_too_long"
    IMMEDIATE_SERVICE_NOT_WANTED = "immediate_service_not_wanted"
    # the desk's own
    NOTE_EMPTY = "note_empty"
    NOTE_STAYS_HERE = "note_stays_here"
    ASSIGNEE_INACTIVE = "assignee_inactive"
    ASSIGNEE_CANNOT_SEE = "assignee_cannot_see"
    CLAIMED_BY_OTHER = "claimed_by_other"
    CLAIM_STOPS_NO_CLOCK = "claim_stops_no_clock"
    CASE_CLOSED = "case_closed"


@dataclass(frozen=True, slots=True)
class Guard:
    """`level`: the usual one; an act may take it less or more gravely. `overridable` matters for blocks alone."""

    level: Level
    rule: RuleSource
    better: Better | None = None
    overridable: bool = False


def _block(rule: RuleSource, better: Better | None = None) -> Guard:
    """The platform would refuse it, or money or a message would be sent twice: nobody may set it aside."""
    return Guard(Level.BLOCK, rule, better)


def _unwise(rule: RuleSource, better: Better | None = None) -> Guard:
    """A role may set it aside, with a reason."""
    return Guard(Level.BLOCK, rule, better, overridable=True)


def _confirm(rule: RuleSource, better: Better | None = None) -> Guard:
    return Guard(Level.CONFIRM, rule, better, overridable=True)


def _info(rule: RuleSource, better: Better | None = None) -> Guard:
    return Guard(Level.INFO, rule, better)


_C, _S, _B = GuardCode, RuleSource, Better

GUARDS: dict[GuardCode, Guard] = {
    _C.STALE_READ: _block(_S.FAQ, _B.READ_AGAIN),
    _C.COMMAND_UNFINISHED: _block(_S.OWN, _B.WAIT),
    _C.STATE_UNKNOWN: _confirm(_S.DETAIL, _B.READ_AGAIN),
    _C.PLATFORM_SERVICE_RUNNING: _confirm(_S.DETAIL, _B.WAIT),
    _C.HIGH_RISK: _confirm(_S.DETAIL, _B.REFUND_IN_FULL),
    _C.IMMEDIATE_SERVICE_OWED: _confirm(_S.IMMEDIATE_SERVICE, _B.REPLY_IMMEDIATELY),
    _C.CAMPAIGN: _info(_S.PRACTICE, _B.REFUND_IN_FULL),
    _C.ALREADY_PROCESSED: _block(_S.COMPLETE),
    _C.COMPLETE_FROM_PENDING: _unwise(_S.REPLY, _B.REPLY),
    _C.NO_REPLY_IN_ROUND: _unwise(_S.COMPLETE, _B.REPLY),
    _C.MESSAGE_UNREAD: _unwise(_S.COMPLETE, _B.OPEN_MESSAGES),
    _C.MESSAGE_UNANSWERED: _unwise(_S.COMPLETE, _B.REPLY),
    _C.REFUND_RUNNING: _unwise(_S.COMPLETE, _B.WAIT),
    _C.REFUND_FAILED: _unwise(_S.REFUND, _B.RESEND_REFUND),
    _C.REFUND_RETURNED: _confirm(_S.RESEND, _B.REPLY),
    _C.REFUND_REQUEST_WAITING: _confirm(_S.OWN, _B.WAIT),
    _C.REPEATED_NOTHING_CHANGED: _unwise(_S.COMPLETE, _B.REPLY),
    _C.REPEATED_BEFORE: _confirm(_S.COMPLETE, _B.REFUND_IN_FULL),
    _C.TOO_MANY_COMPLETIONS: _unwise(_S.PRACTICE, _B.PAUSE),
    _C.NOT_SETTLED: _confirm(_S.COMPLETE, _B.REFUND_IN_FULL),
    _C.PARTLY_REFUNDED: _confirm(_S.COMPLETE, _B.REFUND_IN_FULL),
    _C.REPEAT_WOULD_COUNT: _info(_S.PRACTICE),
    _C.REPEAT_TOLERANCE_SPENT: _confirm(_S.PRACTICE, _B.REFUND_IN_FULL),
    _C.TIMELY_NOW: _info(_S.DEADLINES),
    _C.COMPLETION_LATE: _info(_S.DEADLINES),
    _C.NOT_A_REFUND_COMPLAINT: _block(_S.REFUND_DECISION, _B.REPLY),
    _C.DECISION_ALREADY_MADE: _block(_S.FAQ),
    _C.ORDER_ALREADY_REFUNDED: _block(_S.FAQ, _B.REPLY),
    _C.APPROVAL_MOVES_NO_MONEY: _info(_S.REFUND_DECISION, _B.REFUND),
    _C.APPROVAL_PAST_DEADLINE: _confirm(_S.DEADLINES, _B.REFUND),
    _C.ASKED_MORE_THAN_LEFT: _confirm(_S.DETAIL, _B.REPLY),
    _C.DAYS_NEGATIVE: _block(_S.REFUND_DECISION, _B.CORRECT_INPUT),
    _C.REMARK_TOO_LONG: _block(_S.REFUND_DECISION, _B.CORRECT_INPUT),
    _C.REJECT_BEFORE_REPLY: _unwise(_S.REFUND_DECISION, _B.REPLY),
    _C.REJECT_CLOSES: _confirm(_S.REFUND_DECISION, _B.REPLY),
    _C.REJECT_TRUSTED: _confirm(_S.DETAIL, _B.APPROVE_REFUND),
    _C.REJECT_REASON_MISSING: _block(_S.REFUND_DECISION, _B.CORRECT_INPUT),
    _C.REJECT_REASON_TOO_LONG: _block(_S.REFUND_DECISION, _B.CORRECT_INPUT),
    _C.ORDER_UNKNOWN: _block(_S.OWN, _B.CORRECT_INPUT),
    _C.PAID_UNKNOWN: _block(_S.REFUND, _B.READ_AGAIN),
    _C.AMOUNT_NOT_POSITIVE: _block(_S.REFUND, _B.CORRECT_INPUT),
    _C.AMOUNT_OVER_LEFT: _block(_S.REFUND, _B.CORRECT_INPUT),
    _C.ORDER_TOO_OLD: _block(_S.REFUND_LIMITS, _B.REPLY),
    _C.ORDER_OVER_A_MONTH: _info(_S.REFUND_LIMITS),
    _C.TOO_MANY_REFUNDS: _block(_S.REFUND_LIMITS, _B.REPLY),
    _C.REFUND_TOO_SOON: _block(_S.REFUND_LIMITS, _B.WAIT),
    _C.DUPLICATE_REFUND: _unwise(_S.REFUND, _B.WAIT),
    _C.ABNORMAL_REFUND: _unwise(_S.REFUND, _B.RESEND_REFUND),
    _C.REFUNDS_FORBIDDEN: _block(_S.LIMITATIONS, _B.REPLY),
    _C.DECIDE_FIRST: _confirm(_S.FAQ, _B.APPROVE_REFUND),
    _C.REFUNDED_ELSEWHERE: _confirm(_S.OWN),
    _C.LESS_THAN_ASKED: _confirm(_S.DETAIL, _B.REFUND_IN_FULL),
    _C.PARTIAL_REFUND: _info(_S.PRACTICE, _B.REFUND_IN_FULL),
    _C.REFUND_REASON_TOO_LONG: _block(_S.REFUND, _B.CORRECT_INPUT),
    _C.REFUND_REASON_HIDDEN: _info(_S.REFUND, _B.REPLY),
    _C.REFUND_NOT_STUCK: _block(_S.RESEND, _B.WAIT),
    _C.RESEND_TO_CARD: _confirm(_S.RESEND),
    _C.RESEND_TO_MERCHANT: _confirm(_S.RESEND, _B.REPLY),
    _C.REPLY_EMPTY: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.REPLY_TOO_LONG: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.REPLY_SAME: _confirm(_S.OWN, _B.CORRECT_INPUT),
    _C.REPLY_TO_PROCESSED: _confirm(_S.REPLY),
    _C.REPLY_LATE: _info(_S.DEADLINES),
    _C.TOO_MANY_PICTURES: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.LINKS_NOT_ALLOWED: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.LINK_INCOMPLETE: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.LINK_NOT_HTTPS: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.LINK_TEXT_TOO_LONG: _block(_S.REPLY, _B.CORRECT_INPUT),
    _C.IMMEDIATE_SERVICE_NOT_WANTED: _block(_S.IMMEDIATE_SERVICE, _B.REPLY),
    _C.NOTE_EMPTY: _block(_S.OWN, _B.CORRECT_INPUT),
    _C.NOTE_STAYS_HERE: _info(_S.OWN),
    _C.ASSIGNEE_INACTIVE: _block(_S.OWN, _B.CORRECT_INPUT),
    _C.ASSIGNEE_CANNOT_SEE: _block(_S.OWN, _B.CORRECT_INPUT),
    _C.CLAIMED_BY_OTHER: _confirm(_S.OWN),
    _C.CLAIM_STOPS_NO_CLOCK: _info(_S.OWN),
    _C.CASE_CLOSED: _info(_S.OWN),
}
