"""What stays inside the desk, as the guards judge it: a note, a claim, an assignment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from kesu.accounts.models import User
from kesu.commands import checks
from kesu.commands.errors import Refused
from kesu.complaints.models import Complaint
from kesu.complaints.queries import visible_to
from kesu.rules.guards import Assign


def assignment(by: User, complaint: Complaint, assignee: User | None) -> Assign:
    """Giving the case to ``assignee``; None while nobody is chosen."""
    if assignee is None:
        return Assign("", by=str(by))
    sees = not assignee.is_active or visible_to(assignee).filter(pk=complaint.pk).exists()
    return Assign(str(assignee), active=assignee.is_active, may_see=sees, by=str(by))


def agree(complaint: Complaint, act: checks.Inside, acknowledged: Iterable[str], *, now: datetime) -> None:
    """Raises Refused with what stands against it: blocks, and warnings nobody accepted."""
    verdict = checks.judge_inside(complaint, act, acknowledged, now=now)
    if not verdict.allowed:
        raise Refused(verdict.concerns, verdict.standing)
