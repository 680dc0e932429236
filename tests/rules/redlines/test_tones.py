"""What is heard in a passage as a whole, and that its weights are those of the corpus."""

import json

import pytest

from kesu.rules.redlines import AllowList, ReplyContext, Rule, Severity, lint
from kesu.rules.redlines.normalise import densely
from kesu.rules.redlines.tones import LONG, NOTHING, margins, passages
from tests.rules.redlines import learning

PLAIN = ReplyContext()


def test_the_weights_were_learnt_from_the_development_part_as_it_is() -> None:
    """After a change of the corpus: python -m tests.rules.redlines.learning."""
    assert json.loads(learning.WEIGHTS.read_text("utf-8"))["learnt_from"] == learning.digest()


def test_the_passages_of_a_text_are_all_of_it() -> None:
    dense = densely("您好。" * 40 + "这个月的电费是按峰谷电价算的，" * 12)
    cut = list(passages(dense))
    assert "".join(dense[start:end] for start, end in cut) == dense
    assert all(end - start <= LONG + 20 for start, end in cut)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("三个月前的单子现在说味道不对, 您觉得谁信", Rule.LABELLING),
        ("您家里人知道您在外面这样闹吗, 要不我去说说", Rule.THREAT),
        ("就您这脑瓜, 说了也是白说", Rule.INSULT),
    ],
)
def test_words_in_no_list_are_heard_and_left_to_a_person(text: str, rule: Rule) -> None:
    (finding,) = lint(text, context=PLAIN)
    assert (finding.rule, finding.severity) == (rule, Severity.CONFIRM)


@pytest.mark.parametrize(
    "text",
    [
        "您买的“笨小猪”闹钟不走了, 给您换一只新的",
        "垃圾处理费多收了 3 元, 已经退给您",
        "律师说合同第六条不公平, 我们改好了, 违约金不收",
    ],
)
def test_hard_words_that_mean_nobody_are_clean(text: str) -> None:
    assert lint(text, context=ReplyContext(refund_made_or_running=True)) == ()


def test_a_settled_matter_sounds_like_none_of_them() -> None:
    heard = margins(densely("师傅已经换了新的电机, 多收的 12 元退给您了, 给您添麻烦了"))
    assert max(heard.values()) < 0


def test_what_is_the_merchants_own_is_not_listened_to() -> None:
    text = "您就是想白嫖吧"
    assert [finding.rule for finding in lint(text, context=PLAIN)] == [Rule.LABELLING]
    (finding,) = lint(text, context=ReplyContext(allowed=AllowList(words=(text,))))
    assert finding.rule is Rule.BRUSH_OFF  # it says nothing else


def test_one_bad_line_is_found_in_a_long_text_of_service() -> None:
    service = "您好, 师傅周三上门换主板, 不收费用, 换下来的旧件您可以留着。机器的保修期顺延三个月。" * 5
    bad = "说实话没见过您这么没素质的人。"
    (finding,) = lint(service + bad + service, context=ReplyContext(maximum_length=1000))
    assert finding.rule is Rule.INSULT
    assert len(service) - 5 <= finding.start < finding.end <= len(service + bad)


@pytest.mark.parametrize("text", ["x" * 80, "4200001234567890123456789012", "Refund 19.90, thank you", "AbCd" * 20])
def test_what_is_not_chinese_sounds_like_nothing(text: str) -> None:
    assert set(margins(text.lower()).values()) == {NOTHING}
