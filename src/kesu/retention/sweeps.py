"""Ending what has lived long enough: small batches, oldest first by an index, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from kesu.alerts.models import Click, Message
from kesu.commands.models import OutgoingPicture
from kesu.complaints.cursors import Cursor
from kesu.complaints.models import Complaint, Media, MediaBlob
from kesu.intake.models import Notice
from kesu.retention.lifetimes import lifetimes
from kesu.retention.models import Erasure, Forgotten, Progress
from kesu.retention.personal import drop_blobs, erase
from kesu.webhooks.models import Delivery, Event

log = structlog.get_logger(__name__)

EVERY_SECONDS = 600
BATCH = 500
COMPLAINTS_AT_ONCE = 50
COUNTED = 100_000
SWEEP_LOCK = 0x6B737377  # "ksww"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
PERSONAL = "personal"


@dataclass(frozen=True)
class Sweep:
    """``batch`` ends one batch of what is older than a moment and says how many; ``waiting`` counts what is left, at
    most ``COUNTED``.
    """

    batch: Callable[[datetime], int]
    waiting: Callable[[datetime], int]


def sweep(*, now: datetime) -> int:
    """One batch of each kind; how many rows went. One process at a time does it."""
    total = 0
    for name, batch in _batches(now).items():
        with transaction.atomic():
            if not _alone():
                return 0
            done = batch()
        if done:
            log.info("retention_swept", kind=name, rows=done)
        total += done
    return total


def waiting(*, now: datetime) -> dict[str, int]:
    """How much of each kind has lived long enough and is still there; counting stops at ``COUNTED``."""
    found = {}
    for lifetime in lifetimes():
        cutoff = lifetime.ends_before(now)
        found[lifetime.name] = SWEEPS[lifetime.name].waiting(cutoff) if cutoff else 0
    return found


def _batches(now: datetime) -> Mapping[str, Callable[[], int]]:
    batches: dict[str, Callable[[], int]] = {}
    for lifetime in lifetimes():
        cutoff = lifetime.ends_before(now)
        if cutoff is not None:
            batches[lifetime.name] = lambda name=lifetime.name, cutoff=cutoff: SWEEPS[name].batch(cutoff)  # type: ignore[misc]
    batches["forgotten"] = lambda: forget(now=now)
    batches["sessions"] = lambda: _sessions(now)
    return batches


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        return bool(cursor.fetchone()[0])


def _oldest(
    rows: QuerySet[Notice] | QuerySet[Message] | QuerySet[Click] | QuerySet[Event], moment: str, cutoff: datetime
) -> list[int]:
    """Of the lowest numbers, those that are old: numbers grow with time, so no index on the time is needed."""
    first = rows.order_by("pk").values_list("pk", moment)[:BATCH]
    return [pk for pk, at in first if at < cutoff]


def _done_notices() -> QuerySet[Notice]:
    return Notice.objects.exclude(state=Notice.State.RECEIVED)


def _notices(cutoff: datetime) -> int:
    return Notice.objects.filter(pk__in=_oldest(_done_notices(), "received_at", cutoff)).delete()[0]


def _settled_messages() -> QuerySet[Message]:
    return Message.objects.exclude(state=Message.State.PENDING)


def _settled_events() -> QuerySet[Event]:
    """What webhooks were told, with every delivery and try."""
    return Event.objects.filter(~Exists(Delivery.objects.filter(event=OuterRef("pk"), state=Delivery.State.PENDING)))


def _messages(cutoff: datetime) -> int:
    """With their tries and cards; pressed buttons and what webhooks were told by their own age. A repeated callback
    comes within seconds."""
    pressed = Click.objects.filter(pk__in=_oldest(Click.objects.all(), "received_at", cutoff)).delete()[0]
    told = Event.objects.filter(pk__in=_oldest(_settled_events(), "created_at", cutoff)).delete()[0]
    return (
        told + pressed + Message.objects.filter(pk__in=_oldest(_settled_messages(), "created_at", cutoff)).delete()[0]
    )


def _waiting_messages(cutoff: datetime) -> int:
    pressed = Click.objects.filter(received_at__lt=cutoff)
    told = _settled_events().filter(created_at__lt=cutoff)
    return _count(told) + _count(pressed) + _count(_settled_messages().filter(created_at__lt=cutoff))


def _old_blobs(cutoff: datetime) -> QuerySet[MediaBlob]:
    """Of closed cases only: an open one keeps its evidence."""
    in_use = Media.objects.filter(blob=OuterRef("pk"), complaint__open=True)
    return MediaBlob.objects.filter(stored_at__lt=cutoff).filter(~Exists(in_use))


def _pictures(cutoff: datetime) -> int:
    rows = _old_blobs(cutoff).select_for_update(skip_locked=True, of=("self",)).order_by("stored_at")
    sent = OutgoingPicture.objects.filter(created_at__lt=cutoff).order_by("created_at").values_list("pk", flat=True)
    gone = OutgoingPicture.objects.filter(pk__in=list(sent[:BATCH])).delete()[0]
    return gone + drop_blobs(list(rows.values_list("pk", flat=True)[:BATCH]))


def _not_yet_erased(cutoff: datetime) -> QuerySet[Complaint]:
    mark = Progress.objects.filter(pk=PERSONAL).first()
    cursor = Cursor(mark.at, mark.number) if mark else Cursor(BEGINNING, 0)
    return Complaint.objects.filter(cursor.after("complaint_time", descending=False), complaint_time__lt=cutoff)


def _personal(cutoff: datetime) -> int:
    """Along the index of complaints by time, from where the last batch ended. Open ones follow when they are closed."""
    rows = _not_yet_erased(cutoff).order_by("complaint_time", "id").values_list("pk", "complaint_time", "open")[:BATCH]
    found = list(rows)
    if not found:
        return 0
    erase([pk for pk, _at, is_open in found if not is_open], texts=False)
    still_open = [Forgotten(complaint_id=pk, texts=False, asked_at=cutoff) for pk, _at, is_open in found if is_open]
    Forgotten.objects.bulk_create(still_open, ignore_conflicts=True)
    number, at, _open = found[-1]
    Progress.objects.update_or_create(name=PERSONAL, defaults={"at": at, "number": number})
    return len(found)


def forget(*, now: datetime) -> int:
    """Erase what was postponed and is closed by now, and what the platform told us anew since it was erased."""
    due = Forgotten.objects.filter(complaint__open=False).filter(
        Q(erased_at__isnull=True) | Q(texts=True, complaint__history_read_at__gt=F("erased_at"))
    )
    rows = list(due.order_by("pk")[:BATCH])
    for texts in (True, False):
        complaints = [row.complaint_id for row in rows if row.texts is texts]
        if not complaints:
            continue
        gone = erase(complaints, texts=texts)
        Erasure.objects.create(
            at=now,
            actor="kesu",
            subject=Erasure.Subject.POSTPONED,
            found=gone.complaints,
            erased=gone.complaints,
            postponed=0,
            texts=gone.texts,
            pictures=gone.pictures,
        )
    Forgotten.objects.filter(pk__in=[row.pk for row in rows]).update(erased_at=now)
    return len(rows)


def _old_complaints(cutoff: datetime) -> QuerySet[Complaint]:
    return Complaint.objects.filter(complaint_time__lt=cutoff, open=False)


def _complaints(cutoff: datetime) -> int:
    """Whole cases with everything of theirs; pictures go by their own age."""
    rows = _old_complaints(cutoff).order_by("complaint_time", "id").values_list("pk", flat=True)[:COMPLAINTS_AT_ONCE]
    return Complaint.objects.filter(pk__in=list(rows)).delete()[0]


def _sessions(now: datetime) -> int:
    """With what the list of sessions says of them: address and browser."""
    ended = Session.objects.filter(expire_date__lt=now).order_by("expire_date").values_list("pk", flat=True)
    keys = list(ended[:BATCH])
    UserSession.objects.filter(session_key__in=keys).delete()
    return Session.objects.filter(pk__in=keys).delete()[0]


def _count(
    rows: QuerySet[Notice]
    | QuerySet[Message]
    | QuerySet[Click]
    | QuerySet[Event]
    | QuerySet[MediaBlob]
    | QuerySet[Complaint],
) -> int:
    return rows.order_by()[:COUNTED].count()


SWEEPS = {
    "notices": Sweep(_notices, lambda cutoff: _count(_done_notices().filter(received_at__lt=cutoff))),
    "messages": Sweep(_messages, _waiting_messages),
    "pictures": Sweep(_pictures, lambda cutoff: _count(_old_blobs(cutoff))),
    "personal": Sweep(_personal, lambda cutoff: _count(_not_yet_erased(cutoff))),
    "complaints": Sweep(_complaints, lambda cutoff: _count(_old_complaints(cutoff))),
}
