"""Whether a message still matters when its turn has come."""

from __future__ import annotations

from django.db.models import Q

from kesu.alerts.models import Message
from kesu.alerts.people import COPY_FOR
from kesu.alerts.recipients import is_personal
from kesu.alerts.titles import LADDER_KINDS
from kesu.complaints.models import Complaint

REFUND_WAITING = "refund_waiting"
OPENINGS = frozenset({"new", "continued"})
AFTERWORDS = frozenset(
    {
        "closed",
        "refund_rejected",
        "satisfaction",
        "platform_service_ended",
        "entrusted_refund",
        "refund_failed",
        "command_unknown",
        "command_failed",
        "refund_waiting",
        "refund_decided",
    }
)
TOLD = (Message.State.PENDING, Message.State.SENT, Message.State.DIGESTED)


def overtaken_by(message: Message) -> str:
    """Why a message need not be sent any more; "" while it matters. The platform's state decides, not a click."""
    return pointless(message) or ("a newer reminder" if _has_newer_reminder(message) else "")


def pointless(message: Message) -> str:
    """The same without asking what other messages there are: by the state of its case alone."""
    complaint = message.complaint
    if complaint is None:
        return ""
    if message.kind in AFTERWORDS:
        return "complained again" if complaint.open and message.kind in ("closed", "refund_rejected") else ""
    if not complaint.open:
        return "closed"
    if (
        message.round_number
        and message.round_number < complaint.round_number
        and message.kind in LADDER_KINDS | OPENINGS
    ):
        return "a later round runs"
    if message.kind in OPENINGS and complaint.replied and not message.facts.get("replied"):
        return "answered"
    return _pointless_reminder(message, complaint) if message.kind in LADDER_KINDS else ""


def _pointless_reminder(message: Message, complaint: Complaint) -> str:
    if message.facts.get("clock") == "reply" and complaint.replied:
        return "answered"
    if message.facts.get("only_unclaimed") and complaint.claimed_by_id is not None:
        return "claimed"
    if message.kind == "claim_stalled" and complaint.claimed_by_id is None:
        return "released"
    return ""


def _reminds_of(message: Message) -> Q | None:
    """Which other messages say the same at another time; None for one that is told once."""
    if message.kind in LADDER_KINDS:
        return Q(kind__in=LADDER_KINDS, facts__clock=message.facts.get("clock"))
    if message.kind == REFUND_WAITING:
        return Q(kind=REFUND_WAITING, facts__request__number=message.facts.get("request", {}).get("number"))
    return None


def _has_newer_reminder(message: Message) -> bool:
    about = _reminds_of(message)
    if message.complaint_id is None or about is None:
        return False
    newer = Message.objects.filter(
        about, complaint=message.complaint_id, channel_id=message.channel_id, state__in=TOLD, pk__gt=message.pk
    )
    if only := message.facts.get(COPY_FOR):
        return newer.filter(**{f"facts__{COPY_FOR}": only}).exists()
    newer = newer.exclude(facts__has_key=COPY_FOR)
    if not is_personal(message.channel):
        return newer.exists()
    # One for other people would tell those of this message nothing.
    for_whom = (message.audience, message.facts.get("people"))
    return any(
        (audience, facts.get("people")) == for_whom for audience, facts in newer.values_list("audience", "facts")
    )
