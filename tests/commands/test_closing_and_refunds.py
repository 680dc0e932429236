"""Completing, refunding, and deciding on refund tickets: money moves once, and never above a limit alone."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from kesu.accounts.roles import Forbidden
from kesu.audit.models import AuditEntry
from kesu.commands import pictures, refunding, verbs
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.models import Command, Note, OutgoingPicture, Refund, RefundRequest
from kesu.commands.verbs import Consent
from kesu.commands.wording import difference
from kesu.merchants.models import Account
from kesu.retention.personal import erase
from kesu.threads import in_thread

WORDS = "您好, 经核实是仓库漏发了这件商品, 我们为您全额退款, 请您留意退款通知。"
REFUSAL = "商品已按约定提供并使用, 不符合退款条件, 详见服务说明。"
DAY = 86_400


def png(color: str) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(target, "PNG")
    return target.getvalue()


async def refunds_of(office, complaint) -> list[Refund]:
    return await in_thread(lambda: list(Refund.objects.filter(complaint=complaint.pk).order_by("pk")))


async def platform_refunds(office) -> int:
    return len(office.sandbox.state.refunds)


async def settled_by_refund(office, **wish):
    """A case that was answered and refunded in full, and the money has arrived."""
    complaint = await office.case(amount=1990, problem_type="OTHERS", **wish)
    await office.do(refunding.refund, complaint)
    await office.advance_seconds(DAY)
    complaint = await office.open(complaint.complaint_id)
    await office.do(verbs.reply, complaint, WORDS)
    await office.settle()
    return await office.open(complaint.complaint_id)


def test_completing_before_any_reply_is_blocked_and_says_why(play):
    async def steps(office):
        complaint = await office.case()
        with pytest.raises(Refused) as refused:
            await office.do(verbs.complete, complaint)
        assert "no_reply_in_round" in {c.code for c in refused.value.standing if c.level == "block"}
        assert (await office.truth(complaint))["complaint_state"] == "PENDING"

    play(steps)


def test_a_settled_case_is_completed_and_its_clocks_stop_when_the_platform_says_so(play):
    async def steps(office):
        complaint = await settled_by_refund(office)
        command = await office.do(verbs.complete, complaint)
        assert (await office.fresh(complaint)).open
        await office.settle()
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert not (await office.fresh(complaint)).open

    play(steps)


def test_a_completion_whose_answer_was_lost_is_proved_by_the_state(play):
    async def steps(office):
        complaint = await settled_by_refund(office)
        await office.fault("drop", value="after", count=1, path="/complete")
        command = await office.do(verbs.complete, complaint)
        await office.advance_seconds(60)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert len(await office.history(complaint, "MERCHANT_CONFIRM_COMPLETE")) == 1

    play(steps)


def test_a_case_completed_in_the_console_meanwhile_is_not_completed_twice(play):
    async def steps(office):
        complaint = await settled_by_refund(office)
        command = await office.do(verbs.complete, complaint)
        await office.console(complaint.complaint_id, "complete")
        await office.settle()
        ended = await office.fresh(command)
        assert (ended.state, ended.failure) == ("failed", "changed")
        assert "already_processed" in {concern["code"] for concern in ended.concerns}

    play(steps)


def test_a_refund_is_made_once_and_followed_until_it_arrives(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        command = await office.do(refunding.refund, complaint)
        await office.settle()
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert [row.state for row in await refunds_of(office, complaint)] == [Refund.State.PROCESSING]
        await office.advance_seconds(DAY)
        (row,) = await refunds_of(office, complaint)
        assert (row.state, row.amount, row.due_at) == (Refund.State.SUCCESS, 1990, None)
        assert (await office.fresh(complaint)).full_refunded

    play(steps)


def test_a_refund_whose_answer_was_lost_keeps_its_number_and_moves_money_once(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("drop", value="after", count=1, path="/v3/refund/domestic/refunds")
        command = await office.do(refunding.refund, complaint)
        await office.advance_seconds(120)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert await platform_refunds(office) == 1

    play(steps)


def test_a_refund_that_never_arrived_is_sent_again_under_the_same_number(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("drop", count=1, path="/v3/refund/domestic/refunds")
        command = await office.do(refunding.refund, complaint)
        (row,) = await refunds_of(office, complaint)
        await office.advance_seconds(120)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert [one.out_refund_no for one in await refunds_of(office, complaint)] == [row.out_refund_no]
        assert await platform_refunds(office) == 1

    play(steps)


def test_no_more_is_refunded_than_is_left(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.do(refunding.refund, complaint, 1500, consent=Consent(acknowledged=("less_than_asked",)))
        await office.advance_seconds(DAY)
        complaint = await office.open(complaint.complaint_id)
        with pytest.raises(Refused) as refused:
            await office.do(refunding.refund, complaint, 491)
        assert "amount_over_left" in {concern.code for concern in refused.value.standing}
        with pytest.raises(InvalidCommand):
            await office.do(refunding.refund, complaint, 0)
        assert await platform_refunds(office) == 1

    play(steps)


def test_approving_a_refund_ticket_refunds_with_it_and_the_arrival_completes_the_case(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="REFUND")
        await office.do(refunding.approve_refund, complaint)
        await office.settle()
        kinds = [(row.kind, row.state) for row in await office.commands(complaint)]
        assert kinds == [("approve_refund", "confirmed"), ("refund", "confirmed")]
        approval, refund = await office.commands(complaint)
        entry = await in_thread(lambda: AuditEntry.objects.get(action="refunded"))
        assert (entry.username, entry.via, entry.subject) == ("agent", "system", f"complaint:{complaint.complaint_id}")
        assert entry.details == {"command": refund.pk, "approved_by": approval.pk, "amount": 1990}
        await office.advance_seconds(DAY)
        assert (await office.truth(complaint))["complaint_state"] == "PROCESSED"
        assert await platform_refunds(office) == 1

    play(steps)


def test_rejecting_before_talking_to_the_payer_is_blocked_and_afterwards_needs_a_yes(play):
    async def steps(office):
        complaint = await office.case(problem_type="REFUND")
        with pytest.raises(Refused) as refused:
            await office.do(verbs.reject_refund, complaint, REFUSAL)
        assert "reject_before_reply" in {concern.code for concern in refused.value.standing}
        await office.do(
            verbs.reply, complaint, "您好, 这笔会员已经开通并使用了二十天, 我们可以为您折算剩余天数的金额, 您看可以吗?"
        )
        await office.settle()
        complaint = await office.open(complaint.complaint_id)
        consent = await office.warnings(verbs.reject_refund, complaint, REFUSAL)
        await office.do(verbs.reject_refund, complaint, REFUSAL, consent=consent)
        await office.settle()
        assert (await office.truth(complaint))["complaint_state"] == "PROCESSED"

    play(steps)


def test_a_rejection_carries_its_reason_and_pictures_and_no_day(play):
    async def steps(office):
        complaint = await office.case(problem_type="REFUND")
        await office.do(
            verbs.reply, complaint, "您好, 这笔会员已经使用了二十天, 我们可以折算剩余天数的金额, 您看可以吗?"
        )
        await office.settle()
        complaint = await office.open(complaint.complaint_id)
        kept = [(await office.do(pictures.keep, complaint.account, png(color))).pk for color in ("green", "red")]
        for chosen, reason in ((kept * 3, "too_many_pictures"), ([*kept, 99_999], "picture_unknown")):
            with pytest.raises(InvalidCommand) as wrong:
                await office.do(verbs.reject_refund, complaint, REFUSAL, chosen)
            assert wrong.value.reason == reason
        consent = await office.warnings(verbs.reject_refund, complaint, REFUSAL, kept)
        await office.do(verbs.reject_refund, complaint, REFUSAL, kept, consent=consent)
        await office.settle()
        (entry,) = await office.history(complaint, "MERCHANT_REFUSE_RERUND")
        assert (entry["operate_details"], len(entry["image_list"])) == (REFUSAL, 2)
        assert office.sandbox.state.counters["requests_upload"] == 2

    play(steps)


def test_pictures_of_one_merchant_are_not_sent_for_another(play):
    async def steps(office):
        mine, theirs = await office.case(), await office.case()
        kept = await office.do(pictures.keep, theirs.account, png("blue"))
        other = await in_thread(lambda: Account.objects.exclude(pk=mine.account_id).first())
        await in_thread(lambda: OutgoingPicture.objects.filter(pk=kept.pk).update(account=other))
        with pytest.raises(InvalidCommand) as wrong:
            await office.do(verbs.reply, mine, WORDS, [kept.pk])
        assert wrong.value.reason == "picture_unknown"

    play(steps)


def test_a_refund_above_the_limit_waits_for_a_second_person(play):
    async def steps(office):
        complaint = await office.case(amount=30_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint)
        assert isinstance(request, RefundRequest)
        await office.settle()
        assert await platform_refunds(office) == 0
        with pytest.raises(Forbidden):
            await office.do(refunding.decide, request, grant=True)
        decided = await office.do(refunding.decide, request, grant=True, by="manager")
        assert decided.state == RefundRequest.State.GRANTED
        await office.settle()
        assert await platform_refunds(office) == 1
        actions = await in_thread(lambda: list(AuditEntry.objects.order_by("pk").values_list("action", "username")))
        wanted = [("refund_requested", "agent"), ("refunded", "manager"), ("refund_request_decided", "manager")]
        assert [entry for entry in actions if entry in wanted] == wanted

    play(steps)


def test_a_block_that_was_set_aside_for_a_request_is_told_in_the_audit(play):
    async def steps(office):
        complaint = await office.case(amount=600_000, problem_type="OTHERS")
        await office.do(refunding.refund, complaint, 1_000, by="manager", consent=Consent(("partial_refund",)))
        await office.advance_seconds(61)
        complaint = await office.open(complaint.complaint_id)
        with pytest.raises(Refused):
            await office.do(refunding.refund, complaint, by="manager")
        why = Consent(override_reason="第一笔金额填错, 余款另退")
        request = await office.do(refunding.refund, complaint, by="manager", consent=why)
        assert isinstance(request, RefundRequest)
        [entry] = await in_thread(lambda: list(AuditEntry.objects.filter(action="overridden")))
        assert entry.username == "manager"
        assert entry.details == {
            "request": request.pk,
            "codes": ["duplicate_refund"],
            "reason": "第一笔金额填错, 余款另退",
        }

    play(steps)


def test_day_and_remark_of_an_approval_outlive_the_wait_for_a_second_person(play):
    async def steps(office):
        complaint = await office.case(amount=30_000, problem_type="REFUND")
        asked = {"launch_refund_day": 1, "remark": "财务次日放款"}
        request = await office.do(refunding.approve_refund, complaint, **asked)
        assert isinstance(request, RefundRequest)
        await office.do(refunding.decide, request, grant=True, by="manager")
        payload = json.loads((await office.commands(complaint))[0].payload)
        assert {name: payload[name] for name in asked} == asked

    play(steps)


def test_who_asks_for_the_same_again_gets_the_waiting_request_and_who_asks_for_something_else_hears_of_it(play):
    async def steps(office):
        complaint = await office.case(amount=600_000, problem_type="REFUND")
        first = await office.do(refunding.refund, complaint, consent=Consent(("decide_first",)))
        assert (await office.do(refunding.refund, complaint)).pk == first.pk
        others = (
            (refunding.refund, {"by": "manager"}),
            (refunding.refund, {"amount": 550_000}),
            (refunding.approve_refund, {}),
        )
        for verb, wish in others:
            with pytest.raises(Conflict) as conflict:
                await office.do(verb, complaint, **wish)
            assert [one.pk for one in conflict.value.requests] == [first.pk]
            assert "agent" in difference(conflict.value)
            assert "¥6000.00" in difference(conflict.value)
        assert await in_thread(RefundRequest.objects.count) == 1

    play(steps)


def test_closing_a_case_while_a_refund_waits_for_a_second_person_needs_a_yes_until_it_is_decided(play):
    async def steps(office):
        complaint = await office.case(amount=30_000, problem_type="REFUND")
        request = await office.do(refunding.approve_refund, complaint)
        closings = ((verbs.complete, ()), (verbs.reject_refund, (REFUSAL,)))
        for verb, words in closings:
            assert ("refund_request_waiting", "confirm") in await standing(office, verb, complaint, *words)
        await office.do(refunding.decide, request, grant=False, by="manager")
        for verb, words in closings:
            assert "refund_request_waiting" not in dict(await standing(office, verb, complaint, *words))

    async def standing(office, verb, complaint, *words):
        with pytest.raises(Refused) as refused:
            await office.do(verb, complaint, *words)
        return [(concern.code, concern.level) for concern in refused.value.standing]

    play(steps)


def test_nobody_grants_a_request_of_their_own(play):
    async def steps(office):
        complaint = await office.case(amount=600_000, problem_type="OTHERS")
        request = await office.do(refunding.refund, complaint, by="manager")
        with pytest.raises(InvalidCommand) as wrong:
            await office.do(refunding.decide, request, grant=True, by="manager")
        assert wrong.value.reason == "own_request"
        declined = await office.do(refunding.decide, request, grant=False, note="先和付款人沟通", by="owner")
        assert declined.state == RefundRequest.State.DECLINED
        await office.settle()
        assert await platform_refunds(office) == 0

    play(steps)


def test_many_small_refunds_of_one_case_count_as_one_against_the_limit(play):
    async def steps(office):
        complaint = await office.case(amount=50_000, problem_type="OTHERS")
        await office.do(refunding.refund, complaint, 15_000, consent=Consent(acknowledged=("less_than_asked",)))
        await office.advance_seconds(DAY)
        complaint = await office.open(complaint.complaint_id)
        accepted = Consent(acknowledged=("less_than_asked", "duplicate_refund"))
        assert isinstance(await office.do(refunding.refund, complaint, 6_000, consent=accepted), RefundRequest)

    play(steps)


def test_notes_claims_and_assignments_stay_inside_the_desk(play):
    async def steps(office):
        complaint = await office.case()
        before = await office.truth(complaint)
        written = await office.do(verbs.note, complaint, "已电话联系仓库, 下午回复")
        await office.do(verbs.claim, complaint)
        manager = office.people["manager"].user
        consent = await office.warnings(verbs.assign, complaint, manager, by="owner")
        await office.do(verbs.assign, complaint, manager, consent=consent, by="owner")
        shown = await office.fresh(complaint)
        assert shown.claimed_by_id == office.people["manager"].user.pk
        assert (await office.fresh(written)).text == "已电话联系仓库, 下午回复"
        await office.settle()
        assert (await office.truth(complaint))["history"] == before["history"]
        with pytest.raises(InvalidCommand):
            await office.do(verbs.assign, complaint, office.people["viewer"].user, by="owner")

    play(steps)


def test_deleting_a_payers_data_takes_our_words_with_it_and_keeps_that_something_was_sent(play):
    async def steps(office):
        complaint = await settled_by_refund(office)
        await office.do(verbs.note, complaint, "用户说的是上周的订单")
        await in_thread(lambda: erase([complaint.pk], texts=True))
        commands = await office.commands(complaint)
        assert {(row.state, row.payload) for row in commands} == {("confirmed", "{}")}
        assert await in_thread(lambda: [note.text for note in Note.objects.filter(complaint=complaint.pk)]) == [""]

    play(steps)
