"""A payer's phone number in the clear: asked for by a person, written down each time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.complaints.models import Complaint
from kesu.complaints.queries import visible_to


@transaction.atomic
def reveal(actor: Actor, complaint: Complaint, *, now: datetime) -> str:
    """The number, "" where the payer left none. Raises Forbidden, and Complaint.DoesNotExist for one that this
    person does not see."""
    require(actor.user, Permission.REVEAL_PHONE)
    phone = visible_to(actor.user).values_list("payer_phone", flat=True).get(pk=complaint.pk)
    record(actor, Action.PHONE_REVEALED, f"complaint:{complaint.complaint_id}", now=now)
    return str(phone or "")
