"""What payers do, and what the platform's own staff do. None of it is the merchant's.

States: PENDING -first reply-> PROCESSING -complete-> PROCESSED -continue-> PENDING (A.14 of the pages
回复用户 and 反馈处理完成). Raises ScriptError 409 when the complaint is not in a fitting state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kesu.sandbox import shops
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.platform import PAYER, SUPPORT, SYSTEM, Platform, whole_second
from kesu.sandbox.state import Complaint, Order

SATISFIED, DISSATISFIED = "满意", "不满意"


@dataclass
class Wish:
    """What the payer wants to complain about; whatever is None is made up. `amount`: fen."""

    mchid: str
    amount: int | None = None
    detail: str | None = None
    problem_type: str | None = None
    user_tag_list: list[str] = field(default_factory=list)
    need_immediate_service: bool = False
    pictures: int | None = None
    phone: str | None = None
    temperament: str | None = None


def open_complaint(platform: Platform, wish: Wish, *, now: datetime) -> Complaint:
    """A payer files a complaint about a new order. `now` may lie in the past, to fill a history."""
    random, now = platform.random, whole_second(now)
    shop = shops.shop_of(platform.identity.shops, wish.mchid)
    problem = wish.problem_type or shop.some_problem(random)
    order = Order(
        transaction_id=platform.number("42000", now, 15),
        out_trade_no=platform.number("KS", now),
        mchid=wish.mchid,
        amount=wish.amount if wish.amount is not None else shop.some_amount(random),
        paid_at=now - timedelta(seconds=random.randrange(600, 6 * 86400)),
        openid=f"oSandbox{platform.state.next_number():08d}{random.randrange(16**12):012x}",
    )
    complaint = Complaint(
        complaint_id=platform.number("2002018", now),
        mchid=wish.mchid,
        transaction_id=order.transaction_id,
        complained_at=now,
        detail=wish.detail if wish.detail is not None else shop.some_detail(random, problem),
        problem_type=problem,
        problem_description=shops.PROBLEMS[problem],
        apply_refund_amount=order.amount if problem == "REFUND" else None,
        tags=list(wish.user_tag_list),
        need_immediate_service=wish.need_immediate_service,
        phone=wish.phone if wish.phone is not None else shops.some_phone(random),
        temperament=wish.temperament,
    )
    count = wish.pictures if wish.pictures is not None else random.choices((0, 1, 2, 3), (6, 2, 1, 1))[0]
    complaint.pictures = [f"{complaint.complaint_id}-{n}" for n in range(count)]
    platform.add_complaint(complaint, order)
    platform.record(
        complaint,
        PAYER,
        "USER_CREATE_COMPLAINT",
        complaint.detail,
        now=now,
        payer_pictures=complaint.pictures,
    )
    platform.record(complaint, SYSTEM, "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE", "投诉已提交, 等待商家处理", now=now)
    return complaint


def message(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """The payer writes; there is then a message awaiting the merchant's answer."""
    _require_open(complaint, "write a message; after completion a payer can only continue")
    complaint.incoming_user_response = True
    platform.record(complaint, PAYER, "USER_RESPONSE", text, now=now)


def continue_complaint(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """继续投诉: PROCESSED -> PENDING, one more time, and a new round with its own survey and refund decision."""
    if complaint.state != "PROCESSED":
        raise ScriptError(f"the complaint is {complaint.state}; only a PROCESSED one can be continued", status=409)
    complaint.state = "PENDING"
    complaint.times += 1
    complaint.incoming_user_response = True
    complaint.round_refund_decision = None
    complaint.round_rated = False
    platform.record(complaint, PAYER, "USER_CONTINUE_COMPLAINT", text, now=now)
    platform.record(
        complaint,
        SYSTEM,
        "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE",
        f"用户第{complaint.times}次投诉",
        now=now,
    )


def rate(platform: Platform, complaint: Complaint, verdict: str, text: str | None, *, now: datetime) -> None:
    """Answer the survey that follows a completion, once a round. `verdict`: 满意 or 不满意."""
    if complaint.state != "PROCESSED":
        raise ScriptError(f"the complaint is {complaint.state}; the survey comes when it is PROCESSED", status=409)
    if complaint.round_rated:
        raise ScriptError("the survey of this round is already answered", status=409)
    complaint.round_rated = True
    details = f"{verdict}: {text}" if text else verdict
    platform.record(complaint, PAYER, "USER_SUBMIT_SATISFACTION", details, now=now)


def apply_platform_service(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """平台协助: the payer asks the platform to step in."""
    _require_open(complaint, "ask for the platform's help")
    if complaint.in_platform_service:
        raise ScriptError("the platform is helping already", status=409)
    complaint.in_platform_service = True
    platform.record(
        complaint,
        PAYER,
        "USER_APPLY_PLATFORM_SERVICE",
        text,
        now=now,
        user_appy_platform_service_reason="商家未处理",
        user_appy_platform_service_reason_description=text,
    )


def cancel_platform_service(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    _require_platform_service(complaint)
    complaint.in_platform_service = False
    platform.record(complaint, PAYER, "USER_CANCEL_PLATFORM_SERVICE", text, now=now)


def finish_platform_service(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """The platform's staff ends its help."""
    _require_platform_service(complaint)
    complaint.in_platform_service = False
    platform.record(complaint, SUPPORT, "PLATFORM_SERVICE_FINISHED", text, now=now)


def platform_message(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """The platform's staff writes into the case."""
    platform.record(complaint, SUPPORT, "PLATFORM_RESPONSE", text, now=now)


def platform_urge(platform: Platform, complaint: Complaint, text: str, *, now: datetime) -> None:
    """平台催办."""
    _require_open(complaint, "be urged by the platform")
    platform.record(complaint, SUPPORT, "PLATFORM_HELP_APPLICATION", text, now=now)


def _require_open(complaint: Complaint, deed: str) -> None:
    if complaint.state == "PROCESSED":
        raise ScriptError(f"the complaint is PROCESSED: nobody can {deed}", status=409)


def _require_platform_service(complaint: Complaint) -> None:
    if not complaint.in_platform_service:
        raise ScriptError("the platform is not helping in this complaint", status=409)
