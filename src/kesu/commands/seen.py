"""Up to where a person saw a case, and what happened since: nobody acts on a page that is no longer true."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kesu.accounts.actor import Actor
from kesu.commands.errors import Conflict
from kesu.commands.journal import UNSETTLED
from kesu.commands.models import Command
from kesu.commands.reading import newest_command, newest_entry
from kesu.complaints.models import Complaint, TimelineEntry

_MARK = re.compile(r"(\d{1,18})\.(\d{1,18})")


@dataclass(frozen=True)
class Seen:
    """The newest timeline row and the newest command on the page, as ``12.34`` in forms and in the API."""

    entry: int
    command: int

    def __str__(self) -> str:
        return f"{self.entry}.{self.command}"

    @classmethod
    def parse(cls, text: str) -> Seen | None:
        """None for an empty or strange mark: then nothing is compared."""
        match = _MARK.fullmatch(text.strip())
        return cls(int(match[1]), int(match[2])) if match else None

    @classmethod
    def of(cls, complaint: Complaint) -> Seen:
        return cls(newest_entry(complaint.pk), newest_command(complaint.pk))


def difference(complaint: Complaint, seen: Seen | None, actor: Actor) -> Conflict | None:
    """What this person has not seen, or is still under way; None when nothing stands in the way."""
    under_way = list(Command.objects.filter(complaint=complaint, state__in=UNSETTLED).select_related("actor"))
    if seen is None:
        return Conflict(under_way) if under_way else None
    others = Command.objects.filter(complaint=complaint, pk__gt=seen.command).exclude(state=Command.State.FAILED)
    fresh = list(others.exclude(actor=actor.user.pk).exclude(pk__in=[row.pk for row in under_way]).order_by("pk"))
    own = Command.objects.filter(complaint=complaint, actor=actor.user.pk).exclude(log_id="")
    entries = TimelineEntry.objects.filter(complaint=complaint, pk__gt=seen.entry)
    entries = entries.exclude(log_id__in=own.values("log_id")).exclude(operate_type__endswith="_SYSTEM_MESSAGE")
    unseen = [entry for entry in entries.order_by("pk")]
    return Conflict([*under_way, *fresh], unseen) if under_way or fresh or unseen else None
