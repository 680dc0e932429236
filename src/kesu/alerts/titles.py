"""The names of alert kinds and of the platform's problem types, in the active language."""

from __future__ import annotations

from django.utils.translation import pgettext

from kesu.alerts.text import neutralise, shorten

LADDER_KINDS = frozenset(
    {"unclaimed", "claim_stalled", "reply_due", "complete_due", "reply_overdue", "complete_overdue"}
)


def title_of(kind: str, user_complaint_times: int) -> str:
    """What happened, as a heading."""
    titles = {
        "new": pgettext("push", "New complaint"),
        "continued": pgettext("push", "Complained again: complaint no. %(number)s"),
        "user_message": pgettext("push", "The payer wrote"),
        "platform_service": pgettext("push", "Platform service requested"),
        "platform_service_ended": pgettext("push", "Platform service ended"),
        "platform_reminder": pgettext("push", "The platform urges an answer"),
        "platform_message": pgettext("push", "The platform wrote"),
        "entrusted_refund": pgettext("push", "The platform refunded in the merchant's name"),
        "refund_failed": pgettext("push", "A refund did not reach the payer"),
        "command_unknown": pgettext("push", "Nobody knows yet whether it was carried out"),
        "command_failed": pgettext("push", "It was not carried out"),
        "refund_waiting": pgettext("push", "A refund waits for a second person"),
        "refund_decided": pgettext("push", "A refund above the limit was decided on"),
        "high_risk": pgettext("push", "High-risk complaint"),
        "immediate_service": pgettext("push", "Immediate service wanted"),
        "satisfaction": pgettext("push", "The payer rated the service"),
        "refund_rejected": pgettext("push", "Refund rejected, complaint closed"),
        "closed": pgettext("push", "Complaint closed"),
        "unknown_entry": pgettext("push", "The history has an entry of an unknown kind"),
        "unclaimed": pgettext("push", "Nobody has claimed it yet"),
        "claim_stalled": pgettext("push", "Claimed, but nothing has followed"),
        "reply_due": pgettext("push", "No reply yet"),
        "complete_due": pgettext("push", "Not completed yet"),
        "reply_overdue": pgettext("push", "The reply is overdue"),
        "complete_overdue": pgettext("push", "The completion is overdue"),
    }
    return titles.get(kind, kind) % {"number": user_complaint_times}


def problem_name(problem_type: str) -> str:
    """The platform's ``problem_type`` in words; one it never published is shown as it is."""
    names = {
        "": pgettext("push", "no type given"),
        "REFUND": pgettext("push", "refund wanted"),
        "SERVICE_NOT_WORK": pgettext("push", "service not working"),
        "OTHERS": pgettext("push", "other"),
    }
    return names.get(problem_type) or shorten(neutralise(problem_type), 40)
