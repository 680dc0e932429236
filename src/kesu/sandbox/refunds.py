"""Refunds: one number refunds once, never more than was paid, and the money arrives a little later.

Sources: 申请退款 https://pay.weixin.qq.com/doc/v3/partner/4013163605 (2025-03-06) and its limits page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from kesu.sandbox.errors import invalid_request, no_authority, not_found, parameter_error
from kesu.sandbox.identity import Account
from kesu.sandbox.platform import SYSTEM, Platform, whole_second
from kesu.sandbox.state import Complaint, Order, Refund

MAXIMUM_PARTIAL_REFUNDS = 50
BETWEEN_PARTIAL_REFUNDS = timedelta(minutes=1)
REFUNDABLE_FOR = timedelta(days=365)


def create(platform: Platform, account: Account, body: dict[str, Any], *, now: datetime) -> Refund:
    """POST /v3/refund/domestic/refunds. The same out_refund_no with the same content answers the first refund.

    Raises PlatformError: 404 unknown order, 403 somebody else's, 400 INVALID_REQUEST beyond a limit.
    """
    known = platform.state.refunds.get(_key(account, body["out_refund_no"]))
    if known is not None:
        if known.request != body:
            raise invalid_request("退款单号已存在, 且请求参数与原请求不一致")
        return known
    order = _order(platform, account, body)
    amount = body["amount"]
    if amount["total"] != order.amount:
        raise invalid_request("订单金额与原订单不一致")
    _check_limits(platform, order, amount["refund"], now)
    refund = Refund(
        refund_id=platform.number("503", now, 15),
        out_refund_no=body["out_refund_no"],
        caller=account.mchid,
        mchid=order.mchid,
        transaction_id=order.transaction_id,
        amount=amount["refund"],
        total=order.amount,
        created_at=whole_second(now),
        reason=body.get("reason"),
        notify_url=body.get("notify_url"),
        request=body,
    )
    platform.state.refunds[_key(account, refund.out_refund_no)] = refund
    platform.index_refund(refund)
    platform.agenda.add(now + platform.policy.refund_delay, "refund", key=_key(account, refund.out_refund_no))
    return refund


def query(platform: Platform, account: Account, out_refund_no: str, sub_mchid: str | None) -> Refund:
    """GET by number. Raises PlatformError 404 RESOURCE_NOT_EXISTS."""
    refund = platform.state.refunds.get(_key(account, out_refund_no))
    if refund is None or _seller(account, sub_mchid) != refund.mchid:
        raise not_found("退款单不存在")
    return refund


def apply_abnormal(
    platform: Platform, account: Account, refund_id: str, body: dict[str, Any], *, now: datetime
) -> Refund:
    """POST apply-abnormal-refund: send an ABNORMAL refund on its way again. `bank_account` and `real_name` of the body
    are opened already. Raises PlatformError: 404 for another's refund, 400 in another state or for a card that
    is none."""
    refund = next((r for r in platform.state.refunds.values() if r.refund_id == refund_id), None)
    if refund is None or refund.caller != account.mchid or refund.out_refund_no != body["out_refund_no"]:
        raise not_found("退款单不存在")
    if _seller(account, body.get("sub_mchid")) != refund.mchid:
        raise not_found("退款单不存在")
    sent_to = _destination(body)
    if refund.status != "ABNORMAL":
        raise invalid_request("退款单状态不是退款异常, 不能发起异常退款")
    refund.status = "PROCESSING"
    refund.resent.append(sent_to)
    key = _key(account, refund.out_refund_no)
    platform.agenda.add(now + platform.policy.refund_delay, "refund", key=key)
    return refund


def arrive(platform: Platform, key: str, *, now: datetime) -> Refund | None:
    """The money reaches the payer: system messages, and a REFUND ticket is completed."""
    refund = platform.state.refunds.get(key)
    if refund is None or refund.status != "PROCESSING":
        return None
    refund.status = "SUCCESS"
    refund.arrived_at = whole_second(now)
    complaint = platform.complaint_about(refund.transaction_id)
    if complaint is not None:
        _tell_the_complaint(platform, complaint, refund, now)
    return refund


def fail(refund: Refund, status: Literal["ABNORMAL", "CLOSED"] = "ABNORMAL") -> None:
    """The payer's card is closed or frozen: the refund turns ABNORMAL. CLOSED: the merchant's funds do not suffice."""
    if refund.status == "PROCESSING":
        refund.status = status


def _destination(body: dict[str, Any]) -> dict[str, str]:
    """Where the money goes now. A payer's card needs its bank, number and owner."""
    if body["type"] == "MERCHANT_BANK_CARD":
        return {"type": body["type"]}
    missing = [name for name in ("bank_type", "bank_account", "real_name") if not body.get(name)]
    if missing:
        raise parameter_error(f"退款至用户时{'、'.join(missing)}必填")
    if not (body["bank_account"].isascii() and body["bank_account"].isdigit()):
        raise parameter_error("收款银行卡号不正确")
    tail = body["bank_account"][-4:]
    return {"type": body["type"], "bank_type": body["bank_type"], "tail": tail, "name": body["real_name"]}


