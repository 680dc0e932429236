"""消费者投诉2.0: list, detail, negotiation history, and the merchant's four acts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from starlette.routing import Route

from kesu.sandbox import merchant_acts, presses, schemas, wire
from kesu.sandbox.api.gate import Call, Gate
from kesu.sandbox.errors import invalid_request, no_authority, parameter_error

LIST = "/v3/merchant-service/complaints-v2"
ONE = LIST + "/{complaint_id}"
LONGEST_SPAN_DAYS = 30


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("GET", LIST, "list", list_complaints),
        gate.route("GET", ONE, "detail", detail),
        gate.route("GET", ONE + "/negotiation-historys", "history", history),
        gate.route("POST", ONE + "/response", "response", respond),
        gate.route("POST", ONE + "/complete", "complete", complete),
        gate.route("POST", ONE + "/update-refund-progress", "refund_progress", refund_progress),
        gate.route("POST", ONE + "/response-immediate-service", "immediate", respond_immediately),
    ]


async def list_complaints(call: Call) -> dict[str, Any]:
    """By days, at most 50 a page, spans of at most 30 days; total_count only at offset 0 (LIST-P24)."""
    limit = call.number("limit", default=10, least=1, most=50)
    offset = call.number("offset", default=0, least=0)
    first, last = _day(call, "begin_date"), _day(call, "end_date")
    if last < first:
        raise parameter_error("end_date不能早于begin_date")
    if (last - first).days > LONGEST_SPAN_DAYS:
        raise parameter_error("查询日期跨度不能超过30天")
    mchids = call.account.shops
    wanted = call.query.get("complainted_mchid")
    if wanted is not None:
        if not call.account.speaks_for(wanted):
            raise no_authority("您暂无权限查询该商户号的投诉单")
        mchids = [wanted]
    found = call.platform.complaints_between(mchids, first, last)
    base_url = call.sandbox.base_url
    items = [
        wire.complaint_item(call.platform, call.account, complaint, base_url, openid=False)
        for complaint in found[offset : offset + limit]
    ]
    largest = call.platform.policy.list_bytes_limit
    if largest is not None and len(json.dumps(items, ensure_ascii=False).encode()) > largest:
        raise invalid_request("当前查询结果数据量过大")
    return _page(items, limit, offset, len(found))


async def detail(call: Call) -> dict[str, Any]:
    complaint = call.platform.complaint_of(call.account, call.part("complaint_id"))
    return wire.complaint_item(call.platform, call.account, complaint, call.sandbox.base_url, openid=True)


async def history(call: Call) -> dict[str, Any]:
    """The negotiation history, oldest first."""
    complaint = call.platform.complaint_of(call.account, call.part("complaint_id"))
    limit = call.number("limit", default=100, least=1, most=300)
    offset = call.number("offset", default=0, least=0)
    items = [
        wire.history_item(complaint, entry, call.sandbox.base_url, now=call.now)
        for entry in complaint.history[offset : offset + limit]
    ]
    return _page(items, limit, offset, len(complaint.history))


async def respond(call: Call) -> None:
    body = call.json(schemas.RESPONSE)
    merchant_acts.reply(call.platform, call.account, call.part("complaint_id"), body, now=call.now)


async def complete(call: Call) -> None:
    mchid = call.json(schemas.COMPLETE)["complainted_mchid"]
    merchant_acts.complete(call.platform, call.account, call.part("complaint_id"), mchid, now=call.now)


async def refund_progress(call: Call) -> None:
    body = call.json(schemas.REFUND_PROGRESS)
    complaint_id = call.part("complaint_id")
    merchant_acts.update_refund_progress(call.platform, call.account, complaint_id, body, now=call.now)


async def respond_immediately(call: Call) -> dict[str, Any]:
    body = call.json(schemas.IMMEDIATE_RESPONSE)
    presses.check_blocks(body["message"].get("blocks", []))
    complaint_id = call.part("complaint_id")
    log_id = merchant_acts.reply_immediately(call.platform, call.account, complaint_id, body, now=call.now)
    return {"log_id": log_id}


def _page(items: list[dict[str, Any]], limit: int, offset: int, total: int) -> dict[str, Any]:
    page: dict[str, Any] = {"data": items, "limit": limit, "offset": offset}
    if offset == 0:
        page["total_count"] = total
    return page


def _day(call: Call, name: str) -> date:
    text = call.query.get(name)
    if not text:
        raise parameter_error(f"缺少必填参数: {name}")
    try:
        if len(text) != len("2019-01-01"):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise parameter_error(f"{name}的格式应为YYYY-MM-DD") from None
