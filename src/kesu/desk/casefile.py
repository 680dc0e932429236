"""All that the page of one case shows, read in a fixed number of queries."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext

from kesu.accounts import roles
from kesu.accounts.models import Role, User
from kesu.accounts.roles import PERMISSIONS, SEE_ALL_MERCHANTS, Permission
from kesu.commands import facts, inside, quick_replies
from kesu.commands.checks import Concern, Inside, look_at, look_inside
from kesu.commands.errors import InvalidCommand
from kesu.commands.immediate import payload_of
from kesu.commands.models import Command
from kesu.commands.payloads import spoken
from kesu.commands.reading import lookers
from kesu.commands.seen import Seen
from kesu.complaints import queries
from kesu.complaints.guard_wording import percent
from kesu.complaints.models import Complaint
from kesu.desk import offers, said, timeline, trails
from kesu.desk.cases import Countdown, Row
from kesu.desk.money import Money
from kesu.desk.queries import deliveries_of
from kesu.desk.sheets import NOTHING, Given, Sheet, sheet
from kesu.merchants.models import Grant
from kesu.rules.guards import CaseFacts, Claim, Note
from kesu.rules.rates import Outcome, effect_of

TRAIL_SHOWN = 20
NOTES_SHOWN = 100


class CaseFile:
    """``complaint`` comes from ``queries.case``. ``given``: what one of the forms holds already. ``together``: with
    the conversations of the payer's other complaints."""

    def __init__(
        self,
        user: User,
        complaint: Complaint,
        now: datetime,
        *,
        given: Given = NOTHING,
        together: bool = False,
    ) -> None:
        self.user, self.complaint, self.now, self.given, self.together = user, complaint, now, given, together
        self.may = roles.permissions(user)
        self.facts = facts.of(complaint, now=now)
        self.money = Money(user, complaint, self.facts, given, now)

    def context(self) -> dict[str, Any]:
        shown = {
            "case": self.complaint,
            "row": self.row,
            "now": self.now,
            "clocks": self._clocks(),
            "current_round": self._current_round(),
            "overdue_effect": self._overdue_effect(),
            "passages": self._passages(),
            "together": self.together,
            "agreed": self.agreed,
            "pushes": deliveries_of(self.user, self.complaint.pk),
            "others": self._others[: queries.OTHERS_LIMIT],
            "more_others": len(self._others) > queries.OTHERS_LIMIT,
            "seen": str(self.seen),
            "said": said.of_interest(self.commands, self.user, self.now),
            "money": self.money,
            "reply": self.reply,
            "offers": offers.offers_in(self.given if self.given.form == "reply" else NOTHING),
            "complete": self._complete(),
            "draft_mark": self._draft_mark(),
            "templates": self._templates(),
            "notes": list(self.complaint.notes.select_related("author").order_by("-pk")[:NOTES_SHOWN]),
            "note_text": self.given.text if self.given.form == "note" else "",
            "given": self.given,
            "assignees": self._assignees(),
            "claiming": self._claiming(),
            "assigning": self._assigning(),
            "noting": self._noting(),
            "chosen": self._chosen,
            "lookers": lookers(self.complaint, besides=self.user, now=self.now),
            "trail": self._trail,
            "next_case": self._next(),
        }
        shown["stamp"] = self._stamp(shown)
        shown["seconds"] = 2 if any(not command.is_settled for command in self.commands) else 10
        return shown

    @cached_property
    def row(self) -> Row:
        return Row(self.complaint, self.user.pk, self.now)

    @cached_property
    def commands(self) -> list[Command]:
        """The newest first."""
        return list(self.complaint.commands.select_related("actor").order_by("-pk")[: said.MOST])

    @cached_property
    def seen(self) -> Seen:
        """Up to where this page shows the case."""
        entries = [entry.pk for entry in self.complaint.timeline.all()]
        return Seen(max(entries, default=0), self.commands[0].pk if self.commands else 0)

    @property
    def agreed(self) -> frozenset[str]:
        return self.facts.agreed_log_ids

    @cached_property
    def reply(self) -> Sheet | None:
        """The reply box; for immediate service where the payer waits for it."""
        if Permission.REPLY not in self.may:
            return None
        given = self.given if self.given.form == "reply" else NOTHING
        return reply_sheet(self.user, self.complaint, self.facts, given, now=self.now)

    def _complete(self) -> Sheet | None:
        if Permission.COMPLETE not in self.may or not self.complaint.open:
            return None
        given = self.given if self.given.form == "complete" else NOTHING
        concerns = look_at(self.facts, self.complaint, Command.Kind.COMPLETE, {}, now=self.now)
        return sheet("complete", given, concerns, may_override=Permission.OVERRIDE in self.may)

    def _claiming(self) -> Sheet:
        return self._inside("claim", Claim(str(self.user)))

    def _assigning(self) -> Sheet:
        return self._inside("assign", inside.assignment(self.user, self.complaint, self._chosen))

    def _noting(self) -> Sheet:
        given = self.given if self.given.form == "note" else NOTHING
        return self._inside("note", Note(given.text), unsaid="note_empty")

    def _inside(self, name: str, act: Inside, *, unsaid: str = "") -> Sheet:
        """``unsaid``: what nobody has to be told before they wrote anything."""
        given = self.given if self.given.form == name else NOTHING
        concerns = [one for one in look_inside(self.facts, act, now=self.now) if one.code != unsaid]
        return sheet(name, given, concerns, may_override=False)

    @cached_property
    def _chosen(self) -> User | None:
        """Whom the refused form would have given the case to."""
        to = self.given.values.get("to", "") if self.given.form == "assign" else ""
        return User.objects.filter(pk=int(to)).first() if to.isascii() and to.isdigit() and len(to) <= 18 else None

    def _clocks(self) -> list[Countdown]:
        """The deadlines that still run, the nearer one first."""
        complaint, started_at = self.complaint, self.row.started_at
        if not complaint.open:
            return []
        reply = Countdown(gettext("Reply"), started_at, complaint.reply_due_at, self.now)
        complete = Countdown(gettext("Complete"), started_at, complaint.complete_due_at, self.now)
        return [complete] if complaint.replied else [reply, complete]

    def _current_round(self) -> Any:
        rounds = self.complaint.rounds.all()
        return next((item for item in rounds if item.number == self.complaint.round_number), None)

    def _overdue_effect(self) -> dict[str, str] | None:
        """What waiting does to the timely rate: from what it is to what it would be."""
        rate = self.facts.timely
        if rate is None or not rate.denominator:
            return None
        effect = effect_of(self.facts.record, Outcome.OVERDUE, rate, now=self.now)
        if effect is None:
            return None
        return {"before": percent(effect.before.basis_points), "after": percent(effect.after.basis_points)}

    def _passages(self) -> list[timeline.Passage]:
        authors = said.authors(self.commands, self.complaint.timeline.all())
        if not self.together:
            return timeline.passages(self.complaint, authors=authors, agreed=self.agreed)
        others = queries.conversations(self.user, [other.complaint.pk for other in self._others])
        return timeline.together([self.complaint, *others], authors=authors, agreed=self.agreed)

    @cached_property
    def _others(self) -> list[Row]:
        others = queries.others_of_payer(self.user, self.complaint)
        return [Row(other, self.user.pk, self.now) for other in others]

    def _draft_mark(self) -> int:
        """Changes when this person's reply was taken: a draft kept by the browser is of no use then."""
        mine = [row.pk for row in self.commands if row.actor_id == self.user.pk and row.kind in said.WRITING]
        return max(mine, default=0)

    def _templates(self) -> list[Any]:
        return list(quick_replies.offered_for(self.complaint)) if Permission.REPLY in self.may else []

    def _assignees(self) -> list[User]:
        """Whoever could take the case on: may reply, and sees its merchant."""
        if Permission.ASSIGN not in self.may:
            return []
        complaint = self.complaint
        granted = Grant.objects.filter(
            user=OuterRef("pk"), account=complaint.account_id, sub_mchid__in=["", complaint.complainted_mchid]
        )
        able = [role for role in Role if Permission.REPLY in PERMISSIONS[role]]
        sees = Q(all_merchants=True) | Q(role__in=[*SEE_ALL_MERCHANTS]) | Exists(granted)
        people = User.objects.filter(sees, is_active=True, role__in=able)
        return list(people.order_by("display_name", "username")[:200])

    @cached_property
    def _trail(self) -> trails.Deeds:
        return trails.of_case(self.complaint, self.may, size=TRAIL_SHOWN)

    def _next(self) -> Row | None:
        """The most urgent other case that is this person's or nobody's."""
        found = queries.cases(self.user, queries.View.OPEN, now=self.now).exclude(pk=self.complaint.pk)
        found = found.filter(Q(claimed_by=None) | Q(claimed_by=self.user))
        first = queries.for_list(found).order_by("next_due_at", "id").first()
        return Row(first, self.user.pk, self.now) if first else None

    def _stamp(self, shown: dict[str, Any]) -> str:
        """A hash of everything the page shows besides the passing of time and what was typed into it."""
        complaint = self.complaint
        told = (
            self.row.stamp,
            complaint.reply_due_at,
            complaint.complete_due_at,
            complaint.payer_phone_tail,
            complaint.apply_refund_amount,
            [entry.pk for entry in complaint.timeline.all()],
            [(media.pk, media.state) for media in complaint.media.all()],
            [(item.number, item.replied_at, item.completed_at) for item in complaint.rounds.all()],
            [(push.pk, push.state, push.attempts) for push in shown["pushes"]],
            [(other.complaint.pk, other.stamp) for other in self._others],
            [(command.pk, command.state, command.error) for command in self.commands],
            [(row.command.pk, row.command.state) for row in shown["said"]],
            [(row.refund.pk, row.refund.state) for row in self.money.refunds],
            [row.request.pk for row in self.money.requests],
            [row.pk for row in self.money.decided],
            [note.pk for note in shown["notes"]],
            [person.pk for person in shown["lookers"]],
            sorted(self.agreed),
            [order.paid_at for order in complaint.orders.all()],
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def reply_sheet(user: User, complaint: Complaint, case: CaseFacts, given: Given, *, now: datetime) -> Sheet:
    """The reply box with what guards and red lines say of all its words. An empty box is not complained about."""
    kind = Command.Kind.IMMEDIATE_REPLY if complaint.need_immediate_service else Command.Kind.REPLY
    payload = _payload(kind, given)
    concerns = [
        _placed(concern, given)
        for concern in look_at(case, complaint, kind, payload, now=now)
        if given.text.strip() or concern.code != "reply_empty"
    ]
    may_override = roles.may(user, Permission.OVERRIDE)
    return sheet("reply", given, concerns, text=spoken(payload), may_override=may_override)


def _payload(kind: Command.Kind, given: Given) -> dict[str, Any]:
    """What would be sent, as far as it can be made out. It begins with the box's text as it stands, blanks included:
    places of findings are places in it."""
    plain: dict[str, Any] = {"text": given.text, "pictures": list(given.pictures)}
    try:
        if kind == Command.Kind.REPLY:
            return plain | offers.jumps_of(given)
        payload = payload_of(offers.message_of(given), given.pictures)
    except InvalidCommand:
        return plain
    return payload | {"text": given.text + payload["text"].removeprefix(given.text.strip())}


def _placed(concern: Concern, given: Given) -> Concern:
    """Better words can be put into the text only."""
    outside = concern.end is not None and concern.end > len(given.text)
    return replace(concern, suggestion="") if outside else concern
