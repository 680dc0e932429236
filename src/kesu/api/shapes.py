"""What goes in and comes out. Times are ISO 8601 in UTC, money is fen; unknown fields of input are refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from kesu.commands.immediate import Blocks, Sender
from kesu.wechatpay.blocks import AppId, Data, HttpsUrl, Page, whole

Whole = BeforeValidator(whole)
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00]*\S[^\x00]*$")]
Short = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[a-z_.]+$")]
Mark = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
LinkWords = Annotated[str, StringConstraints(min_length=1, max_length=10, pattern=r"^[^\x00]*\S[^\x00]*$")]
Fen = Annotated[int, Field(ge=1, le=10**12), Whole]
Number = Annotated[int, Field(ge=1, le=2**62), Whole]


class Input(Schema):
    model_config = ConfigDict(extra="forbid", strict=True)


class Confirming(Input):
    """Warnings that the caller accepts, by code."""

    acknowledged: Annotated[list[Code], Field(max_length=50)] = []


class Accepting(Confirming):
    """What the caller has read and accepts. ``seen`` is the mark of the case as it was read; ``key`` acts once."""

    override_reason: Short = ""
    seen: Mark | None = None
    key: Key | None = None


class LinkIn(Input):
    url: HttpsUrl
    text: LinkWords


class MiniProgramIn(Input):
    appid: AppId
    path: Page
    text: LinkWords


class ReplyIn(Accepting):
    """``jump`` and ``mini_program`` are for accounts that the platform allows them."""

    text: Text
    pictures: Annotated[list[Number], Field(max_length=4)] = []
    jump: LinkIn | None = None
    mini_program: MiniProgramIn | None = None


class BlocksIn(Accepting):
    """The platform's blocks; a picture is ``{"type": "IMAGE", "media_index": 0}``, its place among ``pictures``."""

    blocks: Blocks
    pictures: Annotated[list[Number], Field(max_length=4)] = []
    sender_identity: Sender = "MANUAL"
    custom_data: Data | None = None


class ApproveIn(Accepting):
    launch_refund_day: Annotated[int, Field(ge=0, le=365), Whole] = 0
    remark: Short = ""
    with_refund: bool = True
    amount: Fen | None = None


class RejectIn(Accepting):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*\S[^\x00]*$")]
    remark: Short = ""
    pictures: Annotated[list[Number], Field(max_length=4)] = []


class RefundIn(Accepting):
    amount: Fen | None = None
    transaction_id: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z]*$")] = ""
    reason: Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00]*$")] = ""


class ResendIn(Accepting):
    """``bank_type``, ``bank_account`` and ``real_name`` belong to USER_BANK_CARD alone. They come back in no answer."""

    out_refund_no: Annotated[str, StringConstraints(max_length=64, pattern=r"^[0-9A-Za-z_|*@-]*$")] = ""
    type: Literal["USER_BANK_CARD", "MERCHANT_BANK_CARD"]
    bank_type: Annotated[str, StringConstraints(max_length=16, pattern=r"^[A-Z_]*$")] = ""
    bank_account: Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9 -]*$")] = ""
    real_name: Annotated[str, StringConstraints(max_length=60, pattern=r"^[^\x00]*$")] = ""


class NoteIn(Confirming):
    text: Text


class AssignIn(Confirming):
    username: Annotated[str, StringConstraints(min_length=1, max_length=150, pattern=r"^[\w.@+-]+$")]


class DecisionIn(Accepting):
    grant: bool
    note: Short = ""


class LintIn(Input):
    """``blocks`` are those of an immediate-service reply; ``text`` is not looked at then."""

    text: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    verb: Literal["reply", "immediate_reply", "reject"] = "reply"
    pictures: Annotated[list[Number], Field(max_length=4)] = []
    jump: LinkIn | None = None
    mini_program: MiniProgramIn | None = None
    blocks: Blocks | None = None


class OrderOut(Schema):
    transaction_id: str
    out_trade_no: str
    amount: int | None
    paid_at: datetime | None


class RoundOut(Schema):
    number: int
    started_at: datetime
    replied: bool
    replied_at: datetime | None
    completed_at: datetime | None
    reply_due_at: datetime
    complete_due_at: datetime


class ComplaintOut(Schema):
    complaint_id: str
    account_mchid: str
    complainted_mchid: str
    state: str
    open: bool
    complaint_time: datetime
    detail: str
    problem_type: str
    problem_description: str
    amount: int | None
    apply_refund_amount: int | None
    user_complaint_times: int
    user_tags: list[str]
    full_refunded: bool
    incoming_user_response: bool
    in_platform_service: bool
    need_immediate_service: bool
    payer_phone_tail: str
    round_number: int
    replied: bool
    reply_due_at: datetime
    complete_due_at: datetime
    next_due_at: datetime | None
    claimed_by: str | None
    first_seen_at: datetime


