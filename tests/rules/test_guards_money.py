"""Before a refund request is decided, and before money goes back."""

from dataclasses import replace

import pytest

from kesu.rules.guards import (
    Act,
    ApproveRefund,
    CaseFacts,
    GuardCode,
    Level,
    Refund,
    RefundTicket,
    RejectRefund,
    ResendRefund,
    Restrictions,
)
from kesu.rules.resolution import RefundState
from tests.guard_cases import (
    AGAIN,
    PAID,
    RAISED,
    REPLIED,
    WROTE,
    CommandState,
    at,
    case,
    codes,
    command,
    item,
    judged,
    level,
    order,
    rates,
    refund,
    ticket,
)

B, C, I = Level.BLOCK, Level.CONFIRM, Level.INFO  # noqa: E741
YES, NO = ApproveRefund(), RejectRefund("商品已使用, 已与您说明")
ALL, PART = Refund("T1", PAID), Refund("T1", 500)
APPROVED = ticket(RAISED, REPLIED, item(1.5, "MERCHANT_APPROVE_REFUND"))
REJECTED = item(1.5, "MERCHANT_REFUSE_RERUND")
ELSEWHERE = item(1.5, "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE")
OTHER = refund(RefundState.SUCCESS, 1_000)
GONE, RETURNED = refund(RefundState.ABNORMAL), refund(RefundState.RETURNED, 1)
STUCK, TO_CARD, NOT_STUCK = case(refunds=(GONE,)), ResendRefund(GONE.out_refund_no, True), GuardCode.REFUND_NOT_STUCK


def test_approving_an_open_request_says_only_that_no_money_moves() -> None:
    assert set(judged(YES, ticket())) == {GuardCode.APPROVAL_MOVES_NO_MONEY}


def test_refusing_after_a_reply_asks_because_it_closes_the_case() -> None:
    assert codes(NO, ticket()) == {GuardCode.REJECT_CLOSES}


def test_a_full_refund_of_an_approved_request_meets_nothing() -> None:
    assert judged(ALL, APPROVED) == {}


