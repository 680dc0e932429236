"""Arming a case's clocks from what the desk already knows, where they are missing: without asking the platform."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog
from django.db import transaction

from kesu.alerts.clocks import set_clocks
from kesu.complaints.models import Complaint
from kesu.rules import states

log = structlog.get_logger(__name__)


@transaction.atomic
def arm_from_mirror(complaint_pks: Collection[int], *, now: datetime) -> int:
    """Set the clocks of these open complaints by their mirrored rounds; how many complaints.

    Nothing is told twice: a step that spoke before has its message still. A case that is being recorded now is left to
    its recorder, one without its round to the next reading.
    """
    rows = Complaint.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("account")
    armed = 0
    for complaint in rows.filter(pk__in=complaint_pks, open=True).defer("raw", "payer_phone", "payer_openid"):
        current = _current_round(complaint)
        if current is not None:
            set_clocks(complaint, (current,), False, now=now)
            armed += 1
    log.warning("clocks.armed_from_mirror", complaints=armed)
    return armed


def _current_round(complaint: Complaint) -> states.Round | None:
    row = complaint.rounds.filter(number=complaint.round_number).first()
    if row is None:
        return None
    return states.Round(
        number=row.number,
        started_at=row.started_at,
        replied=complaint.replied,
        completed=False,
        replied_at=row.replied_at,
        completed_at=None,
        reply_due_at=complaint.reply_due_at,
        complete_due_at=complaint.complete_due_at,
    )
