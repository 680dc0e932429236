"""The complaint platform's memory and its basic moves. No HTTP and no clock: every verb is told the time.

The verbs of each party are in payer_acts.py, merchant_acts.py, refunds.py and notify_urls.py.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from kesu.sandbox.agenda import Agenda
from kesu.sandbox.errors import no_authority, not_found
from kesu.sandbox.identity import Account, Identity
from kesu.sandbox.pictures import PictureStore
from kesu.sandbox.policy import Policy
from kesu.sandbox.state import Complaint, Entry, Order, Refund, State
from kesu.sandbox.virtual_clock import BEIJING

PAYER, MERCHANT, SYSTEM, SUPPORT = "投诉人", "商家", "系统", "平台客服"
TERMINAL_REFUNDS = ("CLOSED",)

Listener = Callable[[Complaint, Entry], None]


class Platform:
    """State plus the indexes that make it quick to ask. Listeners hear of every new history entry."""

    def __init__(self, state: State, identity: Identity, policy: Policy, *, seed: int, pictures: PictureStore) -> None:
        self.state = state
        self.identity = identity
        self.policy = policy
        self.pictures = pictures
        self.agenda = Agenda(state)
        self.random = Random(f"{seed}/{state.sequence}")  # noqa: S311 - a story, not a secret
        self.listeners: list[Listener] = []
        self._by_time: list[tuple[datetime, str]] = sorted(
            (complaint.complained_at, complaint.complaint_id) for complaint in state.complaints.values()
        )
        self._about = {c.transaction_id: c.complaint_id for c in state.complaints.values()}
        self._refunds_of: dict[str, list[Refund]] = {}
        for refund in state.refunds.values():
            self.index_refund(refund)

    # Numbers ------------------------------------------------------------------------------------------

    def number(self, prefix: str, now: datetime, digits: int = 12) -> str:
        """A number as the platform makes them: prefix, Beijing day, then digits that never come twice."""
        sequence = self.state.next_number()
        noise = digits - 7
        return f"{prefix}{now.astimezone(BEIJING):%Y%m%d}{sequence:07d}{self.random.randrange(10**noise):0{noise}d}"

    # Complaints ---------------------------------------------------------------------------------------

    def add_complaint(self, complaint: Complaint, order: Order) -> None:
        self.state.orders[order.transaction_id] = order
        self.state.complaints[complaint.complaint_id] = complaint
        self._about[order.transaction_id] = complaint.complaint_id
        insort(self._by_time, (complaint.complained_at, complaint.complaint_id))

    def record(
        self,
        complaint: Complaint,
        operator: str,
        operate_type: str,
        details: str | None = None,
        *,
        now: datetime,
        pictures: Iterable[str] = (),
        payer_pictures: Iterable[str] = (),
        **extra: Any,
    ) -> Entry:
        """Append one line to the negotiation history and tell the listeners."""
        entry = Entry(
            log_id=self.number("3002853", now),
            operator=operator,
            operate_type=operate_type,
            operated_at=whole_second(now),
            details=details,
            pictures=list(pictures),
            payer_pictures=list(payer_pictures),
            extra=extra,
        )
        complaint.history.append(entry)
        for listener in self.listeners:
            listener(complaint, entry)
        return entry

    def complaint(self, complaint_id: str) -> Complaint:
        """Raises PlatformError 404 RESOURCE_NOT_EXISTS."""
        try:
            return self.state.complaints[complaint_id]
        except KeyError:
            raise not_found("投诉单不存在") from None

    def complaint_of(self, account: Account, complaint_id: str, deed: str = "查询该投诉单") -> Complaint:
        """A complaint that this account may handle. Raises PlatformError 404, or 403 NO_AUTH (FAQ-25)."""
        complaint = self.complaint(complaint_id)
        if not account.speaks_for(complaint.mchid):
            raise no_authority(f"您暂无权限{deed}")
        return complaint

    def complaints_between(self, mchids: Iterable[str], first: date, last: date) -> list[Complaint]:
        """Raised on Beijing days first..last, newest first (the platform documents no order)."""
        wanted = set(mchids)
        begin = bisect_left(self._by_time, (_midnight(first), ""))
        end = bisect_left(self._by_time, (_midnight(last) + timedelta(days=1), ""))
        found = (self.state.complaints[complaint_id] for _, complaint_id in reversed(self._by_time[begin:end]))
        return [complaint for complaint in found if complaint.mchid in wanted]

    def newest_complaints(self, count: int) -> list[Complaint]:
        return [self.state.complaints[complaint_id] for _, complaint_id in reversed(self._by_time[-count:])]

    # Money --------------------------------------------------------------------------------------------

    def order_of(self, complaint: Complaint) -> Order:
        return self.state.orders[complaint.transaction_id]

    def index_refund(self, refund: Refund) -> None:
        self._refunds_of.setdefault(refund.transaction_id, []).append(refund)

    def refunds_of(self, transaction_id: str) -> list[Refund]:
        return self._refunds_of.get(transaction_id, [])

    def refunded(self, transaction_id: str) -> int:
        """Fen that have arrived at the payer."""
        return sum(refund.amount for refund in self.refunds_of(transaction_id) if refund.status == "SUCCESS")

    def refundable(self, order: Order) -> int:
        """Fen that may still be refunded: paid, minus whatever is refunded or on its way."""
        taken = sum(
            refund.amount for refund in self.refunds_of(order.transaction_id) if refund.status not in TERMINAL_REFUNDS
        )
        return order.amount - taken

    def is_fully_refunded(self, complaint: Complaint) -> bool:
        order = self.order_of(complaint)
        return self.refunded(order.transaction_id) >= order.amount

    def complaint_about(self, transaction_id: str) -> Complaint | None:
        """Complaint and order are 1:1 (FAQ-C Q10)."""
        complaint_id = self._about.get(transaction_id)
        return self.state.complaints[complaint_id] if complaint_id else None


def whole_second(moment: datetime) -> datetime:
    """The platform's history knows whole seconds."""
    return moment.replace(microsecond=0)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING)
