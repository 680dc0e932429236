"""What happened becomes events and deliveries owed, in the transaction that recorded it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from kesu.complaints.cursors import Cursor
from kesu.complaints.models import Complaint
from kesu.complaints.queries import SEALED
from kesu.complaints.services import Change
from kesu.rules.hooks import HookCause, HookEvent, causes_of, due_soon_key, lead_of
from kesu.threads import waiting
from kesu.webhooks.models import Delivery, Endpoint, Event, Lookout
from kesu.webhooks.payloads import of_complaint, sealed
from kesu.webhooks.queries import anybody_warned, warned

DUE_SOON = str(HookEvent.DUE_SOON)
PAGE = 500
OVERLAP = timedelta(minutes=2)
"""What was being recorded while somebody looked ahead is seen by the next who look: no recording takes so long."""
LONG_PAST = timedelta(days=1)
"""Nobody looked ahead for longer than this: what ended before is told no more."""


def follow(change: Change, *, now: datetime) -> None:
    """Owe what a reading gives cause to tell. Idempotent: a reading that changes nothing tells nothing."""
    complaint = change.complaint
    causes = list(causes_of(change.before, change.rounds, changed=bool(change.fields or change.entries)))
    if not causes:
        return
    endpoints = _serving(complaint)
    if not endpoints:
        return
    owe(complaint, causes, endpoints, more={"changed": _changes(change)}, now=now)
    if soon := _due_soon(complaint, now):
        owe(complaint, [soon], endpoints, more=_deadline(complaint, now), now=now)


def owe(
    complaint: Complaint,
    causes: Iterable[HookCause],
    endpoints: Sequence[Endpoint],
    *,
    more: dict[str, Any],
    now: datetime,
) -> None:
    """One event for each cause that is new and that somebody listens for, one delivery for each who does.

    The complaint's row must be locked: that is what makes the number of an event grow within its complaint. ``more``
    goes into ``data`` of ``complaint.updated`` and ``complaint.due_soon``.
    """
    wanted = [cause for cause in causes if any(str(cause.event) in one.events for one in endpoints)]
    if not wanted:
        return
    keys = [cause.key for cause in wanted if cause.key]
    known = set(complaint.hook_events.filter(cause__in=keys).values_list("cause", flat=True)) if keys else set()
    data = {"complaint": of_complaint(complaint)}
    for cause in wanted:
        if cause.key in known:
            continue
        event_id = uuid4()
        told = more if cause.event in (HookEvent.UPDATED, HookEvent.DUE_SOON) else {}
        event = Event.objects.create(
            event_id=event_id,
            type=cause.event,
            complaint=complaint,
            cause=cause.key or event_id.hex,
            data=sealed(data | {"round_number": cause.round_number} | told),
            created_at=now,
        )
        rows = [one for one in endpoints if str(cause.event) in one.events]
        Delivery.objects.bulk_create([Delivery(endpoint=one, event=event, due_at=now, created_at=now) for one in rows])


_LOOKED = waiting(lambda now: Lookout.objects.all())


def look_ahead(*, now: datetime) -> int:
    """Owe warnings for deadlines that have come near since somebody looked last; how many cases were told of.

    Survives restarts and any number of workers: how far was looked is a row, and a warning is owed once by its key.
    """
    if not anybody_warned(now):
        if _LOOKED(now):
            Lookout.objects.all().delete()  # whoever listens next is told of what comes near from then on
        return 0
    listening = list(warned().defer(*_SECRETS).order_by("pk"))
    return sum(_look_ahead(lead, listening, now) for lead in settings.KESU_WEBHOOK_DUE_SOON)


def _look_ahead(lead: timedelta, listening: list[Endpoint], now: datetime) -> int:
    upper, told, page = now + lead, 0, None
    while True:
        with transaction.atomic():
            reached = _held(lead, upper)
            if reached is None:
                return told
            if page is None:
                lower = max(reached - OVERLAP, now - LONG_PAST, *(now + one for one in _shorter(lead)))
                page = Cursor(lower, 0)
            rows = list(_near(page, upper)) if listening else []
            told += _warn(rows, listening, now)
            done = len(rows) < PAGE
            last = upper if done else rows[-1].next_due_at
            Lookout.objects.filter(pk=int(lead.total_seconds())).update(reached=max(reached, last or upper))
        if done:
            return told
        page = Cursor(last or upper, rows[-1].pk)


def _held(lead: timedelta, upper: datetime) -> datetime | None:
    """How far was looked; the row is held. None while another worker looks, and the first time of all."""
    mark = Lookout.objects.select_for_update(skip_locked=True).filter(pk=int(lead.total_seconds())).first()
    if mark is None:
        first = Lookout(lead_seconds=int(lead.total_seconds()), reached=upper)
        Lookout.objects.bulk_create([first], ignore_conflicts=True)
    return mark.reached if mark else None


def _near(page: Cursor, upper: datetime) -> QuerySet[Complaint]:
    """Along the index of open cases, what it takes to know whether a case was told of."""
    rows = Complaint.objects.filter(page.after("next_due_at", descending=False), open=True, next_due_at__lte=upper)
    return rows.only("next_due_at", "round_number", "open", "account", "complainted_mchid").order_by(
        "next_due_at", "id"
    )[:PAGE]


def _warn(rows: Sequence[Complaint], listening: list[Endpoint], now: datetime) -> int:
    """Owe what was not told yet. A case that is just being recorded is left: the recording looks itself."""
    causes = {row.pk: _due_soon(row, now) for row in rows if any(_fits(one, row) for one in listening)}
    keys = [cause.key for cause in causes.values() if cause]
    known = set(Event.objects.filter(complaint__in=causes, cause__in=keys).values_list("complaint_id", "cause"))
    fresh = [pk for pk, cause in causes.items() if cause and (pk, cause.key) not in known]
    if not fresh:
        return 0
    held = Complaint.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(pk__in=fresh)
    for complaint in held.select_related("account", "claimed_by").defer(*SEALED, "account__token").order_by("pk"):
        if cause := _due_soon(complaint, now):
            fitting = [one for one in listening if _fits(one, complaint)]
            owe(complaint, [cause], fitting, more=_deadline(complaint, now), now=now)
    return len(fresh)


def _shorter(lead: timedelta) -> list[timedelta]:
    return [one for one in settings.KESU_WEBHOOK_DUE_SOON if one < lead]


def _due_soon(complaint: Complaint, now: datetime) -> HookCause | None:
    if not complaint.open or complaint.next_due_at is None:
        return None
    lead = lead_of(settings.KESU_WEBHOOK_DUE_SOON, complaint.next_due_at - now)
    if lead is None or complaint.next_due_at <= now - LONG_PAST:
        return None
    key = due_soon_key(complaint.round_number, complaint.next_due_at, lead)
    return HookCause(HookEvent.DUE_SOON, key, complaint.round_number)


def _deadline(complaint: Complaint, now: datetime) -> dict[str, Any]:
    assert complaint.next_due_at is not None
    lead = lead_of(settings.KESU_WEBHOOK_DUE_SOON, complaint.next_due_at - now)
    return {
        "deadline": "complete" if complaint.replied else "reply",
        "due_at": complaint.next_due_at.isoformat(),
        "hours": int(lead.total_seconds() // 3600) if lead else None,
    }


def _changes(change: Change) -> list[str]:
    return [*change.fields, *(["history"] if change.entries else [])]


def _serving(complaint: Complaint) -> list[Endpoint]:
    of_account = Q(account=None) | Q(account=complaint.account_id)
    of_merchant = Q(sub_mchid="") | Q(sub_mchid=complaint.complainted_mchid)
    return list(Endpoint.objects.filter(of_account, of_merchant, enabled=True).defer(*_SECRETS).order_by("pk"))


def _fits(endpoint: Endpoint, complaint: Complaint) -> bool:
    return endpoint.account_id in (None, complaint.account_id) and endpoint.sub_mchid in (
        "",
        complaint.complainted_mchid,
    )


_SECRETS = ("url", "secret", "previous_secret")
