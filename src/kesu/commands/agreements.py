"""A payer's message marked as agreement (已同意): what settles a case that was not refunded in full."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.errors import InvalidCommand
from kesu.commands.models import Agreement
from kesu.commands.verbs import locked, subject
from kesu.complaints.models import Complaint
from kesu.rules.operations import PAYER_MESSAGES


@transaction.atomic
def mark(actor: Actor, complaint: Complaint, log_id: str, *, now: datetime) -> Agreement:
    """The payer agrees in this message of theirs. Marked again, it stays as it was. Raises Forbidden, and
    InvalidCommand for an entry that is no message of the payer."""
    roles.require(actor.user, Permission.COMPLETE)
    complaint = locked(actor, complaint)
    if not complaint.timeline.filter(log_id=log_id, operate_type__in=PAYER_MESSAGES).exists():
        raise InvalidCommand("no_payer_message")
    marked, new = Agreement.objects.get_or_create(
        complaint=complaint, log_id=log_id, defaults={"marked_by": actor.user, "marked_at": now}
    )
    if new:
        record(actor, Action.AGREEMENT_MARKED, subject(complaint), {"log_id": log_id}, now=now)
    return marked


@transaction.atomic
def unmark(actor: Actor, complaint: Complaint, log_id: str, *, now: datetime) -> bool:
    """It was no agreement after all. Whether it was marked. Raises Forbidden."""
    roles.require(actor.user, Permission.COMPLETE)
    complaint = locked(actor, complaint)
    marked = Agreement.objects.filter(complaint=complaint, log_id=log_id).delete()[0] > 0
    if marked:
        record(actor, Action.AGREEMENT_MARKED, subject(complaint), {"log_id": log_id, "removed": True}, now=now)
    return marked
