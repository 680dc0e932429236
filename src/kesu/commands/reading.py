"""What the desk knows of a complaint's history and of its commands."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Max

from kesu.accounts.models import User
from kesu.commands.models import CaseView, Command
from kesu.commands.proof import Entry
from kesu.complaints.models import Complaint, TimelineEntry

STILL_LOOKING = timedelta(seconds=45)
"""An open page tells every few seconds that it is."""


def newest_entry(complaint_pk: int) -> int:
    """The timeline row that the desk came to know last; 0 when it knows none."""
    newest: int | None = TimelineEntry.objects.filter(complaint=complaint_pk).aggregate(pk=Max("pk"))["pk"]
    return newest or 0


def note_view(user: User, complaint: Complaint, *, entry: int | None = None, now: datetime) -> None:
    """This person has the case before their eyes as it stands, or up to the timeline row ``entry``."""
    newest = newest_entry(complaint.pk) if entry is None else entry
    CaseView.objects.bulk_create(
        [CaseView(complaint=complaint, user=user, seen_at=now, seen_entry=newest)],
        update_conflicts=True,
        unique_fields=["complaint", "user"],
        update_fields=["seen_at", "seen_entry"],
    )


def lookers(complaint: Complaint, *, besides: User, now: datetime) -> list[User]:
    """Who else has the case open now."""
    views = CaseView.objects.filter(complaint=complaint, seen_at__gt=now - STILL_LOOKING).exclude(user=besides)
    return [view.user for view in views.select_related("user").order_by("seen_at")]


def newest_command(complaint_pk: int) -> int:
    newest: int | None = Command.objects.filter(complaint=complaint_pk).aggregate(pk=Max("pk"))["pk"]
    return newest or 0


def entries_of(complaint_pk: int) -> Iterator[Entry]:
    rows = TimelineEntry.objects.filter(complaint=complaint_pk)
    for row in rows.values_list("pk", "log_id", "operate_type", "operate_time", "details"):
        yield Entry(*row)


def proofs_of(complaint_pk: int) -> frozenset[str]:
    """The history's rows that are known to come from commands."""
    rows = Command.objects.filter(complaint=complaint_pk).exclude(log_id="")
    return frozenset(rows.values_list("log_id", flat=True))
