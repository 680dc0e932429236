"""The platform's words in people's words. A word that is not here is shown as it came."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from kesu.complaints.labels import PROBLEM_TYPES, STATES, Words, say

__all__ = [
    "ACTORS",
    "OPERATIONS",
    "POLL_TIERS",
    "PROBLEM_TYPES",
    "REJECTIONS",
    "SERVICE_ORDER_STATES",
    "STATES",
    "Words",
    "say",
]

SERVICE_ORDER_STATES: Words = {
    "DOING": _("In service"),
    "REVOKED": _("Revoked"),
    "WAITPAY": _("Waiting for payment"),
    "DONE": _("Service finished"),
}

OPERATIONS: Words = {
    "USER_CREATE_COMPLAINT": _("complained"),
    "USER_CONTINUE_COMPLAINT": _("complained again"),
    "USER_RESPONSE": _("wrote"),
    "USER_CLICK_RESPONSE": _("chose an answer"),
    "USER_SUBMIT_SATISFACTION": _("rated the handling"),
    "USER_APPLY_PLATFORM_HELP": _("asked WeChat Pay for help"),
    "USER_APPLY_PLATFORM_SERVICE": _("asked for platform service"),
    "USER_CANCEL_PLATFORM_SERVICE": _("withdrew from platform service"),
    "USER_REVOKE_COMPLAINT": _("withdrew the complaint"),
    "USER_COMFIRM_COMPLAINT": _("confirmed the complaint as settled"),
    "MERCHANT_RESPONSE": _("replied"),
    "MERCHANT_CONFIRM_COMPLETE": _("reported the complaint as completed"),
    "MERCHANT_APPROVE_REFUND": _("approved the refund"),
    "MERCHANT_REFUSE_RERUND": _("rejected the refund"),
    "PLATFORM_RESPONSE": _("wrote"),
    "PLATFORM_HELP_APPLICATION": _("sent a reminder"),
    "PLATFORM_SERVICE_FINISHED": _("ended platform service"),
    "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE": _("Complaint received"),
    "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE": _("Complaint continued"),
    "COMPLAINT_FULL_REFUNDED": _("Refunded in full"),
    "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE": _("Refunded in full"),
    "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE": _("Refunded in part"),
    "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE": _("The refund has arrived"),
    "COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE": _("WeChat Pay refunded on the merchant's behalf"),
    "SERVICE_ORDER_CANCEL": _("Service order cancelled"),
    "SERVICE_ORDER_COMPLETE": _("Service order finished"),
    "SERVICE_ORDER_WAIT_USER_PAY": _("Service order waits for payment"),
    "MERCHANT_CONFIRM_COMPLETE_SYSTEM_MESSAGE": _("Complaint completed"),
}

ACTORS: Words = {
    "payer": _("Payer"),
    "merchant": _("Merchant"),
    "platform": _("WeChat Pay"),
    "system": _("System"),
    "unknown": _("WeChat Pay"),
}

POLL_TIERS: Words = {
    "newest": _("newest days"),
    "recent": _("last 8 days"),
    "month": _("last 30 days"),
}

REJECTIONS: Words = {
    "missing_headers": _("Signature headers are missing"),
    "malformed_headers": _("Signature headers are damaged"),
    "stale_timestamp": _("Signed too long ago, or a clock is wrong"),
    "unknown_serial": _("Signed with a platform key that is not held here"),
    "signature_probe": _("Signature probe by WeChat Pay (harmless)"),
    "bad_signature": _("Wrong signature"),
    "not_json": _("Not JSON"),
    "not_an_envelope": _("Not a notice"),
    "not_decryptable": _("Cannot be opened: is the APIv3 key right?"),
    "wrong_method": _("Wrong method"),
    "unknown_token": _("Unknown callback address"),
    "too_large": _("Too large"),
    "truncated": _("Ended early"),
}
