"""Clocks as rows: armed and stopped by the platform's state, raised when their next step has come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet

from kesu.alerts.ladders import Book, book
from kesu.alerts.models import Clock
from kesu.alerts.outbox import Cause, owe
from kesu.complaints.models import Complaint
from kesu.rules.ladder import ClockFacts, Decision, decide, dedupe_key, first_due
from kesu.rules.ladder_steps import ClockKind, LadderStep, StepTrigger
from kesu.rules.states import Round, current_round
from kesu.threads import waiting


def due_clocks(now: datetime) -> QuerySet[Clock]:
    return Clock.objects.filter(stopped_at__isnull=True, due_at__lte=now)


any_clock_due = waiting(due_clocks)


def set_clocks(complaint: Complaint, rounds: tuple[Round, ...], opening_told: bool, *, now: datetime) -> None:
    """Bring the clocks of a complaint in line with its rounds: the current round's run while owed, others stand.

    ``opening_told``: this very change tells the opening of the round; that stands for every step which is due so far.
    """
    rows = Clock.objects.select_for_update(no_key=True).filter(complaint=complaint)
    known = {(clock.round_number, clock.kind): clock for clock in rows}
    current = current_round(rounds)
    owed = {(current.number, str(kind)): kind for kind in _owed_kinds(current)}
    for key, clock in known.items():
        if key not in owed:
            _stop(clock, now)
    if not owed:
        return
    ladders = book()
    for key, kind in owed.items():
        if running := known.get(key):
            running.complaint = complaint
            _keep_running(running, current, ladders)
        else:
            _arm(complaint, current, kind, opening_told, ladders, now)


def rearm(complaint: Complaint) -> None:
    """Ask the ladder anew when somebody claimed or released the case: steps for (un)claimed cases come or go."""
    ladders = book()
    rows = Clock.objects.select_for_update(no_key=True).filter(complaint=complaint, stopped_at__isnull=True)
    for clock in rows:
        clock.complaint = complaint
        clock.due_at = first_due(ladders.named(clock.ladder), facts_of(clock))
        clock.save(update_fields=["due_at"])


def rearm_all() -> int:
    """Let every running clock climb the ladder that is meant for it now; how many there are. After ladders changed.

    In small transactions: a clock that is raised meanwhile is asked by the new ladder anyway.
    """
    ladders, after, number = book(), 0, 0
    while pks := list(
        Clock.objects.filter(stopped_at__isnull=True, pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]
    ):
        _rearm_some(pks, ladders)
        after, number = pks[-1], number + len(pks)
    return number


@transaction.atomic
def _rearm_some(pks: list[int], ladders: Book) -> None:
    rows = Clock.objects.select_for_update(no_key=True, of=("self", "complaint")).filter(pk__in=pks)
    clocks = list(rows.filter(stopped_at__isnull=True).select_related("complaint__account").defer(*_UNREAD))
    for clock in clocks:
        clock.ladder = ladders.of_case(clock.complaint)
        clock.due_at = first_due(ladders.named(clock.ladder), facts_of(clock))
    Clock.objects.bulk_update(clocks, ["ladder", "due_at"])


@transaction.atomic
def raise_due_clocks(*, now: datetime, limit: int = 200) -> int:
    """Turn up to ``limit`` due clocks into messages, the longest due first; how many clocks were handled.

    Only the newest due step of a clock speaks, however long nobody ticked. Several workers may call this at once: each
    takes clocks that no other holds. Complaints' rows are taken too, since whoever records a snapshot holds one while
    stopping clocks, and neither may wait for the other.
    """
    clocks = list(
        due_clocks(now)
        .select_for_update(skip_locked=True, no_key=True, of=("self", "complaint"))
        .select_related("complaint")
        .only(*_CLOCK_FIELDS, *_CASE_FIELDS)
        .order_by("due_at", "id")[:limit]
    )
    if not clocks:
        return 0
    ladders = book()
    causes = []
    for clock in clocks:
        decision = decide(ladders.named(clock.ladder), facts_of(clock), now)
        if cause := _cause(clock, decision):
            causes.append(cause)
        clock.done_steps, clock.due_at = list(decision.done), decision.next_due_at
    owe(causes, now=now)
    _store_steps(clocks)
    return len(clocks)


def facts_of(clock: Clock) -> ClockFacts:
    """The clock as rules see it; who claimed its case counts as it is now."""
    claimed = clock.complaint.claimed_by_id is not None
    return ClockFacts(
        ClockKind(clock.kind),
        clock.started_at,
        clock.deadline_at,
        tuple(clock.done_steps),
        claimed,
        clock.complaint.claimed_at if claimed else None,
    )


def step_kind(step: LadderStep, round_number: int) -> str:
    """What a step's message is called: ``new``, ``unclaimed``, ``reply_due``, ``claim_stalled``, ..."""
    if step.trigger is StepTrigger.OVERDUE_EVERY:
        return f"{step.clock}_overdue"
    if step.trigger is StepTrigger.AFTER_CLAIM:
        return "claim_stalled"
    if step.only_unclaimed:
        return "unclaimed"
    if step.clock is ClockKind.REPLY and step.trigger is StepTrigger.AFTER_START and not step.offset:
        return "new" if round_number <= 1 else "continued"
    return f"{step.clock}_due"