def _tell_the_complaint(platform: Platform, complaint: Complaint, refund: Refund, now: datetime) -> None:
    """RFD-25: the refund's arrival turns a REFUND ticket PROCESSED. Others only get the messages."""
    money = f"{refund.amount / 100:.2f}元"
    is_ticket = complaint.problem_type == "REFUND"
    arrived = platform.refunded(refund.transaction_id)
    enough = arrived >= (complaint.apply_refund_amount or refund.total)
    if is_ticket and complaint.state != "PROCESSED" and (enough or complaint.round_refund_decision == "APPROVE"):
        complaint.state = "PROCESSED"
        complaint.incoming_user_response = False
    if platform.is_fully_refunded(complaint):
        kind = "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE"
        platform.record(complaint, SYSTEM, kind, f"商家已全额退款, 本次{money}", now=now)
    else:
        kind = "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE"
        platform.record(complaint, SYSTEM, kind, f"商家已部分退款{money}", now=now)
    if is_ticket:
        kind = "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE"
        platform.record(complaint, SYSTEM, kind, f"退款{money}已到账", now=now)


def _order(platform: Platform, account: Account, body: dict[str, Any]) -> Order:
    if ("transaction_id" in body) == ("out_trade_no" in body):
        raise parameter_error("transaction_id与out_trade_no必须且只能填写一个")
    mchid = _seller(account, body.get("sub_mchid"))
    order = find_order(platform, mchid, body.get("transaction_id"), body.get("out_trade_no"))
    if order is None:
        raise not_found("订单不存在")
    return order


def find_order(platform: Platform, mchid: str, transaction_id: str | None, out_trade_no: str | None) -> Order | None:
    """An order of that seller by either number."""
    if transaction_id is not None:
        order = platform.state.orders.get(transaction_id)
        return order if order is not None and order.mchid == mchid else None
    orders = platform.state.orders.values()
    return next((o for o in orders if o.out_trade_no == out_trade_no and o.mchid == mchid), None)


def _seller(account: Account, sub_mchid: str | None) -> str:
    """Whose order it is: a partner names its sub-merchant, a direct merchant must not."""
    if account.role == "partner":
        if not sub_mchid:
            raise parameter_error("服务商模式下sub_mchid必填")
        if not account.speaks_for(sub_mchid):
            raise no_authority("商户号与子商户号无受理关系")
        return sub_mchid
    if sub_mchid:
        raise parameter_error("直连商户不能填写sub_mchid")
    return account.mchid


def _check_limits(platform: Platform, order: Order, amount: int, now: datetime) -> None:
    earlier = platform.refunds_of(order.transaction_id)
    if now - order.paid_at > REFUNDABLE_FOR:
        raise invalid_request("订单已超过可退款的最大期限(支付后一年内可退款)")
    if amount > platform.refundable(order):
        raise invalid_request("退款金额超过订单可退金额")
    if len(earlier) >= MAXIMUM_PARTIAL_REFUNDS:
        raise invalid_request("一笔订单最多支持50次部分退款")
    if earlier and now - earlier[-1].created_at < BETWEEN_PARTIAL_REFUNDS:
        raise invalid_request("同一订单的多次退款需间隔1分钟")


def _key(account: Account, out_refund_no: str) -> str:
    return f"{account.mchid}/{out_refund_no}"
