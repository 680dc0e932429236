"""Rows for pages: a desk in the middle of a working day. Every name, number and text is made up."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth.hashers import make_password

from kesu.accounts.models import User
from kesu.alerts.models import Attempt, Channel, Message
from kesu.complaints.models import (
    Complaint,
    Media,
    MediaBlob,
    Order,
    Round,
    ServiceOrder,
    TimelineEntry,
)
from kesu.intake.models import Notice, Rejection
from kesu.merchants.models import Account, SubMerchant
from kesu.sync.models import Poll, Refresh
from kesu.vault import keyring
from kesu.worker.models import Heartbeat

PASSWORD = "a-long-password-1"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkWPjvPwAEdAKNp3nQ4QAAAABJRU5ErkJggg=="
)
ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key="
DAY = timedelta(hours=24)
THREE_DAYS = timedelta(hours=72)


def make_user(username: str = "wang", display_name: str = "小王", **fields: Any) -> User:
    """Somebody who may do everything, unless ``role`` says otherwise."""
    values = {"role": "owner", "password": _hashed_password(), "display_name": display_name} | fields
    return User.objects.create(username=username, **values)


@cache
def _hashed_password() -> str:
    """Hashing is slow on purpose; once is enough for all tests."""
    return make_password(PASSWORD)


def make_merchant(now: datetime, mchid: str = "1900000109", name: str = "云上书店", **fields: Any) -> Account:
    return Account.objects.create(
        mchid=mchid,
        name=name,
        token="secret-token",
        token_fingerprint=hashlib.sha256(mchid.encode()).hexdigest(),
        created_at=now,
        **fields,
    )


def make_complaint(
    account: Account,
    number: int,
    *,
    now: datetime,
    age: timedelta = timedelta(hours=1),
    state: str = "PENDING",
    times: int = 1,
    round_started_at: datetime | None = None,
    **fields: Any,
) -> Complaint:
    """A complaint whose running round began ``age`` ago, with its rounds."""
    started = round_started_at or now - age
    raised = started - timedelta(days=2) * (times - 1)
    open_, replied = state != "PROCESSED", state != "PENDING"
    reply_due, complete_due = started + DAY, started + THREE_DAYS
    values: dict[str, Any] = {
        "complainted_mchid": account.mchid,
        "detail": "说好三天发货, 一周了没人理我",
        "problem_type": "OTHERS",
        "amount": 1990,
        **fields,
    }
    complaint = Complaint.objects.create(
        account=account,
        complaint_id=f"2000002025112{number:014d}",
        state=state,
        complaint_time=raised,
        user_complaint_times=times,
        raw="{}",
        answered_at=now,
        version=1,
        history_read_at=now,
        round_number=times,
        open=open_,
        replied=replied,
        reply_due_at=reply_due,
        complete_due_at=complete_due,
        next_due_at=(complete_due if replied else reply_due) if open_ else None,
        first_seen_at=raised,
        **values,
    )
    for index in range(1, times + 1):
        began = started - timedelta(days=2) * (times - index)
        last = index == times
        Round.objects.create(
            complaint=complaint,
            number=index,
            started_at=began,
            replied=not last or replied,
            replied_at=began + timedelta(minutes=40) if not last or replied else None,
            completed_at=None if last and open_ else began + timedelta(hours=20),
            reply_due_at=began + DAY,
            complete_due_at=began + THREE_DAYS,
        )
    Order.objects.create(
        complaint=complaint,
        transaction_id=f"42000025{number:020d}",
        out_trade_no=f"BK{number:010d}",
        amount=values["amount"],
    )
    return complaint


def say(complaint: Complaint, operate_type: str, at: datetime, text: str = "", operator: str = "", **raw: Any) -> str:
    """One history entry; returns its ``log_id``."""
    log_id = f"log-{complaint.pk}-{complaint.timeline.count() + 1:03d}"
    TimelineEntry.objects.create(
        complaint=complaint,
        log_id=log_id,
        operate_type=operate_type,
        operate_time=at,
        operator=operator,
        details=text,
        raw=json.dumps(raw),
    )
    return log_id


def picture_of(
    complaint: Complaint, log_id: str = "", *, now: datetime, content: bytes = PICTURE, **fields: Any
) -> Media:
    digest = hashlib.sha256(content).hexdigest()
    blob, _ = MediaBlob.objects.get_or_create(
        sha256=digest, defaults={"content_type": "image/png", "content": content, "stored_at": now}
    )
    values: dict[str, Any] = {"state": "stored", "blob": blob} | fields
    number = Media.objects.count()
    return Media.objects.create(
        complaint=complaint,
        log_id=log_id,
        media_type="USER_COMPLAINT_IMAGE",
        url=f"https://api.mch.weixin.qq.com/v3/merchant-service/images/{number}",
        url_fingerprint=hashlib.sha256(str(number).encode()).hexdigest(),
        due_at=now,
        **values,
    )


def make_channel(now: datetime, name: str = "客服群", **fields: Any) -> Channel:
    return Channel.objects.create(
        name=name,
        kind="wecom_robot",
        settings=json.dumps({"webhook_url": f"{ROBOT}{hashlib.sha256(name.encode()).hexdigest()[:32]}"}),
        budget_key=hashlib.sha256(name.encode()).hexdigest(),
        created_at=now,
        **fields,
    )


def push(
    channel: Channel, complaint: Complaint | None, kind: str, at: datetime, state: str = "sent", **fields: Any
) -> Message:
    number = Message.objects.count()
    return Message.objects.create(
        channel=channel,
        complaint=complaint,
        kind=kind,
        dedupe_key=f"{kind}:{number}",
        state=state,
        created_at=at,
        due_at=at,
        sent_at=at if state == "sent" else None,
        **fields,
    )


def attempt(message: Message, at: datetime, outcome: str = "sent", **fields: Any) -> Attempt:
    values: dict[str, Any] = {"http_status": 200, "code": "0", "answer": "ok", "milliseconds": 84} | fields
    return Attempt.objects.create(message=message, channel=message.channel, at=at, outcome=outcome, **values)


def working_day(now: datetime) -> dict[str, Any]:
    """A provider with sub-merchants, a dozen cases of every kind, a history worth reading, pushes good and bad."""
    wang = make_user()
    li = make_user("li", "小李")
    account = make_merchant(now, notify_url="https://desk.example.com/notify/wechatpay/secret-token")
    partner = make_merchant(now, "1900000209", "青禾服务商", role="partner")
    SubMerchant.objects.create(account=partner, mchid="1900000211", name="山里果园", created_at=now)
    hours = timedelta(hours=1)
    repeat = make_complaint(
        account,
        1,
        now=now,
        age=23 * hours + timedelta(minutes=19),
        times=2,
        detail="商家承诺三天发货, 已经一周, 客服不回消息",
        problem_type="REFUND",
        problem_description="商家未按约定发货",
        amount=19900,
        apply_refund_amount=19900,
        user_tags=["HIGH_RISK"],
        incoming_user_response=True,
        payer_phone="13800005678",
        payer_phone_tail="5678",
        payer_phone_fingerprint=keyring().fingerprint("13800005678", "payer.phone"),
        claimed_by=wang,
        claimed_at=now,
    )
    overdue = make_complaint(account, 2, now=now, age=26 * hours, detail="会员没到账", problem_type="SERVICE_NOT_WORK")
    make_complaint(
        partner,
        3,
        now=now,
        age=67 * hours,
        state="PROCESSING",
        detail="水果坏了一半\n要求赔偿",
        complainted_mchid="1900000211",
        amount=8850,
        in_platform_service=True,
        claimed_by=li,
        claimed_at=now,
    )
    make_complaint(
        partner, 4, now=now, age=50 * hours, state="PROCESSING", complainted_mchid="1900000212", amount=123456789
    )
    make_complaint(
        account, 5, now=now, age=14 * hours, need_immediate_service=True, amount=450, detail="扫码租的充电宝还不了"
    )
    make_complaint(
        account,
        6,
        now=now,
        age=3 * hours,
        user_tags=["TRUSTED"],
        problem_type="REFUND",
        apply_refund_amount=1990,
        detail="重复扣款了两次, 请退回一笔。" * 12,
    )
    make_complaint(
        account,
        7,
        now=now,
        age=timedelta(minutes=12),
        amount=None,
        problem_type="",
        detail="",
        problem_description="商品与描述不符",
    )
    make_complaint(
        account, 8, now=now, age=12 * hours, state="A_NEW_STATE", is_agent_mode=True, detail='<b>hello</b> & "quotes"'
    )
    make_complaint(
        account,
        9,
        now=now,
        age=60 * hours,
        state="PROCESSED",
        full_refunded=True,
        detail="已退款",
        payer_phone_fingerprint=repeat.payer_phone_fingerprint,
        payer_phone_tail="5678",
    )
    _talk(repeat, now)
    group = make_channel(now)
    night = make_channel(
        now,
        "值班群",
        dead_since=now - hours,
        probe_at=now + hours,
        dead_reason="93000 invalid webhook url",
        fallback=group,
    )
    _pushes(group, night, repeat, overdue, now)
    _machinery(account, partner, now)
    return {"user": wang, "other_user": li, "case": repeat, "overdue": overdue, "account": account, "channel": group}


def _talk(case: Complaint, now: datetime) -> None:
    first = case.complaint_time
    second = case.rounds.get(number=2).started_at
    minute = timedelta(minutes=1)
    opening = say(case, "USER_CREATE_COMPLAINT", first, "说好三天发货, 一周了没人理我", "投诉人")
    say(case, "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE", first + minute, "", "系统")
    say(
        case,
        "MERCHANT_RESPONSE",
        first + 40 * minute,
        "您好, 非常抱歉。已经为您核实, 今天内发出。\n如需退款也可以直接告诉我们。",
        "云上书店",
    )
    say(case, "USER_RESPONSE", first + 90 * minute, "好的, 我再等一天", "投诉人")
    say(case, "MERCHANT_CONFIRM_COMPLETE", first + 1200 * minute, "", "云上书店")
    again = say(case, "USER_CONTINUE_COMPLAINT", second, "没退款你们就结了? 今天必须给个说法", "投诉人")
    say(case, "PLATFORM_HELP_APPLICATION", second + 60 * minute, "请商户尽快处理", "微信支付客服")
    say(
        case,
        "USER_APPLY_PLATFORM_SERVICE",
        second + 70 * minute,
        "",
        "投诉人",
        user_appy_platform_service_reason_description="商家一直不处理",
    )
    say(case, "SOMETHING_PUBLISHED_LATER", second + 80 * minute, "一个新的动作", "系统")
    picture_of(case, opening, now=now)
    picture_of(case, again, now=now, content=PICTURE + b"2")
    picture_of(case, again, now=now, state="waiting", blob=None)
    picture_of(case, again, now=now, state="lost", blob=None)
    ServiceOrder.objects.create(complaint=case, order_id="15646546545165651651", state="DOING")


def _pushes(group: Channel, night: Channel, case: Complaint, overdue: Complaint, now: datetime) -> None:
    hour = timedelta(hours=1)
    told = push(group, case, "continued", now - 23 * hour, mention=True, attempts=1)
    attempt(told, now - 23 * hour)
    near = push(group, case, "reply_due", now - 4 * hour, attempts=2, facts={"clock": "reply", "step": "before:4h"})
    attempt(near, now - 4 * hour, "rate", code="45009", answer="api freq out of limit")
    attempt(near, now - 4 * hour + timedelta(seconds=61))
    failed = push(
        night, overdue, "reply_overdue", now - 2 * hour, state="failed", attempts=1, error="93000 invalid webhook url"
    )
    attempt(failed, now - 2 * hour, "channel_dead", code="93000", answer="invalid webhook url, hint: [16000001]")
    push(group, overdue, "reply_overdue", now - hour, state="pending", facts={"step": "overdue:2"})
    attempt(push(group, None, "test", now - 30 * hour, attempts=1), now - 30 * hour)


def _machinery(account: Account, partner: Account, now: datetime) -> None:
    minute = timedelta(minutes=1)
    Poll.objects.create(account=account, tier="newest", due_at=now, finished_at=now - minute)
    Poll.objects.create(account=account, tier="month", due_at=now, finished_at=now - 600 * minute)
    Poll.objects.create(account=partner, tier="newest", due_at=now, failures=3, error="401 SIGN_ERROR: wrong signature")
    Poll.objects.create(account=partner, tier="month", due_at=now, offset=150, total=480)
    values = {"event_type": "COMPLAINT.CREATE", "body": b"{}", "due_at": now}
    Notice.objects.create(
        account=account,
        envelope_id="e1",
        action_type="CREATE_COMPLAINT",
        complaint_id="1",
        received_at=now - 5 * minute,
        state="parked",
        attempts=8,
        error="DataError: value too long",
        **values,
    )
    Notice.objects.create(
        account=account,
        envelope_id="e2",
        action_type="USER_RESPONSE",
        complaint_id="2",
        received_at=now - minute,
        state="processed",
        processed_at=now,
        **values,
    )
    Refresh.objects.create(
        account=partner,
        complaint_id="200000202511230009",
        state="parked",
        reason="poll",
        priority=1,
        attempts=10,
        error="404 RESOURCE_NOT_EXISTS",
        requested_at=now - 90 * minute,
        due_at=now,
    )
    Rejection.objects.create(at=now - 3 * minute, account=account, reason="signature_probe", count=4, size=800)
    Rejection.objects.create(at=now - 30 * minute, account=partner, reason="not_decryptable", count=2, size=800)
    Heartbeat.objects.create(name="desk-1:4711", version="0.1.0", started_at=now - 600 * minute, seen_at=now)