SENTENCES: list[tuple[str, Act, CaseFacts, GuardCode, Level | None]] = [
    ("only refund requests can be approved", YES, case(), GuardCode.NOT_A_REFUND_COMPLAINT, B),
    ("only refund requests can be refused", NO, case(), GuardCode.NOT_A_REFUND_COMPLAINT, B),
    ("they are decided once", YES, APPROVED, GuardCode.DECISION_ALREADY_MADE, B),
    ("an approval is not taken back", NO, APPROVED, GuardCode.DECISION_ALREADY_MADE, B),
    (
        "a new round asks anew",
        YES,
        ticket(RAISED, REPLIED, REJECTED, AGAIN, state="PENDING", times=2, now=10),
        GuardCode.DECISION_ALREADY_MADE,
        None,
    ),
    ("a finished one is not decided", NO, ticket(state="PROCESSED"), GuardCode.ALREADY_PROCESSED, B),
    ("a refunded order needs no decision", YES, ticket(full_refunded=True), GuardCode.ORDER_ALREADY_REFUNDED, B),
    ("however it was refunded", YES, ticket(orders=(order(refunded=PAID),)), GuardCode.ORDER_ALREADY_REFUNDED, B),
    ("in two days there is time", ApproveRefund(2), ticket(), GuardCode.APPROVAL_PAST_DEADLINE, None),
    ("in three there is none", ApproveRefund(3), ticket(), GuardCode.APPROVAL_PAST_DEADLINE, C),
    ("days are not negative", ApproveRefund(-1), ticket(), GuardCode.DAYS_NEGATIVE, B),
    ("a remark has 200 characters", ApproveRefund(remark="好" * 201), ticket(), GuardCode.REMARK_TOO_LONG, B),
    ("asked for more than is left", YES, ticket(orders=(order(refunded=1),)), GuardCode.ASKED_MORE_THAN_LEFT, C),
    ("refused before any reply", NO, ticket(RAISED, state="PENDING"), GuardCode.REJECT_BEFORE_REPLY, B),
    ("refused while a message waits", NO, ticket(RAISED, REPLIED, WROTE), GuardCode.MESSAGE_UNANSWERED, B),
    ("refused while a refund runs", NO, ticket(refunds=(refund(RefundState.PROCESSING),)), GuardCode.REFUND_RUNNING, B),
    ("refused for the fourth time", NO, ticket(completions=3), GuardCode.TOO_MANY_COMPLETIONS, B),
    ("refused for a payer of good standing", NO, ticket(user_tags=frozenset({"TRUSTED"})), GuardCode.REJECT_TRUSTED, C),
    ("a refusal has a reason", RejectRefund(" "), ticket(), GuardCode.REJECT_REASON_MISSING, B),
    ("of 200 characters", RejectRefund("好" * 200), ticket(), GuardCode.REJECT_REASON_TOO_LONG, None),
    ("and no more", RejectRefund("好" * 201), ticket(), GuardCode.REJECT_REASON_TOO_LONG, B),
    ("and four pictures", RejectRefund("好", pictures=5), ticket(), GuardCode.TOO_MANY_PICTURES, B),
    ("an order of somebody else", Refund("T9", 1), case(), GuardCode.ORDER_UNKNOWN, B),
    ("an order nobody has asked about", ALL, case(orders=(order(paid=None),)), GuardCode.PAID_UNKNOWN, B),
    ("nothing is no refund", Refund("T1", 0), case(), GuardCode.AMOUNT_NOT_POSITIVE, B),
    ("less than nothing neither", Refund("T1", -5), case(), GuardCode.AMOUNT_NOT_POSITIVE, B),
    ("all that was paid fits", ALL, case(), GuardCode.AMOUNT_OVER_LEFT, None),
    ("a fen more does not", Refund("T1", PAID + 1), case(), GuardCode.AMOUNT_OVER_LEFT, B),
    ("what arrived is gone", ALL, case(orders=(order(refunded=1),)), GuardCode.AMOUNT_OVER_LEFT, B),
    ("so is what is on its way", ALL, case(refunds=(refund(RefundState.CREATED, 1),)), GuardCode.AMOUNT_OVER_LEFT, B),
    ("so is what got stuck", ALL, case(refunds=(refund(RefundState.ABNORMAL, 1),)), GuardCode.AMOUNT_OVER_LEFT, B),
    ("what was closed is not", ALL, case(refunds=(refund(RefundState.CLOSED, 1),)), GuardCode.AMOUNT_OVER_LEFT, None),
    ("a part that went back elsewhere", ALL, case(RAISED, REPLIED, ELSEWHERE), GuardCode.REFUNDED_ELSEWHERE, C),
    (
        "one refund is not counted twice",
        Refund("T1", 990),
        case(orders=(order(refunded=1_000),), refunds=(OTHER,)),
        GuardCode.AMOUNT_OVER_LEFT,
        None,
    ),
    ("a part is told to be a part", PART, case(), GuardCode.PARTIAL_REFUND, I),
    ("the rest is no part", Refund("T1", 990), case(orders=(order(refunded=1_000),)), GuardCode.PARTIAL_REFUND, None),
    (
        "a year later it is possible",
        ALL,
        case(orders=(order(paid_at=at(2 - 365 * 24)),)),
        GuardCode.ORDER_TOO_OLD,
        None,
    ),
    ("then no more", ALL, case(orders=(order(paid_at=at(1.9 - 365 * 24)),)), GuardCode.ORDER_TOO_OLD, B),
    (
        "a month later it is slower",
        ALL,
        case(orders=(order(paid_at=at(1 - 30 * 24)),)),
        GuardCode.ORDER_OVER_A_MONTH,
        I,
    ),
    ("50 refunds of an order", PART, case(orders=(order(refund_count=50),)), GuardCode.TOO_MANY_REFUNDS, B),
    ("a minute after the last", PART, case(orders=(order(last_refund_at=at(1.999)),)), GuardCode.REFUND_TOO_SOON, B),
    ("and not before", PART, case(orders=(order(last_refund_at=at(1.98)),)), GuardCode.REFUND_TOO_SOON, None),
    (
        "not beside one that runs",
        PART,
        case(refunds=(refund(RefundState.PROCESSING, 5),)),
        GuardCode.DUPLICATE_REFUND,
        B,
    ),
    (
        "not beside one that is stuck",
        PART,
        case(refunds=(refund(RefundState.ABNORMAL, 5),)),
        GuardCode.ABNORMAL_REFUND,
        B,
    ),
    ("what is stuck may go to a card", TO_CARD, STUCK, GuardCode.RESEND_TO_CARD, C),
    ("or to our own account", replace(TO_CARD, to_payer=False), STUCK, GuardCode.RESEND_TO_MERCHANT, C),
    ("only what is stuck", TO_CARD, case(refunds=(replace(GONE, state=RefundState.SUCCESS),)), NOT_STUCK, B),
    (
        "not what was sent to ourselves",
        TO_CARD,
        case(refunds=(replace(GONE, state=RefundState.RETURNED),)),
        NOT_STUCK,
        B,
    ),
    ("nor what nobody knows of", TO_CARD, case(), NOT_STUCK, B),
    ("one at a time", TO_CARD, case(commands=(command(CommandState.SENDING),)), GuardCode.COMMAND_UNFINISHED, B),
    ("what came back to us is not free", ALL, case(refunds=(RETURNED,)), GuardCode.AMOUNT_OVER_LEFT, B),
    (
        "nor while refunds are closed",
        ALL,
        case(restrictions=Restrictions(refunds_forbidden=True)),
        GuardCode.REFUNDS_FORBIDDEN,
        B,
    ),
    ("a request is approved first", ALL, ticket(), GuardCode.DECIDE_FIRST, C),
    ("other complaints are not", ALL, case(), GuardCode.DECIDE_FIRST, None),
    ("of a finished complaint neither", ALL, ticket(state="PROCESSED"), GuardCode.DECIDE_FIRST, None),
    (
        "what went back before counts towards what was asked for",
        Refund("T1", 500),
        ticket(apply_refund_amount=1_000, orders=(order(refunded=500),)),
        GuardCode.LESS_THAN_ASKED,
        None,
    ),
    ("less than was asked for", PART, APPROVED, GuardCode.LESS_THAN_ASKED, C),
    ("a reason of 80 bytes", Refund("T1", PAID, "x" + "好" * 26), case(), GuardCode.REFUND_REASON_TOO_LONG, None),
    ("and no more", Refund("T1", PAID, "好" * 27), case(), GuardCode.REFUND_REASON_TOO_LONG, B),
    ("of one yuan no reason is shown", Refund("T1", 100, "好"), case(), GuardCode.REFUND_REASON_HIDDEN, I),
    ("of more it is", Refund("T1", 101, "好"), case(), GuardCode.REFUND_REASON_HIDDEN, None),
    (
        "nor if all that was paid is one yuan",
        Refund("T1", 100, "好"),
        case(orders=(order(paid=100),)),
        GuardCode.REFUND_REASON_HIDDEN,
        None,
    ),
    ("an old picture blocks", ALL, case(now=1.9), GuardCode.STALE_READ, B),
    (
        "a refund of unknown fate blocks",
        ALL,
        case(commands=(command(CommandState.UNKNOWN),)),
        GuardCode.COMMAND_UNFINISHED,
        B,
    ),
    ("an attack is told", ALL, case(in_campaign=True), GuardCode.CAMPAIGN, I),
    ("high risk asks before a refusal", NO, ticket(user_tags=frozenset({"HIGH_RISK"})), GuardCode.HIGH_RISK, C),
    ("and is told before a refund", ALL, case(user_tags=frozenset({"HIGH_RISK"})), GuardCode.HIGH_RISK, I),
]


