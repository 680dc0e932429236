"""What a person can do about a complaint. Page, REST API and command line all call these functions.

Each takes who acts (``Actor``), asks whether they may, looks at what there is to know (``checks``), writes a row and
the audit, and wakes a worker; nothing here speaks to the platform. All of them raise ``roles.Forbidden`` for somebody
who may not, and the errors of ``kesu.commands.errors``. ``now`` is UTC, money is fen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import services as alerts
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import checks, immediate, inside, journal
from kesu.commands.errors import Conflict, InvalidCommand, Refused
from kesu.commands.immediate import Message
from kesu.commands.models import Command, Note
from kesu.commands.pictures import are_kept
from kesu.commands.reading import newest_entry
from kesu.commands.seen import Seen, difference
from kesu.complaints.models import Complaint
from kesu.complaints.queries import visible_to
from kesu.rules import guards

LONGEST_NOTE = 4000
MOST_PICTURES = 4
LONGEST_ADDRESS = 512

PERMISSIONS = {
    Command.Kind.REPLY: Permission.REPLY,
    Command.Kind.IMMEDIATE_REPLY: Permission.REPLY,
    Command.Kind.COMPLETE: Permission.COMPLETE,
    Command.Kind.APPROVE_REFUND: Permission.DECIDE_REFUND,
    Command.Kind.REJECT_REFUND: Permission.DECIDE_REFUND,
    Command.Kind.REFUND: Permission.REFUND,
    Command.Kind.RESEND_REFUND: Permission.REFUND,
}
ACTIONS = {
    Command.Kind.REPLY: Action.REPLIED,
    Command.Kind.IMMEDIATE_REPLY: Action.REPLIED,
    Command.Kind.COMPLETE: Action.COMPLETED,
    Command.Kind.APPROVE_REFUND: Action.REFUND_APPROVED,
    Command.Kind.REJECT_REFUND: Action.REFUND_REJECTED,
    Command.Kind.REFUND: Action.REFUNDED,
    Command.Kind.RESEND_REFUND: Action.REFUND_RESENT,
}


@dataclass(frozen=True)
class Consent:
    """What the person read and accepted. ``acknowledged``: codes of warnings; ``override_reason``: why blocks are set
    aside, by somebody who may; ``seen``: up to where they saw the case; ``key``: one key acts once."""

    acknowledged: tuple[str, ...] = ()
    override_reason: str = ""
    seen: Seen | None = None
    key: str = ""


NO_CONSENT = Consent()


def reply(
    actor: Actor,
    complaint: Complaint,
    text: str,
    pictures: Sequence[int] = (),
    *,
    jump: Mapping[str, str] | None = None,
    mini_program: Mapping[str, str] | None = None,
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command:
    """Write to the payer (回复用户). ``pictures``: numbers of ``OutgoingPicture``, at most four; ``jump``: url and
    text; ``mini_program``: appid, path and text (both need an allowance of the platform)."""
    text = text.strip()
    if not text:
        raise InvalidCommand("text_missing")
    if len(pictures) > MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    if jump and len(jump.get("url", "")) > LONGEST_ADDRESS:
        raise InvalidCommand("link_too_long")
    payload = {"text": text, "pictures": list(pictures), "jump": jump, "mini_program": mini_program}
    return plan(actor, complaint, Command.Kind.REPLY, payload, consent=consent, now=now)


def reply_immediately(
    actor: Actor,
    complaint: Complaint,
    message: Message,
    pictures: Sequence[int] = (),
    *,
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command:
    """Write to a payer who waits for immediate service (即时服务, 4017151596). ``pictures``: numbers of
    ``OutgoingPicture`` that the message's picture blocks name by their place."""
    if len(pictures) > MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    immediate.check(message, len(pictures), now=now)
    consent = replace(consent, key=consent.key or str(uuid4()))
    payload = immediate.payload_of(message, pictures)
    payload["idempotent_id"] = immediate.idempotent_id(complaint, consent.key)
    return plan(actor, complaint, Command.Kind.IMMEDIATE_REPLY, payload, consent=consent, now=now)


