"""Calls whose outcome is not known: looked for before anything is sent again, ever more seldom, and people hear."""

from __future__ import annotations

from typing import Any

import pytest

from kesu.commands import immediate, refunding, verbs
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
