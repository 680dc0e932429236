"""Whatever people, payers, the console and the network do, in whatever order: nothing is said or paid twice, nothing is
lost, and the journal tells what the platform's own record tells.

``ANY_ORDER_EXAMPLES`` plays more lives than the suite does.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kesu.alerts.models import Clock
from kesu.audit import services as audit
from kesu.audit.models import AuditEntry
from kesu.commands import refunding, verbs
from kesu.commands.errors import CommandError, Refused
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import in_thread

pytestmark = pytest.mark.timeout(600)

EXAMPLES = int(os.environ.get("ANY_ORDER_EXAMPLES", "16"))
PAID, PART, ABOVE_AN_AGENTS_LIMIT = 100_000, 1_500, 30_000
VERBS = ["reply", "complete", "approve", "reject", "refund", "part"]
PATHS = ["/response", "/complete", "/update-refund-progress", "/v3/refund/domestic/refunds", "/negotiation-historys"]
ACTIONS = st.one_of(
    st.tuples(st.just("verb"), st.sampled_from(VERBS)),
    st.tuples(st.just("two at once"), st.sampled_from(VERBS)),
    st.tuples(st.just("pressed twice"), st.sampled_from(VERBS)),
    st.tuples(st.just("ask"), st.none()),
    st.tuples(st.just("decide"), st.booleans()),
    st.tuples(st.just("take back"), st.none()),
    st.tuples(st.just("payer"), st.sampled_from(["message", "continue", "satisfied", "apply_platform_service"])),
    st.tuples(st.just("console"), st.sampled_from(["reply", "complete", "refund"])),
    st.tuples(st.just("lose the answer"), st.sampled_from(PATHS)),
    st.tuples(st.just("lose the call"), st.sampled_from(PATHS)),
    st.tuples(st.just("fail"), st.sampled_from(PATHS)),
    st.tuples(st.just("too many"), st.sampled_from(PATHS)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 400])),
)
NUMBERS = count(1)


def test_no_order_of_events_says_or_pays_twice_or_loses_a_command(play):
    async def steps(office):
        loop = asyncio.get_running_loop()

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(problem=st.sampled_from(["REFUND", "OTHERS"]), actions=st.lists(ACTIONS, min_size=3, max_size=10))
        def every(problem, actions):
            asyncio.run_coroutine_threadsafe(one(office, problem, actions), loop).result(300)

        await asyncio.to_thread(every)

    play(steps)


async def one(office, problem, actions):
    """One case's life, and what must be true of it at the end."""
    await calm(office)
    complaint = await office.case(amount=PAID, problem_type=problem)
    taken = []
    for act, what in actions:
        taken += await do(office, complaint, act, what)
    await calm(office)
    await office.advance(timedelta(minutes=25))
    # The console's acts are pushed to nobody: the case is read once more, as polls would.
    key = (complaint.account_id, complaint.complaint_id)
    await in_thread(lambda: request_refresh({key: "check"}, priority=Priority.HEARD, now=office.now()))
    await office.settle()
    await check(office, complaint, taken)


async def calm(office):
    await office.control.delete(f"{office.sandbox.control_url}/faults")


async def do(office, complaint, act, what):
    """One event; the commands that the desk took because of it."""
    if act in PRESSES:
        done = await PRESSES[act](office, complaint.complaint_id, what)
        return [command.pk for command in done if isinstance(command, Command)]
    if act == "take back":
        rows = [row for row in await office.commands(complaint) if not row.is_settled]
        for row in rows:
            with suppress(CommandError):
                await office.do(verbs.withdraw, row)
    elif act == "decide":
        await decide(office, complaint, grant=what)
    elif act == "payer":
        await quietly(office.payer(complaint.complaint_id, what, f"付款人的话 {next(NUMBERS)}"))
    elif act == "console":
        await quietly(office.console(complaint.complaint_id, what))
    elif act == "wait":
        await office.advance_seconds(what)
    else:
        kind, value = {
            "lose the answer": ("drop", "after"),
            "lose the call": ("drop", None),
            "fail": ("status", 500),
            "too many": ("errcode", "FREQUENCY_LIMITED"),
        }[act]
        await office.fault(kind, path=what, count=1, **({"value": value} if value else {}))
    return []


async def quietly(doing):
    """The sandbox refuses what cannot be done now, as the platform would."""
    with suppress(AssertionError):
        await doing


async def verb(office, number, what):
    return [await press(office, await office.open(number), what)]


async def two_at_once(office, number, what):
    """Of two people before the same page, one is second, and is told so."""
    complaint = await office.open(number)
    seen = await in_thread(lambda: Seen.of(complaint))
    done = await asyncio.gather(*(press(office, complaint, what, by=by, seen=seen) for by in ("manager", "owner")))
    assert len([one for one in done if isinstance(one, Command)]) <= 1
    return done


async def pressed_twice(office, number, what):
    """An impatient finger: one key, one command."""
    complaint = await office.open(number)
    key = f"press-{next(NUMBERS)}"
    done = await asyncio.gather(*(press(office, complaint, what, key=key) for _ in range(2)))
    assert len({one.pk for one in done if isinstance(one, Command)}) <= 1
    return done


async def ask(office, number, _what):
    """An agent refunds more than they may alone: a request, and no money."""
    done = await press(office, await office.open(number), "above", by="agent")
    assert not isinstance(done, Command)
    return [done]


