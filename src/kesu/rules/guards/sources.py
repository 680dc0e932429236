"""Where the rule behind a guard comes from."""

from enum import StrEnum

_DOCS = "https://pay.weixin.qq.com/docs"


class RuleSource(StrEnum):
    REPLY = "reply"
    COMPLETE = "complete"
    REFUND_DECISION = "refund_decision"
    IMMEDIATE_SERVICE = "immediate_service"
    REFUND = "refund"
    REFUND_LIMITS = "refund_limits"
    RESEND = "resend"
    DEADLINES = "deadlines"
    DETAIL = "detail"
    FAQ = "faq"
    LIMITATIONS = "limitations"
    PRACTICE = "practice"
    OWN = "own"


RULES: dict[RuleSource, str] = {
    RuleSource.REPLY: f"{_DOCS}/partner/apis/consumer-complaint/complaints/response-complaint-v2.html",
    RuleSource.COMPLETE: f"{_DOCS}/merchant/apis/consumer-complaint/complaints/complete-complaint-v2.html",
    RuleSource.REFUND_DECISION: f"{_DOCS}/merchant/apis/consumer-complaint/complaints/update-refund-progress.html",
    RuleSource.IMMEDIATE_SERVICE: "https://pay.weixin.qq.com/doc/v3/merchant/4017151596",
    RuleSource.REFUND: "https://pay.weixin.qq.com/doc/v3/partner/4013163605",
    RuleSource.REFUND_LIMITS: "https://pay.weixin.qq.com/wiki/doc/apiv3_partner/apis/chapter5_1_14.shtml",
    RuleSource.RESEND: f"{_DOCS}/merchant/apis/refund/refunds/create-abnormal-refund.html",
    RuleSource.DEADLINES: "https://kf.qq.com/faq/230125a6NbmA230125vMNZnE.html",
    RuleSource.DETAIL: "https://pay.weixin.qq.com/doc/v3/partner/4012691648",
    RuleSource.FAQ: "https://pay.weixin.qq.com/doc/v3/partner/4016111688",
    RuleSource.LIMITATIONS: "https://pay.weixin.qq.com/doc/v3/partner/4012803072",
    RuleSource.PRACTICE: "",
    RuleSource.OWN: "",
}
"""Addresses of the official pages. Empty: no page says so. PRACTICE is what merchants report of the platform's
judgement, OWN is our own caution."""
