"""What the platform's answers hold. Amounts are integer fen, times aware UTC, enum values plain strings
(new values must not break anything), field names those of the wire, misspellings included.

Sources: 查询投诉单列表 https://pay.weixin.qq.com/doc/v3/merchant/4012533431, 查询投诉单详情 4012533436,
查询投诉单协商历史 4012533439, 查询单笔退款 and 查询订单 of the same site.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from kesu.wechatpay.keys import Certificate
from kesu.wechatpay.lenient import (
    Flag,
    ListOf,
    MaybeFlag,
    MaybeInteger,
    MaybeObject,
    MaybeText,
    Moment,
    Objects,
    OneOf,
    Resource,
    Text,
    Texts,
    to_integer,
    to_text,
)
from kesu.wechatpay.wire import compact_moment, moment


class ComplaintOrder(Resource):
    """A paid order under complaint. amount: fen."""

    transaction_id: Text = ""
    out_trade_no: Text = ""
    amount: MaybeInteger = None


class ServiceOrder(Resource):
    """A 支付分 order under complaint. `state` is as of the complaint and is never refreshed."""

    order_id: Text = ""
    out_order_no: Text = ""
    state: Text = ""


class MediaItem(Resource):
    """media_type: `USER_COMPLAINT_IMAGE`, `OPERATION_IMAGE`, ... media_url: to be fetched with
    `Client.download_image`; a URL lives for an hour."""

    media_type: Text = ""
    media_url: Texts = Field(default_factory=list)


class Complaint(Resource):
    """A complaint, from the list or the detail. Only `complaint_id` cannot be missing.

    complaint_state: `PENDING`, `PROCESSING`, `PROCESSED`. payer_phone: sealed to the merchant's certificate
    (`ciphers.decrypt_sensitive`). payer_openid: detail only. user_complaint_times: 1, and one more for each
    continuation. problem_type: `REFUND`, `SERVICE_NOT_WORK`, `OTHERS`. apply_refund_amount: fen.
    user_tag_list: `TRUSTED`, `HIGH_RISK`.
    """

    complaint_id: Annotated[str, BeforeValidator(to_text), Field(min_length=1)]
    complaint_time: Moment = None
    complaint_detail: Text = ""
    complaint_state: Text = ""
    complainted_mchid: Text = ""
    payer_phone: MaybeText = None
    payer_openid: MaybeText = None
    complaint_order_info: ListOf[ComplaintOrder] = Field(default_factory=list)
    service_order_info: ListOf[ServiceOrder] = Field(default_factory=list)
    complaint_full_refunded: Flag = False
    incoming_user_response: Flag = False
    user_complaint_times: Annotated[int, BeforeValidator(lambda value: to_integer(value) or 1)] = 1
    complaint_media_list: ListOf[MediaItem] = Field(default_factory=list)
    problem_description: Text = ""
    problem_type: MaybeText = None
    apply_refund_amount: MaybeInteger = None
    user_tag_list: Texts = Field(default_factory=list)
    additional_info: MaybeObject = None
    in_platform_service: MaybeFlag = None
    need_immediate_service: MaybeFlag = None
    is_agent_mode: MaybeFlag = None


class HistoryEntry(Resource):
    """One line of the negotiation history.

    log_id: its key; where the platform leaves it out, one made from the line's time, kind, author and text.
    operate_type: e.g. `USER_CREATE_COMPLAINT`, `MERCHANT_RESPONSE`, `MERCHANT_REFUSE_RERUND` (sic).
    """

    log_id: Text = ""
    operator: Text = ""
    operate_time: Moment = None
    operate_type: Text = ""
    operate_details: Text = ""
    image_list: Texts = Field(default_factory=list)
    complaint_media_list: ListOf[MediaItem] = Field(default_factory=list)
    user_appy_platform_service_reason: MaybeText = None
    user_appy_platform_service_reason_description: MaybeText = None
    normal_message: MaybeObject = None
    click_message: MaybeObject = None

    @model_validator(mode="before")
    @classmethod
    def _give_a_key(cls, data: Any) -> Any:
        if isinstance(data, dict) and not to_text(data.get("log_id")):
            parts = [data.get(k) for k in ("operate_time", "operate_type", "operator", "operate_details")]
            digest = hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
            return {**data, "log_id": f"nolog-{digest[:32]}"}
        return data

    @property
    def words(self) -> str:
        """What was said: `operate_details`, else what the payer's press sent, else the texts of a message's blocks.
        The page types `message_content` as text in one place and as an object in another."""
        if self.operate_details:
            return self.operate_details
        pressed = (self.click_message or {}).get("message_content")
        if isinstance(pressed, dict):
            pressed = pressed.get("content") or pressed.get("text")
        if isinstance(pressed, str) and pressed:
            return pressed
        blocks = (self.normal_message or {}).get("blocks")
        texts = [block.get("text") for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
        return "\n".join(to_text(text.get("text")) for text in texts if isinstance(text, dict) and text.get("text"))

    @property
    def media_urls(self) -> list[str]:
        """Every picture's URL, each once."""
        urls = [*self.image_list, *(url for item in self.complaint_media_list for url in item.media_url)]
        return list(dict.fromkeys(urls))


@dataclass(frozen=True)
class ComplaintPage:
    """Rows `offset .. offset + rows` of a list. total_count: only at offset 0, otherwise None.
    malformed: rows that have no complaint_id, as received. answered_at: the platform's clock."""

    complaints: list[Complaint]
    limit: int
    offset: int
    total_count: int | None
    answered_at: datetime
    malformed: list[Any] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        return len(self.complaints) + len(self.malformed)


