from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.deadlines import PROFILES, DeadlineProfile
from kesu.rules.operations import (
    COMPLETIONS,
    CONTINUATIONS,
    MERCHANT_REPLIES,
    NOTICE_ACTIONS,
    OPERATION_ACTORS,
    PAYER_MESSAGES,
    PLATFORM_EVENTS,
    REFUND_ARRIVALS,
    REFUNDS,
    Actor,
    actor_of,
    is_known_action,
    is_known_operation,
)
from kesu.rules.states import (
    TRANSITIONS,
    ComplaintState,
    HistoryItem,
    Round,
    Trigger,
    current_round,
    derive_rounds,
    history_is_ahead,
    is_open,
    is_replied,
    next_state,
    state_rank,
)

ROLLING = PROFILES["rolling"]
NO_RESTART = DeadlineProfile("strict", ROLLING.reply, ROLLING.complete, restart_on_continue=False)
START = datetime(2026, 3, 20, 6, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def item(hours: float, operate_type: str, log_id: str = "") -> HistoryItem:
    return HistoryItem(log_id or f"{operate_type}@{hours}", operate_type, at(hours))


def rounds(
    *entries: HistoryItem, state: str = "PENDING", times: int = 1, profile: DeadlineProfile = ROLLING
) -> tuple[Round, ...]:
    return derive_rounds(START, entries, state=state, user_complaint_times=times, profile=profile)


TWO_ROUNDS = (
    item(0, "USER_CREATE_COMPLAINT"),
    item(2, "MERCHANT_RESPONSE"),
    item(5, "MERCHANT_CONFIRM_COMPLETE"),
    item(30, "USER_CONTINUE_COMPLAINT"),
    item(30, "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE"),
    item(31, "MERCHANT_RESPONSE"),
)


class TestStates:
    def test_a_state_that_nobody_knows_yet_is_open_and_owes_a_reply(self) -> None:
        assert is_open("REVIEWING")
        assert is_open("")
        assert not is_replied("REVIEWING")

    def test_only_processed_is_closed(self) -> None:
        assert [state for state in ComplaintState if not is_open(state)] == [ComplaintState.PROCESSED]

    def test_within_a_round_ranks_rise_and_an_unknown_state_wins_a_tie(self) -> None:
        ranks = [state_rank(state) for state in ("PENDING", "PROCESSING", "PROCESSED", "REVIEWING")]
        assert ranks == sorted(set(ranks))

    def test_the_first_reply_moves_pending_to_processing_and_complete_moves_on_to_processed(self) -> None:
        assert next_state("PENDING", Trigger.REPLY) is ComplaintState.PROCESSING
        assert next_state("PROCESSING", Trigger.COMPLETE) is ComplaintState.PROCESSED
        assert next_state("PENDING", Trigger.REJECT_REFUND) is ComplaintState.PROCESSED
        assert next_state("PROCESSED", Trigger.CONTINUE) is ComplaintState.PENDING

    def test_a_second_complete_has_no_arc(self) -> None:
        assert next_state("PROCESSED", Trigger.COMPLETE) is None
        assert next_state("REVIEWING", Trigger.COMPLETE) is None

    def test_no_arc_is_listed_twice_and_only_a_continuation_goes_back(self) -> None:
        arcs = [(arc.source, arc.trigger) for arc in TRANSITIONS]
        assert len(arcs) == len(set(arcs))
        back = [arc for arc in TRANSITIONS if state_rank(arc.target) < state_rank(arc.source)]
        assert [arc.trigger for arc in back] == [Trigger.CONTINUE]


class TestOperations:
    def test_misspelt_wire_words_are_known_and_their_corrections_are_not(self) -> None:
        assert is_known_operation("MERCHANT_REFUSE_RERUND")
        assert is_known_operation("USER_COMFIRM_COMPLAINT")
        assert not is_known_operation("MERCHANT_REFUSE_REFUND")
        assert not is_known_operation("USER_CONFIRM_COMPLAINT")

    def test_every_word_in_a_set_is_a_published_one(self) -> None:
        sets = [MERCHANT_REPLIES, COMPLETIONS, CONTINUATIONS, PAYER_MESSAGES, PLATFORM_EVENTS, REFUNDS, REFUND_ARRIVALS]
        assert frozenset().union(*sets) <= OPERATION_ACTORS.keys()

    @pytest.mark.parametrize(
        ("operate_type", "actor"),
        [
            ("USER_RESPONSE", Actor.PAYER),
            ("MERCHANT_RESPONSE", Actor.MERCHANT),
            ("PLATFORM_HELP_APPLICATION", Actor.PLATFORM),
            ("COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE", Actor.SYSTEM),
            ("USER_DID_SOMETHING_NEW", Actor.UNKNOWN),
        ],
    )
    def test_an_entry_names_who_acted(self, operate_type: str, actor: Actor) -> None:
        assert actor_of(operate_type) is actor

    def test_notices_and_history_use_different_words_for_the_same_act(self) -> None:
        assert is_known_action("RESPONSE_BY_PLATFORM")
        assert is_known_action("MERCHANT_REJECT_REFUND")
        assert not is_known_action("PLATFORM_RESPONSE")
        assert not is_known_action("MERCHANT_REFUSE_RERUND")

    def test_the_historical_misspelling_of_a_notice_is_understood(self) -> None:
        assert NOTICE_ACTIONS["USER_APPLY_PLATFORM_SERIVCE"] == NOTICE_ACTIONS["USER_APPLY_PLATFORM_SERVICE"]

    def test_the_merchants_own_replies_and_completions_are_not_pushed(self) -> None:
        silent = {name for name, action in NOTICE_ACTIONS.items() if not action.pushed}
        assert silent == {"MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"}


class TestRounds:
    def test_a_fresh_complaint_is_one_round_that_owes_everything(self) -> None:
        (only,) = rounds(item(0, "USER_CREATE_COMPLAINT"))
        assert (only.number, only.started_at, only.replied, only.completed) == (1, START, False, False)
        assert (only.reply_due_at, only.complete_due_at) == (at(24), at(72))

    def test_a_complaint_without_any_history_is_still_a_round(self) -> None:
        (only,) = rounds()
        assert (only.number, only.started_at, only.start_known) == (1, START, True)

    def test_processing_means_replied_at_the_first_reply(self) -> None:
        (only,) = rounds(item(3, "MERCHANT_RESPONSE"), item(2, "MERCHANT_RESPONSE"), state="PROCESSING")
        assert (only.replied, only.replied_at, only.completed) == (True, at(2), False)

    def test_processing_without_a_visible_reply_is_replied_at_an_unknown_time(self) -> None:
        (only,) = rounds(state="PROCESSING")
        assert (only.replied, only.replied_at) == (True, None)

    def test_a_reply_in_the_history_does_not_stop_the_clock_while_the_platform_says_pending(self) -> None:
        (only,) = rounds(item(2, "MERCHANT_RESPONSE"), state="PENDING")
        assert (only.replied, only.replied_at) == (False, None)

    def test_a_completion_in_the_history_does_not_stop_the_clock_while_the_platform_says_processing(self) -> None:
        (only,) = rounds(item(2, "MERCHANT_CONFIRM_COMPLETE"), state="PROCESSING")
        assert (only.completed, only.completed_at) == (False, None)

    def test_processed_means_completed_even_if_no_completion_is_visible(self) -> None:
        (only,) = rounds(state="PROCESSED")
        assert (only.replied, only.completed, only.completed_at) == (True, True, None)

    def test_a_state_that_nobody_knows_yet_silences_nothing(self) -> None:
        (only,) = rounds(item(2, "MERCHANT_CONFIRM_COMPLETE"), state="REVIEWING")
        assert (only.replied, only.completed) == (False, False)

    def test_under_an_unknown_state_the_platforms_history_tells_whether_a_reply_was_sent(self) -> None:
        (only,) = rounds(item(2, "MERCHANT_RESPONSE"), state="REVIEWING")
        assert (only.replied, only.replied_at, only.completed) == (True, at(2), False)

    @pytest.mark.parametrize("word", sorted(COMPLETIONS))
    def test_each_completing_act_tells_when_the_round_ended(self, word: str) -> None:
        (only,) = rounds(item(1, "MERCHANT_RESPONSE"), item(9, word), state="PROCESSED")
        assert only.completed_at == at(9)

    def test_a_refund_that_arrived_tells_when_the_round_ended_if_nothing_else_does(self) -> None:
        arrival = item(4, "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE")
        assert rounds(arrival, state="PROCESSED")[0].completed_at == at(4)
        assert rounds(arrival, item(6, "MERCHANT_CONFIRM_COMPLETE"), state="PROCESSED")[0].completed_at == at(6)

    def test_a_continuation_starts_a_second_round_with_new_clocks(self) -> None:
        first, second = rounds(*TWO_ROUNDS, times=2)
        assert (first.replied_at, first.completed, first.completed_at) == (at(2), True, at(5))
        assert (second.number, second.started_at) == (2, at(30))
        assert (second.reply_due_at, second.complete_due_at) == (at(54), at(102))

    def test_the_answer_to_a_continuation_belongs_to_the_second_round(self) -> None:
        first, second = rounds(*TWO_ROUNDS, state="PROCESSING", times=2)
        assert (first.replied_at, second.replied_at) == (at(2), at(31))

    def test_clocks_that_do_not_restart_keep_the_deadlines_of_the_first_complaint(self) -> None:
        first, second = rounds(*TWO_ROUNDS, times=2, profile=NO_RESTART)
        assert second.started_at == at(30)
        assert (second.reply_due_at, second.complete_due_at) == (first.reply_due_at, first.complete_due_at)

    def test_the_system_message_of_a_continuation_does_not_count_twice(self) -> None:
        entries = (item(30, "USER_CONTINUE_COMPLAINT"), item(30.02, "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE"))
        assert not history_is_ahead(entries, 2)
        assert [r.started_at for r in rounds(*entries, times=2)] == [START, at(30)]

    def test_the_system_message_alone_starts_a_round(self) -> None:
        found = rounds(item(30, "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE"), times=2)
        assert [r.started_at for r in found] == [START, at(30)]

    def test_with_missing_history_the_last_known_continuation_starts_the_newest_round(self) -> None:
        found = rounds(item(30, "USER_CONTINUE_COMPLAINT"), times=3)
        assert [(r.number, r.started_at) for r in found] == [(1, START), (3, at(30))]

    def test_with_no_continuation_visible_the_newest_round_starts_at_the_complaint(self) -> None:
        found = rounds(item(2, "MERCHANT_RESPONSE"), item(5, "MERCHANT_CONFIRM_COMPLETE"), times=2)
        assert [(r.number, r.started_at, r.start_known) for r in found] == [(1, START, True), (2, START, False)]
        assert (found[0].replied_at, found[0].completed_at) == (at(2), at(5))
        assert not found[1].replied

    def test_a_continuation_the_detail_does_not_count_yet_waits_for_the_next_read(self) -> None:
        found = rounds(*TWO_ROUNDS, state="PROCESSED", times=1)
        assert [(r.number, r.completed_at) for r in found] == [(1, at(5))]
        assert history_is_ahead(TWO_ROUNDS, 1)
        assert not history_is_ahead(TWO_ROUNDS, 2)

    def test_a_completion_in_the_second_of_the_continuation_ended_the_round_before(self) -> None:
        first, second = rounds(
            item(5, "USER_CONTINUE_COMPLAINT"), item(5, "MERCHANT_CONFIRM_COMPLETE"), state="PROCESSED", times=2
        )
        assert (first.completed_at, second.completed_at) == (at(5), None)

    def test_a_count_below_one_is_read_as_one(self) -> None:
        assert [r.number for r in rounds(times=0)] == [1]

    def test_an_entry_whose_time_was_cut_to_the_second_before_the_complaint_still_counts(self) -> None:
        (only,) = rounds(item(-0.0001, "MERCHANT_RESPONSE"), state="PROCESSING")
        assert only.replied_at == at(-0.0001)


HISTORIES = st.lists(
    st.builds(
        HistoryItem,
        log_id=st.sampled_from([f"log-{n}" for n in range(12)]),
        operate_type=st.sampled_from([*sorted(OPERATION_ACTORS), "USER_CONTINUE_COMPLAINT", "SOMETHING_NEW"]),
        operate_time=st.integers(0, 400).map(lambda quarter: at(quarter / 4)),
    ),
    max_size=12,
)
STATES = st.sampled_from([*ComplaintState, "REVIEWING"])


class TestRoundsUnderAnyHistory:
    @given(history=HISTORIES, state=STATES, times=st.integers(0, 6), data=st.data())
    def test_any_order_and_duplication_of_the_history_gives_the_same_rounds(
        self, history: list[HistoryItem], state: str, times: int, data: st.DataObject
    ) -> None:
        repeated = history + (data.draw(st.lists(st.sampled_from(history))) if history else [])
        shuffled = data.draw(st.permutations(repeated))
        assert rounds(*shuffled, state=state, times=times) == rounds(*history, state=state, times=times)
        assert history_is_ahead(shuffled, times) == history_is_ahead(history, times)

    @given(history=HISTORIES, state=STATES, times=st.integers(0, 6))
    def test_the_last_round_has_the_platforms_number_and_its_state(
        self, history: list[HistoryItem], state: str, times: int
    ) -> None:
        found = rounds(*history, state=state, times=times)
        last = current_round(found)
        assert last.number == max(times, 1)
        assert last.completed == (state == "PROCESSED")
        if state == "PENDING":
            assert not last.replied
        assert all(r.completed and r.replied for r in found[:-1])

    @given(history=HISTORIES, state=STATES, times=st.integers(0, 6))
    def test_numbers_and_starts_rise_and_every_round_has_both_deadlines_ahead_of_its_start(
        self, history: list[HistoryItem], state: str, times: int
    ) -> None:
        found = rounds(*history, state=state, times=times)
        numbers = [r.number for r in found]
        assert numbers == sorted(set(numbers))
        assert numbers[0] == 1
        assert [r.started_at for r in found] == sorted(r.started_at for r in found)
        assert all(r.started_at < r.reply_due_at < r.complete_due_at for r in found)

    @given(history=HISTORIES, state=STATES, times=st.integers(0, 6))
    def test_times_read_from_the_history_lie_inside_their_round(
        self, history: list[HistoryItem], state: str, times: int
    ) -> None:
        for r in rounds(*history, state=state, times=times):
            known = [moment for moment in (r.replied_at, r.completed_at) if moment]
            assert all(r.started_at <= moment for moment in known)
            assert r.replied or r.replied_at is None
            assert r.completed or r.completed_at is None
