"""What holds of guards whatever the case, and what becomes of their findings."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.guards import (
    GUARDS,
    RULES,
    Act,
    ApproveRefund,
    Assign,
    Better,
    CaseFacts,
    Claim,
    Complete,
    Consent,
    GuardCode,
    Level,
    Note,
    Refund,
    RejectRefund,
    Reply,
    ResendRefund,
    RuleSource,
    Verb,
    check,
    judge,
)
from kesu.rules.resolution import OrderFact, RefundFact, RefundState
from tests.guard_cases import (
    AGAIN,
    FINISHED,
    PAID,
    RAISED,
    REFUNDED,
    REPLIED,
    WROTE,
    CommandState,
    at,
    case,
    command,
    item,
    rates,
    refund,
    settled,
)

NOW = at(12)
PLATFORM_ACTS: list[Act] = [
    Complete(),
    Reply("您好"),
    Reply("您好", immediate=True),
    ApproveRefund(),
    RejectRefund("已使用"),
    Refund("T1", PAID),
    ResendRefund("R1", to_payer=True),
]
STATES = ("PENDING", "PROCESSING", "PROCESSED", "PAUSED")
ACTS = st.sampled_from([*PLATFORM_ACTS, Note("问过"), Assign("li"), Claim("li")])
PIECES = [
    REPLIED,
    REFUNDED,
    WROTE,
    FINISHED,
    AGAIN,
    item(10, "MERCHANT_RESPONSE", "抱歉"),
    item(2, "MERCHANT_APPROVE_REFUND"),
    item(4, "USER_SUBMIT_SATISFACTION", "满意"),
]
REFUNDS = st.lists(
    st.builds(
        RefundFact,
        out_refund_no=st.sampled_from(["R1", "R2", "R3"]),
        transaction_id=st.sampled_from(["T1", "T2"]),
        amount=st.integers(1, 3_000),
        state=st.sampled_from(RefundState),
        created_at=st.sampled_from([at(1), at(10)]),
        channel=st.sampled_from(["", "ORIGINAL", "OTHER_BANKCARD"]),
    ),
    max_size=3,
    unique_by=lambda refund: refund.out_refund_no,
).map(tuple)
ORDERS = st.lists(
    st.builds(
        OrderFact,
        transaction_id=st.sampled_from(["T1", "T2"]),
        paid=st.none() | st.integers(1, 3_000),
        refunded=st.integers(0, 3_000),
        paid_at=st.none() | st.just(at(-48)),
    ),
    max_size=2,
    unique_by=lambda order: order.transaction_id,
).map(tuple)


@st.composite
def cases(draw: st.DrawFn, states: tuple[str, ...] = STATES) -> CaseFacts:
    more: dict[str, Any] = {
        "problem_type": draw(st.sampled_from(["REFUND", "OTHERS", "SERVICE_NOT_WORK"])),
        "refunds": draw(REFUNDS),
        "orders": draw(ORDERS),
        "full_refunded": draw(st.booleans()),
        "incoming_user_response": draw(st.booleans()),
        "in_platform_service": draw(st.booleans()),
        "need_immediate_service": draw(st.booleans()),
        "in_campaign": draw(st.booleans()),
        "user_tags": draw(st.frozensets(st.sampled_from(["HIGH_RISK", "TRUSTED"]))),
        "completions": draw(st.integers(0, 4)),
        "opened_at": draw(st.none() | st.sampled_from([at(1), at(11.9)])),
        "agreed_log_ids": draw(st.sampled_from([frozenset(), frozenset({WROTE.log_id})])),
        "commands": draw(st.sampled_from([(), (command(CommandState.UNKNOWN),)])),
        **(rates(draw(st.integers(0, 10))) if draw(st.booleans()) else {}),
    }
    history = (RAISED, *draw(st.lists(st.sampled_from(PIECES), unique=True)))
    state = draw(st.sampled_from(states))
    return case(*history, state=state, times=draw(st.integers(1, 3)), now=12, **more)


class TestWhateverTheCase:
    @given(facts=cases(), act=ACTS)
    def test_the_same_case_gives_the_same_findings(self, facts: CaseFacts, act: Act) -> None:
        found = check(act, facts, now=NOW)
        assert check(act, replace(facts), now=NOW) == found
        assert len({finding.code for finding in found}) == len(found)
        shuffled = replace(facts, history=facts.history[::-1], refunds=facts.refunds[::-1], orders=facts.orders[::-1])
        assert {f.code for f in check(act, shuffled, now=NOW)} == {f.code for f in found}

    @given(facts=cases(), act=st.sampled_from([Complete(), RejectRefund("已使用")]))
    def test_nothing_is_closed_without_a_block_while_a_refund_is_on_its_way(self, facts: CaseFacts, act: Act) -> None:
        for state in (RefundState.CREATED, RefundState.PROCESSING, RefundState.ABNORMAL):
            running = replace(facts, refunds=(*facts.refunds, refund(state)))
            assert Level.BLOCK in {finding.level for finding in check(act, running, now=NOW)}

    @given(facts=cases(), act=ACTS, hours=st.sampled_from([1.1, 5, 11.5, 11.95]))
    def test_another_message_of_the_payer_never_takes_a_finding_away(
        self, facts: CaseFacts, act: Act, hours: float
    ) -> None:
        replies = [e.operate_time for e in facts.history if e.operate_type == "MERCHANT_RESPONSE"]
        message = item(hours, "USER_RESPONSE", "还没有")
        if replies and message.operate_time <= max(replies):
            return
        more = replace(facts, history=(*facts.history, message))
        before = {finding.code for finding in check(act, facts, now=NOW)}
        assert before <= {finding.code for finding in check(act, more, now=NOW)}

    @given(facts=cases(), act=st.sampled_from(PLATFORM_ACTS), minutes=st.integers(2, 10_000))
    def test_nothing_goes_to_the_platform_on_an_old_picture(self, facts: CaseFacts, act: Act, minutes: int) -> None:
        stale = replace(facts, read_at=NOW - timedelta(minutes=minutes))
        assert GuardCode.STALE_READ in {finding.code for finding in check(act, stale, now=NOW)}

    @given(facts=cases(), amount=st.integers(-10, 4_000))
    def test_an_allowed_refund_never_exceeds_what_was_paid(self, facts: CaseFacts, amount: int) -> None:
        found = check(Refund("T1", amount), facts, now=NOW)
        everything = Consent(frozenset(GuardCode), may_override=True, reason="店长同意")
        if judge(found, everything).allowed:
            order = next(order for order in facts.orders if order.transaction_id == "T1")
            spent = [r.amount for r in facts.refunds if r.transaction_id == "T1" and r.state is not RefundState.CLOSED]
            assert order.paid is not None
            assert amount > 0
            assert amount + max(order.refunded, sum(spent)) <= order.paid

    @given(facts=cases(states=("PROCESSED",)))
    def test_a_finished_case_is_never_completed_again_by_anybody(self, facts: CaseFacts) -> None:
        everything = Consent(frozenset(GuardCode), may_override=True, reason="店长同意")
        assert not judge(check(Complete(), facts, now=NOW), everything).allowed

    @given(facts=cases(), act=ACTS)
    def test_only_blocks_can_be_overridden(self, facts: CaseFacts, act: Act) -> None:
        assert all(f.level is Level.BLOCK for f in check(act, facts, now=NOW) if f.overridable)


class TestTheVerdict:
    unsettled = check(Complete(), case(), now=at(2))
    unwise = check(Complete(), settled(refunds=(refund(RefundState.PROCESSING),)), now=at(2))
    impossible = check(Complete(), settled(state="PROCESSED"), now=at(2))

    def test_with_no_finding_the_act_goes_ahead(self) -> None:
        assert judge(check(Complete(), settled(), now=at(2)), Consent()).allowed

    def test_what_asks_for_a_yes_waits_for_it(self) -> None:
        verdict = judge(self.unsettled, Consent())
        assert [finding.code for finding in verdict.to_confirm] == [GuardCode.NOT_SETTLED]
        assert judge(self.unsettled, Consent(confirmed=frozenset({GuardCode.NOT_SETTLED}))).allowed

    @pytest.mark.parametrize(("may", "reason"), [(False, "店长同意"), (True, ""), (True, "  ")])
    def test_a_block_gives_way_neither_to_a_reason_nor_to_a_role_alone(self, may: bool, reason: str) -> None:
        everything = frozenset(GuardCode)
        verdict = judge(self.unwise, Consent(everything, may_override=may, reason=reason))
        assert not verdict.allowed
        assert verdict.refused

    def test_a_role_with_a_reason_overrides_and_the_audit_learns_what(self) -> None:
        verdict = judge(self.unwise, Consent(frozenset(GuardCode), may_override=True, reason="退款已线下核实"))
        assert verdict.allowed
        assert GuardCode.REFUND_RUNNING in {finding.code for finding in verdict.overridden}

    def test_what_the_platform_refuses_stays_refused(self) -> None:
        verdict = judge(self.impossible, Consent(frozenset(GuardCode), may_override=True, reason="x"))
        assert [finding.code for finding in verdict.refused] == [GuardCode.ALREADY_PROCESSED]


class TestTheTable:
    def test_every_code_is_a_guard_and_every_rule_has_its_place(self) -> None:
        assert set(GUARDS) == set(GuardCode)
        assert set(RULES) == set(RuleSource)

    def test_a_block_that_a_role_may_set_aside_names_something_better(self) -> None:
        assert [code for code, g in GUARDS.items() if g.level is Level.BLOCK and g.overridable and not g.better] == []

    def test_verbs_and_better_actions_share_their_words(self) -> None:
        assert {"reply", "reply_immediately", "refund", "approve_refund"} <= {v.value for v in Verb} & {
            b.value for b in Better
        }