BATCH = 500
# A CASE for each row, as bulk_update writes it, takes half of the time that raising a clock takes.
_STEPS = """
    update alerts_clock as clock set done_steps = given.done_steps, due_at = given.due_at
    from unnest(%s::bigint[], %s::jsonb[], %s::timestamptz[]) as given(id, done_steps, due_at)
    where clock.id = given.id
"""
_UNREAD = ("complaint__raw", "complaint__payer_phone", "complaint__payer_openid", "complaint__account__token")
_CASE = ("account_id", "claimed_by_id", "claimed_at", "replied", "history_read_at")
_CASE_FIELDS = tuple(f"complaint__{name}" for name in _CASE)
_CLOCK = ("complaint_id", "round_number", "kind", "ladder", "started_at", "deadline_at", "done_steps", "due_at")
_CLOCK_FIELDS = (*_CLOCK, "asked_at")


def _owed_kinds(current: Round) -> Iterable[ClockKind]:
    if current.completed:
        return ()
    return (ClockKind.COMPLETE,) if current.replied else tuple(ClockKind)


def _stop(clock: Clock, now: datetime) -> None:
    if clock.stopped_at is None:
        clock.stopped_at, clock.due_at = now, None
        clock.save(update_fields=["stopped_at", "due_at"])


def _keep_running(clock: Clock, current: Round, ladders: Book) -> None:
    """Move a clock whose deadline moved (what was done counts no more), or whose case is another ladder's by now;
    restart one that the platform opened again."""
    start, deadline = current.started_at, _deadline(current, ClockKind(clock.kind))
    moved = (clock.started_at, clock.deadline_at) != (start, deadline)
    ladder = ladders.of_case(clock.complaint)
    if not moved and clock.stopped_at is None and clock.ladder == ladder and clock.asked_at is None:
        return
    if moved:
        clock.started_at, clock.deadline_at, clock.done_steps = start, deadline, []
    clock.stopped_at, clock.ladder = None, ladder
    clock.due_at = first_due(ladders.named(ladder), facts_of(clock))
    clock.save(update_fields=["started_at", "deadline_at", "done_steps", "stopped_at", "due_at", "ladder"])


def _arm(
    complaint: Complaint, current: Round, kind: ClockKind, opening_told: bool, ladders: Book, now: datetime
) -> None:
    clock = Clock(
        complaint=complaint,
        round_number=current.number,
        kind=kind,
        ladder=ladders.of_case(complaint),
        started_at=current.started_at,
        deadline_at=_deadline(current, kind),
        done_steps=[],
    )
    ladder, facts = ladders.named(clock.ladder), facts_of(clock)
    if opening_told:
        decision = decide(ladder, facts, now)
        clock.done_steps, clock.due_at = list(decision.done), decision.next_due_at
    else:
        clock.due_at = first_due(ladder, facts)
    clock.save(force_insert=True)


def _store_steps(clocks: list[Clock]) -> None:
    done_steps = [json.dumps(clock.done_steps) for clock in clocks]
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, [[clock.pk for clock in clocks], done_steps, [clock.due_at for clock in clocks]])


def _as_of(clock: Clock) -> dict[str, str]:
    """Of when its news are, for a clock that waited for a reading in vain."""
    read_at = clock.complaint.history_read_at
    return {"as_of": read_at.isoformat()} if clock.asked_at and read_at < clock.asked_at else {}


def _deadline(current: Round, kind: ClockKind) -> datetime:
    return current.reply_due_at if kind is ClockKind.REPLY else current.complete_due_at


def _cause(clock: Clock, decision: Decision) -> Cause | None:
    step = decision.step
    if step is None or decision.key is None or decision.due_at is None:
        return None
    return Cause(
        complaint_pk=clock.complaint_id,
        account_pk=clock.complaint.account_id,
        key=dedupe_key(clock.round_number, ClockKind(clock.kind), decision.key, decision.due_at),
        kind=step_kind(step, clock.round_number),
        round_number=clock.round_number,
        urgency=step.urgency,
        mention=step.mention,
        audience=step.audience,
        robots=step.robots,
        deadline_at=clock.deadline_at,
        facts={
            "clock": str(clock.kind),
            "step": decision.key.partition("@")[0],
            **({"people": [str(target) for target in step.people]} if step.people else {}),
            "only_unclaimed": step.only_unclaimed,
            "replied": clock.complaint.replied,
            **_as_of(clock),
        },
    )
