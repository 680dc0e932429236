"""Money, moments and lengths of time in words, the same on the server and in the browser."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from kesu.complaints import durations
from kesu.desk import words
from kesu.desk.templatetags.desk import ago, exactly, moment, money
from kesu.rules.operations import OPERATION_ACTORS, Actor
from kesu.wechatpay import rejections

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
HOUR = 3600
DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("fen", "said"),
    [
        (0, "¥0.00"),
        (1, "¥0.01"),
        (450, "¥4.50"),
        (1990, "¥19.90"),
        (123456789, "¥1,234,567.89"),
        (-1990, "-¥19.90"),
        (None, "—"),
    ],
)
def test_money_is_unmistakable(fen, said):
    assert money(fen) == said


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "不到1分", "under 1 min"),
        (59, "不到1分", "under 1 min"),
        (60, "1分", "1 min"),
        (HOUR - 1, "59分", "59 min"),
        (HOUR, "1小时", "1 h"),
        (3 * HOUR + 12 * 60 + 59, "3小时12分", "3 h 12 min"),
        (DAY - 1, "23小时59分", "23 h 59 min"),
        (DAY, "1天", "1 d"),
        (30 * HOUR, "1天6小时", "1 d 6 h"),
        (DAY + 59 * 60, "1天", "1 d"),
        (-2 * HOUR, "2小时", "2 h"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(seconds, chinese, english):
    assert durations.duration(seconds) == chinese
    with translation.override("en"):
        assert durations.duration(seconds) == english


def test_a_countdown_says_left_or_overdue():
    assert durations.countdown(3 * HOUR + 12 * 60) == "剩 3小时12分"
    assert durations.countdown(-2 * HOUR) == "已超时 2小时"
    assert durations.countdown(0) == "已超时 不到1分"
    with translation.override("en"):
        assert durations.countdown(90 * 60) == "1 h 30 min left"


def test_moments_are_beijing_time_and_carry_the_year_only_when_it_is_another():
    assert moment(datetime(2026, 11, 20, 1, 12, tzinfo=UTC), NOW) == "11-20 09:12"
    assert moment(datetime(2025, 12, 31, 15, 59, tzinfo=UTC), NOW) == "2025-12-31 23:59"
    assert moment(datetime(2025, 12, 31, 16, 0, tzinfo=UTC), NOW) == "01-01 00:00"
    assert moment(None, NOW) == "—"
    assert exactly(datetime(2026, 11, 20, 1, 12, 3, tzinfo=UTC)) == "2026-11-20T09:12:03+08:00"


def test_how_long_ago():
    assert ago(NOW - timedelta(seconds=5), NOW) == "刚刚"
    assert ago(NOW - timedelta(hours=2), NOW) == "2小时前"
    assert ago(None, NOW) == "从未"


def test_every_published_word_of_the_platform_has_one_of_ours():
    assert set(words.OPERATIONS) == set(OPERATION_ACTORS)
    assert set(words.ACTORS) == {actor.value for actor in Actor}


def test_every_reason_for_refusing_a_notice_has_words():
    reasons = {kind.reason for kind in rejections.NoticeRejected.__subclasses__()}
    assert reasons <= set(words.REJECTIONS)


def test_a_word_that_is_not_ours_is_shown_as_it_came():
    assert words.say(words.STATES, "A_NEW_STATE") == "A_NEW_STATE"
