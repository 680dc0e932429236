"""Everything the sandbox remembers, as plain data. The whole of it is one JSON document in `DIR/state.json`.

Times are aware UTC in whole seconds, money is fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

ComplaintState = Literal["PENDING", "PROCESSING", "PROCESSED"]
RefundStatus = Literal["PROCESSING", "SUCCESS", "ABNORMAL", "CLOSED"]


@dataclass
class Order:
    """A paid order of one merchant. `mchid`: who sold (a sub-merchant's own number)."""

    transaction_id: str
    out_trade_no: str
    mchid: str
    amount: int
    paid_at: datetime
    openid: str


@dataclass
class Entry:
    """One line of the negotiation history. `pictures`: shown as image_list (merchant, platform);
    `payer_pictures`: as complaint_media_list; `extra`: further wire fields as they are."""

    log_id: str
    operator: str
    operate_type: str
    operated_at: datetime
    details: str | None = None
    pictures: list[str] = field(default_factory=list)
    payer_pictures: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Complaint:
    """A complaint as the platform knows it. `round_*` fields are forgotten at each continuation."""

    complaint_id: str
    mchid: str
    transaction_id: str
    complained_at: datetime
    detail: str
    problem_type: str
    problem_description: str
    state: ComplaintState = "PENDING"
    phone: str | None = None
    apply_refund_amount: int | None = None
    tags: list[str] = field(default_factory=list)
    need_immediate_service: bool = False
    in_platform_service: bool = False
    is_agent_mode: bool = False
    incoming_user_response: bool = True
    times: int = 1
    pictures: list[str] = field(default_factory=list)
    history: list[Entry] = field(default_factory=list)
    round_refund_decision: str | None = None
    round_rated: bool = False
    immediate_replies: dict[str, str] = field(default_factory=dict)
    additional_info: dict[str, Any] | None = None
    service_orders: list[dict[str, str]] = field(default_factory=list)
    temperament: str | None = None


@dataclass
class Refund:
    """A refund order. `mchid`: who sold; `caller`: whose number space `out_refund_no` is unique in; `resent`: where it
    was sent after it got stuck, each time: type, and of a card bank_type, tail (four digits) and name."""

    refund_id: str
    out_refund_no: str
    caller: str
    mchid: str
    transaction_id: str
    amount: int
    total: int
    created_at: datetime
    status: RefundStatus = "PROCESSING"
    arrived_at: datetime | None = None
    reason: str | None = None
    notify_url: str | None = None
    request: dict[str, Any] = field(default_factory=dict)
    resent: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Upload:
    """A picture that a merchant uploaded. `digest`: SHA-256 hex, the name of its file."""

    media_id: str
    mchid: str
    digest: str
    content_type: str


@dataclass
class Notice:
    """A push to one account. `payload` is what gets sealed; the account's number is never in it."""

    id: str
    account: str
    event_type: str
    payload: dict[str, Any]
    created_at: datetime
    due_at: datetime
    original_type: str = "complaint"
    url: str | None = None
    attempts: int = 0
    held: bool = False
    status: Literal["pending", "acked", "lost", "given_up", "no_url"] = "pending"
    last_answer: str = ""


@dataclass
class RobotMessage:
    """One call of a WeCom robot, accepted or refused. `mentions`: userids, phone numbers, "@all"."""

    n: int
    time: datetime
    key: str
    msgtype: str
    content: str
    mentions: list[str]
    errcode: int
    accepted: bool


@dataclass
class ChatRobot:
    """A DingTalk or Feishu robot. `silent_until`: DingTalk's punishment for haste."""

    kind: Literal["dingtalk", "feishu"]
    token: str
    secret: str = ""
    keyword: str = ""
    silent_until: datetime | None = None


@dataclass
class WecomApp:
    """An application (自建应用). `members`: who can be reached (empty: everybody); `tokens`: access token to its end.
    `taken_tasks`: every task_id it has used; `codes`: card code to message number and end, until used;
    `login_codes`: sign-in code to userid, openid (one of them is empty) and end, until used."""

    corpid: str
    agentid: int
    secret: str
    members: list[str] = field(default_factory=list)
    callback_url: str = ""
    callback_token: str = ""
    callback_key: str = ""
    tokens: dict[str, datetime] = field(default_factory=dict)
    taken_tasks: list[str] = field(default_factory=list)
    codes: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    login_codes: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)


@dataclass
class AppMessage:
    """One message/send of an application. `greyed`: the button's new label, by member who sees it."""

    n: int
    time: datetime
    agentid: int
    msgtype: str
    content: str
    receivers: list[str]
    errcode: int
    card: dict[str, Any] | None = None
    dropped_for: list[str] = field(default_factory=list)
    greyed: dict[str, str] = field(default_factory=dict)
    updates: int = 0


@dataclass
class Appointment:
    """Something that will happen by itself. kind: `payer`, `refund`, `opening`."""

    due_at: datetime
    sequence: int
    kind: str
    data: dict[str, Any]


@dataclass
class State:
    """All of it. `sequence` numbers whatever needs a number, so that no number comes twice."""

    sequence: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    complaints: dict[str, Complaint] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    notify_urls: dict[str, str] = field(default_factory=dict)
    violation_urls: dict[str, str] = field(default_factory=dict)
    limitations: dict[str, dict[str, Any]] = field(default_factory=dict)
    notices: dict[str, Notice] = field(default_factory=dict)
    messages: list[RobotMessage] = field(default_factory=list)
    robot_keys: list[str] = field(default_factory=list)
    chat_robots: dict[str, ChatRobot] = field(default_factory=dict)
    chat_messages: dict[str, list[RobotMessage]] = field(default_factory=dict)
    wecom_apps: dict[int, WecomApp] = field(default_factory=dict)
    app_messages: list[AppMessage] = field(default_factory=list)
    agenda: list[Appointment] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    openings: int = 0

    def next_number(self) -> int:
        self.sequence += 1
        return self.sequence

    def count(self, name: str, amount: int = 1) -> None:
        self.counters[name] = self.counters.get(name, 0) + amount
