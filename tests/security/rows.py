"""One row of everything that an address of the desk can name, of one account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kesu.accounts import invitations, tokens
from kesu.accounts.models import User
from kesu.alerts import links
from kesu.alerts.models import Channel, Ladder, LadderRule, Rota
from kesu.commands.models import Agreement, Allowance, Command, Note, OutgoingPicture, QuickReply, Refund, RefundRequest
from kesu.complaints.models import Complaint, Media, SavedView, ServiceOrder
from kesu.desk.answering import token_of
from kesu.merchants.models import Limitation, SubMerchant, ViolationNotice
from kesu.webhooks import endpoints
from kesu.webhooks.endpoints import Wanted
from kesu.webhooks.models import Delivery, DeliveryAttempt
from tests.desk_seeds import PICTURE, picture_of

WORDS = "您好, 我们已经为您核实"


@dataclass
class Rows:
    """What was made of a case and around it."""

    case: Complaint
    media: Media
    outgoing: OutgoingPicture
    command: Command
    request: RefundRequest
    view: SavedView
    note: Note
    delivery: Delivery
    numbers: Mapping[str, Mapping[str, Any]]


def rows_of(case: Complaint, user: User, other: User, channel: Channel, *, now: datetime) -> Rows:
    """``user`` works on the case, ``other`` asks for a refund of it."""
    media = picture_of(case, now=now)
    outgoing = OutgoingPicture.objects.create(
        account=case.account, sha256="a" * 64, content_type="image/png", content=PICTURE, created_at=now
    )
    command, request = _said_and_asked(case, user, other, now)
    note = Note.objects.create(complaint=case, author=user, text="电话里说好了", created_at=now)
    first = case.timeline.order_by("pk").first()
    Agreement.objects.create(complaint=case, log_id=first.log_id if first else "x", marked_by=user, marked_at=now)
    ServiceOrder.objects.create(complaint=case, order_id="1564", out_order_no="S1", state="DOING")
    view = SavedView.objects.create(user=user, name="我的", query="view=all", created_at=now)
    delivery, hooks = _hooks(case, user, now)
    sub, _ = SubMerchant.objects.get_or_create(
        account=case.account, mchid="1900000299", defaults={"name": "分店", "created_at": now}
    )
    _trouble(case, now)
    numbers = {
        "/": {
            "pk": case.pk,
            "token": links.token(case.pk, 1, now=now),
            "channel_pk": channel.pk,
            "kind": "wecom_robot",
        },
        "/cases": {
            "request_pk": request.pk,
            "refund_pk": case.refunds.get().pk,
            "command_pk": command.pk,
            "token": token_of(case, outgoing.pk),
        },
        "/views": {"pk": view.pk},
        "/media": {"pk": media.pk},
        "/settings/merchants": {"pk": case.account_id},
        "/settings/sub-merchants": {"pk": sub.pk},
        "/settings/people": {"pk": other.pk},
        "/settings/channels": {"pk": channel.pk},
        **hooks,
        **_settings(case, user, now),
        "/api/v1": {"complaint_id": case.complaint_id, "command_id": command.pk, "request_id": request.pk},
    }
    return Rows(case, media, outgoing, command, request, view, note, delivery, numbers)


def _said_and_asked(case: Complaint, user: User, other: User, now: datetime) -> tuple[Command, RefundRequest]:
    common = {"account": case.account, "complaint": case, "actor": user, "via": "page", "planned_at": now}
    order = case.orders.first()
    refunded = Command.objects.create(
        kind="refund", state="confirmed", payload="{}", key="k-0", sent_at=now, settled_at=now, **common
    )
    Refund.objects.create(
        account=case.account,
        complaint=case,
        order=order,
        command=refunded,
        out_refund_no="R1",
        amount=1,
        total=case.amount,
        state="abnormal",
        error="ABNORMAL",
        received_by="招商银行",
        created_at=now,
        due_at=now + timedelta(days=1),
    )
    command = Command.objects.create(
        kind="reply",
        state="failed",
        failure="refused",
        payload=json.dumps({"text": WORDS}),
        key="k-1",
        sent_at=now,
        settled_at=now,
        error_code="PARAM_ERROR",
        error="refused",
        concerns=[{"code": "stale", "message": "not fresh"}],
        **common,
    )
    request = RefundRequest.objects.create(
        complaint=case, order=order, amount=100, reason="漏发", requested_by=other, requested_at=now
    )
    return command, request


def _hooks(case: Complaint, user: User, now: datetime) -> tuple[Delivery, dict[str, dict[str, int]]]:
    wanted = Wanted("工单系统", "https://example.com/hook", ["complaint.created"])
    endpoint, _secret = endpoints.add(wanted, created_by=user, now=now)
    delivery = endpoints.send_test(endpoint, now=now)
    delivery.event.complaint = case
    delivery.event.save()
    DeliveryAttempt.objects.create(delivery=delivery, number=1, at=now, outcome="failed", error="x", response="no")
    return delivery, {
        "/settings/webhooks": {"pk": endpoint.pk},
        "/settings/webhooks/deliveries": {"pk": delivery.pk},
        "/api/v1/webhook": {"webhook_id": endpoint.pk, "delivery_id": delivery.pk},
    }


def _trouble(case: Complaint, now: datetime) -> None:
    """What the platform says of a merchant: names and reasons in its words."""
    common = {"account": case.account, "sub_mchid": "1900000299"}
    _filled(ViolationNotice, now, raw="{}", record_id="v-1", event_type="VIOLATION.PUNISH", **common)
    _filled(Limitation, now, **common)


def _filled(model: Any, now: datetime, **values: Any) -> Any:
    """A row whose moments that must be are now."""
    for field in model._meta.get_fields():
        required = getattr(field, "get_internal_type", str)() == "DateTimeField" and not field.null
        if required and field.name not in values:
            values[field.name] = now
    return model.objects.create(**values)


def _settings(case: Complaint, user: User, now: datetime) -> dict[str, dict[str, Any]]:
    invitation, secret = invitations.invite(user, "agent", all_merchants=True, now=now, display_name="新人")
    token, _ = tokens.create(user, "仓库", ["read"], expires_at=None, now=now)
    reply = QuickReply.objects.create(name="致歉", text="{merchant} 您好", changed_by=user, changed_at=now)
    allowance = Allowance.objects.create(account=case.account, kind="word", value="加微信", created_at=now)
    rota = Rota.objects.create(name="夜班", anchor=now)
    rota.members.create(user=user, position=0)
    Ladder.objects.create(name="夜间", steps=[], changed_at=now)
    LadderRule.objects.create(position=1, ladder="夜间")
    return {
        "/settings/invitations": {"pk": invitation.pk},
        "/settings/tokens": {"pk": token.pk},
        "/settings/templates": {"pk": reply.pk},
        "/api/v1/quick-replies": {"reply_id": reply.pk},
        "/settings/allowances": {"pk": allowance.pk},
        "/settings/rota": {"pk": rota.pk},
        "/settings/wake": {"name": "夜间"},
        "/join": {"token": secret},
    }