@pytest.mark.parametrize(
    ("act", "facts", "code", "grave"),
    [line[1:] for line in SENTENCES],
    ids=[f"{n} {line[0]}" for n, line in enumerate(SENTENCES)],
)
def test_before_deciding_or_refunding(act: Act, facts: CaseFacts, code: GuardCode, grave: Level | None) -> None:
    read_at = (facts.read_at - RAISED.operate_time).total_seconds() / 3600
    assert level(act, facts, code, now=max(2, read_at)) is grave


@pytest.mark.parametrize(
    ("facts", "stands"),
    [
        (case(), RefundTicket.NONE),
        (ticket(), RefundTicket.AWAITING),
        (APPROVED, RefundTicket.APPROVED),
        (ticket(RAISED, REPLIED, REJECTED, state="PROCESSED"), RefundTicket.REJECTED),
    ],
)
def test_how_a_refund_request_stands(facts: CaseFacts, stands: RefundTicket) -> None:
    assert facts.ticket is stands


@pytest.mark.parametrize(
    "code", [GuardCode.AMOUNT_OVER_LEFT, GuardCode.AMOUNT_NOT_POSITIVE, GuardCode.REFUNDS_FORBIDDEN]
)
def test_nobody_overrides_money(code: GuardCode) -> None:
    forbidden = case(restrictions=Restrictions(refunds_forbidden=True))
    found = judged(Refund("T1", PAID + 1), forbidden) | judged(Refund("T1", 0), forbidden)
    assert not found[code].overridable


