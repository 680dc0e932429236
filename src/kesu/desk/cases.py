"""A complaint as a row of the inbox: what is owed, how long is left, what marks it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from kesu.accounts.roles import Permission
from kesu.complaints import durations, labels
from kesu.complaints.labels import Mark
from kesu.complaints.models import Complaint
from kesu.desk import words
from kesu.desk.patterns import written
from kesu.desk.templatetags.desk import exactly, money
from kesu.rules.deadlines import urgency

_MARK = '<span class="mark mark-{}">{}</span>'
_COUNTDOWN = (
    '<span class="countdown" data-tone="%(tone)s" data-due="%(due)s" data-start="%(start)s" title="%(exactly)s">'
    '<span class="owed">%(owed)s</span> <span class="left" data-left>%(text)s</span></span>'
)
_LATER = (
    '<span class="case-later" data-due="%(due)s" data-start="%(start)s" data-tone="%(tone)s" title="%(exactly)s">'
    "%(owed)s <span data-later>%(text)s</span></span>"
)


@dataclass(frozen=True)
class Countdown:
    """One running deadline. ``tone`` is an urgency of the rules, told to the browser with both ends of the time."""

    owed: str
    started_at: datetime
    due_at: datetime
    now: datetime

    @property
    def seconds(self) -> float:
        return (self.due_at - self.now).total_seconds()

    @cached_property
    def tone(self) -> str:
        return urgency(self.started_at, self.due_at, self.now).value

    @property
    def text(self) -> str:
        return durations.countdown(self.seconds)

    @property
    def start_milliseconds(self) -> int:
        return round(self.started_at.timestamp() * 1000)

    @property
    def due_milliseconds(self) -> int:
        return round(self.due_at.timestamp() * 1000)

    @property
    def html(self) -> SafeString:
        """As every page shows it; ``countdown.js`` lets it tick."""
        return self._written(_COUNTDOWN)

    @property
    def later_html(self) -> SafeString:
        """As a second deadline, beside the one that is nearer."""
        return self._written(_LATER)

    def _written(self, pattern: str) -> SafeString:
        values: dict[str, str | int] = {
            "tone": self.tone,
            "due": self.due_milliseconds,
            "start": self.start_milliseconds,
            "exactly": exactly(self.due_at),
            "owed": self.owed,
            "text": self.text,
        }
        return written(pattern, values)

    @property
    def allowed_seconds(self) -> int:
        return max(round((self.due_at - self.started_at).total_seconds()), 1)

    @property
    def spent_seconds(self) -> int:
        return min(max(round((self.now - self.started_at).total_seconds()), 0), self.allowed_seconds)


class Row:
    """What one row shows. ``complaint`` comes from ``queries.for_list``; ``viewer`` is who looks; ``looking`` names
    who else has the case open; ``address`` is the case's, ``claim_address`` where it is claimed."""

    def __init__(
        self,
        complaint: Complaint,
        viewer_pk: int | None,
        now: datetime,
        *,
        may: Collection[Permission] = (),
        looking: tuple[str, ...] = (),
        refund_under_way: bool = False,
        second_person: bool = False,
        address: str = "",
        claim_address: str = "",
    ) -> None:
        self.complaint = complaint
        self.viewer_pk = viewer_pk
        self.now = now
        self.may = may
        self.looking = looking
        self.refund_under_way = refund_under_way
        self.second_person = second_person
        self.address = address
        self.claim_address = claim_address

    @cached_property
    def countdown(self) -> Countdown | None:
        """The nearest deadline still owed; None when nothing is."""
        complaint = self.complaint
        if not complaint.open or complaint.next_due_at is None:
            return None
        owed = gettext("Complete") if complaint.replied else gettext("Reply")
        return Countdown(owed, self.started_at, complaint.next_due_at, self.now)

    @cached_property
    def later(self) -> Countdown | None:
        """The completion's deadline while a reply is owed first."""
        complaint = self.complaint
        if self.countdown is None or complaint.replied or complaint.complete_due_at == complaint.next_due_at:
            return None
        return Countdown(gettext("Complete"), self.started_at, complaint.complete_due_at, self.now)

    @property
    def started_at(self) -> datetime:
        started: datetime = getattr(self.complaint, "round_started_at", self.complaint.complaint_time)
        return started

    @property
    def merchant(self) -> str:
        return labels.merchant(self.complaint)

    @property
    def merchant_number(self) -> str:
        return labels.merchant_number(self.complaint)

    @property
    def problem(self) -> str:
        return words.say(words.PROBLEM_TYPES, self.complaint.problem_type)

    @property
    def state(self) -> str:
        return words.say(words.STATES, self.complaint.state)

    @property
    def first_line(self) -> str:
        """The first line of the payer's text that says something."""
        lines = (line.strip() for line in self.complaint.detail.splitlines())
        return next((line for line in lines if line), self.complaint.problem_description.strip())

    @cached_property
    def marks(self) -> list[Mark]:
        return list(
            labels.marks(self.complaint, refund_under_way=self.refund_under_way, second_person=self.second_person)
        )

    @property
    def claimed_by_viewer(self) -> bool:
        return self.complaint.claimed_by_id is not None and self.complaint.claimed_by_id == self.viewer_pk

    @cached_property
    def shown(self) -> dict[str, str | bool]:
        """What ``row.html`` says. In words, and in pieces where there are many: a page has fifty rows, and a template
        takes several times as long to ask an object as to write a text down."""
        complaint, countdown = self.complaint, self.countdown
        claimed_by = str(complaint.claimed_by) if complaint.claimed_by else ""
        may_claim = not claimed_by and countdown is not None and Permission.CLAIM in self.may
        return {
            "pk": str(complaint.pk),
            "stamp": self.stamp,
            "address": self.address,
            "pick": Permission.REPLY in self.may or Permission.EXPORT in self.may,
            "tone": countdown.tone if countdown else "",
            "clock": self._clock_html(),
            "amount": money(complaint.amount),
            "merchant": self.merchant,
            "problem": self.problem,
            "round": self._round(),
            "marks": format_html_join(" ", _MARK, ((mark.tone, mark.text) for mark in self.marks)),
            "words": self.first_line,
            "claimed_by": claimed_by,
            "mine": self.claimed_by_viewer,
            "claim": self.claim_address if may_claim else "",
            "looking": ", ".join(self.looking),
        }

    def _round(self) -> str:
        number = self.complaint.round_number
        return gettext("Round %(number)s") % {"number": number} if number > 1 else ""

    def _clock_html(self) -> SafeString:
        if self.countdown is None:
            return format_html('<span class="settled">{}</span>', self.state)
        nearest = self.countdown.html
        return SafeString(nearest + self.later.later_html) if self.later else nearest

    @cached_property
    def stamp(self) -> str:
        """Changes when anything that the row shows does, except the passing of time."""
        complaint = self.complaint
        shown = (
            complaint.state,
            complaint.open,
            complaint.replied,
            complaint.next_due_at,
            complaint.amount,
            complaint.claimed_by_id,
            self.merchant,
            complaint.problem_type,
            self.first_line,
            complaint.user_complaint_times,
            complaint.user_tags,
            complaint.need_immediate_service,
            complaint.in_platform_service,
            complaint.incoming_user_response,
            complaint.full_refunded,
            complaint.is_agent_mode,
            complaint.round_number,
            complaint.complete_due_at,
            self.looking,
            self.refund_under_way,
            self.second_person,
        )
        return hashlib.sha256(repr(shown).encode()).hexdigest()[:8]
