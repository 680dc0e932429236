"""The states of a command: planned -> sending -> confirmed | unknown | failed, each change one short transaction.

A worker that dies leaves its row due when its lease ends: one that was only planned is taken up again, one that was
being sent has an unknown outcome. Nothing here calls the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from kesu.commands.models import Command
from kesu.sync.requests import wake_loop
from kesu.threads import waiting

State = Command.State

LEASE = timedelta(seconds=90)
"""Longer than the SDK's own time limits: whoever holds a lease that ran out is dead."""

UNSETTLED = (State.PLANNED, State.SENDING, State.UNKNOWN)
LOOP = "commands"


class NotInState(Exception):
    """Somebody else moved the command on meanwhile."""


def _due(now: datetime) -> QuerySet[Command]:
    return Command.objects.filter(state__in=UNSETTLED, due_at__lte=now)


_ANY_DUE = waiting(_due)


def claim_due(now: datetime, limit: int, *, pk: int | None = None) -> list[Command]:
    """Lease due commands, the longest waiting first. ``pk``: only this one."""
    if pk is None and not _ANY_DUE(now):
        return []
    with transaction.atomic():
        rows = _due(now).select_for_update(skip_locked=True, of=("self",))
        if pk is not None:
            rows = rows.filter(pk=pk)
        found = list(rows.select_related("account", "complaint").order_by("due_at")[:limit])
        Command.objects.filter(pk__in=[row.pk for row in found]).update(due_at=now + LEASE)
        for row in found:
            row.due_at = now + LEASE
    return found


def give_back(command: Command, *, now: datetime, look_at: datetime) -> None:
    """Its worker stops in the middle. What may have been sent is not sent again, but read for at ``look_at``."""
    rows = Command.objects.filter(pk=command.pk)
    if not rows.filter(state=State.SENDING).update(state=State.UNKNOWN, error="interrupted", due_at=look_at):
        rows.filter(state__in=(State.PLANNED, State.UNKNOWN)).update(due_at=now)


def mark_sending(command: Command, baseline_entry: int, *, now: datetime) -> None:
    """The call is about to be made. Raises NotInState unless it is still planned and leased by the caller."""
    changed = Command.objects.filter(pk=command.pk, state=State.PLANNED, due_at=command.due_at).update(
        state=State.SENDING,
        sent_at=now,
        baseline_entry=baseline_entry,
        due_at=now + LEASE,
        attempts=F("attempts") + 1,
    )
    if not changed:
        raise NotInState
    command.refresh_from_db(fields=["state", "sent_at", "baseline_entry", "due_at", "attempts"])


def mark_unknown(command: Command, error: str, *, look_at: datetime, error_code: str = "") -> None:
    """It may have been carried out. It is read for, never repeated blindly: what only the call had to know is wiped.
    ``error_code``: the platform refused it, but what it was for may be reached all the same."""
    _move(
        command,
        (State.SENDING, State.UNKNOWN),
        state=State.UNKNOWN,
        due_at=look_at,
        error=error[:500],
        error_code=error_code[:60],
        attempts=F("attempts") + 1,
        secret=None,
    )


def keep_unknown(command: Command) -> None:
    """Raises NotInState unless its outcome is still unknown and it is leased by the caller: a person may have settled
    it by hand meanwhile."""
    if not Command.objects.filter(pk=command.pk, state=State.UNKNOWN, due_at=command.due_at).exists():
        raise NotInState


def put_off(command: Command, error: str, *, until: datetime) -> None:
    """Certainly not carried out, and worth another try later."""
    _move(command, (State.PLANNED, State.SENDING), state=State.PLANNED, due_at=until, sent_at=None, error=error[:500])


def confirm(command: Command, *, now: datetime, log_id: str = "") -> None:
    """The platform took it, or its history shows it."""
    _move(
        command,
        (State.SENDING, State.UNKNOWN),
        state=State.CONFIRMED,
        settled_at=now,
        due_at=None,
        secret=None,
        error="",
        log_id=log_id,
    )


def fail(
    command: Command,
    failure: Command.Failure,
    *,
    now: datetime,
    error: str = "",
    error_code: str = "",
    request_id: str = "",
    concerns: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Certainly not carried out, and not tried again."""
    _move(
        command,
        UNSETTLED,
        state=State.FAILED,
        failure=failure,
        settled_at=now,
        due_at=None,
        secret=None,
        error=error[:500],
        error_code=error_code[:60],
        request_id=request_id[:120],
        concerns=list(concerns),
    )


def withdraw(command: Command, *, now: datetime) -> None:
    """Taken back by a person before it was sent."""
    _move(
        command,
        (State.PLANNED,),
        state=State.FAILED,
        failure=Command.Failure.WITHDRAWN,
        settled_at=now,
        due_at=None,
        secret=None,
    )


def wake() -> None:
    """Tell the workers, once the transaction is over."""
    wake_loop(LOOP)


def _move(command: Command, sources: Iterable[str], **changes: Any) -> None:
    if not Command.objects.filter(pk=command.pk, state__in=list(sources)).update(**changes):
        raise NotInState
    command.refresh_from_db(fields=list(changes))
