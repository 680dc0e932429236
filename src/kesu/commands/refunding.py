"""Refunds, and the decision on a refund ticket. Above a person's limit two pairs of eyes decide.

Approving moves no money (更新退款审批结果), so an approval plans the refund that belongs to it. A refund keeps its
``out_refund_no`` for ever: a new number would refund twice (申请退款, https://pay.weixin.qq.com/doc/v3/partner/4013163605).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import resending, second_person
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.refunds import left_of
from kesu.commands.verbs import NO_CONSENT, Consent, locked, plan, subject
from kesu.complaints.models import Complaint, Order

LONGEST_REASON_BYTES = 80


@dataclass(frozen=True)
class Wanted:
    """A refund as asked for. ``amount``: fen; ``approve_ticket``: approve the refund ticket with it."""

    order: Order
    amount: int
    reason: str
    approve_ticket: bool = False


@transaction.atomic
def refund(
    actor: Actor,
    complaint: Complaint,
    amount: int | None = None,
    *,
    order: Order | None = None,
    reason: str = "",
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command | RefundRequest:
    """Refund ``amount`` fen of an order, all that is left of it when None. ``order`` may be left out where the
    complaint has one. Above the person's limit a request for somebody else's decision is returned instead; raises
    Conflict while another one waits for the same order."""
    roles.require(actor.user, Permission.REFUND)
    complaint = locked(actor, complaint)
    wanted = _wanted(complaint, amount, order, reason)
    return _refund_or_ask(actor, complaint, wanted, consent, now=now)


@transaction.atomic
def approve_refund(
    actor: Actor,
    complaint: Complaint,
    *,
    launch_refund_day: int = 0,
    remark: str = "",
    with_refund: bool = True,
    amount: int | None = None,
    reason: str = "",
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command | RefundRequest:
    """Approve the refund ticket (同意退款) and, unless ``with_refund`` is False, refund what was asked for.
    ``launch_refund_day``: working days until the refund starts, 0 is today."""
    roles.require(actor.user, Permission.DECIDE_REFUND)
    complaint = locked(actor, complaint)
    if len(remark) > 200:
        raise InvalidCommand("remark_too_long")
    payload: dict[str, Any] = {"launch_refund_day": launch_refund_day, "remark": remark}
    if not with_refund:
        return plan(actor, complaint, Command.Kind.APPROVE_REFUND, payload, consent=consent, now=now)
    roles.require(actor.user, Permission.REFUND)
    if amount is None and complaint.apply_refund_amount:
        amount = complaint.apply_refund_amount
    wanted = _wanted(complaint, amount, None, reason, approve_ticket=True)
    return _refund_or_ask(actor, complaint, wanted, consent, now=now, approval=payload)


@transaction.atomic
def decide(
    actor: Actor, request: RefundRequest, *, grant: bool, note: str = "", consent: Consent = NO_CONSENT, now: datetime
) -> RefundRequest:
    """Decide on somebody else's refund. Granting carries it out in the decider's name, within the decider's limit."""
    roles.require(actor.user, Permission.SECOND_PAIR_OF_EYES)
    complaint = locked(actor, request.complaint)
    request = (
        RefundRequest.objects.select_for_update(of=("self",))
        .select_related("order", "requested_by", "complaint", "resends")
        .get(pk=request.pk)
    )
    if request.state != RefundRequest.State.WAITING:
        raise InvalidCommand("request_decided")
    if request.requested_by_id == actor.user.pk:
        raise InvalidCommand("own_request")
    request.decided_by, request.decided_at, request.decision_note = actor.user, now, note[:300]
    request.state = RefundRequest.State.DECLINED
    if grant:
        above = (
            _is_above_limit(actor, complaint, request.amount)
            if request.resends is None
            else resending.is_above_limit(actor, request.amount)
        )
        if above:
            raise InvalidCommand("above_your_limit")
        request.state = RefundRequest.State.GRANTED
        acknowledged = (*consent.acknowledged, *request.acknowledged)
        consent = Consent(acknowledged, consent.override_reason, consent.seen, consent.key or f"request-{request.pk}")
        request.command = _granted(actor, complaint, request, consent, now=now)
    request.card, request.remind_at = None, None
    request.save()
    told = {"request": request.pk, "granted": grant, "amount": request.amount, "by": str(request.requested_by)}
    record(actor, Action.REFUND_REQUEST_DECIDED, subject(complaint), told, now=now)
    second_person.tell_of_decision(request, now=now)
    return request