PRESSES = {"verb": verb, "two at once": two_at_once, "pressed twice": pressed_twice, "ask": ask}


async def decide(office, complaint, *, grant):
    """The manager looks at whatever waits, and accepts what is said of it."""

    def waiting():
        rows = RefundRequest.objects.filter(complaint=complaint.pk, state="waiting")
        return list(rows.select_related("complaint", "order"))

    for request in await in_thread(waiting):
        await office.open(complaint.complaint_id)
        with suppress(CommandError):
            await accepting(office, refunding.decide, request, by="manager", grant=grant)


async def press(office, complaint, what, *, by="manager", **consent):
    """Somebody presses a button and accepts every warning; what is blocked stays undone."""
    text = f"您好, 第{next(NUMBERS)}次为您核实: 商品可以补发也可以退款, 请问您希望怎样处理?"
    verbs_of = {
        "reply": (verbs.reply, (text,)),
        "complete": (verbs.complete, ()),
        "approve": (refunding.approve_refund, ()),
        "reject": (verbs.reject_refund, ("商品已按约定提供并使用, 不符合退款条件。",)),
        "refund": (refunding.refund, ()),
        "part": (refunding.refund, (PART,)),
        "above": (refunding.refund, (ABOVE_AN_AGENTS_LIMIT,)),
    }
    function, arguments = verbs_of[what]
    with suppress(CommandError):
        return await accepting(office, function, complaint, *arguments, by=by, **consent)
    return None


async def accepting(office, function, *arguments, by, seen=None, key="", **more):
    """Press; where warnings stand against it, press again with all of them accepted. Raises CommandError."""
    try:
        return await office.do(function, *arguments, by=by, consent=Consent((), "", seen, key), **more)
    except Refused as refused:
        codes = tuple(concern.code for concern in refused.standing)
        consent = Consent(codes, "测试" if len(codes) % 2 else "", seen, key)
        return await office.do(function, *arguments, by=by, consent=consent, **more)


async def check(office, complaint, taken):
    commands = await office.commands(complaint)
    truth = await office.truth(complaint)
    assert set(taken) <= {row.pk for row in commands}, "a command was lost"
    assert all(row.is_settled for row in commands), [(row.kind, row.state, row.error) for row in commands]
    shown = await office.fresh(complaint)
    assert shown.state == truth["complaint_state"]
    assert shown.open == (shown.state != "PROCESSED")
    assert shown.user_complaint_times == truth["user_complaint_times"]
    check_words(commands, truth["history"])
    check_closings(commands, truth["history"])
    await check_clocks(shown)
    await check_money(office, complaint, commands)
    await check_requests(complaint)
    assert (await in_thread(audit.verify)).intact
    audited = await in_thread(lambda: AuditEntry.objects.filter(subject=f"complaint:{complaint.complaint_id}").count())
    assert audited >= len([row for row in commands if not row.key.startswith("after-")])


def check_words(commands, history):
    said = [entry.get("operate_details") for entry in history if entry["operate_type"] == "MERCHANT_RESPONSE"]
    for row in commands:
        if row.kind == Command.Kind.REPLY:
            wanted = 1 if row.state == Command.State.CONFIRMED else 0
            assert said.count(json.loads(row.payload)["text"]) == wanted, (row.state, row.failure)


def check_closings(commands, history):
    """Each completion that the journal calls confirmed is one of the platform's, and none stands for two."""
    done = len([entry for entry in history if entry["operate_type"] == "MERCHANT_CONFIRM_COMPLETE"])
    ours = [row for row in commands if row.kind == Command.Kind.COMPLETE and row.state == Command.State.CONFIRMED]
    assert len(ours) <= done
    proofs = [row.log_id for row in commands if row.log_id]
    assert len(proofs) == len(set(proofs)), "one entry of the history proves two commands"


async def check_clocks(shown):
    """What the payer is owed has a clock that runs; what nobody is owed has none."""

    def running():
        rows = Clock.objects.filter(complaint=shown.pk, stopped_at=None)
        return {(row.round_number, row.kind) for row in rows}

    owed = {"complete"} | (set() if shown.replied else {"reply"}) if shown.open else set()
    assert await in_thread(running) == {(shown.round_number, kind) for kind in owed}


async def check_requests(complaint):
    """Money goes back for a granted request only, by somebody else than whoever asked."""
    rows = await in_thread(
        lambda: list(RefundRequest.objects.filter(complaint=complaint.pk).select_related("command", "decided_by"))
    )
    for row in rows:
        assert (row.command is not None) == (row.state == RefundRequest.State.GRANTED)
        assert row.decided_by_id != row.requested_by_id


async def check_money(office, complaint, commands):
    rows = await in_thread(lambda: list(Refund.objects.filter(complaint=complaint.pk).select_related("command")))
    order = await in_thread(lambda: complaint.orders.get().transaction_id)
    made = [one for one in office.sandbox.state.refunds.values() if one.transaction_id == order]
    assert sum(one.amount for one in made if one.status != "CLOSED") <= PAID
    numbers = [one.out_refund_no for one in made]
    for row in rows:
        confirmed = row.command.state == Command.State.CONFIRMED
        assert numbers.count(row.out_refund_no) == (1 if confirmed else 0), (row.state, row.command.failure)
    assert len(rows) == len([row for row in commands if row.kind == Command.Kind.REFUND])