class EntryOut(Schema):
    log_id: str
    operate_type: str
    operate_time: datetime
    operator: str
    details: str


class RefundOut(Schema):
    out_refund_no: str
    transaction_id: str
    amount: int
    total: int
    state: str
    created_at: datetime
    arrived_at: datetime | None
    resent_to: str
    resent_at: datetime | None


class PictureOfPayerOut(Schema):
    """``log_id`` is the entry of the timeline that shows it, empty for the complaint itself. To be had at
    ``/pictures/{id}`` once ``state`` is stored."""

    id: int
    log_id: str
    state: str


class PhoneOut(Schema):
    phone: str


class NoteOut(Schema):
    id: int
    author: str
    text: str
    created_at: datetime


class CaseOut(ComplaintOut):
    """``seen`` goes back with a verb: whoever acts on an older picture is told what changed. ``agreed``: the entries
    of the timeline that are marked as the payer's agreement."""

    seen: str
    orders: list[OrderOut]
    rounds: list[RoundOut]
    timeline: list[EntryOut]
    refunds: list[RefundOut]
    notes: list[NoteOut]
    pictures: list[PictureOfPayerOut]
    agreed: list[str]


class ComplaintPage(Schema):
    items: list[ComplaintOut]
    next: str | None


class ConcernOut(Schema):
    code: str
    level: Literal["block", "confirm", "info"]
    message: str
    rule: str
    better: str
    overridable: bool
    start: int | None = None
    end: int | None = None
    suggestion: str | None = None
    picture: int | None = Field(None, description="the id of the picture that it is about")


class SettleIn(Input):
    """``reason``: how it is known, at most 300 characters; it is recorded."""

    carried_out: bool
    reason: str = Field(min_length=1, max_length=300)


class CommandOut(Schema):
    id: int
    complaint_id: str
    kind: str
    state: str
    message: str
    failure: str
    error_code: str
    error: str
    request_id: str
    planned_at: datetime
    settled_at: datetime | None
    by: str


class RequestOut(Schema):
    id: int
    complaint_id: str
    transaction_id: str
    amount: int
    reason: str
    resends: str | None = Field(None, description="out_refund_no of the stuck refund to send elsewhere")
    resend_to: str = ""
    state: str
    requested_by: str
    requested_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    note: str = Field("", description="what was said with the decision")
    command: int | None


class DoneOut(Schema):
    """``command`` is followed at ``/commands/{id}``; ``request`` waits for a second person."""

    command: CommandOut | None = None
    request: RequestOut | None = None


class PictureOut(Schema):
    id: int
    content_type: str
    sha256: str


class RateOut(Schema):
    name: str
    numerator: int
    denominator: int
    basis_points: int | None
    limit: int | None
    sample_suffices: bool
    within_limit: bool | None
    affordable: int | None
    first_day: str
    last_day: str


class RatesOut(Schema):
    mchid: str
    timely: RateOut
    repeat: RateOut


class FilledOut(Schema):
    id: int
    name: str
    text: str


class PersonOut(Schema):
    id: int
    username: str
    display_name: str
    role: str
    active: bool


class AccountOut(Schema):
    """``state``: off, unwatched (nobody looked yet), failed, warning or good, as of ``looked_at``."""

    mchid: str
    name: str
    role: str
    enabled: bool
    reply_limit: int
    deadline_profile: str
    state: str
    callback_registered: bool
    looked_at: datetime | None


class AuditOut(Schema):
    sequence: int
    at: datetime
    username: str
    via: str
    address: str
    action: str
    subject: str
    details: dict[str, Any]


class AuditPage(Schema):
    items: list[AuditOut]
    next: str | None


class DeliveryOut(Schema):
    """``complaint_id`` is null for what is about no complaint: tests, reports, digests. ``may_have_arrived``: a try had
    no answer."""

    id: int
    complaint_id: str | None
    channel: str
    kind: str
    state: str
    error: str
    may_have_arrived: bool
    created_at: datetime
    attempts: int


class DeliveryPage(Schema):
    items: list[DeliveryOut]
    next: str | None


class ProblemOut(Schema):
    """RFC 9457. More members may stand beside these: ``concerns``, ``commands``, ``errors``."""

    type: str
    title: str
    status: int
    code: str
    detail: str
