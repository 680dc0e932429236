"""Every guard is found at the desk: from rows as they are stored, not only from facts made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kesu.commands import facts, inside
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.payloads import TO_MERCHANT, TO_PAYER, act_of
from kesu.complaints.models import Complaint
from kesu.merchants.models import Account, Limitation
from kesu.rules.guards import Act, Claim, GuardCode, Note, check
from tests.desk_seeds import make_complaint, make_merchant, make_user, say

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
LATER = frozenset({GuardCode.CAMPAIGN})
"""Told by nothing that is stored yet."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
K = Command.Kind
WHOLE = 1990


@pytest.fixture
def account(db: None) -> Account:
    return make_merchant(NOW)


class Desk:
    """Makes cases, and gathers what the guards find before an act."""

    def __init__(self, account: Account) -> None:
        self.account, self.found, self.made = account, set[GuardCode](), 0

    def case(self, *, reply: bool = False, **fields: Any) -> Complaint:
        self.made += 1
        case = make_complaint(self.account, self.made, now=NOW, **fields)
        say(case, "USER_CREATE_COMPLAINT", case.complaint_time, "没有发货")
        if reply:
            say(case, "MERCHANT_RESPONSE", NOW - HOUR / 2, "您好, 正在核实")
        return case

    def look(self, case: Complaint, kind: Command.Kind, **payload: Any) -> None:
        self.judge(case, act_of(kind, payload))

    def judge(self, case: Complaint, act: Act) -> None:
        case = Complaint.objects.select_related("account", "claimed_by").get(pk=case.pk)
        self.found |= {finding.code for finding in check(act, facts.of(case, now=NOW), now=NOW)}

    def command(self, case: Complaint, state: str, kind: Command.Kind = K.REPLY) -> Command:
        settled = state in ("confirmed", "failed")
        return Command.objects.create(
            account=self.account,
            complaint=case,
            kind=kind,
            state=state,
            payload="{}",
            key=f"key-{Command.objects.count()}",
            via="page",
            planned_at=NOW - HOUR,
            due_at=None if settled else NOW,
            sent_at=NOW - HOUR if state == "confirmed" else None,
            settled_at=NOW - HOUR if settled else None,
        )

    def refund(self, case: Complaint, state: str, amount: int = WHOLE, **fields: Any) -> Refund:
        number = f"R{Refund.objects.count()}"
        values = {"created_at": NOW - timedelta(seconds=30), "out_refund_no": number, **fields}
        return Refund.objects.create(
            account=self.account,
            complaint=case,
            order=case.orders.get(),
            command=self.command(case, "confirmed", K.REFUND),
            amount=amount,
            total=WHOLE,
            state=state,
            **values,
        )

    def refunding(self, case: Complaint, amount: int = WHOLE, reason: str = "") -> None:
        number = case.orders.get().transaction_id
        self.look(case, K.REFUND, transaction_id=number, amount=amount, reason=reason)


@pytest.fixture
def desk(account: Account) -> Desk:
    return Desk(account)


def any_act(desk: Desk) -> None:
    desk.look(_stale(desk), K.COMPLETE)
    waiting = desk.case()
    desk.command(waiting, "planned")
    desk.look(waiting, K.COMPLETE)
    delicate = desk.case(in_platform_service=True, user_tags=["HIGH_RISK"], need_immediate_service=True)
    desk.look(delicate, K.COMPLETE)
    strange = desk.case()
    Complaint.objects.filter(pk=strange.pk).update(state="ARBITRATION")
    desk.look(strange, K.COMPLETE)


def _stale(desk: Desk) -> Complaint:
    case = desk.case()
    Complaint.objects.filter(pk=case.pk).update(history_read_at=NOW - HOUR)
    return case


def completing(desk: Desk) -> None:
    desk.look(desk.case(), K.COMPLETE)
    desk.look(desk.case(state="PROCESSED"), K.COMPLETE)
    desk.look(desk.case(state="PROCESSING", age=4 * DAY), K.COMPLETE)
    answered = desk.case(state="PROCESSING", reply=True)
    say(answered, "USER_RESPONSE", NOW - HOUR / 4, "还没收到")
    desk.look(answered, K.COMPLETE)
    for state, amount in (("processing", WHOLE), ("abnormal", WHOLE), ("success", 500)):
        case = desk.case(state="PROCESSING", reply=True)
        desk.refund(case, state, amount)
        desk.look(case, K.COMPLETE)
    asked = desk.case(state="PROCESSING", reply=True)
    RefundRequest.objects.create(complaint=asked, order=asked.orders.get(), amount=WHOLE, requested_at=NOW - HOUR)
    desk.look(asked, K.COMPLETE)
    case = desk.case(state="PROCESSING", reply=True)
    desk.refund(case, "success", resent_to="merchant", resent_at=NOW - HOUR, refund_id="5030")
    desk.look(case, K.COMPLETE)
    for answered_again in (False, True):
        again = desk.case(state="PROCESSING", times=2, age=20 * HOUR)
        say(again, "MERCHANT_CONFIRM_COMPLETE", NOW - 21 * HOUR)
        say(again, "USER_CONTINUE_COMPLAINT", NOW - 20 * HOUR, "又来了")
        if answered_again:
            say(again, "MERCHANT_RESPONSE", NOW - HOUR, "马上处理")
        desk.look(again, K.COMPLETE)
    often = desk.case(state="PROCESSING")
    for hours in (9, 8, 7):
        say(often, "MERCHANT_CONFIRM_COMPLETE", NOW - hours * HOUR)
    desk.look(often, K.COMPLETE)


