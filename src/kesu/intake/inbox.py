"""From inbox rows to requests to read: the notice is a hint, the platform is the truth."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from kesu.intake.models import Notice
from kesu.intake.violations import take_violations
from kesu.merchants.violations import EVENT_PREFIX
from kesu.rules.operations import is_known_action
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import database_in_trouble, waiting
from kesu.wechatpay import NoticeRejected

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 5
RETRY = timedelta(seconds=30)


def _due(now: datetime) -> QuerySet[Notice]:
    return Notice.objects.filter(state=Notice.State.RECEIVED, due_at__lte=now)


_ANY_DUE = waiting(_due)


def drain(*, now: datetime, limit: int = 200) -> int:
    """Turn due notices into refresh requests; returns how many were taken.

    A batch that fails is taken one by one, so that a single bad notice is parked and the others pass. While the
    database itself is in trouble nothing is taken, and its error is raised: no notice is parked for that.
    """
    if not _ANY_DUE(now):
        return 0
    with transaction.atomic():
        notices = _claim(now, limit)
        try:
            with transaction.atomic():
                _process(notices, now)
        except (DatabaseError, NoticeRejected) as error:
            if database_in_trouble(error):
                raise
            for notice in notices:
                _process_alone(notice, now)
    return len(notices)


def unpark(notice_ids: list[int], *, now: datetime) -> int:
    """Try parked notices again; returns how many."""
    return Notice.objects.filter(pk__in=notice_ids, state=Notice.State.PARKED).update(
        state=Notice.State.RECEIVED, attempts=0, due_at=now
    )


def _claim(now: datetime, limit: int) -> list[Notice]:
    return list(_due(now).select_for_update(skip_locked=True).defer("body").order_by("due_at", "id")[:limit])


def _process(notices: list[Notice], now: datetime) -> None:
    wanted: dict[tuple[int, str], str] = {}
    for notice in notices:
        if notice.complaint_id:
            wanted[(notice.account_id, notice.complaint_id)] = notice.action_type or notice.event_type
            if not is_known_action(notice.action_type):
                # Handled like any other: the platform's own advice is a default path with monitoring.
                log.warning("unknown_action_type", action_type=notice.action_type, notice=notice.pk)
        elif not notice.event_type.startswith(EVENT_PREFIX):
            log.warning("notice_without_complaint", event_type=notice.event_type, notice=notice.pk)
    request_refresh(wanted, priority=Priority.HEARD, now=now)
    take_violations([notice for notice in notices if notice.event_type.startswith(EVENT_PREFIX)], now=now)
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(
        state=Notice.State.PROCESSED, processed_at=now, error=""
    )


def _process_alone(notice: Notice, now: datetime) -> None:
    try:
        with transaction.atomic():
            _process([notice], now)
    except (DatabaseError, NoticeRejected) as error:
        if database_in_trouble(error):
            raise
        notice.attempts += 1
        notice.state = Notice.State.PARKED if notice.attempts >= MAX_ATTEMPTS else Notice.State.RECEIVED
        notice.error = f"{type(error).__name__}: {error}"[:300]
        notice.due_at = now + RETRY * 2**notice.attempts
        notice.save(update_fields=["attempts", "state", "error", "due_at"])
        log.error("notice_failed", notice=notice.pk, attempts=notice.attempts, state=notice.state)
