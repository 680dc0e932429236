"""The reject log: what was refused and why, bounded in memory and in the database."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.intake.models import Rejection

KEPT = 1000
BUFFERED = 200


class RejectionLog:
    """Collects refusals in memory; equal ones within a flush interval are counted, so a flood costs one row a
    second.
    """

    def __init__(self) -> None:
        self._waiting: dict[tuple[int | None, str, str], Rejection] = {}
        self.dropped = 0

    def add(self, at: datetime, account_id: int | None, reason: str, detail: str, remote: str, size: int) -> None:
        key = (account_id, reason, remote)
        known = self._waiting.get(key)
        if known is not None:
            known.count += 1
        elif len(self._waiting) < BUFFERED:
            self._waiting[key] = Rejection(
                at=at, account_id=account_id, reason=reason, detail=detail[:300], remote=remote[:64], size=size
            )
        else:
            self.dropped += 1

    def take(self) -> list[Rejection]:
        """What has gathered since the last call; the caller stores it."""
        waiting, self._waiting = list(self._waiting.values()), {}
        return waiting


def store(rejections: list[Rejection]) -> None:
    """Write, and keep the newest thousand."""
    with transaction.atomic():
        Rejection.objects.bulk_create(rejections)
        newest = Rejection.objects.order_by("-id").values_list("id", flat=True)[KEPT : KEPT + 1].first()
        if newest is not None:
            Rejection.objects.filter(id__lte=newest).delete()
