"""What the platform's words mean: `operate_type` of the history, `action_type` of a notice.

Spelled exactly as on the wire, mistakes included (`MERCHANT_REFUSE_RERUND`, `USER_COMFIRM_COMPLAINT`).
Sources: 查询投诉单协商历史 https://pay.weixin.qq.com/doc/v3/partner/4012691802 and the change log
https://pay.weixin.qq.com/docs/partner/changelog/consumer-complaint.html; 投诉通知回调
https://pay.weixin.qq.com/docs/merchant/apis/consumer-complaint/complaint-notifications/complaint-notifications.html.
"""

from dataclasses import dataclass
from enum import StrEnum


class Actor(StrEnum):
    PAYER = "payer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    SYSTEM = "system"
    UNKNOWN = "unknown"


OPERATION_ACTORS: dict[str, Actor] = {
    "USER_CREATE_COMPLAINT": Actor.PAYER,
    "USER_CONTINUE_COMPLAINT": Actor.PAYER,
    "USER_RESPONSE": Actor.PAYER,
    "USER_CLICK_RESPONSE": Actor.PAYER,
    "USER_SUBMIT_SATISFACTION": Actor.PAYER,
    "USER_APPLY_PLATFORM_HELP": Actor.PAYER,
    "USER_APPLY_PLATFORM_SERVICE": Actor.PAYER,
    "USER_CANCEL_PLATFORM_SERVICE": Actor.PAYER,
    "USER_REVOKE_COMPLAINT": Actor.PAYER,  # historical complaints only
    "USER_COMFIRM_COMPLAINT": Actor.PAYER,  # historical complaints only
    "MERCHANT_RESPONSE": Actor.MERCHANT,
    "MERCHANT_CONFIRM_COMPLETE": Actor.MERCHANT,
    "MERCHANT_APPROVE_REFUND": Actor.MERCHANT,
    "MERCHANT_REFUSE_RERUND": Actor.MERCHANT,
    "PLATFORM_RESPONSE": Actor.PLATFORM,
    "PLATFORM_HELP_APPLICATION": Actor.PLATFORM,
    "PLATFORM_SERVICE_FINISHED": Actor.PLATFORM,
    "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE": Actor.SYSTEM,
    "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE": Actor.SYSTEM,
    "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE": Actor.SYSTEM,
    "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE": Actor.SYSTEM,
    "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE": Actor.SYSTEM,
    "COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE": Actor.SYSTEM,
    "SERVICE_ORDER_CANCEL": Actor.SYSTEM,
    "SERVICE_ORDER_COMPLETE": Actor.SYSTEM,
    "COMPLAINT_FULL_REFUNDED": Actor.SYSTEM,  # gone, old data may hold it
    "MERCHANT_CONFIRM_COMPLETE_SYSTEM_MESSAGE": Actor.SYSTEM,  # dropped 2022-08
    "SERVICE_ORDER_WAIT_USER_PAY": Actor.SYSTEM,  # dropped 2022-06
}
"""Who acted, by `operate_type`. The set of keys is every value the platform has published."""

CONTINUATION = "USER_CONTINUE_COMPLAINT"
CONTINUATION_TWIN = "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE"
CONTINUATIONS = frozenset({CONTINUATION, CONTINUATION_TWIN})

MERCHANT_REPLIES = frozenset({"MERCHANT_RESPONSE"})

COMPLETIONS = frozenset(
    {
        "MERCHANT_CONFIRM_COMPLETE",
        "MERCHANT_CONFIRM_COMPLETE_SYSTEM_MESSAGE",
        "MERCHANT_REFUSE_RERUND",
        "USER_REVOKE_COMPLAINT",
        "USER_COMFIRM_COMPLAINT",
    }
)
"""Acts that finish a complaint at once. A refused refund does (更新退款审批结果,
https://pay.weixin.qq.com/docs/merchant/apis/consumer-complaint/complaints/update-refund-progress.html)."""

