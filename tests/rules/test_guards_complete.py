"""Before a complaint is completed."""

from dataclasses import replace
from typing import Any

import pytest

from kesu.rules.guards import Better, CaseFacts, CommandState, Complete, GuardCode, GuardProfile, Level, RuleSource
from kesu.rules.resolution import RefundState
from tests.guard_cases import (
    AGAIN,
    FINISHED,
    PAID,
    RAISED,
    REFUNDED,
    REPLIED,
    WROTE,
    case,
    codes,
    command,
    item,
    judged,
    level,
    order,
    rates,
    refund,
    settled,
)

DONE = Complete()
B, C, I = Level.BLOCK, Level.CONFIRM, Level.INFO  # noqa: E741


def test_a_replied_and_fully_refunded_case_may_be_completed_without_a_word() -> None:
    assert judged(DONE, settled()) == {}


APPROVED = item(1, "MERCHANT_APPROVE_REFUND")
CONTINUED = (RAISED, REPLIED, FINISHED, AGAIN)
ANSWERED = item(10, "MERCHANT_RESPONSE", "抱歉")
AGREED = frozenset({WROTE.log_id})

SENTENCES: list[tuple[str, CaseFacts, GuardCode, Level | None]] = [
    ("no reply at all blocks", case(RAISED, state="PENDING"), GuardCode.NO_REPLY_IN_ROUND, B),
    ("completing from PENDING blocks", case(RAISED, state="PENDING"), GuardCode.COMPLETE_FROM_PENDING, B),
    (
        "completing from PENDING is left to the profile",
        case(RAISED, state="PENDING", profile=GuardProfile(complete_from_pending=True)),
        GuardCode.COMPLETE_FROM_PENDING,
        None,
    ),
    ("an approval is no reply", case(RAISED, APPROVED, problem_type="REFUND"), GuardCode.NO_REPLY_IN_ROUND, B),
    (
        "a reply of the round before is none in this one",
        case(*CONTINUED, state="PENDING", times=2, now=10),
        GuardCode.NO_REPLY_IN_ROUND,
        B,
    ),
    (
        "where the round's start is not visible the platform's state tells of the reply",
        case(RAISED, state="PROCESSING", times=2),
        GuardCode.NO_REPLY_IN_ROUND,
        None,
    ),
    ("what nobody has opened blocks", settled(opened_at=None), GuardCode.MESSAGE_UNREAD, B),
    ("what came after the newest picture blocks", settled(opened_at=RAISED.operate_time), GuardCode.MESSAGE_UNREAD, B),
    ("a message without a reply blocks", case(RAISED, REPLIED, WROTE), GuardCode.MESSAGE_UNANSWERED, B),
    ("so does the platform's word alone", settled(incoming_user_response=True), GuardCode.MESSAGE_UNANSWERED, B),
    (
        "a reply after it is an answer",
        case(RAISED, WROTE, item(1.8, "MERCHANT_RESPONSE")),
        GuardCode.MESSAGE_UNANSWERED,
        None,
    ),
    ("a refund written down blocks", settled(refunds=(refund(RefundState.CREATED),)), GuardCode.REFUND_RUNNING, B),
    ("a refund on its way blocks", settled(refunds=(refund(RefundState.PROCESSING),)), GuardCode.REFUND_RUNNING, B),
    ("a refund that got stuck blocks", settled(refunds=(refund(RefundState.ABNORMAL),)), GuardCode.REFUND_FAILED, B),
    (
        "one that went to our own account is asked about",
        settled(refunds=(refund(RefundState.RETURNED),)),
        GuardCode.REFUND_RETURNED,
        C,
    ),
    ("and settles nothing", settled(refunds=(refund(RefundState.RETURNED),)), GuardCode.NOT_SETTLED, C),
    ("a refund that waits for a second person", settled(requested_fen=30_000), GuardCode.REFUND_REQUEST_WAITING, C),
    ("a closed refund blocks", case(refunds=(refund(RefundState.CLOSED),)), GuardCode.REFUND_FAILED, B),
    (
        "a closed refund is forgotten once another has arrived",
        case(refunds=(refund(RefundState.CLOSED), refund(RefundState.SUCCESS, hours=1.4))),
        GuardCode.REFUND_FAILED,
        None,
    ),
    (
        "a completion that was answered by a complaint, and nothing since, blocks",
        case(*CONTINUED, state="PENDING", times=2, now=10),
        GuardCode.REPEATED_NOTHING_CHANGED,
        B,
    ),
    (
        "with a reply since, a yes is enough",
        case(*CONTINUED, ANSWERED, times=2, now=11),
        GuardCode.REPEATED_BEFORE,
        C,
    ),
    (
        "a refund since is a change too",
        case(*CONTINUED, state="PENDING", times=2, now=11, refunds=(refund(RefundState.SUCCESS, hours=10),)),
        GuardCode.REPEATED_NOTHING_CHANGED,
        None,
    ),
    (
        "a closed refund changed nothing",
        case(*CONTINUED, state="PENDING", times=2, now=11, refunds=(refund(RefundState.CLOSED, hours=10),)),
        GuardCode.REPEATED_NOTHING_CHANGED,
        B,
    ),
    ("a third completion is possible", settled(completions=2), GuardCode.TOO_MANY_COMPLETIONS, None),
    ("a fourth one blocks", settled(completions=3), GuardCode.TOO_MANY_COMPLETIONS, B),
    ("with nothing that shows agreement a yes is needed", case(), GuardCode.NOT_SETTLED, C),
    ("once it came back, a role is needed", case(*CONTINUED, ANSWERED, times=2, now=11), GuardCode.NOT_SETTLED, B),
    (
        "a message marked as agreement will do",
        case(RAISED, WROTE, item(1.8, "MERCHANT_RESPONSE"), agreed_log_ids=AGREED),
        GuardCode.NOT_SETTLED,
        None,
    ),
    ("half the money needs a yes", case(orders=(order(refunded=990),)), GuardCode.PARTLY_REFUNDED, C),
    ("all of it does not", case(orders=(order(refunded=PAID),)), GuardCode.PARTLY_REFUNDED, None),
    (
        "while the platform serves, a yes is needed",
        settled(in_platform_service=True),
        GuardCode.PLATFORM_SERVICE_RUNNING,
        C,
    ),
    ("a high-risk case needs a yes", settled(user_tags=frozenset({"HIGH_RISK"})), GuardCode.HIGH_RISK, C),
    ("a trusted payer does not", settled(user_tags=frozenset({"TRUSTED"})), GuardCode.HIGH_RISK, None),
    (
        "immediate service that nobody gave needs a yes",
        case(RAISED, state="PENDING", need_immediate_service=True),
        GuardCode.IMMEDIATE_SERVICE_OWED,
        C,
    ),
    (
        "immediate service that was given does not",
        settled(need_immediate_service=True),
        GuardCode.IMMEDIATE_SERVICE_OWED,
        None,
    ),
    ("an attack is told", settled(in_campaign=True), GuardCode.CAMPAIGN, I),
    ("a second completion blocks", settled(state="PROCESSED"), GuardCode.ALREADY_PROCESSED, B),
    ("an old picture blocks", settled(now=1.98), GuardCode.STALE_READ, B),
    ("a picture of a minute ago does not", settled(now=2 - 60 / 3600), GuardCode.STALE_READ, None),
    (
        "a history ahead of its detail is an old picture",
        case(RAISED, REPLIED, FINISHED, AGAIN, state="PROCESSED", now=2),
        GuardCode.STALE_READ,
        B,
    ),
    ("a planned command blocks", settled(commands=(command(CommandState.PLANNED),)), GuardCode.COMMAND_UNFINISHED, B),
    (
        "a command on its way blocks",
        settled(commands=(command(CommandState.SENDING),)),
        GuardCode.COMMAND_UNFINISHED,
        B,
    ),
    (
        "one of unknown outcome blocks",
        settled(commands=(command(CommandState.UNKNOWN),)),
        GuardCode.COMMAND_UNFINISHED,
        B,
    ),
    (
        "a confirmed one does not",
        settled(commands=(command(CommandState.CONFIRMED),)),
        GuardCode.COMMAND_UNFINISHED,
        None,
    ),
    ("a failed one does not", settled(commands=(command(CommandState.FAILED),)), GuardCode.COMMAND_UNFINISHED, None),
    ("a state nobody published needs a yes", settled(state="PAUSED"), GuardCode.STATE_UNKNOWN, C),
    ("a repeat that fits is told", settled(**rates(0)), GuardCode.REPEAT_WOULD_COUNT, I),
    ("one that reaches the tolerance is told", settled(**rates(3, of=39)), GuardCode.REPEAT_TOLERANCE_SPENT, None),
    ("one that crosses the tolerance needs a yes", settled(**rates(4)), GuardCode.REPEAT_TOLERANCE_SPENT, C),
    ("of a small sample it is told only", settled(**rates(1, of=8)), GuardCode.REPEAT_TOLERANCE_SPENT, None),
    ("completing in time is told with what it brings", settled(**rates()), GuardCode.TIMELY_NOW, I),
]


