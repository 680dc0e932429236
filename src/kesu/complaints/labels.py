"""A complaint in people's words: the platform's words, marks, whose it is. A word that is not here is shown as it
came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from kesu.complaints.models import Complaint

Words = dict[str, "str | Promise"]

PROBLEM_TYPES: Words = {
    "REFUND": _("Refund request"),
    "SERVICE_NOT_WORK": _("Service not delivered"),
    "OTHERS": _("Other"),
}

STATES: Words = {
    "PENDING": _("Pending"),
    "PROCESSING": _("In progress"),
    "PROCESSED": _("Completed"),
}


@dataclass(frozen=True)
class Mark:
    """A short label on a row; ``tone`` is danger, warning, info or quiet."""

    text: str
    tone: str


def say(words: Words, word: str) -> str:
    """The translation in the active language, or the word itself."""
    return str(words.get(word, word))


def merchant(complaint: Complaint) -> str:
    """The name, or the number where none is known. ``complaint`` comes from ``queries.for_list``."""
    named: str = getattr(complaint, "merchant_name", "")
    account = complaint.account
    own = complaint.complainted_mchid in ("", account.mchid)
    return named or (account.name if own and account.name else complaint.complainted_mchid or account.mchid)


def merchant_number(complaint: Complaint) -> str:
    return complaint.complainted_mchid or complaint.account.mchid


def marks(complaint: Complaint, *, refund_under_way: bool = False, second_person: bool = False) -> Iterator[Mark]:
    if (again := complaint.user_complaint_times - 1) > 0:
        yield Mark(ngettext("Repeat ×%(times)d", "Repeat ×%(times)d", again) % {"times": again}, "danger")
    if "HIGH_RISK" in complaint.user_tags:
        yield Mark(gettext("High risk"), "danger")
    if complaint.need_immediate_service:
        yield Mark(gettext("Immediate service"), "warning")
    if complaint.in_platform_service:
        yield Mark(gettext("Platform service"), "warning")
    yield from _of_refunds(refund_under_way=refund_under_way, second_person=second_person)
    if complaint.incoming_user_response:
        yield Mark(gettext("Unread message"), "info")
    if "TRUSTED" in complaint.user_tags:
        yield Mark(gettext("Fast refund"), "quiet")
    if complaint.full_refunded:
        yield Mark(gettext("Refunded in full"), "quiet")
    if complaint.is_agent_mode:
        yield Mark(gettext("AI agent"), "quiet")


def _of_refunds(*, refund_under_way: bool, second_person: bool) -> Iterator[Mark]:
    if second_person:
        yield Mark(gettext("Waits for a second person"), "warning")
    if refund_under_way:
        yield Mark(gettext("Refund on its way"), "info")
