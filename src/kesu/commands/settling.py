"""Settling a command by hand: the platform never said what became of it, and a person went and looked."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands import aftermath
from kesu.commands.errors import Conflict, InvalidCommand
from kesu.commands.models import Command
from kesu.commands.verbs import locked, subject
from kesu.commands.wording import BY_HAND

LONGEST_REASON = 300


@transaction.atomic
def settle_by_hand(actor: Actor, command: Command, *, carried_out: bool, reason: str, now: datetime) -> Command:
    """Say what became of an unknown command, and how that is known; the case can be worked on again. Nothing is sent,
    now or later: what would have followed it (the refund of an approval) is left to people. Raises Conflict when its
    outcome is not, or no longer, unknown."""
    roles.require(actor.user, Permission.OVERRIDE)
    complaint = locked(actor, command.complaint)
    reason = reason.strip()
    if not reason:
        raise InvalidCommand("settle_reason_missing")
    if len(reason) > LONGEST_REASON:
        raise InvalidCommand("settle_reason_too_long")
    rows = Command.objects.select_for_update(of=("self",)).select_related("complaint", "account", "actor")
    row = rows.get(pk=command.pk)
    if row.state != Command.State.UNKNOWN:
        raise Conflict(commands=[row])
    if carried_out:
        aftermath.confirmed(row, None, now=now, go_on=False)
    else:
        aftermath.failed(row, Command.Failure.NOT_FOUND, now=now, error=reason, error_code=BY_HAND)
    told = {"command": row.pk, "kind": row.kind, "carried_out": carried_out, "reason": reason}
    record(actor, Action.COMMAND_SETTLED, subject(complaint), told, now=now)
    return row
