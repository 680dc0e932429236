"""Calls whose outcome is not known: looked for before anything is sent again, ever more seldom, and people hear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kesu.accounts.models import User
from kesu.accounts.roles import Forbidden
from kesu.alerts.models import Message
from kesu.alerts.people import called_by
from kesu.audit.models import AuditEntry
from kesu.commands import immediate, refunding, settling, verbs
from kesu.commands.errors import Conflict, InvalidCommand
from kesu.commands.models import Command, Refund
from kesu.threads import in_thread

REFUNDS = "/v3/refund/domestic/refunds"
WORDS = "您好, 经核实是仓库漏发了这件商品, 请问您希望怎样处理?"


def failed_calls(office: Any, path: str) -> int:
    """How many calls of this address have failed on purpose."""
    return sum(fault.struck for fault in office.sandbox.faults.active if fault.path == path)


@pytest.mark.parametrize("status", [429, 500])
def test_a_refund_that_the_platform_was_too_busy_for_is_looked_for_before_it_is_sent_again(play, status):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("status", value=status, count=1, path=REFUNDS)
        command = await office.do(refunding.refund, complaint)
        await office.settle()
        number = (await in_thread(Refund.objects.get)).out_refund_no
        assert (await office.fresh(command)).state == Command.State.UNKNOWN
        assert office.sandbox.state.counters.get("requests_refund_query", 0) == 0
        await office.fault("status", value=503, count=3, path=f"{REFUNDS}/{number}")
        await office.advance_seconds(100)
        # Nothing is sent as long as the platform has not said that it knows of no such refund.
        assert len(office.sandbox.state.refunds) == 0
        assert office.sandbox.state.counters.get("requests_refund", 0) == 0
        await office.advance_seconds(300)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert [one.out_refund_no for one in await in_thread(lambda: list(Refund.objects.all()))] == [number]
        assert len(office.sandbox.state.refunds) == 1

    play(steps)


def test_a_refund_is_looked_for_no_earlier_than_the_platform_asks(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("drop", value="after", count=1, path=REFUNDS)
        command = await office.do(refunding.refund, complaint)
        await office.advance_seconds(50)
        assert (await office.fresh(command)).state == Command.State.UNKNOWN
        await office.advance_seconds(20)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED

    play(steps)


def test_an_immediate_reply_without_an_answer_is_sent_ever_more_seldom_and_arrives_once(play):
    async def steps(office):
        complaint = await office.case(need_immediate_service=True)
        path = "/response-immediate-service"
        await office.fault("status", value=500, path=path)
        message = immediate.parse({"blocks": [{"type": "TEXT", "text": {"text": WORDS}}]})
        command = await office.do(verbs.reply_immediately, complaint, message)
        await office.advance_seconds(3600)
        assert 10 <= failed_calls(office, path) <= 20
        office.sandbox.faults.clear()
        await office.advance_seconds(600)
        assert (await office.fresh(command)).state == Command.State.CONFIRMED
        assert len(await office.history(complaint)) == 1

    play(steps)


def told(kind: str) -> list[Message]:
    return list(Message.objects.select_related("channel", "complaint").filter(kind=kind).order_by("pk"))


async def known_to_the_channel(office: Any) -> None:
    def name() -> None:
        for role in ("agent", "manager"):
            User.objects.filter(username=role).update(wecom_userid=f"wecom-{role}")

    await in_thread(name)


def test_after_ten_minutes_without_an_answer_the_author_and_who_claimed_the_case_hear_of_it_once(play):
    async def steps(office):
        await known_to_the_channel(office)
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.do(verbs.claim, complaint, by="manager")
        await office.fault("drop", path=REFUNDS)
        command = await office.do(refunding.refund, complaint)
        await office.advance_seconds(540)
        assert await in_thread(told, "command_unknown") == []
        await office.advance_seconds(3600)
        (message,) = await in_thread(told, "command_unknown")
        called = await in_thread(lambda: called_by(message, now=office.now()))
        assert set(called) == {"wecom-manager", "wecom-agent"}
        shown = [one["content"] for one in await office.messages() if "尚不清楚操作是否已执行" in one["content"]]
        assert len(shown) == 1
        assert "退款 · 至今没有明确结果: 请到商户平台核实, 不要重复操作" in shown[0]
        assert (await office.fresh(command)).state == Command.State.UNKNOWN

    play(steps)


def test_a_short_uncertainty_is_no_news(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("drop", value="after", count=1, path=REFUNDS)
        await office.do(refunding.refund, complaint)
        await office.advance_seconds(1200)
        assert await in_thread(lambda: told("command_unknown") + told("command_failed")) == []

    play(steps)


def test_what_was_not_carried_out_is_told_to_its_author_and_who_claimed_the_case_once(play):
    async def steps(office):
        await known_to_the_channel(office)
        complaint = await office.case()
        await office.do(verbs.claim, complaint, by="manager")
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.payer(complaint.complaint_id, "message", "算了, 我不要了")
        await office.advance_seconds(3600)
        assert (await office.fresh(command)).failure == Command.Failure.CHANGED
        (message,) = await in_thread(told, "command_failed")
        called = await in_thread(lambda: called_by(message, now=office.now()))
        assert set(called) == {"wecom-manager", "wecom-agent"}
        shown = [one["content"] for one in await office.messages() if "操作没有执行" in one["content"]]
        assert len(shown) == 1
        assert "回复 · 投诉已有变化, 没有发出" in shown[0]

    play(steps)


def test_what_was_taken_back_is_no_news(play):
    async def steps(office):
        complaint = await office.case()
        command = await office.do(verbs.reply, complaint, WORDS)
        await office.do(verbs.withdraw, command)
        await office.advance_seconds(600)
        assert await in_thread(told, "command_failed") == []

    play(steps)


def test_a_refund_that_is_followed_no_longer_is_told(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.do(refunding.refund, complaint)
        await office.settle()
        await office.post(f"/complaints/{complaint.complaint_id}/refunds", status="ABNORMAL")
        await office.advance_seconds(3600)
        long_ago = office.now() - timedelta(days=61)
        await in_thread(lambda: Refund.objects.update(created_at=long_ago))
        await office.advance_seconds(7 * 3600)
        states = [message.facts["refund"]["state"] for message in await in_thread(told, "refund_failed")]
        assert states == ["abnormal", "unfollowed"]
        assert (await in_thread(Refund.objects.get)).due_at is None
        assert any("60 天仍未了结" in one["content"] for one in await office.messages())

    play(steps)


async def unknown_refund(office: Any, **wish: Any) -> tuple[Any, Command]:
    """A case whose refund the platform never answers."""
    complaint = await office.case(amount=1990, **wish)
    await office.fault("drop", path=REFUNDS)
    await office.do(refunding.refund, complaint)
    await office.advance_seconds(900)
    return complaint, (await office.commands(complaint))[-1]


def test_a_manager_settles_an_unknown_command_by_hand_and_the_case_can_be_worked_on_again(play):
    async def steps(office):
        complaint, command = await unknown_refund(office, problem_type="OTHERS")
        how = "商户平台查无此退款"
        with pytest.raises(Forbidden):
            await office.do(settling.settle_by_hand, command, carried_out=False, reason=how)
        with pytest.raises(InvalidCommand):
            await office.do(settling.settle_by_hand, command, carried_out=False, reason="  ", by="manager")
        await office.do(settling.settle_by_hand, command, carried_out=False, reason=how, by="manager")
        office.sandbox.faults.clear()
        await office.advance_seconds(3600)
        assert len(office.sandbox.state.refunds) == 0
        settled = await office.fresh(command)
        assert (settled.state, settled.failure, settled.error) == ("failed", "not_found", how)
        entry = await in_thread(lambda: AuditEntry.objects.get(action="command_settled"))
        assert entry.username == "manager"
        assert entry.details == {"command": command.pk, "kind": "refund", "carried_out": False, "reason": how}
        with pytest.raises(Conflict):
            await office.do(settling.settle_by_hand, command, carried_out=True, reason=how, by="manager")
        await office.do(refunding.refund, await office.open(complaint.complaint_id))
        await office.settle()
        assert len(office.sandbox.state.refunds) == 1

    play(steps)


def test_a_refund_that_was_carried_out_by_what_a_manager_saw_is_followed_and_not_sent_again(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="OTHERS")
        await office.fault("drop", value="after", count=1, path=REFUNDS)
        await office.fault("drop", path=REFUNDS)
        command = await office.do(refunding.refund, complaint)
        await office.advance_seconds(900)
        await office.do(settling.settle_by_hand, command, carried_out=True, reason="平台可查到", by="manager")
        office.sandbox.faults.clear()
        await office.advance_seconds(86_400)
        assert (await in_thread(Refund.objects.get)).state == Refund.State.SUCCESS
        assert len(office.sandbox.state.refunds) == 1

    play(steps)


def test_an_approval_settled_by_hand_is_followed_by_no_refund(play):
    async def steps(office):
        complaint = await office.case(amount=1990, problem_type="REFUND")
        await office.fault("drop", value="after", count=1, path="/update-refund-progress")
        command = await office.do(refunding.approve_refund, complaint)
        await office.settle()
        await office.do(settling.settle_by_hand, command, carried_out=True, reason="平台显示已同意", by="manager")
        await office.advance_seconds(3600)
        assert [row.kind for row in await office.commands(complaint)] == ["approve_refund"]
        assert len(office.sandbox.state.refunds) == 0

    play(steps)
