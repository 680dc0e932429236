"""Ask for a complaint to be read. Requests for one complaint fall together; asking is cheap and never blocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import IntEnum

from django.db import connection

from kesu.sync.models import Refresh

WAKE_CHANNEL = "kesu_work"
"""Where PostgreSQL tells workers that a loop has work; the payload is the loop's name."""


class Priority(IntEnum):
    """What is read first when the platform's limits make reads wait. The first two never wait for the others."""

    HEARD = 0
    LISTED = 1
    FOLLOWING = 2
    CHECK = 3
    BACKFILL = 4


# What is heard is tried at once, from the start. What is only listed (again at every poll while it cannot be read)
# keeps to the pause that its failures have earned; one that is parked is then tried from the start.
_HEARD = f"excluded.priority = {Priority.HEARD:d}"
_AT_ONCE = f"({_HEARD} or sync_refresh.attempts = 0 or sync_refresh.due_at <= excluded.due_at)"
UPSERT = f"""
    insert into sync_refresh (account_id, complaint_id, state, reason, priority, wanted, attempts, error, requested_at,
                              due_at)
    select a, c, 'waiting', r, %s, 1, 0, '', %s, %s from unnest(%s::bigint[], %s::text[], %s::text[]) as given(a, c, r)
    order by a, c
    on conflict (account_id, complaint_id) do update set
        wanted = sync_refresh.wanted + 1,
        reason = excluded.reason,
        priority = least(sync_refresh.priority, excluded.priority),
        attempts = case when {_HEARD} or sync_refresh.state = 'parked' and {_AT_ONCE} then 0
                        else sync_refresh.attempts end,
        state = case when {_AT_ONCE} then 'waiting' else sync_refresh.state end,
        due_at = case when {_AT_ONCE} then least(sync_refresh.due_at, excluded.due_at) else sync_refresh.due_at end
"""  # noqa: S608 - constants only


def request_refresh(wanted: Mapping[tuple[int, str], str], *, priority: Priority, now: datetime) -> None:
    """``wanted`` maps (account id, complaint_id) to the reason. Part of the caller's transaction."""
    if not wanted:
        return
    accounts, complaints = zip(*wanted, strict=True)
    reasons = [reason[:40] for reason in wanted.values()]
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [priority, now, now, list(accounts), list(complaints), reasons])


def unpark(account_ids: Collection[int], *, now: datetime) -> int:
    """Try the parked complaints of these accounts again at once; returns how many."""
    parked = Refresh.objects.filter(account_id__in=account_ids, state=Refresh.State.PARKED)
    return parked.update(state=Refresh.State.WAITING, attempts=0, due_at=now)


def waiting(*, account_id: int | None = None) -> int:
    """How many complaints wait to be read."""
    rows = Refresh.objects.filter(state=Refresh.State.WAITING)
    return rows.filter(account_id=account_id).count() if account_id else rows.count()


def wake_loop(name: str) -> None:
    """Let every worker's loop of this name look at once, as soon as the caller's transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_notify(%s, %s)", [WAKE_CHANNEL, name])
