"""What the linter finds in the labelled replies, and what it should not have found. Shown with pytest -s."""

from collections import Counter

import pytest

from kesu.rules.redlines import Rule
from tests.rules.redlines.measuring import Reply, count, replies, table

PARTS = ("development", "held_out", "held_out_staff", "learnt", "fresh")


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[Reply]]:
    return {part: replies(part) for part in PARTS}


def test_the_corpus_is_large_about_half_clean_and_of_distinct_replies(corpus: dict[str, list[Reply]]) -> None:
    everything = [reply for part in corpus.values() for reply in part]
    assert len(corpus["development"]) >= 240
    assert len(corpus["held_out"]) >= 160
    assert max(Counter(reply.text for reply in everything).values()) == 1
    for part in corpus.values():
        assert 0.45 <= sum(not reply.labels for reply in part) / len(part) <= 0.55
    for part in ("development", "held_out"):
        assert {rule for reply in corpus[part] for rule in reply.labels} == set(Rule)


def test_each_rule_is_precise_and_complete_on_the_replies_it_was_written_with(corpus: dict[str, list[Reply]]) -> None:
    counts, _ = count(corpus["development"])
    weak = {
        rule: (one.precision, one.recall) for rule, one in counts.items() if one.precision < 0.97 or one.recall < 0.95
    }
    assert not weak


def test_the_rules_hold_on_replies_they_were_not_written_with(corpus: dict[str, list[Reply]]) -> None:
    measured = {part: count(corpus[part]) for part in PARTS}
    print("\n" + table(measured))
    _, overall = measured["held_out"]
    assert overall.precision >= 0.95
    assert overall.recall >= 0.95


def test_new_wordings_are_seldom_wrongly_flagged_and_mostly_found(corpus: dict[str, list[Reply]]) -> None:
    """The honest part: see the corpus's README. Contacts are found; insults and threats have endless words."""
    counts, overall = count(corpus["fresh"])
    assert overall.precision >= 0.94
    assert overall.recall >= 0.65
    for rule in (Rule.WECHAT_ID, Rule.PHONE, Rule.LINK, Rule.QR_CODE):
        assert counts[rule].recall == 1


def test_spans_lie_within_the_text(corpus: dict[str, list[Reply]]) -> None:
    for part in corpus.values():
        for reply in part:
            for finding in reply.findings():
                assert 0 <= finding.start < finding.end <= len(reply.text)
