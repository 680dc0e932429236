"""What the control API says: the truth, without ciphers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kesu.sandbox import shops, wire
from kesu.sandbox.faults import Fault
from kesu.sandbox.state import Complaint, RobotMessage
from kesu.sandbox.virtual_clock import rfc3339

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox


def complaint(sandbox: Sandbox, one: Complaint) -> dict[str, Any]:
    """The platform's truth of one complaint, named as on the wire, with its history and refunds."""
    platform, now = sandbox.platform, sandbox.clock.now()
    account = sandbox.identity.owner_of(one.mchid)
    item: dict[str, Any] = {}
    if account is not None:
        item = wire.complaint_item(platform, account, one, sandbox.base_url, openid=True)
    order = platform.order_of(one)
    return item | {
        "payer_phone": one.phone,
        "shop": shops.shop_of(sandbox.identity.shops, one.mchid).name,
        "temperament": one.temperament,
        "amount": order.amount,
        "refunded": platform.refunded(order.transaction_id),
        "refund_decision": one.round_refund_decision,
        "pictures": [f"/pictures/{name}" for name in one.pictures],
        "history": [wire.history_item(one, entry, sandbox.base_url, now=now) for entry in one.history],
        "refunds": [wire.refund_item(platform, refund) for refund in platform.refunds_of(order.transaction_id)],
    }


def message(one: RobotMessage) -> dict[str, Any]:
    return {
        "n": one.n,
        "time": rfc3339(one.time, milliseconds=True),
        "key": one.key,
        "msgtype": one.msgtype,
        "content": one.content,
        "mentions": one.mentions,
        "errcode": one.errcode,
        "accepted": one.accepted,
    }


def fault(one: Fault) -> dict[str, Any]:
    return {
        "target": one.target,
        "kind": one.kind,
        "value": one.value,
        "rate": one.rate,
        "count": one.count,
        "path": one.path,
        "struck": one.struck,
    }


def clock(sandbox: Sandbox) -> dict[str, Any]:
    """now: RFC 3339 in Beijing time; unix: the same in seconds; next_due: when something will happen."""
    now, due = sandbox.clock.now(), sandbox.next_due()
    return {
        "now": rfc3339(now, milliseconds=True),
        "unix": now.timestamp(),
        "speed": sandbox.clock.speed,
        "next_due": rfc3339(due) if due else None,
    }


def state(sandbox: Sandbox) -> dict[str, Any]:
    """Counts of everything. A receiver that takes forged notices or probes shows in `wrongly_accepted`."""
    known = sandbox.state
    counters = known.counters
    complaints = known.complaints.values()
    return {
        "now": rfc3339(sandbox.clock.now()),
        "quiet_payers": sandbox.payers.quiet,
        "complaints": {
            "total": len(known.complaints),
            "by_state": dict(Counter(one.state for one in complaints)),
            "by_mchid": dict(Counter(one.mchid for one in complaints)),
            "awaiting_answer": sum(one.incoming_user_response for one in complaints),
            "continued": sum(one.times > 1 for one in complaints),
            "in_platform_service": sum(one.in_platform_service for one in complaints),
        },
        "history": dict(Counter(entry.operate_type for one in complaints for entry in one.history)),
        "notices": {
            **_named(counters, "notices_"),
            "attempts_failed": counters.get("notice_attempts_failed", 0),
            "pending": sum(one.status == "pending" for one in known.notices.values()),
        },
        "wrongly_accepted": counters.get("notices_forge_accepted", 0) + counters.get("notices_signtest_accepted", 0),
        "requests": _named(counters, "requests_"),
        "errors": _named(counters, "errors_"),
        "faults": {
            "active": len(sandbox.faults.active),
            **_named(counters, "faults_"),
        },
        "refunds": {
            "total": len(known.refunds),
            "amount": sum(one.amount for one in known.refunds.values() if one.status == "SUCCESS"),
            "by_status": dict(Counter(one.status for one in known.refunds.values())),
        },
        "messages": {
            "total": known.messages[-1].n if known.messages else 0,
            "accepted": counters.get("messages_accepted", 0),
            "refused": {code: number for code, number in _named(counters, "messages_refused_").items() if number},
        },
        "robots": len(known.robot_keys),
        "notify_urls": dict(known.notify_urls),
        "shops": {
            mchid: {
                "name": shops.shop_of(sandbox.identity.shops, mchid).name,
                "english": shops.shop_of(sandbox.identity.shops, mchid).english,
            }
            for mchid in sandbox.identity.shops
        },
    }


def _named(counters: dict[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in counters.items() if name.startswith(prefix)}
