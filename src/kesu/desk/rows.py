"""Rows of a list with what other apps know of them: who looks at a case now, whether a refund is on its way or waits
for a second person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db.models import Value
from django.urls import reverse

from kesu.accounts import roles
from kesu.accounts.roles import Person
from kesu.commands.models import CaseView, Refund, RefundRequest
from kesu.commands.reading import STILL_LOOKING
from kesu.complaints.models import Complaint
from kesu.desk.cases import Row

UNDER_WAY = (Refund.State.WANTED, Refund.State.PROCESSING)


def rows(viewer: Person, complaints: Sequence[Complaint], now: datetime) -> list[Row]:
    """Two queries, however many rows."""
    pks = [complaint.pk for complaint in complaints]
    views = CaseView.objects.filter(complaint__in=pks, seen_at__gt=now - STILL_LOOKING).exclude(user=viewer.pk)
    looking: dict[int, list[str]] = {}
    for view in views.select_related("user").order_by("user__display_name", "user__username"):
        looking.setdefault(view.complaint_id, []).append(str(view.user))
    refunds = Refund.objects.filter(complaint__in=pks, state__in=UNDER_WAY, due_at__isnull=False)
    requests = RefundRequest.objects.filter(complaint__in=pks, state=RefundRequest.State.WAITING)
    both = refunds.values_list("complaint_id", Value(False)).union(requests.values_list("complaint_id", Value(True)))
    marked = set(both)
    may = roles.permissions(viewer)
    address, claim_address = _numbered("desk:case"), _numbered("desk:claim")
    return [
        Row(
            complaint,
            viewer.pk,
            now,
            may=may,
            looking=tuple(looking.get(complaint.pk, ())),
            refund_under_way=(complaint.pk, False) in marked,
            second_person=(complaint.pk, True) in marked,
            address=address(complaint.pk),
            claim_address=claim_address(complaint.pk),
        )
        for complaint in complaints
    ]


def _numbered(name: str) -> Callable[[int], str]:
    """``reverse``, asked once: addresses of one kind differ in the case's number only."""
    before, _zero, after = reverse(name, args=[0]).rpartition("0")
    return lambda pk: f"{before}{pk}{after}"
