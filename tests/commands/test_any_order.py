"""Whatever people, payers, the console and the network do, in whatever order: nothing is said or paid twice, nothing is
lost, and the journal tells what the platform's own record tells (``invariants``).

``ANY_ORDER_EXAMPLES`` plays more lives than the suite does.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kesu.commands import agreements, immediate, refunding, resending, verbs
from kesu.commands.errors import CommandError, Refused
from kesu.commands.models import Command, RefundRequest
from kesu.commands.resending import Card
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.rules.operations import PAYER_MESSAGES
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import in_thread
from tests.commands.invariants import PAID, Marks, check

pytestmark = pytest.mark.timeout(600)

EXAMPLES = int(os.environ.get("ANY_ORDER_EXAMPLES", "10"))
PART, ABOVE_AN_AGENTS_LIMIT = 1_500, 30_000
VERBS = ["reply", "other reply", "complete", "approve", "reject", "refund", "part"]
PATHS = [
    *("/response", "/complete", "/update-refund-progress", "/negotiation-historys"),
    *("/v3/refund/domestic/refunds", "/apply-abnormal-refund"),
]
CARD = Card("ICBC_DEBIT", "6222021234567890123", "欧阳测试")
TROUBLES = {
    "lose the answer": ("drop", "after"),
    "lose the call": ("drop", None),
    "fail": ("status", 500),
    "too many": ("errcode", "FREQUENCY_LIMITED"),
    "none": ("", None),
}
ACTIONS = st.one_of(
    st.tuples(st.just("verb"), st.sampled_from(VERBS)),
    st.tuples(st.just("two at once"), st.sampled_from(VERBS)),
    st.tuples(st.just("pressed twice"), st.sampled_from(VERBS)),
    st.tuples(st.just("ask"), st.none()),
    st.tuples(st.just("decide"), st.booleans()),
    st.tuples(st.just("take back"), st.none()),
    st.tuples(st.just("agree"), st.sampled_from(["mark", "both mark", "unmark"])),
    st.tuples(st.just("say again"), st.sampled_from(sorted(TROUBLES))),
    st.tuples(st.just("send elsewhere"), st.sampled_from(sorted(TROUBLES))),
    st.tuples(st.just("payer"), st.sampled_from(["message", "continue", "satisfied", "apply_platform_service"])),
    st.tuples(st.just("console"), st.sampled_from(["reply", "complete", "refund"])),
    st.tuples(st.just("lose the answer"), st.sampled_from(PATHS)),
    st.tuples(st.just("lose the call"), st.sampled_from(PATHS)),
    st.tuples(st.just("fail"), st.sampled_from(PATHS)),
    st.tuples(st.just("too many"), st.sampled_from(PATHS)),
    st.tuples(st.just("wait"), st.sampled_from([1, 20, 400])),
)
CASES = [
    {"problem_type": "REFUND"},
    {"problem_type": "OTHERS"},
    {"problem_type": "OTHERS", "need_immediate_service": True},
]
ALL_GOES_WRONG = [
    ("say again", "lose the answer"),
    ("agree", "both mark"),
    ("say again", "lose the call"),
    ("send elsewhere", "lose the answer"),
    ("agree", "unmark"),
    ("send elsewhere", "lose the call"),
]
"""What is seldom drawn is played each time."""
NUMBERS = count(1)


def test_no_order_of_events_says_or_pays_twice_or_loses_a_command(play):
    async def steps(office):
        loop = asyncio.get_running_loop()

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @example(kind=CASES[0], actions=[*ALL_GOES_WRONG, ("verb", "approve")])
        @example(kind=CASES[2], actions=ALL_GOES_WRONG)
        @given(kind=st.sampled_from(CASES), actions=st.lists(ACTIONS, min_size=3, max_size=10))
        def every(kind, actions):
            asyncio.run_coroutine_threadsafe(one(office, kind, actions), loop).result(300)

        await asyncio.to_thread(every)

    play(steps)


async def one(office, kind, actions):
    """One case's life, and what must be true of it at the end."""
    await calm(office)
    complaint = await office.case(amount=PAID, **kind)
    office.words, office.marks = "", Marks()
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
    elif act == "agree":
        await agree(office, complaint, what)
    elif act == "decide":
        await decide(office, complaint, grant=what)
    elif act == "payer":
        await quietly(office.payer(complaint.complaint_id, what, f"付款人的话 {next(NUMBERS)}"))
    elif act == "console":
        await quietly(office.console(complaint.complaint_id, what))
    elif act == "wait":
        await office.advance_seconds(what)
    else:
        await trouble(office, act, what)
    return []


