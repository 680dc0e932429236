"""What somebody is about to do. Amounts in fen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Jump:
    """A link or a mini program in a reply. Empty strings are missing parts."""

    url: str = ""
    text: str = ""
    appid: str = ""
    path: str = ""

    @property
    def is_mini_program(self) -> bool:
        return bool(self.appid or self.path)


@dataclass(frozen=True, slots=True)
class Reply:
    """回复用户, or 即时服务回复 when `immediate`. `pictures`: how many."""

    text: str
    pictures: int = 0
    jumps: tuple[Jump, ...] = ()
    immediate: bool = False


@dataclass(frozen=True, slots=True)
class Complete:
    """反馈处理完成."""


@dataclass(frozen=True, slots=True)
class ApproveRefund:
    """同意退款. `launch_refund_day`: working days until the refund is started, 0 is today."""

    launch_refund_day: int = 0
    remark: str = ""


@dataclass(frozen=True, slots=True)
class RejectRefund:
    """拒绝退款."""

    reason: str
    pictures: int = 0
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """申请退款 of `amount` fen of one order."""

    transaction_id: str
    amount: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResendRefund:
    """发起异常退款: send the stuck refund `out_refund_no` elsewhere. `to_payer`: to a bank card of the payer, else to
    the merchant's own bank account."""

    out_refund_no: str
    to_payer: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A word among colleagues."""

    text: str


@dataclass(frozen=True, slots=True)
class Assign:
    """`active`: the assignee may sign in; `may_see`: and may see this merchant's cases. `by`: who gives it; their own
    case they may give away."""

    to: str
    active: bool = True
    may_see: bool = True
    by: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """认领."""

    by: str


Act = Reply | Complete | ApproveRefund | RejectRefund | Refund | ResendRefund | Note | Assign | Claim
