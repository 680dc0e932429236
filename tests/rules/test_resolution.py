"""What shows that the payer is settled, and what does not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.rules.resolution import (
    OrderFact,
    RefundFact,
    RefundState,
    Settlement,
    SettlementKind,
    is_satisfied,
    settlements,
)
from kesu.rules.states import HistoryItem

START = datetime(2026, 3, 20, 6, tzinfo=UTC)


def item(hours: float, operate_type: str, details: str = "") -> HistoryItem:
    return HistoryItem(f"{operate_type}@{hours}", operate_type, START + timedelta(hours=hours), details)


def refund(state: RefundState, amount: int = 1_990, channel: str = "ORIGINAL") -> RefundFact:
    return RefundFact("R1", "T1", amount, state, START, channel)


def settled(
    *history: HistoryItem,
    refunded: int = 0,
    refunds: tuple[RefundFact, ...] = (),
    full_refunded: bool = False,
    agreed: tuple[str, ...] = (),
) -> dict[SettlementKind, tuple[str, ...]]:
    found = settlements(
        history,
        orders=(OrderFact("T1", 1_990, refunded),),
        refunds=refunds,
        full_refunded=full_refunded,
        agreed_log_ids=frozenset(agreed),
    )
    return {settlement.kind: settlement.evidence for settlement in found}


class TestMoney:
    def test_all_of_it_back_by_the_original_route_settles_and_names_the_refund(self) -> None:
        found = settled(refunded=1_990, refunds=(refund(RefundState.SUCCESS),))
        assert found == {SettlementKind.FULL_REFUND: ("R1",)}

    def test_the_platforms_own_word_settles_with_the_entry_that_says_it(self) -> None:
        found = settled(item(1, "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE"), full_refunded=True)
        assert found == {SettlementKind.FULL_REFUND: ("COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE@1",)}

    def test_a_refund_made_elsewhere_is_proved_by_the_order(self) -> None:
        assert settled(refunded=1_990) == {SettlementKind.FULL_REFUND: ("T1",)}
        assert settled(full_refunded=True) == {SettlementKind.FULL_REFUND: ("T1",)}

    @pytest.mark.parametrize("state", [RefundState.CREATED, RefundState.PROCESSING, RefundState.ABNORMAL])
    def test_a_full_refund_that_was_only_started_does_not(self, state: RefundState) -> None:
        assert settled(full_refunded=True, refunds=(refund(state),)) == {}

    def test_a_part_does_not(self) -> None:
        assert settled(refunded=1_989, refunds=(refund(RefundState.SUCCESS, 1_989),)) == {}

    def test_money_sent_to_another_card_is_not_the_original_route(self) -> None:
        assert settled(refunded=1_990, refunds=(refund(RefundState.SUCCESS, channel="OTHER_BANKCARD"),)) == {}

    def test_it_still_counts_when_the_payer_complains_again(self) -> None:
        found = settled(item(9, "USER_CONTINUE_COMPLAINT"), refunded=1_990, refunds=(refund(RefundState.SUCCESS),))
        assert SettlementKind.FULL_REFUND in found

    def test_no_order_proves_nothing(self) -> None:
        assert settlements((), orders=(), refunds=(), full_refunded=False) == ()


class TestWords:
    @pytest.mark.parametrize(
        ("entry", "kind"),
        [
            (item(5, "USER_REVOKE_COMPLAINT"), SettlementKind.WITHDRAWN),
            (item(5, "USER_COMFIRM_COMPLAINT"), SettlementKind.CONFIRMED),
            (item(5, "USER_SUBMIT_SATISFACTION", "满意"), SettlementKind.SATISFIED),
            (item(5, "USER_SUBMIT_SATISFACTION", "非常满意: 处理及时"), SettlementKind.SATISFIED),
        ],
    )
    def test_the_payers_own_signals_settle(self, entry: HistoryItem, kind: SettlementKind) -> None:
        assert settled(entry) == {kind: (entry.log_id,)}
        assert settled(entry, item(6, "USER_CONTINUE_COMPLAINT")) == {}, "until the payer complains again"

    @pytest.mark.parametrize(("details", "said"), [("不满意", False), ("满意", True), ("3", None), ("", None)])
    def test_a_rating_in_words_we_do_not_know_says_nothing(self, details: str, said: bool | None) -> None:
        assert is_satisfied(details) is said
        assert bool(settled(item(5, "USER_SUBMIT_SATISFACTION", details))) is bool(said)

    def test_a_later_rating_takes_an_earlier_one_back(self) -> None:
        assert settled(item(5, "USER_SUBMIT_SATISFACTION", "满意"), item(6, "USER_SUBMIT_SATISFACTION", "不满意")) == {}

    def test_a_message_marked_as_agreement_settles_as_the_last_word(self) -> None:
        yes = item(5, "USER_RESPONSE", "好的")
        assert settled(yes, agreed=(yes.log_id,)) == {SettlementKind.AGREED: (yes.log_id,)}
        assert settled(yes, item(6, "USER_RESPONSE", "还是不行"), agreed=(yes.log_id,)) == {}

    @pytest.mark.parametrize("kind", ["USER_RESPONSE", "USER_CANCEL_PLATFORM_SERVICE", "PLATFORM_SERVICE_FINISHED"])
    def test_other_words_do_not_settle(self, kind: str) -> None:
        assert settled(item(5, kind, "满意")) == {}


ENTRIES = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.sampled_from(
            ["USER_RESPONSE", "USER_CONTINUE_COMPLAINT", "USER_SUBMIT_SATISFACTION", "USER_REVOKE_COMPLAINT"]
        ),
    ).map(lambda pair: item(*pair, details="满意")),
    max_size=8,
    unique_by=lambda entry: entry.log_id,
)


@given(history=ENTRIES, data=st.data())
def test_any_order_of_the_history_gives_the_same_and_evidence_is_from_it(
    history: list[HistoryItem], data: st.DataObject
) -> None:
    agreed = tuple(entry.log_id for entry in history)
    found = settled(*history, agreed=agreed)
    assert settled(*data.draw(st.permutations(history)), agreed=agreed) == found
    assert {log_id for ids in found.values() for log_id in ids} <= set(agreed)
    assert all(isinstance(Settlement(kind, ids).evidence, tuple) and ids for kind, ids in found.items())
