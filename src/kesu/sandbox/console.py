"""The official console (商户平台, 商家助手): a merchant acting outside the desk, on the same complaint.

FAQ-25: the API and the console operate on the same ticket. The platform pushes none of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.sandbox import merchant_acts, refunds
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.identity import Account
from kesu.sandbox.platform import Platform
from kesu.sandbox.state import Complaint


@dataclass
class Deed:
    """text: of a reply, or the reason of a rejection. amount: fen, the rest of the order when None.
    day: working days until the refund is started."""

    text: str | None = None
    amount: int | None = None
    day: int | None = None


def reply(platform: Platform, complaint: Complaint, deed: Deed, now: datetime) -> None:
    body = {
        "complainted_mchid": complaint.mchid,
        "response_content": deed.text or "您好, 已收到您的反馈, 正在为您核实处理。",
    }
    merchant_acts.reply(platform, _account(platform, complaint), complaint.complaint_id, body, now=now)


def complete(platform: Platform, complaint: Complaint, deed: Deed, now: datetime) -> None:
    account = _account(platform, complaint)
    merchant_acts.complete(platform, account, complaint.complaint_id, complaint.mchid, now=now)


def refund(platform: Platform, complaint: Complaint, deed: Deed, now: datetime) -> None:
    account, order = _account(platform, complaint), platform.order_of(complaint)
    body: dict[str, Any] = {
        "transaction_id": order.transaction_id,
        "out_refund_no": platform.number("CONSOLE", now),
        "amount": {
            "refund": deed.amount or platform.refundable(order),
            "total": order.amount,
            "currency": "CNY",
        },
    }
    if body["amount"]["refund"] < 1:
        raise ScriptError("the order is refunded already", status=409)
    if account.role == "partner":
        body["sub_mchid"] = complaint.mchid
    refunds.create(platform, account, body, now=now)


def approve(platform: Platform, complaint: Complaint, deed: Deed, now: datetime) -> None:
    _decide(platform, complaint, {"action": "APPROVE", "launch_refund_day": deed.day or 0}, now)


def reject(platform: Platform, complaint: Complaint, deed: Deed, now: datetime) -> None:
    _decide(platform, complaint, {"action": "REJECT", "reject_reason": deed.text or "不符合退款条件"}, now)


VERBS: dict[str, Callable[[Platform, Complaint, Deed, datetime], None]] = {
    "reply": reply,
    "complete": complete,
    "refund": refund,
    "approve": approve,
    "reject": reject,
}


def _decide(platform: Platform, complaint: Complaint, body: dict[str, Any], now: datetime) -> None:
    account = _account(platform, complaint)
    merchant_acts.update_refund_progress(platform, account, complaint.complaint_id, body, now=now)


def _account(platform: Platform, complaint: Complaint) -> Account:
    account = platform.identity.owner_of(complaint.mchid)
    if account is None:
        raise ScriptError("nobody handles complaints against this number", status=409)
    return account
