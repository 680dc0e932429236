"""A refund that waits for a second person: those who may decide are told, and whoever asked hears what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import pgettext

from kesu.alerts.content import Row
from kesu.alerts.models import Message
from kesu.alerts.outbox import Cause, owe
from kesu.alerts.text import neutralise, shorten
from kesu.complaints.models import Complaint
from kesu.rules.escalations import ALERT_RULES, AlertKind, UrgencyClass
from kesu.rules.ladder_steps import Audience

LONGEST_NAME = 40
LONGEST_NOTE = 120


def tell_refund_waiting(
    complaint: Complaint,
    asked: Mapping[str, Any],
    people: Sequence[str],
    *,
    key: str = "asked",
    urgency: UrgencyClass = UrgencyClass.NORMAL,
    now: datetime,
) -> None:
    """Owe a message to those who may decide (``people``: names to sign in with), part of the caller's transaction.
    ``asked``: ``number`` of the request, ``amount`` (fen), ``by``, ``resend`` (whether a stuck refund is to be sent
    elsewhere); ``key`` names this message within the request for ever."""
    _tell(AlertKind.REFUND_WAITING, complaint, asked, people, key, urgency, now)


def tell_refund_decided(complaint: Complaint, decided: Mapping[str, Any], asker: str, *, now: datetime) -> None:
    """The same to whoever asked. ``decided``: as above, and ``granted``, ``decided_by``, ``note``."""
    kind = AlertKind.REFUND_DECIDED
    _tell(kind, complaint, decided, [asker] if asker else [], "decided", ALERT_RULES[kind].urgency, now)


def silence_waiting(complaint_pk: int, number: int, *, now: datetime) -> None:
    """Drop what was to be told of a request that is decided."""
    rows = Message.objects.filter(complaint=complaint_pk, kind=AlertKind.REFUND_WAITING, state=Message.State.PENDING)
    rows.filter(facts__request__number=number).update(state=Message.State.SUPERSEDED, error="decided", due_at=now)


def request_rows(asked: Mapping[str, Any] | None, amount: str) -> list[Row]:
    """What was asked for, by whom, and what was decided. ``amount``: in words."""
    if asked is None:
        return []
    by = shorten(neutralise(str(asked.get("by", ""))), LONGEST_NAME)
    what = pgettext("push", "send the stuck refund elsewhere") if asked.get("resend") else ""
    told = " · ".join(part for part in (amount, what, by) if part)
    rows = [Row(pgettext("push", "Asked for"), told)]
    if "granted" in asked:
        decided_by = shorten(neutralise(str(asked.get("decided_by", ""))), LONGEST_NAME)
        word = pgettext("push", "granted") if asked["granted"] else pgettext("push", "declined, nothing was refunded")
        note = shorten(neutralise(str(asked.get("note", ""))), LONGEST_NOTE)
        rows.append(Row(pgettext("push", "Decision"), " · ".join(part for part in (word, decided_by, note) if part)))
    return rows


def request_headline(kind: str, asked: Mapping[str, Any], amount: str) -> str:
    """What a locked screen shows."""
    if kind == AlertKind.REFUND_WAITING:
        return pgettext("push", "Decide: refund %(amount)s") % {"amount": amount}
    granted = pgettext("push", "Granted: refund %(amount)s")
    declined = pgettext("push", "Declined: refund %(amount)s")
    return (granted if asked.get("granted") else declined) % {"amount": amount}


def _tell(
    kind: AlertKind,
    complaint: Complaint,
    told: Mapping[str, Any],
    people: Sequence[str],
    key: str,
    urgency: UrgencyClass,
    now: datetime,
) -> None:
    cause = Cause(
        complaint_pk=complaint.pk,
        account_pk=complaint.account_id,
        key=f"request:{told['number']}:{key}",
        kind=kind,
        round_number=complaint.round_number,
        urgency=urgency,
        mention=ALERT_RULES[kind].mention,
        audience=Audience.NAMED,
        deadline_at=complaint.next_due_at,
        facts={"request": dict(told), "people": [f"person:{name}" for name in people]},
    )
    owe([cause], now=now)
