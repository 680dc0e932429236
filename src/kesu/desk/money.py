"""The money of a case: what was paid, what went back, what is left, and the forms that move it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.functional import cached_property

from kesu.accounts import roles
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.commands import resending, wording
from kesu.commands.checks import Concern, look_at
from kesu.commands.models import Command, Refund, RefundRequest
from kesu.commands.payloads import TO_MERCHANT, TO_PAYER
from kesu.commands.resending import BANKS
from kesu.complaints.models import Complaint, Order
from kesu.desk.sheets import Given, Sheet, sheet
from kesu.rules.guards import CaseFacts, RefundTicket
from kesu.rules.resolution import OrderFact

DECIDED_FOR = timedelta(days=3)
MOST_DECIDED = 3
NEEDS_CARE = frozenset({Refund.State.ABNORMAL, Refund.State.CLOSED, Refund.State.REFUSED})


@dataclass(frozen=True)
class OrderShown:
    """``stuck``: fen of refunds that are abnormal. ``left`` is None while it is not known what was paid; ``sheet`` is
    the refund's form, None where there is nothing to refund or the person may not."""

    order: Order
    paid: int | None
    refunded: int
    under_way: int
    stuck: int
    left: int | None
    sheet: Sheet | None = None
    first: bool = False

    @property
    def is_part(self) -> bool:
        """Whether the form asks for less than all that is left."""
        return self.sheet is not None and self.left is not None and self.sheet.amount != self.left


@dataclass(frozen=True)
class RefundShown:
    """``to_card`` and ``to_merchant``: the forms that send it elsewhere, where it is stuck and the person may."""

    refund: Refund
    to_card: Sheet | None = None
    to_merchant: Sheet | None = None

    @property
    def state(self) -> str:
        return wording.refund_outcome(self.refund)

    @property
    def abnormal(self) -> bool:
        return self.refund.state == Refund.State.ABNORMAL

    @property
    def wrong(self) -> bool:
        return self.refund.state in NEEDS_CARE or self.refund.is_returned


@dataclass(frozen=True)
class RequestShown:
    """A refund that waits for a second person. ``may_decide``: this person may, and it is not their own request."""

    request: RefundRequest
    may_decide: bool
    own: bool
    sheet: Sheet | None = None


