"""Bad news of what a person did towards the platform: it is not known what became of it, or it was not carried out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import pgettext

from kesu.alerts.content import Row
from kesu.alerts.outbox import Cause, owe
from kesu.complaints.models import Complaint
from kesu.rules.escalations import ALERT_RULES, AlertKind


def tell_command_unknown(complaint: Complaint, number: int, kind: str, author: str, *, now: datetime) -> None:
    """Owe a message, once a command, to its author and whoever serves the case. ``kind``: of the command; ``author``:
    the name to sign in with, or ""."""
    _tell(AlertKind.COMMAND_UNKNOWN, complaint, number, {"kind": kind, "became": "unknown"}, author, now)


def tell_command_failed(
    complaint: Complaint, number: int, kind: str, author: str, failure: str, *, now: datetime
) -> None:
    """The same for one that ended without being carried out; part of the caller's transaction. ``failure``: why."""
    _tell(AlertKind.COMMAND_FAILED, complaint, number, {"kind": kind, "became": failure}, author, now)


def command_rows(command: Mapping[str, Any] | None) -> list[Row]:
    """What became of a command, and what to do."""
    if command is None:
        return []
    kinds = {
        "reply": pgettext("push", "reply"),
        "immediate_reply": pgettext("push", "reply"),
        "complete": pgettext("push", "completion"),
        "approve_refund": pgettext("push", "approval of the refund"),
        "reject_refund": pgettext("push", "rejection of the refund"),
        "refund": pgettext("push", "refund"),
        "resend_refund": pgettext("push", "sending the refund elsewhere"),
    }
    advice = {
        "unknown": pgettext("push", "no clear answer so far: look in the merchant platform, do not do it again"),
        "refused": pgettext("push", "WeChat Pay refused it: the case's page says why"),
        "changed": pgettext("push", "the case had changed, nothing was sent: look at it and decide anew"),
        "not_sent": pgettext("push", "it could not be sent: look at the case and do it again"),
        "not_found": pgettext("push", "WeChat Pay shows no trace of it: look at the case and do it again"),
    }
    kind = kinds.get(str(command.get("kind")), "")
    return [Row(pgettext("push", "Action"), f"{kind} · {advice.get(str(command.get('became')), '')}")]


def _tell(
    alert: AlertKind, complaint: Complaint, number: int, told: Mapping[str, str], author: str, now: datetime
) -> None:
    ending = "unknown" if alert is AlertKind.COMMAND_UNKNOWN else "failed"
    cause = Cause(
        complaint_pk=complaint.pk,
        account_pk=complaint.account_id,
        key=f"command:{number}:{ending}",
        kind=alert,
        round_number=complaint.round_number,
        urgency=ALERT_RULES[alert].urgency,
        mention=ALERT_RULES[alert].mention,
        deadline_at=complaint.next_due_at,
        facts={"command": dict(told), "people": [f"person:{author}"] if author else []},
    )
    owe([cause], now=now)
