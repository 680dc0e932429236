from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.escalations import (
    ALERT_RULES,
    ENTRY_ALERTS,
    AlertEvent,
    AlertKind,
    Facts,
    UrgencyClass,
    events_of,
)
from kesu.rules.operations import OPERATION_ACTORS
from kesu.rules.states import ComplaintState, HistoryItem

COMPLAINED = datetime(2026, 3, 20, 6, tzinfo=UTC)


def at(hours: float) -> datetime:
    return COMPLAINED + timedelta(hours=hours)


def facts(
    state: str = "PENDING",
    times: int = 1,
    *,
    high_risk: bool = False,
    immediate: bool = False,
    platform: bool = False,
) -> Facts:
    return Facts(state, COMPLAINED, times, high_risk, immediate, platform)


def item(hours: float, operate_type: str, log_id: str = "") -> HistoryItem:
    return HistoryItem(log_id or f"{operate_type}@{hours}", operate_type, at(hours))


def told(before: Facts | None, after: Facts, *entries: HistoryItem, now: float = 1) -> list[tuple[AlertKind, str]]:
    return [(event.kind, event.dedupe) for event in events_of(before, after, entries, now=at(now))]


class TestACaseMetForTheFirstTime:
    def test_a_new_complaint_tells_one_event(self) -> None:
        (event,) = events_of(None, facts(), [item(0, "USER_CREATE_COMPLAINT")], now=at(0.01))
        assert event == AlertEvent(AlertKind.NEW, None, COMPLAINED, "new")

    def test_an_open_case_of_a_backfill_tells_however_old_it_is(self) -> None:
        assert told(None, facts("PROCESSING"), item(2, "USER_RESPONSE"), now=24 * 29) == [(AlertKind.NEW, "new")]

    def test_a_finished_case_of_a_backfill_tells_nothing(self) -> None:
        entries = [item(1, "PLATFORM_HELP_APPLICATION"), item(3, "MERCHANT_CONFIRM_COMPLETE")]
        assert told(None, facts("PROCESSED", times=3, high_risk=True), *entries, now=4) == []

    def test_a_case_continued_before_it_was_met_tells_the_continuation_only(self) -> None:
        entries = [item(30, "USER_CONTINUE_COMPLAINT", "again"), item(0, "USER_CREATE_COMPLAINT")]
        (event,) = events_of(None, facts(times=2), entries, now=at(31))
        assert event == AlertEvent(AlertKind.CONTINUED, "again", at(30), "continued:2")

    def test_a_state_that_nobody_knows_yet_wakes_people(self) -> None:
        assert told(None, facts("REVIEWING")) == [(AlertKind.NEW, "new")]

    def test_fresh_urgent_entries_are_told_and_old_ones_are_not(self) -> None:
        entries = [item(1, "PLATFORM_HELP_APPLICATION", "old"), item(50, "PLATFORM_HELP_APPLICATION", "fresh")]
        assert told(None, facts(), *entries, now=51) == [
            (AlertKind.NEW, "new"),
            (AlertKind.PLATFORM_REMINDER, "entry:fresh"),
        ]

    def test_what_the_payer_wrote_at_once_is_part_of_the_opening(self) -> None:
        assert told(None, facts(), item(0.1, "USER_RESPONSE")) == [(AlertKind.NEW, "new")]

    def test_flags_are_told_beside_the_opening(self) -> None:
        assert told(None, facts(high_risk=True, immediate=True, platform=True)) == [
            (AlertKind.NEW, "new"),
            (AlertKind.HIGH_RISK, "high_risk"),
            (AlertKind.IMMEDIATE_SERVICE, "immediate_service:1"),
            (AlertKind.PLATFORM_SERVICE, "platform_service:1"),
        ]


