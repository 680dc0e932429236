"""How fast a robot key may be used: one row a key, locked while it is asked and spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kesu.alerts.channels.base import Budget
from kesu.alerts.models import BudgetKey
from kesu.rules.budget import available


def locked(key: str) -> BudgetKey:
    """The key's row, made at first use, held until the transaction ends."""
    BudgetKey.objects.bulk_create([BudgetKey(key=key)], ignore_conflicts=True)
    return BudgetKey.objects.select_for_update().get(pk=key)


def free_at(row: BudgetKey, budget: Budget, *, now: datetime) -> datetime:
    """The first instant, from ``now`` on, at which the key may send one more."""
    used = [datetime.fromtimestamp(stamp, tz=UTC) for stamp in row.used_at]
    instants = [now, *(available(used, now, limit, window).free_at for limit, window in budget.limits)]
    if row.paused_until:
        instants.append(row.paused_until)
    if row.spacing_seconds and used:
        instants.append(max(used) + timedelta(seconds=row.spacing_seconds))
    return max(instants)


def spend(row: BudgetKey, budget: Budget, *, now: datetime) -> None:
    """Count one send, and forget those that left the window. The caller saves the row."""
    since = (now - max(window for _, window in budget.limits)).timestamp()
    row.used_at = [stamp for stamp in row.used_at if stamp > since] + [now.timestamp()]


def rest(key: str, budget: Budget, *, now: datetime) -> None:
    """Let the key rest after the other side said that it is too fast."""
    row = locked(key)
    row.paused_until = now + budget.pause
    row.save(update_fields=["paused_until"])
