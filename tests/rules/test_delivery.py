from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.backoff import backoff
from kesu.rules.budget import LIMIT, WINDOW, available
from kesu.rules.classify import WECOM_ERRORS, ErrorClass, classify_http, classify_wecom

NOW = datetime(2026, 3, 20, 6, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=s) for s in seconds]


class TestBudget:
    def test_an_unused_key_is_free_now(self) -> None:
        assert available([], NOW) == (True, NOW)

    def test_the_eighteenth_message_of_a_minute_fits_and_the_nineteenth_waits(self) -> None:
        assert available(ago(*range(1, 18)), NOW).free
        assert available(ago(*range(1, 19)), NOW) == (False, NOW + timedelta(seconds=42))

    def test_a_message_exactly_one_window_old_no_longer_counts(self) -> None:
        assert available(ago(60), NOW, limit=1).free
        assert not available(ago(59.999), NOW, limit=1).free

    def test_a_clock_that_runs_ahead_on_another_machine_counts_too(self) -> None:
        assert available(ago(-5), NOW, limit=1) == (False, NOW + timedelta(seconds=65))

    def test_a_limit_of_nothing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            available([], NOW, limit=0)

    @given(wishes=st.lists(st.floats(0, 400), max_size=80).map(sorted), limit=st.integers(1, 20))
    def test_sending_only_when_free_never_exceeds_the_limit_in_any_window(
        self, wishes: list[float], limit: int
    ) -> None:
        sent: list[datetime] = []
        for wish in wishes:
            now = NOW + timedelta(seconds=wish)
            if available(sent, now, limit=limit).free:
                sent.append(now)
        for first in sent:
            assert sum(first <= moment < first + WINDOW for moment in sent) <= limit

    @given(used=st.lists(st.floats(-30, 120), max_size=60), limit=st.integers(1, 20))
    def test_the_instant_promised_is_free_and_none_before_it_is(self, used: list[float], limit: int) -> None:
        used_at = ago(*used)
        answer = available(used_at, NOW, limit=limit)
        if not answer.free:
            assert answer.free_at > NOW
            assert available(used_at, answer.free_at, limit=limit).free
            assert not available(used_at, answer.free_at - timedelta(microseconds=1), limit=limit).free

    def test_the_default_stays_below_what_the_robot_takes(self) -> None:
        assert LIMIT < 20
        assert timedelta(seconds=60) == WINDOW


class TestBackoff:
    def test_waits_grow_to_ten_minutes_and_stay_there(self) -> None:
        assert [backoff(attempt) for attempt in range(1, 7)] == [5, 30, 120, 600, 600, 600]

    @given(attempt=st.integers(1, 1000), jitter=st.floats(0, 1))
    def test_jitter_adds_at_most_a_quarter(self, attempt: int, jitter: float) -> None:
        assert backoff(attempt) <= backoff(attempt, jitter) <= backoff(attempt) * 1.25

    @given(attempt=st.integers(1, 100), one=st.floats(0, 1), other=st.floats(0, 1))
    def test_a_later_attempt_never_waits_less_than_an_earlier_one_of_another_step(
        self, attempt: int, one: float, other: float
    ) -> None:
        assert backoff(attempt + 4, one) >= backoff(1, other)
        assert backoff(attempt + 1, 0) >= backoff(attempt, 0)

    @pytest.mark.parametrize(("attempt", "jitter"), [(0, 0.0), (-1, 0.0), (1, -0.1), (1, 1.1)])
    def test_numbers_outside_their_range_are_refused(self, attempt: int, jitter: float) -> None:
        with pytest.raises(ValueError):
            backoff(attempt, jitter)


class TestClassify:
    @pytest.mark.parametrize(
        ("errcode", "expected"),
        [
            (0, ErrorClass.SENT),
            (-1, ErrorClass.TRANSIENT),
            (42001, ErrorClass.TRANSIENT),
            (45009, ErrorClass.RATE),
            (45033, ErrorClass.RATE),
            (40008, ErrorClass.PAYLOAD),
            (40058, ErrorClass.PAYLOAD),
            (45002, ErrorClass.PAYLOAD),
            (42045, ErrorClass.PAYLOAD),
            (60020, ErrorClass.CHANNEL_DEAD),
            (93000, ErrorClass.CHANNEL_DEAD),
        ],
    )
    def test_a_wecom_errcode_has_its_class(self, errcode: int, expected: ErrorClass) -> None:
        assert classify_wecom(errcode) is expected

    @given(errcode=st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.floats()))
    def test_only_the_number_zero_is_ever_sent(self, errcode: object) -> None:
        is_zero = type(errcode) is int and errcode == 0
        assert (classify_wecom(errcode) is ErrorClass.SENT) == is_zero

    def test_an_unknown_errcode_is_tried_again(self) -> None:
        assert 12345 not in WECOM_ERRORS
        assert classify_wecom(12345) is ErrorClass.TRANSIENT

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (200, ErrorClass.SENT),
            (204, ErrorClass.SENT),
            (302, ErrorClass.PAYLOAD),
            (400, ErrorClass.PAYLOAD),
            (404, ErrorClass.CHANNEL_DEAD),
            (410, ErrorClass.CHANNEL_DEAD),
            (408, ErrorClass.TRANSIENT),
            (429, ErrorClass.RATE),
            (502, ErrorClass.TRANSIENT),
        ],
    )
    def test_an_http_status_has_its_class(self, status: int, expected: ErrorClass) -> None:
        assert classify_http(status) is expected
