"""Pictures: noted with the snapshot that shows them, fetched while their address lives (an hour for history
pictures).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from kesu.complaints.models import Complaint, Media, MediaBlob
from kesu.complaints.snapshots import Snapshot
from kesu.wechatpay.resources import Image

MAX_ATTEMPTS = 6
MAX_ATTEMPTS_EVER = 30
PICTURE_TYPES = frozenset({"image/jpeg", "image/png", "image/bmp", "image/gif", "image/webp"})


def note_media(complaint: Complaint, snapshot: Snapshot, *, now: datetime) -> None:
    """One row a picture and place, due at once; a fresh address replaces one that was not fetched yet, and gives one
    that was lost another try.
    """
    rows = [
        Media(
            complaint=complaint,
            log_id=log_id,
            media_type=media_type[:40],
            url=url[:600],
            url_fingerprint=_fingerprint(name),
            due_at=now,
        )
        for log_id, media_type, url, name in _addresses(snapshot)
    ]
    unique = {(row.log_id, row.url_fingerprint): row for row in rows}
    Media.objects.bulk_create(list(unique.values()), ignore_conflicts=True)
    unfetched = complaint.media.exclude(state=Media.State.STORED).filter(attempts__lt=MAX_ATTEMPTS_EVER)
    for known in unfetched:
        fresh = unique.get((known.log_id, known.url_fingerprint))
        if fresh is not None and fresh.url != known.url:
            due_at = known.due_at if known.state == Media.State.WAITING else now
            complaint.media.filter(pk=known.pk).update(url=fresh.url, state=Media.State.WAITING, due_at=due_at)


def store_picture(media: Media, image: Image, *, now: datetime) -> None:
    """Keep a fetched picture by its hash. Anything that is not a picture is refused for good."""
    content_type = image.content_type.split(";")[0].strip().lower()
    if content_type not in PICTURE_TYPES:
        media.attempts = MAX_ATTEMPTS_EVER
        lose(media, f"not a picture: {content_type[:40]}", now=now)
        return
    digest = hashlib.sha256(image.content).hexdigest()
    MediaBlob.objects.bulk_create(
        [MediaBlob(sha256=digest, content_type=content_type, content=image.content, stored_at=now)],
        ignore_conflicts=True,
    )
    Media.objects.filter(pk=media.pk).update(state=Media.State.STORED, blob_id=digest, error="")


def lose(media: Media, error: str, *, now: datetime) -> None:
    """A fetch failed: try again a few times within the address's hour, then give up visibly until a fresh address
    comes.
    """
    attempts = media.attempts + 1
    given_up = attempts >= MAX_ATTEMPTS
    Media.objects.filter(pk=media.pk).update(
        attempts=attempts,
        error=error[:300],
        state=Media.State.LOST if given_up else Media.State.WAITING,
        due_at=now + timedelta(seconds=20 * 2 ** min(attempts, MAX_ATTEMPTS)),
    )


def _addresses(snapshot: Snapshot) -> Iterator[tuple[str, str, str, str]]:
    """(log_id, media_type, url, name within the place) of every picture; log_id is empty for the complaint's own.

    The complaint's own are named by their path (what follows a question mark may change). An entry of the history
    never changes, but the addresses of its pictures live an hour (查询投诉单协商历史) and may differ with every
    reading: there a picture is named by its position.
    """
    for item in snapshot.detail.complaint_media_list:
        for url in item.media_url:
            yield "", item.media_type, url, urlsplit(url).path
    for entry in snapshot.entries:
        for position, url in enumerate(entry.media_urls):
            yield entry.log_id[:64], "", url, str(position)


def _fingerprint(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