class TestAKnownCase:
    def test_reading_the_same_again_tells_nothing(self) -> None:
        same = facts(high_risk=True, immediate=True, platform=True)
        assert told(same, same) == []

    def test_a_continuation_is_told_once_with_its_entry(self) -> None:
        entries = [item(30, "USER_CONTINUE_COMPLAINT", "a"), item(30, "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE", "b")]
        (event,) = events_of(facts("PROCESSED"), facts("PENDING", 2), entries, now=at(30))
        assert (event.kind, event.log_id, event.dedupe) == (AlertKind.CONTINUED, "a", "continued:2")

    def test_a_continuation_without_a_visible_entry_is_told_all_the_same(self) -> None:
        assert told(facts("PROCESSED"), facts("PENDING", 2)) == [(AlertKind.CONTINUED, "continued:2")]

    def test_two_continuations_in_one_read_tell_the_newest(self) -> None:
        assert told(facts("PROCESSED"), facts("PENDING", 3)) == [(AlertKind.CONTINUED, "continued:3")]

    @pytest.mark.parametrize(
        ("word", "kind"),
        [
            ("USER_APPLY_PLATFORM_SERVICE", AlertKind.PLATFORM_SERVICE),
            ("USER_APPLY_PLATFORM_HELP", AlertKind.PLATFORM_SERVICE),
            ("USER_CANCEL_PLATFORM_SERVICE", AlertKind.PLATFORM_SERVICE_ENDED),
            ("PLATFORM_SERVICE_FINISHED", AlertKind.PLATFORM_SERVICE_ENDED),
            ("PLATFORM_HELP_APPLICATION", AlertKind.PLATFORM_REMINDER),
            ("PLATFORM_RESPONSE", AlertKind.PLATFORM_MESSAGE),
            ("COMPLAINT_ENTRUSTED_REFUND_SYSTEM_MESSAGE", AlertKind.ENTRUSTED_REFUND),
            ("USER_RESPONSE", AlertKind.USER_MESSAGE),
            ("USER_CLICK_RESPONSE", AlertKind.USER_MESSAGE),
            ("USER_SUBMIT_SATISFACTION", AlertKind.SATISFACTION),
            ("SOMETHING_THE_PLATFORM_INVENTED", AlertKind.UNKNOWN_ENTRY),
        ],
    )
    def test_each_word_of_the_history_is_told_as_its_kind(self, word: str, kind: AlertKind) -> None:
        (event,) = events_of(facts(), facts(), [item(1, word, "7")], now=at(1))
        assert event == AlertEvent(kind, "7", at(1), "entry:7")

    def test_the_merchants_own_acts_are_quiet(self) -> None:
        acts = [item(n, word) for n, word in enumerate(["MERCHANT_RESPONSE", "MERCHANT_APPROVE_REFUND"])]
        assert told(facts(), facts("PROCESSING"), *acts) == []

    def test_ten_lines_of_a_payer_wake_people_once_by_the_last_line(self) -> None:
        lines = [item(1 + n / 100, "USER_RESPONSE", str(n)) for n in range(10)]
        assert told(facts(), facts(), *reversed(lines)) == [(AlertKind.USER_MESSAGE, "entry:9")]

    def test_a_message_the_merchant_has_answered_since_is_not_told(self) -> None:
        entries = [item(1, "USER_RESPONSE"), item(2, "MERCHANT_RESPONSE")]
        assert told(facts(), facts("PROCESSING"), *entries, now=3) == []

    def test_a_message_after_the_merchants_answer_is_told(self) -> None:
        entries = [item(2, "MERCHANT_RESPONSE"), item(3, "USER_RESPONSE", "late")]
        assert told(facts(), facts("PROCESSING"), *entries, now=3) == [(AlertKind.USER_MESSAGE, "entry:late")]

    def test_an_open_case_tells_what_happened_during_a_long_downtime(self) -> None:
        entry = item(1, "PLATFORM_HELP_APPLICATION", "p")
        assert told(facts(), facts(), entry, now=80) == [(AlertKind.PLATFORM_REMINDER, "entry:p")]

    def test_a_finished_case_tells_fresh_entries_and_leaves_old_ones(self) -> None:
        done = facts("PROCESSED")
        assert told(done, done, item(1, "PLATFORM_RESPONSE", "p"), now=2) == [(AlertKind.PLATFORM_MESSAGE, "entry:p")]
        assert told(done, done, item(1, "PLATFORM_RESPONSE", "p"), now=80) == []

    def test_how_old_is_too_old_is_a_parameter(self) -> None:
        done = facts("PROCESSED")
        entry = item(1, "PLATFORM_RESPONSE", "p")
        events = events_of(done, done, [entry], now=at(80), stale_after=timedelta(days=30))
        assert [event.dedupe for event in events] == ["entry:p"]

    def test_a_flag_that_rises_is_told_and_its_entry_is_not_told_twice(self) -> None:
        assert told(facts(), facts(high_risk=True)) == [(AlertKind.HIGH_RISK, "high_risk")]
        apply = item(1, "USER_APPLY_PLATFORM_SERVICE", "s")
        assert told(facts(), facts(platform=True), apply) == [(AlertKind.PLATFORM_SERVICE, "entry:s")]

    def test_immediate_service_is_told_again_in_the_next_round(self) -> None:
        again = told(facts("PROCESSED", immediate=True), facts("PENDING", 2, immediate=True))
        assert (AlertKind.IMMEDIATE_SERVICE, "immediate_service:2") in again

    def test_a_case_that_the_platform_calls_finished_is_told_quietly(self) -> None:
        entry = item(5, "MERCHANT_CONFIRM_COMPLETE", "done")
        (event,) = events_of(facts("PROCESSING"), facts("PROCESSED"), [entry], now=at(6))
        assert event == AlertEvent(AlertKind.CLOSED, "done", at(5), "closed:1")
        assert (event.rule.urgency, event.rule.mention) == (UrgencyClass.SYSTEM, False)

    def test_a_refused_refund_is_named_as_what_finished_the_case(self) -> None:
        entry = item(5, "MERCHANT_REFUSE_RERUND")
        assert told(facts(), facts("PROCESSED"), entry) == [(AlertKind.REFUND_REJECTED, "closed:1")]

    def test_a_round_that_came_and_went_between_two_reads_is_told_as_finished(self) -> None:
        assert told(facts("PROCESSED"), facts("PROCESSED", 2)) == [(AlertKind.CLOSED, "closed:2")]


