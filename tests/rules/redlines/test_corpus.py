"""What the linter finds in the labelled replies, and what it should not have found. Shown with pytest -s."""

from collections import Counter

import pytest

from kesu.rules.redlines import Rule
from tests.rules.redlines.measuring import DEVELOPMENT, HELD_OUT, Reply, count, replies, table

FLOORS = {
    "held_out": (0.96, 0.97),
    "held_out_staff": (0.90, 0.91),
    "fresh": (0.95, 0.87),
    "held_out_last": (0.86, 0.91),
}
"""Precision and recall, a little below what is reached."""


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Reply]]:
    return {part: replies(part) for part in (*DEVELOPMENT, *HELD_OUT)}


def test_the_corpus_is_large_about_half_clean_and_of_distinct_replies(corpus: dict[str, list[Reply]]) -> None:
    everything = [reply for part in corpus.values() for reply in part]
    assert sum(len(corpus[part]) for part in DEVELOPMENT) >= 2000
    assert sum(len(corpus[part]) for part in HELD_OUT) >= 800
    assert [text for text, times in Counter(reply.text for reply in everything).items() if times > 1] == []
    for part in corpus.values():
        assert 0.45 <= sum(not reply.labels for reply in part) / len(part) <= 0.55
    for part in ("development", "held_out", "held_out_staff", "held_out_last"):
        assert {rule for reply in corpus[part] for rule in reply.labels} == set(Rule)


def test_each_rule_is_precise_and_complete_on_the_replies_it_was_written_with(corpus: dict[str, list[Reply]]) -> None:
    counts, _ = count(corpus["development"])
    weak = {
        rule: (one.precision, one.recall) for rule, one in counts.items() if one.precision < 0.97 or one.recall < 0.95
    }
    assert not weak
    _, overall = count(corpus["development_staff"])
    assert overall.precision >= 0.95
    assert overall.recall >= 0.95


def test_precision_and_recall_of_each_rule_are_shown(corpus: dict[str, list[Reply]]) -> None:
    print("\n" + table({part: count(corpus[part]) for part in DEVELOPMENT}))
    print("\n" + table({part: count(corpus[part]) for part in HELD_OUT}))


@pytest.mark.parametrize("part", HELD_OUT)
def test_replies_that_nothing_was_learnt_from_are_mostly_found(corpus: dict[str, list[Reply]], part: str) -> None:
    counts, overall = count(corpus[part])
    precision, recall = FLOORS[part]
    assert overall.precision >= precision
    assert overall.recall >= recall
    assert counts[Rule.PHONE].recall == 1
    assert counts[Rule.QR_CODE].recall == 1


@pytest.mark.parametrize("part", HELD_OUT)
def test_hardly_a_clean_reply_asks_for_a_second_look(corpus: dict[str, list[Reply]], part: str) -> None:
    """Which rule is named matters less than whether a person is stopped at all."""
    clean = [reply for reply in corpus[part] if not reply.labels]
    broken = [reply for reply in corpus[part] if reply.labels]
    assert sum(bool(reply.findings()) for reply in clean) <= 0.05 * len(clean)
    assert sum(bool(reply.findings()) for reply in broken) >= 0.92 * len(broken)


def test_spans_lie_within_the_text(corpus: dict[str, list[Reply]]) -> None:
    for part in corpus.values():
        for reply in part:
            for finding in reply.findings():
                assert 0 <= finding.start < finding.end <= len(reply.text)