async def trouble(office, name, path):
    kind, value = TROUBLES[name]
    if kind:
        await office.fault(kind, path=path, count=1, **({"value": value} if value else {}))


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


async def say_again(office, number, what):
    """A reply that met trouble, and the same words once more, after a while or at once."""
    await trouble(office, what, "/response")
    done = [await press(office, await office.open(number), "reply")]
    await office.advance_seconds(next(NUMBERS) % 3 * 200)
    return [*done, await press(office, await office.open(number), "same words")]


async def send_elsewhere(office, number, what):
    """A part is refunded and gets stuck at the bank; of two people who send it elsewhere, one is second."""
    complaint = await office.open(number)
    if any(row.kind == "resend_refund" and not row.is_settled for row in await office.commands(complaint)):
        # Stuck again before anybody could look, it would seem never to have been sent: banks are slower than that.
        await office.advance_seconds(400)
    done = [await press(office, await office.open(number), "part")]
    await office.settle()
    await quietly(office.post(f"/complaints/{number}/refunds", status="ABNORMAL"))
    await office.advance_seconds(120)
    await trouble(office, what, "/apply-abnormal-refund")
    complaint = await office.open(number)
    pair = await asyncio.gather(
        press(office, complaint, "to a card"), press(office, complaint, "to ourselves", by="owner")
    )
    assert len([one for one in pair if isinstance(one, Command)]) <= 1
    return [*done, *pair]


PRESSES = {
    "verb": verb,
    "two at once": two_at_once,
    "pressed twice": pressed_twice,
    "ask": ask,
    "say again": say_again,
    "send elsewhere": send_elsewhere,
}


async def decide(office, complaint, *, grant):
    """The manager looks at whatever waits, and accepts what is said of it."""

    def waiting():
        rows = RefundRequest.objects.filter(complaint=complaint.pk, state="waiting")
        return list(rows.select_related("complaint", "order"))

    for request in await in_thread(waiting):
        await office.open(complaint.complaint_id)
        with suppress(CommandError):
            await accepting(office, refunding.decide, request, by="manager", grant=grant)


async def agree(office, complaint, what):
    """Managers mark the payer's last message as agreement, or take the mark back."""
    await quietly(office.payer(complaint.complaint_id, "message", "好的, 就这样吧"))
    await office.settle()
    messages = complaint.timeline.filter(operate_type__in=PAYER_MESSAGES).order_by("-operate_time", "-log_id")
    log_id = await in_thread(lambda: messages.values_list("log_id", flat=True).first())
    if log_id is None:
        return
    verb = agreements.unmark if what == "unmark" else agreements.mark
    by = ("manager", "owner") if what == "both mark" else ("manager",)
    await asyncio.gather(*(office.do(verb, complaint, log_id, by=who) for who in by))
    office.marks.put(log_id, marked=what != "unmark")


async def press(office, complaint, what, *, by="manager", **consent):
    """Somebody presses a button and accepts every warning; what is blocked stays undone."""
    text = f"您好, 第{next(NUMBERS)}次为您核实: 商品可以补发也可以退款, 请问您希望怎样处理?"
    office.words = text = office.words if what == "same words" else text
    replies = [(verbs.reply, (text,)), (verbs.reply_immediately, (immediate.written(text),))]
    usual, other = replies[::-1] if complaint.need_immediate_service else replies
    verbs_of = {
        "reply": usual,
        "same words": usual,
        "other reply": other,
        "to a card": (partial(resending.resend_refund, card=CARD), ()),
        "to ourselves": (resending.resend_refund, ()),
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