class TestTheTables:
    def test_every_kind_has_a_rule(self) -> None:
        assert set(ALERT_RULES) == set(AlertKind)

    def test_every_word_that_is_told_is_a_published_one(self) -> None:
        assert ENTRY_ALERTS.keys() <= OPERATION_ACTORS.keys()

    def test_bad_news_is_urgent_and_mentions(self) -> None:
        bad = {
            AlertKind.CONTINUED,
            AlertKind.PLATFORM_SERVICE,
            AlertKind.PLATFORM_REMINDER,
            AlertKind.ENTRUSTED_REFUND,
            AlertKind.REFUND_FAILED,
            AlertKind.COMMAND_UNKNOWN,
            AlertKind.COMMAND_FAILED,
            AlertKind.HIGH_RISK,
            AlertKind.IMMEDIATE_SERVICE,
        }
        assert {kind for kind, rule in ALERT_RULES.items() if rule.urgency is UrgencyClass.URGENT} == bad
        assert all(ALERT_RULES[kind].mention for kind in bad)


FACTS = st.builds(
    Facts,
    state=st.sampled_from([*ComplaintState, "REVIEWING"]),
    complaint_time=st.just(COMPLAINED),
    user_complaint_times=st.integers(1, 4),
    high_risk=st.booleans(),
    need_immediate_service=st.booleans(),
    in_platform_service=st.booleans(),
)
ENTRIES = st.lists(
    st.builds(
        HistoryItem,
        log_id=st.integers(0, 99).map(str),
        operate_type=st.sampled_from([*sorted(OPERATION_ACTORS), "SOMETHING_NEW"]),
        operate_time=st.integers(0, 200).map(at),
    ),
    max_size=8,
    unique_by=lambda entry: entry.log_id,
)


class TestUnderAnyReads:
    @given(before=FACTS, after=FACTS, entries=ENTRIES, data=st.data())
    def test_the_order_of_the_entries_changes_nothing(
        self, before: Facts, after: Facts, entries: list[HistoryItem], data: st.DataObject
    ) -> None:
        shuffled = data.draw(st.permutations(entries))
        assert events_of(before, after, shuffled, now=at(200)) == events_of(before, after, entries, now=at(200))

    @given(before=st.none() | FACTS, after=FACTS, entries=ENTRIES)
    def test_no_key_is_told_twice_in_one_read(
        self, before: Facts | None, after: Facts, entries: list[HistoryItem]
    ) -> None:
        keys = [event.dedupe for event in events_of(before, after, entries, now=at(200))]
        assert len(keys) == len(set(keys))

    @given(after=FACTS)
    def test_a_second_read_of_the_same_facts_tells_nothing(self, after: Facts) -> None:
        assert events_of(after, after, [], now=at(200)) == ()

    @given(after=FACTS, entries=ENTRIES, hours=st.integers(0, 24 * 60))
    def test_every_open_case_tells_when_it_is_met_and_no_finished_one_does(
        self, after: Facts, entries: list[HistoryItem], hours: int
    ) -> None:
        events = events_of(None, after, entries, now=at(hours))
        opening = [event for event in events if event.kind in (AlertKind.NEW, AlertKind.CONTINUED)]
        assert len(opening) == (after.state != "PROCESSED")
        assert bool(events) == (after.state != "PROCESSED")
