"""查询订单, for direct merchants and partners, by either number."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from kesu.sandbox import refunds, wire
from kesu.sandbox.api.gate import Call, Gate
from kesu.sandbox.errors import no_authority, not_found, parameter_error

DIRECT = "/v3/pay/transactions"
PARTNER = "/v3/pay/partner/transactions"


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("GET", DIRECT + "/id/{transaction_id}", "order_query", query_direct),
        gate.route("GET", DIRECT + "/out-trade-no/{out_trade_no}", "order_query", query_direct),
        gate.route("GET", PARTNER + "/id/{transaction_id}", "order_query", query_partner),
        gate.route("GET", PARTNER + "/out-trade-no/{out_trade_no}", "order_query", query_partner),
    ]


async def query_direct(call: Call) -> dict[str, Any]:
    _must_name_itself(call, "mchid")
    return _order(call, call.account.mchid)


async def query_partner(call: Call) -> dict[str, Any]:
    _must_name_itself(call, "sp_mchid")
    seller = call.query.get("sub_mchid", "")
    if not call.account.speaks_for(seller):
        raise no_authority("商户号与子商户号无受理关系")
    return _order(call, seller)


def _must_name_itself(call: Call, name: str) -> None:
    if call.query.get(name) != call.account.mchid:
        raise parameter_error(f"{name}与签名的商户号不一致")


def _order(call: Call, seller: str) -> dict[str, Any]:
    numbers = call.request.path_params
    order = refunds.find_order(call.platform, seller, numbers.get("transaction_id"), numbers.get("out_trade_no"))
    if order is None:
        raise not_found("订单不存在", "ORDER_NOT_EXIST")
    return wire.order_item(call.platform, call.account, order)