def test_a_refund_over_what_is_left_says_all_three_amounts() -> None:
    found = judged(Refund("T1", PAID), case(orders=(order(refunded=990),)))[GuardCode.AMOUNT_OVER_LEFT]
    assert found.values == {"amount_fen": 1_990, "left_fen": 1_000, "paid_fen": 1_990}


def test_a_refusal_shows_what_another_complaint_would_do() -> None:
    effect = judged(NO, ticket(**rates(3)))[GuardCode.REJECT_CLOSES].effect
    assert effect is not None
    assert (effect.before.basis_points, effect.after.basis_points) == (750, 976)


def test_a_late_refund_shows_what_it_does_to_the_timely_rate() -> None:
    effect = judged(ApproveRefund(5), ticket(**rates(of=49)))[GuardCode.APPROVAL_PAST_DEADLINE].effect
    assert effect is not None
    assert (effect.before.basis_points, effect.after.basis_points) == (10_000, 9_800)


def test_a_part_that_went_back_elsewhere_makes_what_is_left_uncertain() -> None:
    told = item(1.5, "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE")
    again = item(1.7, "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE")
    wanted = Refund("T1", 100)
    own = refund(RefundState.SUCCESS, 500)
    assert "refunded_elsewhere" not in codes(wanted, case(RAISED, REPLIED))
    assert "refunded_elsewhere" in codes(wanted, case(RAISED, REPLIED, told))
    assert "refunded_elsewhere" not in codes(wanted, case(RAISED, REPLIED, told, refunds=(own,)))
    assert "refunded_elsewhere" in codes(wanted, case(RAISED, REPLIED, told, again, refunds=(own,)))
    assert "refunded_elsewhere" not in codes(wanted, case(RAISED, REPLIED, told, full_refunded=True))


def test_ones_own_refund_that_the_history_tells_of_first_is_not_taken_for_anothers() -> None:
    told = item(1.5, "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE")
    running = refund(RefundState.PROCESSING, 500)
    assert "refunded_elsewhere" not in codes(Refund("T1", 100), case(RAISED, REPLIED, told, refunds=(running,)))
