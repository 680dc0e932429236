"""A case as the guards see it: the mirror, our own journal, and who read what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, Min

from kesu.commands.models import Agreement, CaseView, Command, Refund, RefundRequest
from kesu.complaints import rates
from kesu.complaints.models import Complaint, TimelineEntry
from kesu.merchants.models import Limitation
from kesu.rules import states
from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES
from kesu.rules.guards import (
    CaseFacts,
    CommandFact,
    CommandState,
    GuardProfile,
    Restrictions,
    Verb,
    completions_in,
    refund_ticket,
)
from kesu.rules.guards.facts import PAYER_WORDS
from kesu.rules.operations import MERCHANT_REPLIES
from kesu.rules.resolution import OrderFact, RefundFact, RefundState
from kesu.rules.states import HistoryItem

JUST_AFTER = timedelta(minutes=5)
"""Clocks differ; what is on the page was read, whatever time it bears."""

NO_REFUND = "NO_REFUND"
"""商户被管控能力查询: 关闭退款."""

VERBS = {
    Command.Kind.REPLY: Verb.REPLY,
    Command.Kind.IMMEDIATE_REPLY: Verb.REPLY_IMMEDIATELY,
    Command.Kind.COMPLETE: Verb.COMPLETE,
    Command.Kind.APPROVE_REFUND: Verb.APPROVE_REFUND,
    Command.Kind.REJECT_REFUND: Verb.REJECT_REFUND,
    Command.Kind.REFUND: Verb.REFUND,
    Command.Kind.RESEND_REFUND: Verb.RESEND_REFUND,
}
REFUND_STATES = {
    Refund.State.WANTED: RefundState.CREATED,
    Refund.State.PROCESSING: RefundState.PROCESSING,
    Refund.State.SUCCESS: RefundState.SUCCESS,
    Refund.State.CLOSED: RefundState.CLOSED,
    Refund.State.ABNORMAL: RefundState.ABNORMAL,
}


def of(complaint: Complaint, *, now: datetime, own: Command | None = None) -> CaseFacts:
    """Everything a guard may look at. ``own``: the command that is being judged; it does not stand in its own way."""
    account = complaint.account
    profile = PROFILES.get(account.deadline_profile, PROFILES[DEFAULT_PROFILE])
    history = tuple(
        HistoryItem(log_id=log_id, operate_type=kind, operate_time=time, operate_details=details)
        for log_id, kind, time, details in complaint.timeline.values_list(
            "log_id", "operate_type", "operate_time", "details"
        )
    )
    rounds = states.derive_rounds(
        complaint.complaint_time,
        history,
        state=complaint.state,
        user_complaint_times=complaint.user_complaint_times,
        profile=profile,
    )
    refunds = _refunds(complaint, own)
    counted = rates.of_merchant(account, complaint.complainted_mchid, now=now)
    return CaseFacts(
        read_at=complaint.history_read_at,
        state=complaint.state,
        complaint_time=complaint.complaint_time,
        rounds=rounds,
        history=history,
        user_complaint_times=complaint.user_complaint_times,
        problem_type=complaint.problem_type or "OTHERS",
        ticket=refund_ticket(complaint.problem_type, history, states.current_round(rounds)),
        need_immediate_service=complaint.need_immediate_service,
        in_platform_service=complaint.in_platform_service,
        incoming_user_response=complaint.incoming_user_response,
        full_refunded=complaint.full_refunded,
        apply_refund_amount=complaint.apply_refund_amount,
        orders=_orders(complaint, refunds),
        refunds=refunds,
        requested_fen=_requested(complaint),
        user_tags=frozenset(complaint.user_tags),
        completions=completions_in(history),
        opened_at=_opened_at(complaint, now=now),
        agreed_log_ids=frozenset(Agreement.objects.filter(complaint=complaint).values_list("log_id", flat=True)),
        commands=_commands(complaint, own),
        claimed_by=str(complaint.claimed_by or ""),
        deadlines=profile,
        restrictions=_restrictions(complaint),
        profile=GuardProfile(reply_limit=account.reply_limit),
        timely=counted.timely,
        repeat=counted.repeat,
    )


def _refunds(complaint: Complaint, own: Command | None) -> tuple[RefundFact, ...]:
    rows = complaint.refunds.select_related("order").exclude(state=Refund.State.REFUSED)
    if own is not None:
        rows = rows.exclude(command=own)
    return tuple(
        RefundFact(
            out_refund_no=row.out_refund_no,
            transaction_id=row.order.transaction_id,
            amount=row.amount,
            state=_state_of(row),
            created_at=row.created_at,
        )
        for row in rows
    )


def _requested(complaint: Complaint) -> int:
    waiting = complaint.refund_requests.filter(state=RefundRequest.State.WAITING)
    return sum(waiting.values_list("amount", flat=True))


def _state_of(row: Refund) -> RefundState:
    if row.is_returned:
        return RefundState.RETURNED
    return REFUND_STATES[Refund.State(row.state)]


def _orders(complaint: Complaint, refunds: tuple[RefundFact, ...]) -> tuple[OrderFact, ...]:
    facts = []
    for order in complaint.orders.all():
        own = [refund for refund in refunds if refund.transaction_id == order.transaction_id]
        arrived = sum(refund.amount for refund in own if refund.state is RefundState.SUCCESS)
        whole = complaint.full_refunded and order.amount is not None
        facts.append(
            OrderFact(
                transaction_id=order.transaction_id,
                paid=order.amount,
                paid_at=order.paid_at,
                refunded=(order.amount or 0) if whole and not _under_way(own) else arrived,
                refund_count=len(own),
                last_refund_at=max((refund.created_at for refund in own), default=None),
            )
        )
    return tuple(facts)


def _under_way(refunds: list[RefundFact]) -> bool:
    return any(refund.state in (RefundState.CREATED, RefundState.PROCESSING) for refund in refunds)


def _opened_at(complaint: Complaint, *, now: datetime) -> datetime | None:
    """Up to when somebody of the merchant had read the payer's words: on the page, by acting, or by replying in the
    console. A message that reached the desk late is unread until it was shown, however old it is."""
    seen = _seen_entry(complaint)
    replied_at = TimelineEntry.objects.filter(complaint=complaint, operate_type__in=MERCHANT_REPLIES).aggregate(
        at=Max("operate_time")
    )["at"]
    if not seen and replied_at is None:
        return None
    unseen = TimelineEntry.objects.filter(complaint=complaint, operate_type__in=PAYER_WORDS, pk__gt=seen)
    if replied_at is not None:
        unseen = unseen.filter(operate_time__gte=replied_at)
    first: datetime | None = unseen.aggregate(at=Min("operate_time"))["at"]
    return first or now + JUST_AFTER


def _seen_entry(complaint: Complaint) -> int:
    on_pages = CaseView.objects.filter(complaint=complaint).values_list("seen_entry", flat=True)
    by_acting = Command.objects.filter(complaint=complaint).values_list("seen_entry", flat=True)
    return max(on_pages.union(by_acting), default=0)


def _commands(complaint: Complaint, own: Command | None) -> tuple[CommandFact, ...]:
    rows = complaint.commands.exclude(pk=own.pk) if own else complaint.commands.all()
    return tuple(
        CommandFact(VERBS[Command.Kind(kind)], CommandState(state), planned_at)
        for kind, state, planned_at in rows.values_list("kind", "state", "planned_at")
    )


def _restrictions(complaint: Complaint) -> Restrictions:
    limited = Limitation.objects.filter(
        account=complaint.account, sub_mchid=complaint.complainted_mchid, functions__contains=[NO_REFUND]
    ).exists()
    return Restrictions(jumps_allowed=complaint.account.jumps_allowed, refunds_forbidden=limited)
