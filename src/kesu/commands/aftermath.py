"""What follows once the platform took a command: its refund is followed, the next step planned, the case read again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from kesu.accounts.actor import Actor, Via
from kesu.alerts.commands import tell_command_failed
from kesu.alerts.refunds import tell_refund_failed
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import journal
from kesu.commands.models import Command, Refund
from kesu.commands.payloads import TO_PAYER
from kesu.complaints.models import Order
from kesu.sync.requests import Priority, request_refresh, wake_loop
from kesu.wechatpay.resources import Refund as PlatformRefund

log = structlog.get_logger(__name__)

FIRST_LOOK = timedelta(minutes=1)
LONGEST_LOOK = timedelta(hours=6)
LOOKS_UNTIL_LONGEST = 9
"""The platform asks for no earlier query (查询单笔退款, https://pay.weixin.qq.com/doc/v3/merchant/4012791863)."""

STATES = {
    "SUCCESS": Refund.State.SUCCESS,
    "PROCESSING": Refund.State.PROCESSING,
    "CLOSED": Refund.State.CLOSED,
    "ABNORMAL": Refund.State.ABNORMAL,
}

FINAL = (Refund.State.SUCCESS, Refund.State.CLOSED)
FAILED = (Refund.State.ABNORMAL, Refund.State.CLOSED)


@transaction.atomic
def confirmed(command: Command, answer: Any, *, now: datetime, log_id: str = "", go_on: bool = True) -> None:
    """Settle a command as carried out. ``answer``: what the call returned; None when the history proved it. ``go_on``:
    plan what is to follow it."""
    if isinstance(answer, str):
        log_id = answer[:64]
    journal.confirm(command, now=now, log_id=log_id)
    if command.kind == Command.Kind.REFUND:
        refund = Refund.objects.select_for_update().get(command=command)
        note_refund(refund, answer if isinstance(answer, PlatformRefund) else None, now=now)
    if command.kind == Command.Kind.APPROVE_REFUND and go_on:
        _plan_refund_of(command, now=now)
    if command.kind == Command.Kind.RESEND_REFUND:
        _note_resent(command, answer if isinstance(answer, PlatformRefund) else None, now=now)
    key = (command.account_id, command.complaint.complaint_id)
    request_refresh({key: "own_command"}, priority=Priority.HEARD, now=now)
    wake_loop("refresh")
    log.info("command.confirmed", command=command.pk, kind=command.kind, complaint=command.complaint_id)


@transaction.atomic
def failed(command: Command, failure: Command.Failure, *, now: datetime, **told: Any) -> None:
    """Settle a command as not carried out, and tell its author and whoever serves the case. ``told``: as
    ``journal.fail`` takes it."""
    journal.fail(command, failure, now=now, **told)
    Refund.objects.filter(command=command).update(state=Refund.State.REFUSED, due_at=None, error=command.error[:300])
    tell_command_failed(command.complaint, command.pk, command.kind, author_of(command), failure.value, now=now)
    log.info("command.failed", command=command.pk, kind=command.kind, failure=failure, code=command.error_code)


def author_of(command: Command) -> str:
    """The name its author signs in with; "" when they are gone."""
    return command.actor.username if command.actor else ""


def note_refund(refund: Refund, found: PlatformRefund | None, *, now: datetime) -> None:
    """Write down what the platform says of a refund, and when to ask again; whether it failed is told once. Save
    included."""
    before = refund.state
    refund.state = STATES.get(found.status, Refund.State.PROCESSING) if found else Refund.State.PROCESSING
    if found:
        refund.refund_id = found.refund_id[:64] or refund.refund_id
        if refund.resent_to != Refund.Resent.PAYER:  # The payer's bank card is nobody's business afterwards.
            refund.received_by = found.user_received_account[:64] or refund.received_by
        if refund.state == Refund.State.SUCCESS:
            refund.arrived_at = found.success_time or now
    refund.error = ""
    refund.due_at = None if refund.state in FINAL else now + next_look(refund.looks)
    refund.save()
    if refund.state in FAILED and refund.state != before:
        tell_of_refund(refund, str(refund.state), now=now)


def tell_of_refund(refund: Refund, state: str, *, now: datetime) -> None:
    """Bad news of a refund, told once for each state it gets into."""
    # Sent elsewhere and stuck again is another failure of the same refund.
    again = int(refund.resent_at.timestamp()) if refund.resent_at else 0
    told = {"number": refund.out_refund_no, "amount": refund.amount, "state": state}
    tell_refund_failed(refund.complaint, f"refund:{refund.pk}:{state}:{again}", told, now=now)


def _note_resent(command: Command, found: PlatformRefund | None, *, now: datetime) -> None:
    """The stuck refund is on its way again: followed anew, from the first look."""
    payload = json.loads(command.payload)
    refunds = Refund.objects.select_for_update(of=("self",)).select_related("complaint")
    refund = refunds.get(complaint=command.complaint_id, out_refund_no=payload["out_refund_no"])
    to_payer = payload["type"] == TO_PAYER
    refund.resent_to = Refund.Resent.PAYER if to_payer else Refund.Resent.MERCHANT
    refund.resent_at, refund.looks = now, 0
    note_refund(refund, found, now=now)


def next_look(looks: int) -> timedelta:
    """Wallets take minutes, bank cards up to three working days (查询单笔退款)."""
    return min(FIRST_LOOK * (1 << min(looks, LOOKS_UNTIL_LONGEST)), LONGEST_LOOK)


def _plan_refund_of(command: Command, *, now: datetime) -> None:
    """Approving moves no money (更新退款审批结果): the refund that belongs to it is planned in the same transaction."""
    wanted = json.loads(command.payload).get("then_refund")
    if not wanted:
        return
    order = Order.objects.get(pk=wanted["order"])
    follower = Command.objects.create(
        account=command.account,
        complaint=command.complaint,
        kind=Command.Kind.REFUND,
        payload=json.dumps({**wanted, "order": order.pk}),
        key=f"after-{command.pk}",
        actor=command.actor,
        via=command.via,
        acknowledged=command.acknowledged,
        override_reason=command.override_reason,
        seen_entry=command.baseline_entry or command.seen_entry,
        planned_at=now,
        due_at=now,
    )
    Refund.objects.create(
        account=command.account,
        complaint=command.complaint,
        order=order,
        command=follower,
        out_refund_no=wanted["out_refund_no"],
        amount=wanted["amount"],
        total=wanted["total"],
        reason=wanted["reason"],
        created_at=now,
    )
    told = {"command": follower.pk, "approved_by": command.pk, "amount": wanted["amount"]}
    by = Actor(command.actor, Via.SYSTEM) if command.actor else None
    record(by, Action.REFUNDED, f"complaint:{command.complaint.complaint_id}", told, now=now)
    journal.wake()
