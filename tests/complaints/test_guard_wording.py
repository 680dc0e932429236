"""Every finding has its sentence, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils.translation import override

from kesu.complaints.guard_sentences import SENTENCES
from kesu.complaints.guard_wording import BETTER, RULE_NAMES, better_action, percent, rule_name, sentence
from kesu.rules.guards import Better, Complete, Finding, GuardCode, Reply, RuleSource, check
from tests.guard_cases import PAID, RAISED, REPLIED, WROTE, at, case, command, judged, order, rates, refund, settled
from tests.rules import test_guards_complete as completing
from tests.rules import test_guards_money as money
from tests.rules import test_guards_reply as replying
from tests.translations import compile_translations

compile_translations()
CHINESE = re.compile(r"[\u3400-\u9fff]")


def every_finding() -> dict[GuardCode, Finding]:
    """One finding of each code, out of the tables that say when it speaks."""
    acts = [
        *((Complete(), facts) for _name, facts, _code, _level in completing.SENTENCES),
        *((act, facts) for _name, act, facts, _code, _level in (*replying.SENTENCES, *money.SENTENCES)),
        (Complete(), settled(now=73)),
    ]
    return {
        finding.code: finding
        for act, facts in acts
        for finding in check(act, facts, now=max(at(2), facts.read_at + timedelta(seconds=1)))
    }


FOUND = every_finding()


def test_the_tables_speak_of_every_guard() -> None:
    assert set(GuardCode) == set(FOUND) == set(SENTENCES)


@pytest.mark.parametrize("code", list(GuardCode))
def test_each_finding_reads_whole_and_calm_in_both_languages(code: GuardCode) -> None:
    for language in ("en", "zh-hans"):
        with override(language):
            text = sentence(FOUND[code])
            assert "%(" not in text
            assert not set(text) & set("!！")
            assert text.endswith((".", "。"))
            assert bool(CHINESE.search(text)) is (language == "zh-hans")
            assert bool(better_action(FOUND[code])) is (FOUND[code].better is not None)
            assert rule_name(FOUND[code])


def test_every_better_action_and_every_rule_has_a_name() -> None:
    assert set(BETTER) == set(Better)
    assert set(RULE_NAMES) == set(RuleSource)


def test_money_times_and_rates_are_written_as_people_read_them() -> None:
    short = judged(money.ALL, case(orders=(order(refunded=990),)))[GuardCode.AMOUNT_OVER_LEFT]
    unread = judged(Complete(), case(RAISED, REPLIED, WROTE, opened_at=at(1.2)))[GuardCode.MESSAGE_UNREAD]
    repeated = judged(Complete(), settled(**rates(2)))[GuardCode.REPEAT_WOULD_COUNT]
    with override("zh-hans"):
        assert sentence(short) == "¥19.90 超过了可退金额: 实付 ¥19.90, 还可退 ¥10.00。请更正。"
        assert "2026-03-20 15:30" in sentence(unread)
        assert sentence(repeated).endswith("若再次投诉, 重复投诉率 5.00% -> 7.32%。")
        assert percent(None) == "暂无投诉"


def test_a_long_wait_is_told_in_hours() -> None:
    waiting = case(RAISED, state="PENDING", need_immediate_service=True, now=14)
    urgent = judged(Reply("您好"), waiting, now=14)[GuardCode.IMMEDIATE_SERVICE_OWED]
    with override("zh-hans"):
        assert "已等待 14小时" in sentence(urgent)
    with override("en"):
        assert "was asked for 14 h ago and nobody has answered (within 10 min is meant)" in sentence(urgent)


def test_the_other_step_is_named() -> None:
    waiting = judged(Reply("您好"), case(commands=(command(money.CommandState.UNKNOWN),)))
    with override("en"):
        assert "(reply, 2026-03-20 15:54)" in sentence(waiting[GuardCode.COMMAND_UNFINISHED])


def test_a_refund_on_its_way_is_told_with_its_amount() -> None:
    running = judged(Complete(), settled(refunds=(refund(money.RefundState.PROCESSING, PAID),)))
    with override("en"):
        assert sentence(running[GuardCode.REFUND_RUNNING]).startswith("A refund of ¥19.90 is on its way")