@pytest.mark.parametrize(
    ("facts", "code", "grave"), [line[1:] for line in SENTENCES], ids=[line[0] for line in SENTENCES]
)
def test_before_completing(facts: CaseFacts, code: GuardCode, grave: Level | None) -> None:
    assert level(DONE, facts, code, now=max(2, _read_at(facts))) is grave


def _read_at(facts: CaseFacts) -> float:
    return (facts.read_at - RAISED.operate_time).total_seconds() / 3600


def test_after_the_deadline_it_says_so_and_promises_nothing() -> None:
    late = settled(now=73, **rates())
    assert codes(DONE, late, I, now=73) == {GuardCode.COMPLETION_LATE, GuardCode.REPEAT_WOULD_COUNT}


def test_each_risk_shows_what_another_complaint_does_to_the_repeat_rate() -> None:
    found = judged(DONE, case(RAISED, REPLIED, WROTE, **rates(2)))
    for code in (GuardCode.MESSAGE_UNANSWERED, GuardCode.NOT_SETTLED, GuardCode.REPEAT_WOULD_COUNT):
        effect = found[code].effect
        assert effect is not None
        assert (effect.before.numerator, effect.after.numerator) == (2, 3)
        assert (effect.before.denominator, effect.after.denominator) == (40, 41)


