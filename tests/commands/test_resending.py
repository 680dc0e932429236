"""A refund that got stuck is sent elsewhere: once, to whom was meant, and what the call had to know is gone then."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection

from kesu.accounts.roles import Forbidden
from kesu.audit.models import AuditEntry
from kesu.commands import refunding, resending, verbs
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.models import Command, Refund
from kesu.commands.resending import Card
from kesu.commands.verbs import Consent
from kesu.commands.wording import outcome
from kesu.sandbox import refunds as platform_refunds
from kesu.threads import in_thread

ACCOUNT, NAME = "6222021234567890123", "欧阳测试"
CARD = Card("ICBC_DEBIT", "6222 0212 3456 7890 123", NAME)
PATH = "/apply-abnormal-refund"
YES = Consent(acknowledged=("resend_to_card", "resend_to_merchant"))
DAY = 86_400


async def stuck(office: Any, **wish: Any) -> Any:
    """A case whose refund got stuck at the platform, and the desk knows."""
    complaint = await office.case(**{"amount": 1990, "problem_type": "OTHERS", **wish})
    await office.do(refunding.refund, complaint)
    await office.settle()
    await fail(office, complaint)
    await office.advance_seconds(120)
    assert (await refund_of(complaint)).state == Refund.State.ABNORMAL
    return await office.open(complaint.complaint_id)


async def fail(office: Any, complaint: Any, status: str = "ABNORMAL") -> None:
    await office.post(f"/complaints/{complaint.complaint_id}/refunds", status=status)


async def refund_of(complaint: Any) -> Refund:
    return await in_thread(lambda: Refund.objects.get(complaint=complaint.pk))


def at_the_platform(office: Any) -> Any:
    (refund,) = office.sandbox.state.refunds.values()
    return refund


async def rows_with(text: str) -> int:
    """In how many rows of our tables a text stands, whatever the column; binary ones show their bytes in hex."""

    def count() -> int:
        found, likes = 0, [f"%{text}%", f"%{text.encode().hex()}%"]
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'select count(*) from "{table}" row where row::text like any(%s)', [likes])
                found += cursor.fetchone()[0]
        return found

    return await in_thread(count)


def test_it_goes_to_a_card_of_the_payer_and_is_followed_until_it_arrives(play, capfd):
    async def steps(office):
        complaint = await stuck(office)
        command = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        assert json.loads((await office.fresh(command)).secret)["account"] == ACCOUNT
        assert await rows_with(ACCOUNT) == await rows_with(NAME) == 0
        await office.settle()
        sent = at_the_platform(office).resent
        assert sent == [{"type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT", "tail": "0123", "name": NAME}]
        ended, refund = await office.fresh(command), await refund_of(complaint)
        assert (ended.state, ended.secret) == (Command.State.CONFIRMED, None)
        assert (refund.state, refund.resent_to, refund.looks) == ("processing", "payer", 0)
        await office.advance_seconds(DAY)
        assert (await refund_of(complaint)).state == Refund.State.SUCCESS
        assert await rows_with(ACCOUNT) == await rows_with(NAME) == 0

    play(steps)
    told = "".join(capfd.readouterr())
    assert ACCOUNT not in told
    assert NAME not in told


def test_the_audit_says_who_sent_which_refund_where_and_nothing_of_the_card(play):
    async def steps(office):
        complaint = await stuck(office)
        await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        entry = await in_thread(lambda: AuditEntry.objects.get(action="refund_resent"))
        assert (entry.username, entry.details["type"], entry.details["amount"]) == ("agent", "USER_BANK_CARD", 1990)
        assert entry.details["refund"] == (await refund_of(complaint)).out_refund_no
        assert not {ACCOUNT, ACCOUNT[-4:], NAME} & {str(value) for value in entry.details.values()}

    play(steps)


def test_what_went_to_our_own_account_settles_nothing_and_is_asked_about_before_completing(play):
    async def steps(office):
        complaint = await stuck(office)
        await office.do(resending.resend_refund, complaint, consent=YES)
        await office.advance_seconds(DAY)
        refund = await refund_of(complaint)
        assert (refund.state, refund.resent_to, refund.is_returned) == ("success", "merchant", True)
        complaint = await office.open(complaint.complaint_id)
        await office.do(verbs.reply, complaint, "您好, 退款因银行卡注销未能到账, 我们正在为您处理, 请您稍候。")
        await office.settle()
        complaint = await office.open(complaint.complaint_id)
        consent = await office.warnings(verbs.complete, complaint)
        assert "refund_returned" in consent.acknowledged
        with pytest.raises(InvalidCommand) as nothing:
            await office.do(refunding.refund, complaint)
        assert nothing.value.reason == "nothing_left"

    play(steps)


def test_each_way_asks_for_a_yes_of_its_own(play):
    async def steps(office):
        complaint = await stuck(office)
        for card, code in ((CARD, "resend_to_card"), (None, "resend_to_merchant")):
            assert (await office.warnings(resending.resend_refund, complaint, card=card)).acknowledged == (code,)
        assert await in_thread(Command.objects.filter(kind="resend_refund").count) == 0

    play(steps)


def test_only_a_stuck_refund_can_be_sent_elsewhere(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.do(refunding.refund, complaint)
        await office.settle()
        complaint = await office.open(complaint.complaint_id)
        with pytest.raises(InvalidCommand) as none:
            await office.do(resending.resend_refund, complaint, consent=YES)
        assert none.value.reason == "refund_none_stuck"
        number = (await refund_of(complaint)).out_refund_no
        boss = Consent(YES.acknowledged, "店长同意")
        with pytest.raises(Refused) as refused:
            await office.do(resending.resend_refund, complaint, number, consent=boss, by="owner")
        assert [concern.code for concern in refused.value.standing] == ["refund_not_stuck"]
        with pytest.raises(InvalidCommand) as unknown:
            await office.do(resending.resend_refund, complaint, "kesu-of-nobody", consent=YES)
        assert unknown.value.reason == "refund_unknown"

    play(steps)


def test_two_people_send_it_once(play):
    async def steps(office):
        complaint = await stuck(office)
        await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        with pytest.raises(Conflict) as conflict:
            await office.do(resending.resend_refund, complaint, consent=YES, by="owner")
        assert [row.kind for row in conflict.value.commands] == ["resend_refund"]
        await office.settle()
        assert len(at_the_platform(office).resent) == 1

    play(steps)


def test_what_was_sent_from_the_console_meanwhile_is_not_sent_again(play):
    async def steps(office):
        complaint = await stuck(office)
        command = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        at_the_platform(office).status = "PROCESSING"
        await office.settle()
        ended = await office.fresh(command)
        assert (ended.state, ended.failure, ended.secret) == ("failed", "changed", None)
        assert at_the_platform(office).resent == []

    play(steps)


@pytest.mark.parametrize("value", ["after", None])
def test_a_lost_answer_is_settled_by_the_refund_and_never_by_sending_again(play, value):
    async def steps(office):
        complaint = await stuck(office)
        more = {"value": value} if value else {}
        await office.fault("drop", count=1, path=PATH, **more)
        command = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await office.settle()
        assert (await office.fresh(command)).secret is None
        await office.advance_seconds(400)
        ended = await office.fresh(command)
        arrived = ("confirmed", "") if value else ("failed", "not_found")
        assert (ended.state, ended.failure) == arrived
        assert ended.secret is None
        assert len(at_the_platform(office).resent) == (1 if value else 0)
        assert value or "仍是异常" in outcome(ended)

    play(steps)


def test_a_card_that_the_platform_refuses_leaves_the_refund_stuck_and_no_trace_of_the_card(play, monkeypatch):
    async def steps(office):
        complaint = await stuck(office)

        def refuse(body):
            raise platform_refunds.parameter_error(f"收款银行卡号{body['bank_account']}与户名{body['real_name']}不符")

        monkeypatch.setattr(platform_refunds, "_destination", refuse)
        command = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await office.settle()
        ended = await office.fresh(command)
        assert (ended.state, ended.failure, ended.secret) == ("failed", "refused", None)
        assert "银行卡号***与户名***不符" in ended.error
        assert (await refund_of(complaint)).state == Refund.State.ABNORMAL

    play(steps)


def test_what_is_taken_back_before_it_was_sent_is_wiped(play):
    async def steps(office):
        complaint = await stuck(office)
        command = await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await office.do(verbs.withdraw, command)
        ended = await office.fresh(command)
        assert (ended.failure, ended.secret) == ("withdrawn", None)

    play(steps)


def test_it_needs_the_right_to_refund(play):
    async def steps(office):
        complaint = await stuck(office)
        with pytest.raises(Forbidden):
            await office.do(resending.resend_refund, complaint, consent=YES, by="viewer")

    play(steps)


NO_CARDS = [
    (Card("", ACCOUNT, NAME), "card_bank"),
    (Card("ICBC_CREDIT", ACCOUNT, NAME), "card_bank"),
    (Card("ICBC_DEBIT", "", NAME), "card_account"),
    (Card("ICBC_DEBIT", "6222-abc", NAME), "card_account"),
    (Card("ICBC_DEBIT", "\uff16" * 16, NAME), "card_account"),
    (Card("ICBC_DEBIT", ACCOUNT, "  "), "card_name"),
    (Card("ICBC_DEBIT", ACCOUNT, "长" * 61), "card_name"),
    (Card("ICBC_DEBIT", ACCOUNT, "张\x00三"), "card_name"),
]


def test_a_card_that_is_none_is_refused_in_words_that_repeat_nothing(play):
    async def steps(office):
        complaint = await stuck(office)
        for card, reason in NO_CARDS:
            with pytest.raises(InvalidCommand) as wrong:
                await office.do(resending.resend_refund, complaint, card=card, consent=YES)
            assert (wrong.value.reason, wrong.value.values) == (reason, {})

    assert not any(ACCOUNT in repr(card) or NAME in repr(card) for card, _reason in NO_CARDS)
    play(steps)


def test_one_that_gets_stuck_again_can_be_sent_again(play):
    async def steps(office):
        complaint = await stuck(office)
        await office.do(resending.resend_refund, complaint, card=CARD, consent=YES)
        await office.settle()
        await fail(office, complaint)
        await office.advance_seconds(120)
        assert (await refund_of(complaint)).state == Refund.State.ABNORMAL
        complaint = await office.open(complaint.complaint_id)
        await office.do(resending.resend_refund, complaint, consent=YES)
        await office.settle()
        assert [sent["type"] for sent in at_the_platform(office).resent] == ["USER_BANK_CARD", "MERCHANT_BANK_CARD"]

    play(steps)
