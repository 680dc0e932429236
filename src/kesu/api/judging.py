"""What stands against a step, told before it is taken. Nothing is kept."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router

from kesu import clock
from kesu.api import shapes, told
from kesu.api.authentication import actor_of
from kesu.api.complaints import Id
from kesu.api.looking import found
from kesu.commands import checks, facts, immediate, payloads
from kesu.commands.immediate import Message
from kesu.commands.models import Command
from kesu.rules.guards import CaseFacts

router = Router(tags=["complaints"])

Amount = Annotated[int | None, Query(ge=1, le=10**12, description="fen; all that is left by default")]
Transaction = Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z]*$")]


@router.get("/complaints/{complaint_id}/concerns", response=list[shapes.ConcernOut])
def concerns(
    request: HttpRequest,
    complaint_id: Id,
    verb: Literal["complete", "approve_refund", "refund"],
    amount: Amount = None,
    transaction_id: Transaction = "",
) -> list[shapes.ConcernOut]:
    """What there is to know before a verb, the gravest first. ``amount`` and ``transaction_id`` are a refund's."""
    row = found(actor_of(request).user, complaint_id)
    now = clock.now()
    case = facts.of(row, now=now)
    kind = Command.Kind(verb)
    payload = _refund(case, amount, transaction_id) if kind == Command.Kind.REFUND else {}
    return [told.concern(one) for one in checks.look_at(case, row, kind, payload, now=now)]


@router.post("/complaints/{complaint_id}/lint", response=list[shapes.ConcernOut])
def lint(request: HttpRequest, complaint_id: Id, body: shapes.LintIn) -> list[shapes.ConcernOut]:
    """What guards and red lines say of a message to the payer before it is sent: a reply, a rejection of a refund, or
    an immediate-service reply in text or ``blocks``."""
    row = found(actor_of(request).user, complaint_id)
    now = clock.now()
    kind, payload = _message(body, now)
    return [told.concern(one) for one in checks.look(row, kind, payload, now=now)]


def _refund(case: CaseFacts, amount: int | None, transaction_id: str) -> dict[str, Any]:
    whole = payloads.whole_refund(case)
    for order in case.orders:
        if order.transaction_id == transaction_id:
            whole = {"transaction_id": transaction_id, "amount": case.left_of(order) or 0}
    return (
        whole | ({"amount": amount} if amount else {}) | ({"transaction_id": transaction_id} if transaction_id else {})
    )


def _message(body: shapes.LintIn, now: Any) -> tuple[Command.Kind, dict[str, Any]]:
    """Raises InvalidCommand for blocks that the platform would not take."""
    if body.blocks is not None:
        message = Message(blocks=body.blocks)
        immediate.check(message, len(body.pictures), now=now)
        return Command.Kind.IMMEDIATE_REPLY, immediate.payload_of(message, body.pictures)
    kind = {"reply": Command.Kind.REPLY, "immediate_reply": Command.Kind.IMMEDIATE_REPLY}.get(
        body.verb, Command.Kind.REJECT_REFUND
    )
    return kind, {
        "text": body.text.strip(),
        "pictures": body.pictures,
        "jump": body.jump.model_dump() if body.jump else None,
        "mini_program": body.mini_program.model_dump() if body.mini_program else None,
    }
