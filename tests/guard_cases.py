"""Cases to judge: one that is fine to complete, and what may be wrong with it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from kesu.rules.deadlines import PROFILES
from kesu.rules.guards import (
    Act,
    CaseFacts,
    CommandFact,
    CommandState,
    Finding,
    GuardCode,
    Level,
    Verb,
    check,
    completions_in,
    refund_ticket,
)
from kesu.rules.rates import REPEAT, TIMELY, Rate
from kesu.rules.resolution import OrderFact, RefundFact, RefundState
from kesu.rules.states import HistoryItem, current_round, derive_rounds

START = datetime(2026, 3, 20, 6, tzinfo=UTC)
TODAY = date(2026, 3, 20)
PAID = 1_990


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def item(hours: float, operate_type: str, details: str = "") -> HistoryItem:
    return HistoryItem(f"{operate_type}@{hours}", operate_type, at(hours), details)


RAISED = item(0, "USER_CREATE_COMPLAINT")
REPLIED = item(1, "MERCHANT_RESPONSE", "您好, 正在核实")
REFUNDED = item(1.2, "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE")
FINISHED = item(3, "MERCHANT_CONFIRM_COMPLETE")
AGAIN = item(9, "USER_CONTINUE_COMPLAINT")
WROTE = item(1.5, "USER_RESPONSE", "还没收到")


def case(*history: HistoryItem, state: str = "PROCESSING", times: int = 1, now: float = 2, **more: Any) -> CaseFacts:
    """A case just read at `now` hours, seen by staff, one order of ¥19.90. Without history: raised, replied."""
    entries = history or (RAISED, REPLIED)
    problem_type = more.get("problem_type", "OTHERS")
    rounds = derive_rounds(
        START, entries, state=state, user_complaint_times=times, profile=more.get("deadlines", PROFILES["rolling"])
    )
    facts = CaseFacts(
        read_at=at(now),
        state=state,
        complaint_time=START,
        rounds=rounds,
        history=tuple(entries),
        user_complaint_times=times,
        ticket=refund_ticket(problem_type, entries, current_round(rounds)),
        orders=(OrderFact("T1", PAID, paid_at=at(-48)),),
        completions=completions_in(entries),
        opened_at=at(now),
    )
    return replace(facts, **more)


def settled(**more: Any) -> CaseFacts:
    """Raised, replied, refunded in full: nothing stands against completing it."""
    return case(RAISED, REPLIED, REFUNDED, full_refunded=True, **more)


def ticket(*history: HistoryItem, **more: Any) -> CaseFacts:
    """A refund request (极速退款) of the whole order."""
    return case(*history, problem_type="REFUND", **{"apply_refund_amount": PAID, **more})


def refund(state: RefundState, amount: int = PAID, hours: float = 1.2) -> RefundFact:
    return RefundFact(f"R-{state}-{hours}", "T1", amount, state, at(hours))


def command(state: CommandState, verb: Verb = Verb.REPLY) -> CommandFact:
    return CommandFact(verb, state, at(1.9))


def order(**more: Any) -> OrderFact:
    return replace(OrderFact("T1", PAID, paid_at=at(-48)), **more)


def rates(repeated: int = 0, of: int = 40) -> dict[str, Rate]:
    return {"timely": Rate(TIMELY, TODAY, of, of), "repeat": Rate(REPEAT, TODAY, repeated, of)}


def judged(act: Act, facts: CaseFacts, now: float = 2) -> dict[GuardCode, Finding]:
    found = check(act, facts, now=at(now))
    assert len({finding.code for finding in found}) == len(found), "a code stands once"
    return {finding.code: finding for finding in found}


def level(act: Act, facts: CaseFacts, code: GuardCode, now: float = 2) -> Level | None:
    """How gravely `code` is found, None when it is not."""
    finding = judged(act, facts, now).get(code)
    return finding.level if finding else None


def codes(act: Act, facts: CaseFacts, *levels: Level, now: float = 2) -> set[GuardCode]:
    """What is found of these levels; of block and confirm when none is given."""
    wanted = levels or (Level.BLOCK, Level.CONFIRM)
    return {code for code, finding in judged(act, facts, now).items() if finding.level in wanted}
