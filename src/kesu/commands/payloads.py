"""From a command's payload to the act that guards judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kesu.commands.models import Command
from kesu.rules.guards import Act, ApproveRefund, CaseFacts, Complete, Jump, Refund, RejectRefund, Reply, ResendRefund

TO_PAYER, TO_MERCHANT = "USER_BANK_CARD", "MERCHANT_BANK_CARD"
"""`type` of 发起异常退款."""


def act_of(kind: Command.Kind, payload: Mapping[str, Any]) -> Act:
    text, pictures = str(payload.get("text") or ""), len(payload.get("pictures") or ())
    if kind == Command.Kind.REPLY:
        return Reply(text, pictures, jumps_of(payload))
    if kind == Command.Kind.IMMEDIATE_REPLY:
        return Reply(text, pictures, jumps_of(payload), immediate=True)
    if kind == Command.Kind.COMPLETE:
        return Complete()
    if kind == Command.Kind.APPROVE_REFUND:
        return ApproveRefund(int(payload.get("launch_refund_day") or 0), str(payload.get("remark") or ""))
    if kind == Command.Kind.REJECT_REFUND:
        return RejectRefund(text, pictures, str(payload.get("remark") or ""))
    if kind == Command.Kind.RESEND_REFUND:
        return ResendRefund(str(payload["out_refund_no"]), to_payer=payload["type"] == TO_PAYER)
    return _refund(payload)


def refund_act_of(payload: Mapping[str, Any]) -> Refund | None:
    """The refund that an approval brings along."""
    wanted = payload.get("then_refund")
    return _refund(wanted) if isinstance(wanted, Mapping) else None


def whole_refund(case: CaseFacts) -> dict[str, Any]:
    """A refund of all that is left of the first order: what a page shows before anybody typed an amount."""
    if not case.orders:
        return {"transaction_id": "", "amount": 0}
    order = case.orders[0]
    return {"transaction_id": order.transaction_id, "amount": case.left_of(order) or 0}


def _refund(payload: Mapping[str, Any]) -> Refund:
    return Refund(str(payload["transaction_id"]), int(payload["amount"]), str(payload.get("reason") or ""))


def jumps_of(payload: Mapping[str, Any]) -> tuple[Jump, ...]:
    """Every link and mini program of a message to a payer."""
    listed = [payload.get("jump"), payload.get("mini_program"), *(payload.get("jumps") or ())]
    return tuple(Jump(**{name: str(part) for name, part in one.items()}) for one in listed if isinstance(one, Mapping))


def spoken(payload: Mapping[str, Any]) -> str:
    """Every text that goes to a payer: what red lines look at. It begins with the message's own words."""
    own = str(payload.get("text") or payload.get("reason") or "")
    more = [jump.text for jump in jumps_of(payload) if jump.text and jump.text not in own]
    return "\n".join([own, *more]) if own or more else ""