@dataclass(frozen=True)
class HistoryPage:
    """Entries of one complaint, in the platform's order. `answered_at`: of the first answer, so that a
    snapshot put together from several pages never claims to be newer than its oldest part."""

    entries: list[HistoryEntry]
    limit: int
    offset: int
    total_count: int | None
    answered_at: datetime
    malformed: list[Any] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        return len(self.entries) + len(self.malformed)


class NotifyUrl(Resource):
    """Where the platform pushes the complaints of `mchid` (and of its sub-merchants)."""

    mchid: Text = ""
    url: Text = ""


class ViolationUrl(Resource):
    """Where the platform pushes what it does to a provider's sub-merchants."""

    notify_url: Text = ""


class Violation(Resource):
    """What a violation notice (商户平台处置通知) holds once opened,
    https://pay.weixin.qq.com/doc/v3/partner/4012079216.

    record_id: its key. punish_plan: free text, not an enum. risk_type: `FRAUD`, `TRANSACTION_DISPUTE`,
    `REPORTED_BY_OTHERS`, ... punish_time: as written, in whatever form (`at` reads it).
    """

    sub_mchid: Text = ""
    company_name: Text = ""
    record_id: Text = ""
    punish_plan: Text = ""
    punish_time: Text = ""
    punish_description: Text = ""
    risk_type: Text = ""
    risk_description: Text = ""

    @property
    def at(self) -> datetime | None:
        """`punish_time`, aware UTC; the page's own sample is `20180225112233`, Beijing time."""
        return moment(self.punish_time) or compact_moment(self.punish_time)


class Recovery(Resource):
    """One reason of a limitation and the way out. recover_way: `RESOLVE_TRANSACTION_DISPUTES`,
    `SUBMIT_INFORMATION_FOR_APPEAL` (recover_way_param is then the 商户管理记录单号), `IRRECOVERABLE`, ...
    limitation_action_type: `LIMIT_ACTION_TYPE_IMMEDIATE_CONTROL` or `LIMIT_ACTION_TYPE_DELAY_CONTROL`.
    Dates as written."""

    limitation_case_id: Text = ""
    limitation_reason_type: Text = ""
    limitation_reason: Text = ""
    limitation_reason_describe: Text = ""
    relate_limitations: Texts = Field(default_factory=list)
    other_relate_limitations: Text = ""
    recover_way: Text = ""
    recover_way_param: Text = ""
    recover_help_url: Text = ""
    limitation_action_type: Text = ""
    limitation_start_date: Text = ""
    limitation_date: Text = ""


class Limitations(Resource):
    """What the sub-merchant `mchid` may not do now. limited_functions: `NO_TRANSACTION`, `NO_WITHDRAWAL`, ...;
    other_limited_functions: what has no word of its own, separated by commas."""

    mchid: Text = ""
    limited_functions: Texts = Field(default_factory=list)
    other_limited_functions: Text = ""
    recovery_specifications: ListOf[Recovery] = Field(default_factory=list)


class RefundAmount(Resource):
    """All in fen. total: of the order; refund: of this refund; payer_refund: what the payer gets."""

    total: MaybeInteger = None
    refund: MaybeInteger = None
    payer_total: MaybeInteger = None
    payer_refund: MaybeInteger = None
    settlement_total: MaybeInteger = None
    settlement_refund: MaybeInteger = None
    discount_refund: MaybeInteger = None
    currency: Text = "CNY"


class Refund(Resource):
    """A refund, from its creation, a query or a notice. status: `SUCCESS`, `PROCESSING`, `CLOSED`,
    `ABNORMAL` (a notice calls the field `refund_status`). Creation only means accepted."""

    refund_id: Text = ""
    out_refund_no: Text = ""
    transaction_id: Text = ""
    out_trade_no: Text = ""
    status: Text = ""
    channel: Text = ""
    user_received_account: Text = ""
    create_time: Moment = None
    success_time: Moment = None
    funds_account: Text = ""
    amount: OneOf[RefundAmount] = None
    promotion_detail: Objects = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _one_name_for_status(cls, data: Any) -> Any:
        if isinstance(data, dict) and "status" not in data and "refund_status" in data:
            return {**data, "status": data["refund_status"]}
        return data


class OrderAmount(Resource):
    """In fen."""

    total: MaybeInteger = None
    payer_total: MaybeInteger = None
    currency: Text = "CNY"


class Order(Resource):
    """A payment. trade_state: `SUCCESS`, `REFUND` (partly or wholly refunded), `NOTPAY`, `CLOSED`, ..."""

    transaction_id: Text = ""
    out_trade_no: Text = ""
    trade_state: Text = ""
    trade_state_desc: Text = ""
    trade_type: Text = ""
    mchid: MaybeText = None
    sp_mchid: MaybeText = None
    sub_mchid: MaybeText = None
    success_time: Moment = None
    amount: OneOf[OrderAmount] = None
    payer: MaybeObject = None


class BillLink(Resource):
    """Where a bill can be fetched. hash_value: of the file before packing, by hash_type (`SHA1`)."""

    hash_type: Text = ""
    hash_value: Text = ""
    download_url: Text = ""


@dataclass(frozen=True)
class Image:
    """A downloaded picture. content_type: as declared by the platform ("" when it said nothing)."""

    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class Certificates:
    """The platform's certificates in force, oldest first. Empty: this account is in public-key mode."""

    certificates: tuple[Certificate, ...]
    answered_at: datetime | None
