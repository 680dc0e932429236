"""Before a refund request is approved or refused: 更新退款审批结果 (极速退款 tickets only)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kesu.rules.guards.acts import ApproveRefund, RejectRefund
from kesu.rules.guards.closing import (
    earlier_closings,
    overdue_effect,
    repeat_effect,
    tolerance,
    unfinished_refunds,
    unheard,
)
from kesu.rules.guards.codes import GuardCode
from kesu.rules.guards.context import circumstances, readiness
from kesu.rules.guards.facts import CaseFacts, RefundTicket
from kesu.rules.guards.findings import Finding, found
from kesu.rules.resolution import refunded_in_full
from kesu.rules.states import ComplaintState


def approve(act: ApproveRefund, facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """Approving moves no money: the refund is a call of its own, and its arrival finishes the complaint."""
    yield from readiness(facts, now=now)
    yield from _ticket(facts)
    yield from _remark(act.remark, facts)
    if act.launch_refund_day < 0:
        yield found(GuardCode.DAYS_NEGATIVE)
    yield found(GuardCode.APPROVAL_MOVES_NO_MONEY)
    # Working days are at least calendar days, so this never warns too late.
    starts_at = now + timedelta(days=max(0, act.launch_refund_day))
    due_at = facts.current.complete_due_at
    if act.launch_refund_day > 0 and starts_at >= due_at:
        effect = overdue_effect(facts, now=now)
        yield found(GuardCode.APPROVAL_PAST_DEADLINE, effect=effect, days=act.launch_refund_day, due_at=due_at)
    asked, left = facts.apply_refund_amount, _left(facts)
    if asked is not None and left is not None and asked > left:
        yield found(GuardCode.ASKED_MORE_THAN_LEFT, asked_fen=asked, left_fen=left)
    yield from circumstances(facts, now=now, closing=False)


def reject(act: RejectRefund, facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """Refusing closes the complaint at once: the payer must have been told why before."""
    yield from readiness(facts, now=now)
    yield from _ticket(facts)
    yield from _reason(act, facts)
    risk = repeat_effect(facts, now=now)
    if not facts.replied_in_round:
        yield found(GuardCode.REJECT_BEFORE_REPLY, effect=risk)
    yield from unheard(facts, risk)
    yield from unfinished_refunds(facts, risk)
    yield from earlier_closings(facts, risk)
    yield found(GuardCode.REJECT_CLOSES, effect=risk)
    if "TRUSTED" in facts.user_tags:
        yield found(GuardCode.REJECT_TRUSTED, effect=risk)
    yield from tolerance(facts, risk)
    yield from circumstances(facts, now=now, closing=True)


def _ticket(facts: CaseFacts) -> Iterator[Finding]:
    """The platform takes one decision, of a REFUND complaint that is open, before the order is refunded."""
    if facts.problem_type != "REFUND":
        yield found(GuardCode.NOT_A_REFUND_COMPLAINT)
    elif facts.ticket is not RefundTicket.AWAITING:
        yield found(GuardCode.DECISION_ALREADY_MADE, decision=facts.ticket.value)
    if facts.state == ComplaintState.PROCESSED:
        yield found(GuardCode.ALREADY_PROCESSED)
    if facts.full_refunded or refunded_in_full(facts.orders):
        yield found(GuardCode.ORDER_ALREADY_REFUNDED)


def _reason(act: RejectRefund, facts: CaseFacts) -> Iterator[Finding]:
    profile = facts.profile
    if not act.reason.strip():
        yield found(GuardCode.REJECT_REASON_MISSING)
    if len(act.reason) > profile.reject_reason_limit:
        yield found(GuardCode.REJECT_REASON_TOO_LONG, length=len(act.reason), limit=profile.reject_reason_limit)
    if act.pictures > profile.most_pictures:
        yield found(GuardCode.TOO_MANY_PICTURES, pictures=act.pictures, limit=profile.most_pictures)
    yield from _remark(act.remark, facts)


def _remark(remark: str, facts: CaseFacts) -> Iterator[Finding]:
    if len(remark) > facts.profile.remark_limit:
        yield found(GuardCode.REMARK_TOO_LONG, length=len(remark), limit=facts.profile.remark_limit)


def _left(facts: CaseFacts) -> int | None:
    """Fen that may still be refunded of all orders; None while one of them is not known."""
    lefts = [facts.left_of(order) for order in facts.orders]
    return sum(left for left in lefts if left is not None) if lefts and None not in lefts else None