def _granted(actor: Actor, complaint: Complaint, request: RefundRequest, consent: Consent, *, now: datetime) -> Command:
    if request.resends is not None:
        return resending.carry(actor, complaint, request.resends, request.resend_to, request.card, consent, now=now)
    wanted = Wanted(request.order, request.amount, request.reason, request.approve_ticket)
    return _carry(actor, complaint, wanted, consent, now=now, approval=request.approval)


def _wanted(
    complaint: Complaint, amount: int | None, order: Order | None, reason: str, *, approve_ticket: bool = False
) -> Wanted:
    reason = reason.strip()
    if len(reason.encode()) > LONGEST_REASON_BYTES:
        raise InvalidCommand("refund_reason_too_long")
    orders = list(complaint.orders.prefetch_related("refunds").select_related("complaint"))
    if order is None and len(orders) != 1:
        raise InvalidCommand("order_missing" if orders else "no_order")
    chosen = next((row for row in orders if order is None or row.pk == order.pk), None)
    if chosen is None:
        raise InvalidCommand("order_missing")
    if amount is None:
        amount = left_of(chosen)
        if amount <= 0:
            raise InvalidCommand("nothing_left")
    if amount <= 0:
        raise InvalidCommand("amount")
    if chosen.amount is not None and amount > chosen.amount:
        raise InvalidCommand("amount_too_much")
    return Wanted(chosen, amount, reason, approve_ticket)


def _refund_or_ask(
    actor: Actor,
    complaint: Complaint,
    wanted: Wanted,
    consent: Consent,
    *,
    now: datetime,
    approval: Mapping[str, Any] | None = None,
) -> Command | RefundRequest:
    if not _is_above_limit(actor, complaint, wanted.amount):
        return _carry(actor, complaint, wanted, consent, now=now, approval=approval)
    kind, payload = Command.Kind.REFUND, _refund_payload(wanted)
    if approval is not None:
        kind, payload = Command.Kind.APPROVE_REFUND, {**approval, "then_refund": payload}
    wish = RefundRequest(
        complaint=complaint,
        order=wanted.order,
        amount=wanted.amount,
        reason=wanted.reason,
        approve_ticket=wanted.approve_ticket,
        **(approval or {}),
    )
    return second_person.ask(actor, complaint, wish, kind, payload, consent, now=now)


def _carry(
    actor: Actor,
    complaint: Complaint,
    wanted: Wanted,
    consent: Consent,
    *,
    now: datetime,
    approval: Mapping[str, Any] | None = None,
) -> Command:
    """The command of a refund, or of the approval that a refund follows."""
    audited = {"amount": wanted.amount, "order": wanted.order.transaction_id}
    number = f"kesu{uuid4().hex}"
    if approval is not None:
        then = _refund_payload(wanted) | {
            "out_refund_no": number,
            "total": wanted.order.amount or wanted.amount,
            "reason": wanted.reason,
        }
        payload = {**approval, "then_refund": then}
        return plan(actor, complaint, Command.Kind.APPROVE_REFUND, payload, consent=consent, now=now, audited=audited)
    command = plan(
        actor, complaint, Command.Kind.REFUND, _refund_payload(wanted), consent=consent, now=now, audited=audited
    )
    Refund.objects.get_or_create(
        command=command,
        defaults={
            "account": complaint.account,
            "complaint": complaint,
            "order": wanted.order,
            "out_refund_no": number,
            "amount": wanted.amount,
            "total": wanted.order.amount or wanted.amount,
            "reason": wanted.reason,
            "created_at": now,
        },
    )
    return command


def _refund_payload(wanted: Wanted) -> dict[str, Any]:
    return {
        "order": wanted.order.pk,
        "transaction_id": wanted.order.transaction_id,
        "amount": wanted.amount,
        "reason": wanted.reason,
    }


def _is_above_limit(actor: Actor, complaint: Complaint, amount: int) -> bool:
    """The limit counts for a complaint as a whole: many small refunds are one large one."""
    limit = roles.refund_limit(actor.user)
    if limit is None:
        return False
    own = Refund.objects.filter(complaint=complaint, command__actor=actor.user.pk).exclude(
        state__in=[Refund.State.REFUSED, Refund.State.CLOSED]
    )
    return amount + sum(own.values_list("amount", flat=True)) > limit