def test_the_gravest_stand_first() -> None:
    levels = [finding.level for finding in judged(DONE, case(RAISED, state="PENDING", **rates())).values()]
    assert levels == sorted(levels, key=[B, C, I].index)


@pytest.mark.parametrize(
    ("facts", "code", "better", "rule"),
    [
        (case(RAISED, state="PENDING"), GuardCode.NO_REPLY_IN_ROUND, Better.REPLY, RuleSource.COMPLETE),
        (case(), GuardCode.NOT_SETTLED, Better.REFUND_IN_FULL, RuleSource.COMPLETE),
        (settled(completions=3), GuardCode.TOO_MANY_COMPLETIONS, Better.PAUSE, RuleSource.PRACTICE),
        (
            settled(refunds=(refund(RefundState.ABNORMAL),)),
            GuardCode.REFUND_FAILED,
            Better.RESEND_REFUND,
            RuleSource.REFUND,
        ),
    ],
)
def test_a_finding_names_the_better_action_and_the_rule(
    facts: CaseFacts, code: GuardCode, better: Better, rule: RuleSource
) -> None:
    finding = judged(DONE, facts)[code]
    assert (finding.better, finding.rule) == (better, rule)


@pytest.mark.parametrize(
    ("more", "overridable"),
    [
        ({"state": "PROCESSED"}, False),
        ({"now": 1.5}, False),
        ({"commands": (command(CommandState.UNKNOWN),)}, False),
        ({"refunds": (refund(RefundState.PROCESSING),)}, True),
        ({"completions": 3}, True),
        ({"incoming_user_response": True}, True),
    ],
)
def test_what_the_platform_refuses_nobody_overrides_what_is_unwise_a_role_may(
    more: dict[str, Any], overridable: bool
) -> None:
    blocks = [finding for finding in judged(DONE, settled(**more)).values() if finding.level is B]
    assert [finding.overridable for finding in blocks] == [overridable]


def test_a_full_refund_is_not_advised_once_there_is_nothing_left_to_refund() -> None:
    tagged = {"user_tags": frozenset({"HIGH_RISK"})}
    assert judged(DONE, case(**tagged))[GuardCode.HIGH_RISK].better is Better.REFUND_IN_FULL
    assert judged(DONE, settled(**tagged))[GuardCode.HIGH_RISK].better is None
    running = case(refunds=(refund(RefundState.PROCESSING),), **tagged)
    assert judged(DONE, running)[GuardCode.HIGH_RISK].better is None


def test_refunds_of_several_orders_all_have_to_arrive() -> None:
    two = (order(refunded=PAID), replace(order(), transaction_id="T2"))
    assert GuardCode.NOT_SETTLED in codes(DONE, case(orders=two))
    assert GuardCode.NOT_SETTLED not in codes(DONE, case(orders=tuple(replace(o, refunded=PAID) for o in two)))


def test_the_system_message_alone_does_not_settle_without_the_platforms_flag() -> None:
    assert GuardCode.NOT_SETTLED in codes(DONE, case(RAISED, REPLIED, REFUNDED))
