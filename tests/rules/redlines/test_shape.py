"""No text can make the linter slow: every pattern costs a bounded number of steps at each place."""

import re._constants as constants  # the standard library's own reading of a pattern
import re._parser as parser
from typing import Any

import pytest

from kesu.rules.redlines import AllowList, ReplyContext, lint
from kesu.rules.redlines.phrases import PATTERNS

REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)
STEPS_OF_GAPS = 20_000
"""How many ways the gaps of a pattern ("up to 12 of anything") may combine at one place."""


def gaps(tree: Any) -> int:
    """The most ways in which the repeats on one path through a pattern can be stretched."""
    ways = 1
    for kind, value in tree:
        ways *= _gaps_of(kind, value)
    return ways


def _gaps_of(kind: Any, value: Any) -> int:
    if kind in REPEATS:
        lowest, highest, inner = value
        assert highest <= 40, "a repeat without a bound"
        inside = gaps(inner)
        assert inside == 1 or highest <= 1, "a repeat inside a repeat"
        return (int(highest) - int(lowest) + 1) * inside
    if kind is constants.BRANCH:
        return max(gaps(branch) for branch in value[1])
    if kind is constants.SUBPATTERN:
        return gaps(value[3])
    if kind in (constants.ASSERT, constants.ASSERT_NOT):
        return gaps(value[1])
    return 1


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.compiled.pattern[:40])
def test_a_pattern_is_bounded(pattern: Any) -> None:
    tree = parser.parse(pattern.compiled.pattern)
    if len(tree) == 1 and tree[0][0] is constants.MAX_REPEAT and gaps(tree[0][1][2]) == 1:
        return  # one run of characters and nothing after it: it never steps back
    assert gaps(tree) <= STEPS_OF_GAPS


HOSTILE = [
    *(
        "加",
        "微",
        "v",
        "1",
        "13",
        "1 3 8 ",
        "一、",
        "a1",
        "退",
        "明天",
        "3天",
        "恶意",
        "恶意您没有",
        "q",
        "扫码",
        "红包",
        "撤",
        "投诉给五星",
    ),
    *(
        "http://",
        "www.",
        "a.com",
        "a@",
        "@a",
        ".com",
        "-",
        "【",
        "，",
        "您说我们是骗子",
        "\u200b",
        "﷽",
        "请提供",
        "13800138000,",
        "139 0000 ",
    ),
    *("好的", "您好您", "撤诉不影响", "小程序", "加加微微信信", "给给给", "8613", "0086 "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_text_comes_to_an_end(piece: str) -> None:
    text = (piece * 5000)[:5000]
    context = ReplyContext(last_replies=(text, text[1:]), allowed=AllowList(words=(piece,), wechat_ids=("demo_1",)))
    assert all(0 <= finding.start < finding.end <= len(text) for finding in lint(text, context=context))