class Money:
    """Reads the refunds and the waiting requests once; the rest comes with ``facts``."""

    def __init__(self, user: User, complaint: Complaint, facts: CaseFacts, given: Given, now: datetime) -> None:
        self.user, self.complaint, self.facts, self.given, self.now = user, complaint, facts, given, now
        self.may = roles.permissions(user)

    @cached_property
    def refunds(self) -> list[RefundShown]:
        rows = self.complaint.refunds.select_related("command__actor").order_by("pk")
        return [self._shown(row) for row in rows]

    def _shown(self, row: Refund) -> RefundShown:
        if row.state != Refund.State.ABNORMAL or Permission.REFUND not in self.may:
            return RefundShown(row)
        return RefundShown(row, self._resend(row, "card", TO_PAYER), self._resend(row, "merchant", TO_MERCHANT))

    def _resend(self, row: Refund, to: str, type: str) -> Sheet:
        mine = {"refund": str(row.pk), "to": to}.items() <= self.given.values.items()
        given = self.given if mine and self.given.form == "resend" else Given()
        payload = {"out_refund_no": row.out_refund_no, "type": type}
        return self._sheet(f"resend-{to}", given, Command.Kind.RESEND_REFUND, payload, amount=row.amount)

    @property
    def banks(self) -> list[tuple[str, str]]:
        """Whose debit cards a stuck refund can be sent to: code and name."""
        return [(code, wording.bank(code)) for code in BANKS]

    @cached_property
    def requests(self) -> list[RequestShown]:
        return [self._request(row) for row in self._requests if row.state == RefundRequest.State.WAITING]

    @property
    def decided(self) -> list[RefundRequest]:
        """What was decided lately, the newest first: whoever asked is to see it."""
        return [row for row in reversed(self._requests) if row.state != RefundRequest.State.WAITING][:MOST_DECIDED]

    @cached_property
    def _requests(self) -> list[RefundRequest]:
        recent = Q(state=RefundRequest.State.WAITING) | Q(decided_at__gt=self.now - DECIDED_FOR)
        rows = RefundRequest.objects.filter(recent, complaint=self.complaint).defer("card")
        return list(rows.select_related("requested_by", "decided_by", "order", "resends").order_by("pk"))

    def _request(self, row: RefundRequest) -> RequestShown:
        own = row.requested_by_id == self.user.pk
        if own or Permission.SECOND_PAIR_OF_EYES not in self.may:
            return RequestShown(row, False, own)
        mine = self.given.form == "decide" and self.given.values.get("request") == str(row.pk)
        given = self.given if mine else Given(acknowledged=frozenset(row.acknowledged))
        payload: dict[str, Any] = {
            "transaction_id": row.order.transaction_id,
            "amount": row.amount,
            "reason": row.reason,
        }
        kind = Command.Kind.REFUND
        if row.approve_ticket:
            kind, payload = Command.Kind.APPROVE_REFUND, {**(row.approval or {}), "then_refund": payload}
        if row.resends is not None:
            kind, payload = Command.Kind.RESEND_REFUND, resending.payload_of(row.resends, row.resend_to)
        return RequestShown(row, True, own, self._sheet("decide", given, kind, payload, amount=row.amount))

    @cached_property
    def orders(self) -> list[OrderShown]:
        # The facts' orders stand in the order of the rows: both come from the same prefetched list.
        pairs = zip(self.complaint.orders.all(), self.facts.orders, strict=True)
        return [self._order(order, fact, first=index == 0) for index, (order, fact) in enumerate(pairs)]

    def _order(self, order: Order, fact: OrderFact, *, first: bool) -> OrderShown:
        left = self.facts.left_of(fact)
        running = self._sum(order, Refund.State.WANTED, Refund.State.PROCESSING)
        stuck = self._sum(order, Refund.State.ABNORMAL)
        form = self._refund(order, left) if left and Permission.REFUND in self.may else None
        return OrderShown(order, fact.paid, fact.refunded, running, stuck, left, form, first)

    def _sum(self, order: Order, *states: Refund.State) -> int:
        own = [shown.refund for shown in self.refunds if shown.refund.order_id == order.pk]
        return sum(refund.amount for refund in own if refund.state in states)

    def _refund(self, order: Order, left: int) -> Sheet:
        mine = self.given.form == "refund" and self.given.values.get("order") == str(order.pk)
        given = self.given if mine else Given()
        wanted = int(given.values.get("fen") or left)
        payload = {
            "transaction_id": order.transaction_id,
            "amount": wanted,
            "reason": given.values.get("reason", ""),
        }
        return self._sheet("refund", given, Command.Kind.REFUND, payload, amount=wanted)

    @property
    def ticket_open(self) -> bool:
        """Whether a refund request of the payer waits for an answer."""
        return self.facts.ticket is RefundTicket.AWAITING and self.complaint.open

    @cached_property
    def approve(self) -> Sheet | None:
        """The refund goes with it where there is exactly one order to refund and the person may."""
        if not self.ticket_open or Permission.DECIDE_REFUND not in self.may:
            return None
        given = self.given if self.given.form == "approve" else Given()
        payload: dict[str, Any] = {"launch_refund_day": 0, "remark": given.values.get("remark", "")}
        amount = self._asked()
        if amount:
            order = self.orders[0].order
            payload["then_refund"] = {"transaction_id": order.transaction_id, "amount": amount, "reason": ""}
        return self._sheet("approve", given, Command.Kind.APPROVE_REFUND, payload, amount=amount)

    @cached_property
    def reject(self) -> Sheet | None:
        if not self.ticket_open or Permission.DECIDE_REFUND not in self.may:
            return None
        given = self.given if self.given.form == "reject" else Given()
        payload = {"text": given.text, "remark": "", "pictures": list(given.pictures)}
        return self._sheet(
            "reject", given, Command.Kind.REJECT_REFUND, payload, without="" if given.text else "reject_reason_missing"
        )

    def _asked(self) -> int:
        """What an approval refunds, fen: what the payer asks for, else all that is left."""
        if len(self.orders) != 1 or Permission.REFUND not in self.may or not self.orders[0].left:
            return 0
        return self.complaint.apply_refund_amount or self.orders[0].left

    def _sheet(
        self,
        name: str,
        given: Given,
        kind: Command.Kind,
        payload: dict[str, Any],
        *,
        amount: int = 0,
        without: str = "",
    ) -> Sheet:
        concerns: tuple[Concern, ...] = look_at(self.facts, self.complaint, kind, payload, now=self.now)
        return sheet(
            name,
            given,
            [concern for concern in concerns if concern.code != without],
            text=payload.get("text", ""),
            may_override=Permission.OVERRIDE in self.may,
            amount=amount,
            limit=self.limit,
        )

    @cached_property
    def limit(self) -> int | None:
        """Fen that this person may refund alone, None for any; the verb counts their earlier refunds of the case."""
        return roles.refund_limit(self.user)
