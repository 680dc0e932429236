"""Before a case is closed: 反馈处理完成, and what a refused refund has in common with it."""

from collections.abc import Iterator
from datetime import datetime

from kesu.rules.guards.codes import GuardCode, Level
from kesu.rules.guards.context import circumstances, readiness
from kesu.rules.guards.facts import CaseFacts
from kesu.rules.guards.findings import Finding, found
from kesu.rules.rates import Outcome, Rate, RateEffect, effect_of
from kesu.rules.resolution import RefundState, SettlementKind, refunded_in_full
from kesu.rules.states import ComplaintState


def complete(facts: CaseFacts, *, now: datetime) -> Iterator[Finding]:
    """Before 反馈处理完成. The platform asks to call it only once the matter is really solved, since the rate of
    repeat complaints is a key metric (反馈处理完成, 2025-09-01)."""
    yield from readiness(facts, now=now)
    if facts.state == ComplaintState.PROCESSED:
        yield found(GuardCode.ALREADY_PROCESSED)
    if facts.state == ComplaintState.PENDING and not facts.profile.complete_from_pending:
        yield found(GuardCode.COMPLETE_FROM_PENDING)
    risk = repeat_effect(facts, now=now)
    if not facts.replied_in_round:
        yield found(GuardCode.NO_REPLY_IN_ROUND, effect=risk)
    yield from unheard(facts, risk)
    yield from unfinished_refunds(facts, risk)
    yield from earlier_closings(facts, risk)
    yield from _unsettled(facts, risk)
    yield from _rates(facts, risk, now=now)
    yield from circumstances(facts, now=now, closing=True)


def unheard(facts: CaseFacts, risk: RateEffect | None) -> Iterator[Finding]:
    """The payer's last words were not read, or not answered."""
    if facts.unread:
        yield found(GuardCode.MESSAGE_UNREAD, effect=risk, said_at=facts.last_words_at)
    if facts.unanswered:
        yield found(GuardCode.MESSAGE_UNANSWERED, effect=risk)


def unfinished_refunds(facts: CaseFacts, risk: RateEffect | None) -> Iterator[Finding]:
    """Money that has not arrived, or was not decided on. A closed refund matters only while nothing else gave the
    payer the whole back."""
    running = facts.refunds_on_their_way
    if running:
        yield found(GuardCode.REFUND_RUNNING, effect=risk, amount_fen=sum(refund.amount for refund in running))
    returned = sum(refund.amount for refund in facts.refunds if refund.state is RefundState.RETURNED)
    if returned:
        yield found(GuardCode.REFUND_RETURNED, effect=risk, amount_fen=returned)
    if facts.requested_fen:
        yield found(GuardCode.REFUND_REQUEST_WAITING, effect=risk, amount_fen=facts.requested_fen)
    # A later success for the same order makes a closed refund history; an abnormal one still holds the money.
    arrived = {refund.transaction_id for refund in facts.refunds if refund.state is RefundState.SUCCESS}
    failed = [
        refund
        for refund in facts.refunds
        if refund.state is RefundState.ABNORMAL
        or (refund.state is RefundState.CLOSED and refund.transaction_id not in arrived)
    ]
    lost = [refund for refund in failed if refund.state is RefundState.ABNORMAL or not refunded_in_full(facts.orders)]
    if lost:
        yield found(GuardCode.REFUND_FAILED, effect=risk, amount_fen=sum(refund.amount for refund in lost))


def earlier_closings(facts: CaseFacts, risk: RateEffect | None) -> Iterator[Finding]:
    """What the last completion led to, and how many there were."""
    times = max(1, facts.user_complaint_times)
    if times > 1:
        began = facts.current.started_at
        nothing_changed = facts.current.start_known and not facts.moved_since(began)
        code = GuardCode.REPEATED_NOTHING_CHANGED if nothing_changed else GuardCode.REPEATED_BEFORE
        yield found(code, effect=risk, repeats=times - 1)
    if facts.completions >= facts.profile.most_completions:
        yield found(
            GuardCode.TOO_MANY_COMPLETIONS,
            effect=risk,
            completions=facts.completions,
            allowed=facts.profile.most_completions,
        )


def repeat_effect(facts: CaseFacts, *, now: datetime) -> RateEffect | None:
    """What another complaint about this case would do to 重复投诉率."""
    return _effect(facts, facts.repeat, Outcome.REPEATED, now)


def overdue_effect(facts: CaseFacts, *, now: datetime) -> RateEffect | None:
    """What letting the completion pass its limit would do to 及时处理率."""
    return _effect(facts, facts.timely, Outcome.OVERDUE, now)


def tolerance(facts: CaseFacts, risk: RateEffect | None) -> Iterator[Finding]:
    """Whether one more repeat crosses the limit. Of a small sample it is only told."""
    if risk is None:
        return
    crosses = risk.after.within_limit is False and risk.after.sample_suffices
    yield found(GuardCode.REPEAT_TOLERANCE_SPENT if crosses else GuardCode.REPEAT_WOULD_COUNT, effect=risk)


def _effect(facts: CaseFacts, rate: Rate | None, outcome: Outcome, now: datetime) -> RateEffect | None:
    return effect_of(facts.record, outcome, rate, now=now) if rate is not None else None


def _unsettled(facts: CaseFacts, risk: RateEffect | None) -> Iterator[Finding]:
    """Nothing proves that the payer is settled: a yes is needed at first, a role once it has come back before."""
    kinds = {settlement.kind for settlement in facts.settlements}
    if not kinds:
        again = facts.user_complaint_times > 1
        yield found(GuardCode.NOT_SETTLED, level=Level.BLOCK if again else None, effect=risk)
    refunded = max(sum(order.refunded for order in facts.orders), _arrived(facts))
    paid = sum(order.paid or 0 for order in facts.orders)
    if refunded > 0 and SettlementKind.FULL_REFUND not in kinds and refunded < paid:
        yield found(GuardCode.PARTLY_REFUNDED, effect=risk, refunded_fen=refunded, paid_fen=paid)


def _arrived(facts: CaseFacts) -> int:
    return sum(refund.amount for refund in facts.refunds if refund.state is RefundState.SUCCESS)


def _rates(facts: CaseFacts, risk: RateEffect | None, *, now: datetime) -> Iterator[Finding]:
    yield from tolerance(facts, risk)
    due_at = facts.current.complete_due_at
    if now >= due_at:
        yield found(GuardCode.COMPLETION_LATE, due_at=due_at, profile=facts.deadlines.name)
        return
    gain = _effect(facts, facts.timely, Outcome.COMPLETED_NOW, now)
    if gain is not None:
        yield found(GuardCode.TIMELY_NOW, effect=gain, due_at=due_at)