def complete(actor: Actor, complaint: Complaint, *, consent: Consent = NO_CONSENT, now: datetime) -> Command:
    """Report the case as done (反馈处理完成). The payer is asked how content they are, and may complain again."""
    return plan(actor, complaint, Command.Kind.COMPLETE, {}, consent=consent, now=now)


def reject_refund(
    actor: Actor,
    complaint: Complaint,
    reason: str,
    pictures: Sequence[int] = (),
    *,
    remark: str = "",
    consent: Consent = NO_CONSENT,
    now: datetime,
) -> Command:
    """Refuse the refund of a refund ticket (拒绝退款). The platform completes the case at once."""
    reason = reason.strip()
    if not reason:
        raise InvalidCommand("reason_missing")
    if len(reason) > 200 or len(remark) > 200:
        raise InvalidCommand("reason_too_long")
    if len(pictures) > MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    payload = {"text": reason, "pictures": list(pictures), "remark": remark}
    return plan(actor, complaint, Command.Kind.REJECT_REFUND, payload, consent=consent, now=now)


@transaction.atomic
def note(actor: Actor, complaint: Complaint, text: str, *, consent: Consent = NO_CONSENT, now: datetime) -> Note:
    """An internal note (备注); nobody outside the desk sees it."""
    roles.require(actor.user, Permission.NOTE)
    complaint = _visible(actor, complaint)
    text = text.strip()
    if not text:
        raise InvalidCommand("text_missing")
    if len(text) > LONGEST_NOTE:
        raise InvalidCommand("note_too_long")
    inside.agree(complaint, guards.Note(text), consent.acknowledged, now=now)
    written = Note.objects.create(complaint=complaint, author=actor.user, text=text, created_at=now)
    record(actor, Action.NOTED, subject(complaint), {"note": written.pk}, now=now)
    return written


@transaction.atomic
def claim(actor: Actor, complaint: Complaint, *, consent: Consent = NO_CONSENT, now: datetime) -> Complaint:
    """Take the case on (认领). When somebody else has it: raises alerts.ClaimedError, or Refused for whoever may assign
    and so may take it over once they accept that."""
    roles.require(actor.user, Permission.CLAIM)
    complaint = locked(actor, complaint)
    held = complaint.claimed_by_id
    if held in (None, actor.user.pk) or roles.may(actor.user, Permission.ASSIGN):
        inside.agree(complaint, guards.Claim(str(actor.user)), consent.acknowledged, now=now)
        if held not in (None, actor.user.pk):
            alerts.release(actor.user, complaint, now=now)
    claimed = alerts.claim(actor.user, complaint, now=now)
    if held != actor.user.pk:
        record(actor, Action.CLAIMED, subject(complaint), now=now)
    return claimed


@transaction.atomic
def release(actor: Actor, complaint: Complaint, *, now: datetime) -> Complaint:
    """Give the case back; whoever may assign can release somebody else's."""
    roles.require(actor.user, Permission.CLAIM)
    complaint = _visible(actor, complaint)
    if complaint.claimed_by_id not in (None, actor.user.pk):
        roles.require(actor.user, Permission.ASSIGN)
    if complaint.claimed_by_id is not None:
        alerts.release(actor.user, complaint, now=now)
        record(actor, Action.RELEASED, subject(complaint), now=now)
    return complaint


@transaction.atomic
def assign(
    actor: Actor, complaint: Complaint, assignee: User, *, consent: Consent = NO_CONSENT, now: datetime
) -> Complaint:
    """Give the case to somebody (指派). The assignee must be able to see it and to reply; taking it from a colleague
    has to be accepted."""
    roles.require(actor.user, Permission.ASSIGN)
    complaint = locked(actor, complaint)
    if assignee.is_active and not roles.may(assignee, Permission.REPLY):
        raise InvalidCommand("assignee_cannot")
    given = inside.assignment(actor.user, complaint, assignee)
    inside.agree(complaint, given, consent.acknowledged, now=now)
    if complaint.claimed_by_id != assignee.pk:
        if complaint.claimed_by_id is not None:
            alerts.release(actor.user, complaint, now=now)
        alerts.claim(assignee, complaint, now=now)
        record(actor, Action.ASSIGNED, subject(complaint), {"to": assignee.username}, now=now)
    return complaint


