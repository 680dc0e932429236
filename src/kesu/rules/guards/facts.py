"""What a guard may look at: the case as read a moment ago."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES, DeadlineProfile
from kesu.rules.guards.codes import Verb
from kesu.rules.operations import CONTINUATIONS, MERCHANT_REPLIES, PAYER_MESSAGES
from kesu.rules.rates import CaseRecord, Rate
from kesu.rules.resolution import ASTRAY, ON_ITS_WAY, OrderFact, RefundFact, RefundState, Settlement, settlements
from kesu.rules.states import HistoryItem, Round, current_round

COMPLETED_BY_US = frozenset({"MERCHANT_CONFIRM_COMPLETE", "MERCHANT_REFUSE_RERUND"})
PAYER_WORDS = PAYER_MESSAGES | CONTINUATIONS | {"USER_CREATE_COMPLAINT"}
"""Whatever the payer said, the complaint itself included: it is to be read before the case is closed."""

MERCHANT_MOVES = MERCHANT_REPLIES | {
    "MERCHANT_APPROVE_REFUND",
    "COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE",
    "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE",
    "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE",
    "SERVICE_ORDER_CANCEL",
    "SERVICE_ORDER_COMPLETE",
}
"""What changes something for the payer; a completion does not."""


class RefundTicket(StrEnum):
    """How a complaint of `problem_type` REFUND (极速退款) stands; NONE for all others."""

    NONE = "none"
    AWAITING = "awaiting"
    APPROVED = "approved"
    REJECTED = "rejected"


class CommandState(StrEnum):
    PLANNED = "planned"
    SENDING = "sending"
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    FAILED = "failed"


UNFINISHED = frozenset({CommandState.PLANNED, CommandState.SENDING, CommandState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class CommandFact:
    """Another command about this complaint, never the one being judged."""

    verb: Verb
    state: CommandState
    at: datetime


@dataclass(frozen=True, slots=True)
class GuardProfile:
    """The bounds that guards apply. Lengths are in code points but for `refund_reason_bytes` (UTF-8).

    Sources: 回复用户 (200 characters for merchants, 500 on the newest page for providers; 4 pictures; a link's text
    10), 更新退款审批结果 (200), 申请退款 (reason 80 bytes, one year, 50 partial refunds a minute apart).
    `most_completions` is what merchants report; `fresh_for`, `immediate_within` are our own, the platform says only
    that such a payer should be served at once. `complete_from_pending`: no page says whether it is accepted.
    """

    reply_limit: int = 200
    most_pictures: int = 4
    link_text_limit: int = 10
    reject_reason_limit: int = 200
    remark_limit: int = 200
    refund_reason_bytes: int = 80
    fresh_for: timedelta = timedelta(seconds=60)
    immediate_within: timedelta = timedelta(minutes=10)
    most_completions: int = 3
    complete_from_pending: bool = False
    refundable_for: timedelta = timedelta(days=365)
    most_refunds: int = 50
    between_refunds: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What the platform lets this account do. `jumps_allowed`: links and mini programs, by 灰度 only."""

    jumps_allowed: bool = False
    refunds_forbidden: bool = False  # 关闭退款


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """A case as a fresh read of the platform and our own journal show it.

    Instants are aware, money is fen. `rounds` come from `states.derive_rounds`, oldest first, at least one.
    `opened_at`: the `read_at` of the newest picture of the case that a member of staff opened; when it was opened
    would not do, since a message may arrive late. `agreed_log_ids`: messages of the payer that a person marked as
    agreement. `completions`: see `completions_in`. `timely`, `repeat`: the rates now, None where not
    counted. `requested_fen`: refunds that wait for a second person. `in_campaign`: part of a suspected organised
    attack. `claimed_by` is a name for the sentence only.
    """

    read_at: datetime
    state: str
    complaint_time: datetime
    rounds: tuple[Round, ...]
    history: tuple[HistoryItem, ...] = ()
    user_complaint_times: int = 1
    problem_type: str = "OTHERS"
    ticket: RefundTicket = RefundTicket.NONE
    need_immediate_service: bool = False
    in_platform_service: bool = False
    incoming_user_response: bool = False
    full_refunded: bool = False
    apply_refund_amount: int | None = None
    orders: tuple[OrderFact, ...] = ()
    refunds: tuple[RefundFact, ...] = ()
    requested_fen: int = 0
    user_tags: frozenset[str] = frozenset()
    completions: int = 0
    opened_at: datetime | None = None
    agreed_log_ids: frozenset[str] = frozenset()
    commands: tuple[CommandFact, ...] = ()
    claimed_by: str = ""
    in_campaign: bool = False
    deadlines: DeadlineProfile = PROFILES[DEFAULT_PROFILE]
    restrictions: Restrictions = Restrictions()
    profile: GuardProfile = GuardProfile()
    timely: Rate | None = None
    repeat: Rate | None = None

    @property
    def current(self) -> Round:
        return current_round(self.rounds)

    @property
    def replied_in_round(self) -> bool:
        """A reply the payer can read, in this round. Where its start is not visible the platform's state decides."""
        return self.current.replied and (self.current.replied_at is not None or not self.current.start_known)

    @property
    def last_words_at(self) -> datetime:
        """When the payer last said anything; the complaint itself at least."""
        return max(self.complaint_time, self._last(PAYER_WORDS) or self.complaint_time)

    @property
    def unread(self) -> bool:
        return self.opened_at is None or self.last_words_at >= self.opened_at

    @property
    def unanswered(self) -> bool:
        """The platform's flag, or a message with no later reply. One of the same second is no later one."""
        said, replied = self._last(PAYER_MESSAGES), self._last(MERCHANT_REPLIES)
        return self.incoming_user_response or (said is not None and (replied is None or said >= replied))

    @property
    def refunds_on_their_way(self) -> tuple[RefundFact, ...]:
        return tuple(refund for refund in self.refunds if refund.state in ON_ITS_WAY)

    @property
    def settlements(self) -> tuple[Settlement, ...]:
        return settlements(
            self.history,
            orders=self.orders,
            refunds=self.refunds,
            full_refunded=self.full_refunded,
            agreed_log_ids=self.agreed_log_ids,
        )

    @property
    def record(self) -> CaseRecord:
        first = self.rounds[0]
        return CaseRecord(
            self.complaint_time, first.completed_at, first.completed, times=max(1, self.user_complaint_times)
        )

    def moved_since(self, instant: datetime) -> bool:
        """Whether the merchant did anything for the payer after `instant`."""
        told = self._last(MERCHANT_MOVES)
        return (told is not None and told > instant) or any(
            refund.created_at > instant and refund.state is not RefundState.CLOSED for refund in self.refunds
        )

    def left_of(self, order: OrderFact) -> int | None:
        """Fen that may still be refunded of `order`: paid, less what arrived, less what is on its way or stuck.

        None while it is not known what was paid.
        """
        if order.paid is None:
            return None
        own = [refund for refund in self.refunds if refund.transaction_id == order.transaction_id]
        arrived = sum(refund.amount for refund in own if refund.state is RefundState.SUCCESS)
        held = sum(refund.amount for refund in own if refund.state in ON_ITS_WAY | ASTRAY)
        return max(0, order.paid - max(order.refunded, arrived) - held)

    @property
    def nothing_left(self) -> bool:
        """Everything paid went back, is on its way or stuck: a full refund is no advice any more."""
        return self.full_refunded or (bool(self.orders) and all(self.left_of(order) == 0 for order in self.orders))

    def _last(self, kinds: frozenset[str]) -> datetime | None:
        return max((entry.operate_time for entry in self.history if entry.operate_type in kinds), default=None)


def completions_in(history: Iterable[HistoryItem]) -> int:
    """How often the merchant finished the case, refused refunds included. Source: 查询投诉单协商历史."""
    return len({entry.log_id for entry in history if entry.operate_type in COMPLETED_BY_US})


def refund_ticket(problem_type: str, history: Iterable[HistoryItem], current: Round) -> RefundTicket:
    """How the ticket stands in the current round. That a new round asks anew is an assumption."""
    if problem_type != "REFUND":
        return RefundTicket.NONE
    decisions = {
        "MERCHANT_APPROVE_REFUND": RefundTicket.APPROVED,
        "MERCHANT_REFUSE_RERUND": RefundTicket.REJECTED,
    }
    made = [e for e in history if e.operate_type in decisions and e.operate_time >= current.started_at]
    newest = max(made, key=lambda entry: (entry.operate_time, entry.log_id), default=None)
    return decisions[newest.operate_type] if newest else RefundTicket.AWAITING
