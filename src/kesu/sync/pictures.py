"""Fetching the pictures of complaints before their addresses expire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import QuerySet

from kesu.complaints.media import lose, store_picture
from kesu.complaints.models import Media
from kesu.merchants.credentials import NoCredentials
from kesu.sync.gateway import Gateway
from kesu.threads import database_in_trouble, giving_back, in_thread, side_by_side, waiting
from kesu.wechatpay import WeChatPayError

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)


async def fetch_due(gateway: Gateway, *, limit: int = 8) -> int:
    """Fetch up to ``limit`` pictures at once; returns how many were taken. One shown in two places is fetched once."""
    pictures = await in_thread(claim, gateway.now(), limit)
    places: dict[tuple[int, str], list[Media]] = defaultdict(list)
    for picture in pictures:
        places[picture.complaint.account_id, picture.url].append(picture)
    if places:
        await side_by_side(
            *(
                giving_back(_fetch(gateway, shown), partial(in_thread, _give_back, shown, gateway.now()))
                for shown in places.values()
            )
        )
    return len(pictures)


def _due(now: datetime) -> QuerySet[Media]:
    return Media.objects.filter(state=Media.State.WAITING, due_at__lte=now)


_ANY_DUE = waiting(_due)


def claim(now: datetime, limit: int) -> list[Media]:
    if not _ANY_DUE(now):
        return []
    with transaction.atomic():
        rows = list(
            _due(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("complaint")
            .order_by("due_at")[:limit]
        )
        Media.objects.filter(pk__in=[row.pk for row in rows]).update(due_at=now + LEASE)
    return rows


def _give_back(shown: Sequence[Media], now: datetime) -> None:
    rows = Media.objects.filter(pk__in=[picture.pk for picture in shown], state=Media.State.WAITING)
    rows.update(due_at=now)


async def _fetch(gateway: Gateway, shown: Sequence[Media]) -> None:
    """One picture and every place that shows it."""
    try:
        _, client = await gateway.client(shown[0].complaint.account_id)
        image = await client.download_image(shown[0].url)
        for picture in shown:
            await in_thread(store_picture, picture, image, now=gateway.now())
    except (WeChatPayError, NoCredentials) as error:
        await _lose(gateway, shown, f"{type(error).__name__}: {error}")
    except Exception as error:
        if database_in_trouble(error):  # fetched again when the lease is over; that is no try of the address
            log.warning("picture_not_stored", media=shown[0].pk, error=type(error).__name__)
            return
        log.exception("picture_failed", media=shown[0].pk)
        await _lose(gateway, shown, type(error).__name__)


async def _lose(gateway: Gateway, shown: Sequence[Media], error: str) -> None:
    for picture in shown:
        await in_thread(lose, picture, error, now=gateway.now())
