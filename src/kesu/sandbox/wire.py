"""How the platform writes its answers. The odd shapes are the platform's own and are kept to the letter.

`complaint_media_list` is an array in list and detail but an object in the history; `complaint_time` has
milliseconds and `operate_time` has not; `user_appy_...` and `negotiation-historys` are spelt so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kesu.sandbox.identity import Account
from kesu.sandbox.pictures import HISTORY_URL_LIFE, PictureAddress
from kesu.sandbox.platform import Platform
from kesu.sandbox.state import Complaint, Entry, Order, Refund
from kesu.sandbox.virtual_clock import rfc3339
from kesu.wechatpay.ciphers import encrypt_sensitive


def complaint_item(
    platform: Platform, account: Account, complaint: Complaint, base_url: str, *, openid: bool
) -> dict[str, Any]:
    """A complaint in the list, or (with `openid`) in the detail."""
    order = platform.order_of(complaint)
    item: dict[str, Any] = {
        "complaint_id": complaint.complaint_id,
        "complaint_time": rfc3339(complaint.complained_at, milliseconds=True),
        "complaint_detail": complaint.detail,
        "complaint_state": complaint.state,
        "complainted_mchid": complaint.mchid,
        "complaint_order_info": [
            {
                "transaction_id": order.transaction_id,
                "out_trade_no": order.out_trade_no,
                "amount": order.amount,
            }
        ],
        "complaint_full_refunded": platform.is_fully_refunded(complaint),
        "incoming_user_response": complaint.incoming_user_response,
        "user_complaint_times": complaint.times,
        "problem_description": complaint.problem_description,
        "problem_type": complaint.problem_type,
        "in_platform_service": complaint.in_platform_service,
        "need_immediate_service": complaint.need_immediate_service,
        "is_agent_mode": complaint.is_agent_mode,
    }
    if complaint.phone:
        item["payer_phone"] = encrypt_sensitive(account.sealing_key, complaint.phone)
    if openid:
        item["payer_openid"] = order.openid
    if complaint.pictures:
        item["complaint_media_list"] = [
            {
                "media_type": "USER_COMPLAINT_IMAGE",
                "media_url": payer_picture_urls(complaint, complaint.pictures, base_url),
            }
        ]
    if complaint.apply_refund_amount is not None:
        item["apply_refund_amount"] = complaint.apply_refund_amount
    if complaint.tags:
        item["user_tag_list"] = complaint.tags
    if complaint.service_orders:
        item["service_order_info"] = complaint.service_orders
    if complaint.additional_info:
        item["additional_info"] = complaint.additional_info
    return item


def history_item(complaint: Complaint, entry: Entry, base_url: str, *, now: datetime) -> dict[str, Any]:
    """A line of the negotiation history. Addresses in image_list live one hour from `now`."""
    item: dict[str, Any] = {
        "log_id": entry.log_id,
        "operator": entry.operator,
        "operate_time": rfc3339(entry.operated_at),
        "operate_type": entry.operate_type,
    }
    if entry.details is not None:
        item["operate_details"] = entry.details[:500]
    if entry.pictures:
        expires = int((now + HISTORY_URL_LIFE).timestamp())
        item["image_list"] = [
            base_url + PictureAddress("upload", complaint.complaint_id, media_id, expires).path()
            for media_id in entry.pictures
        ]
    if entry.payer_pictures:
        item["complaint_media_list"] = {
            "media_type": "USER_COMPLAINT_IMAGE",
            "media_url": payer_picture_urls(complaint, entry.payer_pictures, base_url),
        }
    return item | entry.extra


def payer_picture_urls(complaint: Complaint, names: list[str], base_url: str) -> list[str]:
    return [base_url + PictureAddress("payer", complaint.complaint_id, name).path() for name in names]


def refund_item(platform: Platform, refund: Refund) -> dict[str, Any]:
    """A refund as create and query answer it; here the field is `status`, in the notice `refund_status`."""
    order = platform.state.orders[refund.transaction_id]
    item: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.transaction_id,
        "out_trade_no": order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.created_at),
        "status": refund.status,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": refund.total,
            "refund": refund.amount,
            "payer_total": refund.total,
            "payer_refund": refund.amount,
            "settlement_refund": refund.amount,
            "settlement_total": refund.total,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.arrived_at:
        item["success_time"] = rfc3339(refund.arrived_at)
    return item


def refund_notice(platform: Platform, account: Account, refund: Refund) -> dict[str, Any]:
    """What a refund's own notice seals (退款结果通知)."""
    item = refund_item(platform, refund)
    numbers = (
        {"sp_mchid": account.mchid, "sub_mchid": refund.mchid}
        if account.role == "partner"
        else {"mchid": account.mchid}
    )
    kept = ("out_trade_no", "transaction_id", "out_refund_no", "refund_id", "user_received_account")
    amount = {key: item["amount"][key] for key in ("total", "refund", "payer_total", "payer_refund")}
    notice = {
        **numbers,
        **{key: item[key] for key in kept},
        "refund_status": refund.status,
        "amount": amount,
    }
    if "success_time" in item:
        notice["success_time"] = item["success_time"]
    return notice


def order_item(platform: Platform, account: Account, order: Order) -> dict[str, Any]:
    """An order as 查询订单 answers it, for a direct merchant or a partner."""
    refunds = [r for r in platform.refunds_of(order.transaction_id) if r.status != "CLOSED"]
    if account.role == "partner":
        who: dict[str, Any] = {
            "sp_appid": "wx5a9d0b0c5a9d0b0c",
            "sp_mchid": account.mchid,
            "sub_mchid": order.mchid,
            "payer": {"sp_openid": order.openid},
        }
    else:
        who = {"appid": "wx5a9d0b0c5a9d0b0c", "mchid": account.mchid, "payer": {"openid": order.openid}}
    return {
        **who,
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "trade_type": "JSAPI",
        "trade_state": "REFUND" if refunds else "SUCCESS",
        "trade_state_desc": "转入退款" if refunds else "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": rfc3339(order.paid_at),
        "amount": {
            "total": order.amount,
            "payer_total": order.amount,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