REFUND_ARRIVALS = frozenset({"COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE"})
"""Finishes a `problem_type` REFUND complaint once the refund was approved (same page); others, not documented."""

REFUNDS = frozenset(
    {
        "COMPLAINT_FULL_REFUNDED",
        "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE",
        "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE",
        "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE",
        "COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE",
    }
)

PAYER_MESSAGES = frozenset({"USER_RESPONSE", "USER_CLICK_RESPONSE"})
"""The payer said something inside a running complaint: text, or a tap on a button of an immediate-service reply."""

PLATFORM_SERVICE_STARTS = frozenset({"USER_APPLY_PLATFORM_SERVICE", "USER_APPLY_PLATFORM_HELP"})
"""平台协助, and its older name 申请协助."""

PLATFORM_SERVICE_ENDS = frozenset({"USER_CANCEL_PLATFORM_SERVICE", "PLATFORM_SERVICE_FINISHED"})

PLATFORM_EVENTS = (
    frozenset({"PLATFORM_RESPONSE", "PLATFORM_HELP_APPLICATION", "COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE"})
    | PLATFORM_SERVICE_STARTS
    | PLATFORM_SERVICE_ENDS
)
"""Everything that says the platform itself has a hand in the case."""


def actor_of(operate_type: str) -> Actor:
    """Who did it; UNKNOWN for a word that was never published. Never guessed from a prefix."""
    return OPERATION_ACTORS.get(operate_type, Actor.UNKNOWN)


def is_known_operation(operate_type: str) -> bool:
    return operate_type in OPERATION_ACTORS


@dataclass(frozen=True, slots=True)
class NoticeAction:
    """What a notice's `action_type` announces.

    `pushed` is False where the platform's FAQ says that a merchant's own acts are no longer notified
    (https://developers.weixin.qq.com/community/pay/doc/000a0606d345a064a4eb5c5455ec08): polling must find those.
    """

    actor: Actor
    meaning: str
    pushed: bool = True


_PLATFORM_SERVICE_WANTED = NoticeAction(Actor.PAYER, "asked for platform service")

NOTICE_ACTIONS: dict[str, NoticeAction] = {
    "CREATE_COMPLAINT": NoticeAction(Actor.PAYER, "complained"),
    "CONTINUE_COMPLAINT": NoticeAction(Actor.PAYER, "complained again"),
    "USER_RESPONSE": NoticeAction(Actor.PAYER, "wrote"),
    "RESPONSE_BY_PLATFORM": NoticeAction(Actor.PLATFORM, "wrote"),
    "SELLER_REFUND": NoticeAction(Actor.MERCHANT, "started a full refund"),
    "MERCHANT_RESPONSE": NoticeAction(Actor.MERCHANT, "replied", pushed=False),
    "MERCHANT_CONFIRM_COMPLETE": NoticeAction(Actor.MERCHANT, "completed", pushed=False),
    "USER_APPLY_PLATFORM_SERVICE": _PLATFORM_SERVICE_WANTED,
    "USER_APPLY_PLATFORM_SERIVCE": _PLATFORM_SERVICE_WANTED,  # a historical misspelling on the wire
    "USER_CANCEL_PLATFORM_SERVICE": NoticeAction(Actor.PAYER, "cancelled platform service"),
    "PLATFORM_SERVICE_FINISHED": NoticeAction(Actor.PLATFORM, "ended platform service"),
    "MERCHANT_APPROVE_REFUND": NoticeAction(Actor.MERCHANT, "approved the refund"),
    "MERCHANT_REJECT_REFUND": NoticeAction(Actor.MERCHANT, "rejected the refund"),
    "REFUND_SUCCESS": NoticeAction(Actor.SYSTEM, "the refund arrived"),
}
"""Notice words differ from history words for the same act (`RESPONSE_BY_PLATFORM` is `PLATFORM_RESPONSE` there)."""


def is_known_action(action_type: str) -> bool:
    """An unknown one is processed all the same (read the complaint), and counted."""
    return action_type in NOTICE_ACTIONS
