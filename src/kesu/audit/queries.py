"""Reads of the audit: all of it for whoever may (``Permission.AUDIT``), a thing's trail for whoever sees the thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kesu.accounts.models import User
from kesu.audit.models import AuditEntry

PAGE = 50
OF_THE_AUDIT_ALONE = frozenset({"token", "operator"})
"""Details that tell of machines, not of the case."""


@dataclass(frozen=True)
class Step:
    """One entry of a trail. ``by`` is the name that colleagues know, ``username`` the one at that time; both are empty
    where the desk did it by itself."""

    sequence: int
    at: datetime
    username: str
    by: str
    via: str
    address: str
    action: str
    details: dict[str, Any]


@dataclass(frozen=True)
class Trail:
    """A page of steps, the newest first. ``next_before`` is 0 on the last page."""

    steps: list[Step]
    next_before: int


def entries(
    *, username: str = "", action: str = "", subject: str = "", before: int = 0, limit: int = PAGE
) -> list[AuditEntry]:
    """The newest first, paged by sequence: pass the last one of a page as ``before`` of the next. Empty words narrow
    nothing."""
    found = AuditEntry.objects.order_by("-sequence")
    wanted = {"username": username, "action": action, "subject": subject}
    found = found.filter(**{name: value for name, value in wanted.items() if value})
    if before:
        found = found.filter(sequence__lt=before)
    return list(found[:limit])


def trail(subject: str, *, whole: bool, before: int = 0, size: int = PAGE) -> Trail:
    """What was done about one thing, for everybody who sees it. Only the ``whole`` of it, for whoever may read the
    audit, tells from which address, by which token, and through which account of the operating system."""
    found = entries(subject=subject, before=before, limit=size + 1)
    shown = found[:size]
    people = User.objects.in_bulk({entry.user_id for entry in shown if entry.user_id})
    steps = [_step(entry, people, whole=whole) for entry in shown]
    return Trail(steps, shown[-1].sequence if len(found) > size else 0)


def _step(entry: AuditEntry, people: dict[int, User], *, whole: bool) -> Step:
    person = people.get(entry.user_id or 0)
    details = entry.details if isinstance(entry.details, dict) else {}
    return Step(
        sequence=entry.sequence,
        at=entry.at,
        username=entry.username,
        by=str(person) if person else entry.username,
        via=entry.via,
        address=entry.address if whole else "",
        action=entry.action,
        details=details if whole else {name: said for name, said in details.items() if name not in OF_THE_AUDIT_ALONE},
    )