@transaction.atomic
def withdraw(actor: Actor, command: Command, *, now: datetime) -> Command:
    """Take back what was not sent yet. Raises Conflict once it is on its way."""
    roles.require(actor.user, PERMISSIONS[Command.Kind(command.kind)])
    _visible(actor, command.complaint)
    row = Command.objects.select_for_update(of=("self",)).get(pk=command.pk)
    if row.state != Command.State.PLANNED:
        raise Conflict(commands=[row])
    journal.withdraw(row, now=now)
    record(actor, ACTIONS[Command.Kind(row.kind)], subject(row.complaint), {"withdrawn": row.pk}, now=now)
    return row


@transaction.atomic
def plan(
    actor: Actor,
    complaint: Complaint,
    kind: Command.Kind,
    payload: Mapping[str, Any],
    *,
    consent: Consent,
    now: datetime,
    permission: Permission | None = None,
    audited: Mapping[str, Any] | None = None,
    secret: Mapping[str, str] | None = None,
) -> Command:
    """The journal's row of a new command, or the one that stands under the same key. ``secret``: what is wiped once
    the call was made. Raises Conflict when the case changed since it was seen or another command is under way, Refused
    with what stands against it."""
    roles.require(actor.user, permission or PERMISSIONS[kind])
    complaint = locked(actor, complaint)
    if not are_kept(complaint.account, payload.get("pictures") or ()):
        raise InvalidCommand("picture_unknown")
    key = consent.key or str(uuid4())
    known = Command.objects.filter(complaint=complaint, key=key).first()
    if known is not None:
        return known
    if (changed := difference(complaint, consent.seen, actor)) is not None:
        raise changed
    verdict = checks.judge(actor, complaint, kind, payload, consent.acknowledged, consent.override_reason, now=now)
    if not verdict.allowed:
        raise Refused(verdict.concerns, verdict.standing)
    command = Command.objects.create(
        account=complaint.account,
        complaint=complaint,
        kind=kind,
        payload=json.dumps(payload, ensure_ascii=False),
        secret=json.dumps(secret, ensure_ascii=False) if secret else None,
        key=key[:64],
        actor=actor.user,
        via=actor.via,
        acknowledged=sorted(set(consent.acknowledged) | {concern.code for concern in verdict.overridden}),
        override_reason=consent.override_reason[:300] if verdict.overridden else "",
        seen_entry=newest_entry(complaint.pk),
        planned_at=now,
        due_at=now,
    )
    _audit(actor, complaint, command, payload, verdict, dict(audited or {}), now=now)
    journal.wake()
    return command


def _audit(
    actor: Actor,
    complaint: Complaint,
    command: Command,
    payload: Mapping[str, Any],
    verdict: checks.Verdict,
    more: dict[str, Any],
    *,
    now: datetime,
) -> None:
    details = {"command": command.pk, **more}
    if payload.get("text"):
        details["text_sha256"] = checks.fingerprint(str(payload["text"]))
    record(actor, ACTIONS[Command.Kind(command.kind)], subject(complaint), details, now=now)
    audit_overridden(actor, complaint, verdict, {"command": command.pk}, command.override_reason, now=now)


def audit_overridden(
    actor: Actor, complaint: Complaint, verdict: checks.Verdict, about: dict[str, Any], reason: str, *, now: datetime
) -> None:
    """What of the guards was set aside, and why, if anything was. ``about``: for what."""
    if verdict.overridden:
        told = {**about, "codes": [concern.code for concern in verdict.overridden], "reason": reason}
        record(actor, Action.OVERRIDDEN, subject(complaint), told, now=now)


def _visible(actor: Actor, complaint: Complaint) -> Complaint:
    """The one gate. Raises Complaint.DoesNotExist for what this person may not see."""
    return visible_to(actor.user).select_related("account", "claimed_by").get(pk=complaint.pk)


def locked(actor: Actor, complaint: Complaint) -> Complaint:
    """The row, held until the end of the transaction: of two people who act at once one is second."""
    Complaint.objects.select_for_update(no_key=True).only("pk").get(pk=complaint.pk)
    return _visible(actor, complaint)


def subject(complaint: Complaint) -> str:
    """How the audit names a complaint."""
    return f"complaint:{complaint.complaint_id}"
