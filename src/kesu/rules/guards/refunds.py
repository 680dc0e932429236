"""Before money goes back: 申请退款, and 发起异常退款 where it got stuck. Amounts in fen."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kesu.rules.guards.acts import Refund, ResendRefund
from kesu.rules.guards.codes import GuardCode
from kesu.rules.guards.context import circumstances, readiness
from kesu.rules.guards.facts import CaseFacts, RefundTicket
from kesu.rules.guards.findings import Finding, found
from kesu.rules.resolution import ON_ITS_WAY, OrderFact, RefundState
from kesu.rules.states import is_open

A_MONTH = timedelta(days=30)
PARTLY = "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE"
REASON_SHOWN_ABOVE = 100
"""Fen: of a partial refund up to ¥1 the payer does not see the reason (申请退款)."""


def refund(act: Refund, facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """What stands against this refund. Never more than paid less what went back, never the same twice."""
    yield from readiness(facts, now=now)
    order = next((order for order in facts.orders if order.transaction_id == act.transaction_id), None)
    if facts.restrictions.refunds_forbidden:
        yield found(GuardCode.REFUNDS_FORBIDDEN)
    if act.amount <= 0:
        yield found(GuardCode.AMOUNT_NOT_POSITIVE)
    if order is None:
        yield found(GuardCode.ORDER_UNKNOWN)
    else:
        yield from _amount(act, order, facts)
        yield from _others(order, facts)
        yield from _limits(order, facts, now)
        yield from _reason(act, order, facts)
    yield from _elsewhere(facts)
    yield from _ticket(facts)
    yield from circumstances(facts, now=now, closing=False)


def resend(act: ResendRefund, facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """The platform takes it of a refund that is ABNORMAL only, and what it has sent it calls back no more."""
    yield from readiness(facts, now=now)
    own = next((refund for refund in facts.refunds if refund.out_refund_no == act.out_refund_no), None)
    if own is None or own.state is not RefundState.ABNORMAL:
        yield found(GuardCode.REFUND_NOT_STUCK)
    elif act.to_payer:
        yield found(GuardCode.RESEND_TO_CARD, amount_fen=own.amount)
    else:
        yield found(GuardCode.RESEND_TO_MERCHANT, amount_fen=own.amount)
    yield from circumstances(facts, now=now, closing=False)


def _amount(act: Refund, order: OrderFact, facts: CaseFacts) -> Iterator[Finding]:
    left = facts.left_of(order)
    if left is None or order.paid is None:
        yield found(GuardCode.PAID_UNKNOWN)
        return
    if act.amount > left:
        yield found(GuardCode.AMOUNT_OVER_LEFT, amount_fen=act.amount, left_fen=left, paid_fen=order.paid)
    elif 0 < act.amount < left:
        yield found(GuardCode.PARTIAL_REFUND, amount_fen=act.amount, left_fen=left)
    asked = facts.apply_refund_amount
    given = act.amount + order.paid - left  # what went back before counts towards what was asked for
    if asked is not None and act.amount > 0 and given < asked:
        yield found(GuardCode.LESS_THAN_ASKED, amount_fen=given, asked_fen=asked)


def _others(order: OrderFact, facts: CaseFacts) -> Iterator[Finding]:
    """Refunds of the same order that have not come to an end. A new number beside them would pay twice."""
    own = [refund for refund in facts.refunds if refund.transaction_id == order.transaction_id]
    running = sum(refund.amount for refund in own if refund.state in ON_ITS_WAY)
    stuck = sum(refund.amount for refund in own if refund.state is RefundState.ABNORMAL)
    if running:
        yield found(GuardCode.DUPLICATE_REFUND, amount_fen=running)
    if stuck:
        yield found(GuardCode.ABNORMAL_REFUND, amount_fen=stuck)


def _limits(order: OrderFact, facts: CaseFacts, now: datetime) -> Iterator[Finding]:
    """A year from the payment; 50 partial refunds, a minute apart; a slower lane for orders of over a month."""
    profile = facts.profile
    if order.paid_at is not None:
        if now > order.paid_at + profile.refundable_for:
            yield found(GuardCode.ORDER_TOO_OLD, paid_at=order.paid_at)
        elif now > order.paid_at + A_MONTH:
            yield found(GuardCode.ORDER_OVER_A_MONTH, paid_at=order.paid_at)
    if order.refund_count >= profile.most_refunds:
        yield found(GuardCode.TOO_MANY_REFUNDS, limit=profile.most_refunds)
    if order.last_refund_at is not None and now < order.last_refund_at + profile.between_refunds:
        yield found(GuardCode.REFUND_TOO_SOON, possible_at=order.last_refund_at + profile.between_refunds)


def _reason(act: Refund, order: OrderFact, facts: CaseFacts) -> Iterator[Finding]:
    length = len(act.reason.encode())
    if length > facts.profile.refund_reason_bytes:
        yield found(GuardCode.REFUND_REASON_TOO_LONG, length=length, limit=facts.profile.refund_reason_bytes)
    if act.reason and act.amount <= REASON_SHOWN_ABOVE and act.amount != order.paid:
        yield found(GuardCode.REFUND_REASON_HIDDEN)


def _elsewhere(facts: CaseFacts) -> Iterator[Finding]:
    """The history tells of more partial refunds than were made here; of theirs nothing tells how much went back.

    One of our own that is on its way may be the one that the history tells of already.
    """
    told = len({entry.log_id for entry in facts.history if entry.operate_type == PARTLY})
    own = sum(refund.state is RefundState.SUCCESS or refund.state in ON_ITS_WAY for refund in facts.refunds)
    if told > own and not facts.full_refunded:
        yield found(GuardCode.REFUNDED_ELSEWHERE, refunds=told - own)


def _ticket(facts: CaseFacts) -> Iterator[Finding]:
    """Of a REFUND complaint the approval comes first: once the order is refunded the platform takes none any more."""
    if facts.ticket is RefundTicket.AWAITING and is_open(facts.state):
        yield found(GuardCode.DECIDE_FIRST)