def deciding(desk: Desk) -> None:
    asked = {"problem_type": "REFUND", "apply_refund_amount": WHOLE}
    desk.look(desk.case(), K.APPROVE_REFUND)
    decided = desk.case(**asked)
    say(decided, "MERCHANT_APPROVE_REFUND", NOW - HOUR / 2)
    desk.look(decided, K.APPROVE_REFUND)
    desk.look(desk.case(full_refunded=True, **asked), K.APPROVE_REFUND)
    desk.look(desk.case(**asked), K.APPROVE_REFUND, launch_refund_day=9, remark="字" * 201)
    desk.look(desk.case(**asked), K.APPROVE_REFUND, launch_refund_day=-1)
    desk.look(desk.case(problem_type="REFUND", apply_refund_amount=WHOLE + 1), K.APPROVE_REFUND)
    trusted = desk.case(user_tags=["TRUSTED"], **asked)
    desk.look(trusted, K.REJECT_REFUND, text="")
    desk.look(trusted, K.REJECT_REFUND, text="字" * 201)


def refunding(desk: Desk) -> None:
    case = desk.case()
    desk.look(case, K.REFUND, transaction_id="4200", amount=100)
    desk.refunding(desk.case(amount=None))
    desk.refunding(case, 0)
    desk.refunding(case, WHOLE + 1)
    desk.refunding(case, 100, "字" * 27)
    for days in (40, 400):
        case.orders.update(paid_at=NOW - days * DAY)
        desk.refunding(case)
    for state in ("processing", "abnormal"):
        other = desk.case()
        desk.refund(other, state, 500)
        desk.refunding(other, 500)
    worn = desk.case()
    for _ in range(50):
        desk.refund(worn, "closed", 1)
    desk.refunding(worn, 1)
    elsewhere = desk.case()
    say(elsewhere, "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE", NOW - HOUR / 2)
    desk.refunding(elsewhere)
    desk.refunding(desk.case(problem_type="REFUND", apply_refund_amount=WHOLE), 100)
    Limitation.objects.create(account=desk.account, sub_mchid=desk.account.mchid, functions=[facts.NO_REFUND])
    desk.refunding(case)


def resending(desk: Desk) -> None:
    case = desk.case()
    stuck = desk.refund(case, "abnormal")
    for number, to in (("R-none", TO_PAYER), (stuck.out_refund_no, TO_PAYER), (stuck.out_refund_no, TO_MERCHANT)):
        desk.look(case, K.RESEND_REFUND, out_refund_no=number, type=to)


def replying(desk: Desk) -> None:
    case = desk.case(age=30 * HOUR)
    desk.look(case, K.REPLY, text="")
    desk.look(case, K.REPLY, text="字" * 201, pictures=[1, 2, 3, 4, 5])
    desk.look(desk.case(reply=True, state="PROCESSING"), K.REPLY, text="您好, 正在核实")
    desk.look(desk.case(state="PROCESSED"), K.REPLY, text="您好")
    desk.look(case, K.REPLY, text="您好", jump={"url": "http://shop.example", "text": "字" * 11})
    desk.look(case, K.REPLY, text="您好", jump={"url": "https://shop.example", "text": ""})
    desk.look(case, K.IMMEDIATE_REPLY, text="您好")


def staying_inside(desk: Desk) -> None:
    wang, li = make_user(), make_user("li", "小李")
    gone = make_user("gone", "小赵", is_active=False)
    far = make_user("far", "远方", role="agent", all_merchants=False)
    case = desk.case(claimed_by=li, claimed_at=NOW)
    desk.judge(case, Note(""))
    desk.judge(case, Claim(str(wang)))
    for assignee in (wang, gone, far):
        desk.judge(case, inside.assignment(wang, case, assignee))
    desk.judge(desk.case(state="PROCESSED"), Claim(str(wang)))


def many_repeats(desk: Desk) -> None:
    for number in range(50):
        desk.case(state="PROCESSED", age=5 * DAY, times=2 if number < 10 else 1)
    desk.look(desk.case(state="PROCESSING", reply=True), K.COMPLETE)


def test_every_guard_is_found_from_stored_rows(desk: Desk) -> None:
    for scene in (any_act, completing, deciding, refunding, resending, replying, staying_inside, many_repeats):
        scene(desk)
    assert set(GuardCode) - desk.found == LATER
