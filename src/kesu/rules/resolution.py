"""Is the payer settled? What shows it, each with the ids that prove it.

Settled means: refunded in full by the original route, or the payer withdrew, or agreed and did not complain again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kesu.rules.operations import PAYER_MESSAGES
from kesu.rules.states import HistoryItem, latest_continuation

FULL_REFUND_ENTRIES = frozenset({"COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE", "COMPLAINT_FULL_REFUNDED"})
"""They say that a full refund was started, not that it arrived (投诉通知回调, SELLER_REFUND)."""

ORIGINAL_ROUTE = "ORIGINAL"
"""`channel` of a refund, 申请退款 https://pay.weixin.qq.com/doc/v3/partner/4013163605."""


class RefundState(StrEnum):
    """`status` of a refund; CREATED: written down here, the platform's answer still to come; RETURNED: a stuck one that
    was sent to the merchant's own account (发起异常退款), so that the payer got nothing by it."""

    CREATED = "CREATED"
    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    RETURNED = "RETURNED"


ON_ITS_WAY = frozenset({RefundState.CREATED, RefundState.PROCESSING})
ASTRAY = frozenset({RefundState.ABNORMAL, RefundState.RETURNED})
"""Neither with the payer nor free to be refunded again."""


@dataclass(frozen=True, slots=True)
class RefundFact:
    """A refund. `amount` in fen. `channel` is empty while the platform has not said where the money went."""

    out_refund_no: str
    transaction_id: str
    amount: int
    state: RefundState
    created_at: datetime
    channel: str = ""


@dataclass(frozen=True, slots=True)
class OrderFact:
    """An order complained about, fen. `refunded`: what has arrived of it, refunds made elsewhere included.

    `paid` and `paid_at` are None while the platform was not asked. `refund_count` and `last_refund_at`: all refunds
    of it that the platform accepted.
    """

    transaction_id: str
    paid: int | None
    refunded: int = 0
    paid_at: datetime | None = None
    refund_count: int = 0
    last_refund_at: datetime | None = None


class SettlementKind(StrEnum):
    FULL_REFUND = "full_refund"
    WITHDRAWN = "withdrawn"
    CONFIRMED = "confirmed"
    SATISFIED = "satisfied"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class Settlement:
    """One reason to call the payer settled. `evidence`: `log_id`s of the history and `out_refund_no`s;
    for a full refund that neither tells of, the orders' `transaction_id`s."""

    kind: SettlementKind
    evidence: tuple[str, ...]


WORDS_OF_THE_PAYER = {
    "USER_REVOKE_COMPLAINT": SettlementKind.WITHDRAWN,
    "USER_COMFIRM_COMPLAINT": SettlementKind.CONFIRMED,
}
"""Both stand in old complaints only (查询投诉单协商历史); newer ones show agreement by satisfaction or in words."""


def settlements(
    history: Iterable[HistoryItem],
    *,
    orders: Sequence[OrderFact],
    refunds: Sequence[RefundFact],
    full_refunded: bool,
    agreed_log_ids: frozenset[str] = frozenset(),
) -> tuple[Settlement, ...]:
    """What shows that the payer is settled; empty when nothing does.

    `full_refunded` is the platform's `complaint_full_refunded`. `agreed_log_ids`: messages of the payer that a person
    marked as agreement; they count only as the payer's last message. Whatever the payer said before complaining
    again no longer counts; a refund does, since the money is there. Any order of `history` gives the same.
    """
    entries = sorted(history, key=lambda entry: (entry.operate_time, entry.log_id))
    found = [_full_refund(entries, orders, refunds, full_refunded)]
    again = latest_continuation(entries)
    since = [entry for entry in entries if again is None or entry.operate_time > again.operate_time]
    found += [Settlement(kind, ids) for kind, ids in _words(since).items()]
    found += [_satisfaction(since), _agreement(since, agreed_log_ids)]
    return tuple(settlement for settlement in found if settlement is not None)


def is_satisfied(details: str) -> bool | None:
    """What a USER_SUBMIT_SATISFACTION says: content, not content, or None when its words are not known.

    The page says only that `operate_details` holds the rating; 满意 and 不满意 are an assumption.
    """
    if "不满意" in details:
        return False
    return True if "满意" in details else None


def refunded_in_full(orders: Sequence[OrderFact]) -> bool:
    """Whether everything paid has arrived back with the payer, as far as the orders tell."""
    return bool(orders) and all(order.paid is not None and order.refunded >= order.paid for order in orders)


def _full_refund(
    entries: Sequence[HistoryItem], orders: Sequence[OrderFact], refunds: Sequence[RefundFact], full_refunded: bool
) -> Settlement | None:
    if not (full_refunded or refunded_in_full(orders)):
        return None
    if any(refund.state in ON_ITS_WAY | ASTRAY for refund in refunds):
        return None
    arrived = [refund for refund in refunds if refund.state is RefundState.SUCCESS]
    if any(refund.channel not in ("", ORIGINAL_ROUTE) for refund in arrived):
        return None
    told = [entry.log_id for entry in entries if entry.operate_type in FULL_REFUND_ENTRIES]
    numbers = sorted(refund.out_refund_no for refund in arrived)
    return Settlement(SettlementKind.FULL_REFUND, (*told, *numbers) or tuple(o.transaction_id for o in orders))


def _words(entries: Sequence[HistoryItem]) -> dict[SettlementKind, tuple[str, ...]]:
    found: dict[SettlementKind, tuple[str, ...]] = {}
    for entry in entries:
        kind = WORDS_OF_THE_PAYER.get(entry.operate_type)
        if kind is not None:
            found[kind] = (*found.get(kind, ()), entry.log_id)
    return found


def _satisfaction(entries: Sequence[HistoryItem]) -> Settlement | None:
    """Only the newest rating counts: a later one takes an earlier one back."""
    ratings = [entry for entry in entries if entry.operate_type == "USER_SUBMIT_SATISFACTION"]
    if ratings and is_satisfied(ratings[-1].operate_details):
        return Settlement(SettlementKind.SATISFIED, (ratings[-1].log_id,))
    return None


def _agreement(entries: Sequence[HistoryItem], agreed_log_ids: frozenset[str]) -> Settlement | None:
    said = [entry for entry in entries if entry.operate_type in PAYER_MESSAGES]
    if said and said[-1].log_id in agreed_log_ids:
        return Settlement(SettlementKind.AGREED, (said[-1].log_id,))
    return None
