"""Refunds, orders and bills.

Sources: 申请退款 https://pay.weixin.qq.com/doc/v3/partner/4013080625 and .../4013163605, 查询单笔退款, 发起异常退款,
查询订单, 申请交易账单 of the same site. Amounts are integer fen (bills alone are in yuan).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import httpx2

from kesu.wechatpay.ciphers import encrypt_sensitive
from kesu.wechatpay.connection import Call, Connection
from kesu.wechatpay.errors import UnexpectedAnswer
from kesu.wechatpay.pacing import Endpoint
from kesu.wechatpay.resources import BillLink, Order, Refund
from kesu.wechatpay.wire import json_body, segment, with_query

PATH = "/v3/refund/domestic/refunds"
BILL_PATH = "/v3/billdownload/file"
LONGEST_REASON_BYTES = 80
LARGEST_BILL = 512 * 1024 * 1024


class RefundCalls(Connection):
    """The refund, order and bill part of `Client`."""

    async def create_refund(
        self,
        *,
        out_refund_no: str,
        refund: int,
        total: int,
        transaction_id: str | None = None,
        out_trade_no: str | None = None,
        sub_mchid: str | None = None,
        reason: str | None = None,
        notify_url: str | None = None,
        funds_account: str | None = None,
        goods_detail: Sequence[Mapping[str, Any]] | None = None,
    ) -> Refund:
        """Ask for a refund; success means accepted, not arrived.

        refund, total: fen, of this refund and of the whole order. Exactly one of transaction_id and
        out_trade_no. sub_mchid: only for a provider. reason: at most 80 UTF-8 bytes, the payer reads it.
        out_refund_no is the idempotency key: after an error with `outcome_unknown` (429 included: it means
        accepted) query it, or repeat with the *same* number and fields; a new number refunds twice.
        """
        if (transaction_id is None) == (out_trade_no is None):
            raise ValueError("name the order by transaction_id or by out_trade_no")
        if not 0 < refund <= total:
            raise ValueError("a refund is more than nothing and at most the order's total")
        if len((reason or "").encode()) > LONGEST_REASON_BYTES:
            raise ValueError(f"the reason is longer than {LONGEST_REASON_BYTES} bytes")
        body = json_body(
            {
                "sub_mchid": sub_mchid,
                "transaction_id": transaction_id,
                "out_trade_no": out_trade_no,
                "out_refund_no": out_refund_no,
                "reason": reason or None,
                "notify_url": notify_url,
                "funds_account": funds_account,
                "amount": {"refund": refund, "total": total, "currency": "CNY"},
                "goods_detail": [dict(item) for item in goods_detail] if goods_detail else None,
            }
        )
        answer = await self.call(Call(Endpoint.REFUND, "POST", PATH, body, busy_means_accepted=True))
        return Refund.from_wire(answer.json(), answered_at=answer.answered_at)

    async def query_refund(self, out_refund_no: str, *, sub_mchid: str | None = None) -> Refund:
        """How a refund stands. Raises NotFound when the platform has never accepted this number."""
        target = with_query(f"{PATH}/{segment(out_refund_no)}", {"sub_mchid": sub_mchid})
        answer = await self.call(Call(Endpoint.REFUND_QUERY, "GET", target))
        return Refund.from_wire(answer.json(), answered_at=answer.answered_at)

    async def apply_abnormal_refund(
        self,
        refund_id: str,
        *,
        out_refund_no: str,
        type: str,
        sub_mchid: str | None = None,
        bank_type: str | None = None,
        bank_account: str | None = None,
        real_name: str | None = None,
    ) -> Refund:
        """Send an ABNORMAL refund elsewhere. type: `USER_BANK_CARD` (with bank_type, bank_account, real_name,
        which are sealed to the platform's key) or `MERCHANT_BANK_CARD`. Raises ValueError without a key."""
        serial = self.platform_keys.preferred
        key = self.platform_keys.get(serial) if serial else None
        sealed: dict[str, str | None] = {"bank_account": None, "real_name": None}
        if type == "USER_BANK_CARD":
            if key is None or not (bank_type and bank_account and real_name):
                raise ValueError("USER_BANK_CARD needs the bank, the account, the name and a platform key")
            sealed = {
                "bank_account": encrypt_sensitive(key, bank_account),
                "real_name": encrypt_sensitive(key, real_name),
            }
        body = json_body(
            {
                "sub_mchid": sub_mchid,
                "out_refund_no": out_refund_no,
                "type": type,
                "bank_type": bank_type,
                **sealed,
            }
        )
        target = f"{PATH}/{segment(refund_id)}/apply-abnormal-refund"
        answer = await self.call(
            Call(Endpoint.REFUND, "POST", target, body, key_serial=serial, busy_means_accepted=True)
        )
        return Refund.from_wire(answer.json(), answered_at=answer.answered_at)

    async def query_order(
        self,
        *,
        transaction_id: str | None = None,
        out_trade_no: str | None = None,
        sub_mchid: str | None = None,
    ) -> Order:
        """A payment by either of its numbers; a provider names the sub-merchant. Raises NotFound."""
        if (transaction_id is None) == (out_trade_no is None):
            raise ValueError("name the order by transaction_id or by out_trade_no")
        mchid = self.credentials.mchid
        base = "/v3/pay/partner/transactions" if sub_mchid else "/v3/pay/transactions"
        number = f"id/{segment(transaction_id)}" if transaction_id else f"out-trade-no/{segment(out_trade_no or '')}"
        query = {"sp_mchid": mchid, "sub_mchid": sub_mchid} if sub_mchid else {"mchid": mchid}
        answer = await self.call(Call(Endpoint.ORDER_QUERY, "GET", with_query(f"{base}/{number}", query)))
        return Order.from_wire(answer.json(), answered_at=answer.answered_at)

    async def get_trade_bill(
        self, day: date, *, bill_type: str = "ALL", sub_mchid: str | None = None, packed: bool = False
    ) -> BillLink:
        """Where the trade bill of a Beijing day can be fetched (from 10:00 of the next day on).
        bill_type: `ALL`, `SUCCESS`, `REFUND`. packed: gzip."""
        query = {
            "bill_date": day.isoformat(),
            "bill_type": bill_type,
            "sub_mchid": sub_mchid,
            "tar_type": "GZIP" if packed else None,
        }
        answer = await self.call(Call(Endpoint.BILL, "GET", with_query("/v3/bill/tradebill", query)))
        return BillLink.from_wire(answer.json(), answered_at=answer.answered_at)

    async def download_bill(self, link: BillLink) -> bytes:
        """The bill's bytes. The platform does not sign them: an unpacked bill is checked against the link's
        SHA-1 (which was signed). Raises UnexpectedAnswer when it does not fit, ValueError for a strange link."""
        target = httpx2.URL(link.download_url).raw_path.decode("ascii")
        if not target.startswith(f"{BILL_PATH}?"):
            raise ValueError("the link is not one of the platform's bills")
        answer = await self.call(
            Call(Endpoint.BILL, "GET", target, accept="*/*", verified=False, largest_answer=LARGEST_BILL)
        )
        packed = answer.body.startswith(b"\x1f\x8b")
        digest = hashlib.sha1(answer.body, usedforsecurity=False).hexdigest()
        if link.hash_value and not packed and digest != link.hash_value.lower():
            raise UnexpectedAnswer("the bill does not fit its hash")
        return answer.body
