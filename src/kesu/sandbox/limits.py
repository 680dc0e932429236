"""How often what may be called (FAQ-C Q1 for complaints, the limits page of 申请退款 for refunds)."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from kesu.sandbox.errors import too_often

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

PUBLISHED = {
    "response": (60, MINUTE),
    "list": (200, MINUTE),
    "history": (200, MINUTE),
    "upload": (60, MINUTE),
    "complete": (1500, MINUTE),
    "refund": (150, SECOND),
    "refund_error": (6, SECOND),
}
"""Calls of one account in a sliding window. What is not in here has no published frequency."""


class Window:
    """At most `most` events in any `span`."""

    def __init__(self, most: int, span: timedelta) -> None:
        self._most = most
        self._span = span
        self._times: deque[datetime] = deque()

    def has_room(self, now: datetime) -> bool:
        while self._times and self._times[0] <= now - self._span:
            self._times.popleft()
        return len(self._times) < self._most

    def take(self, now: datetime) -> None:
        self._times.append(now)


class Frequencies:
    """One window per account and endpoint."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], Window] = {}

    def take(self, mchid: str, name: str, now: datetime) -> None:
        """Count one call. Raises PlatformError 429 FREQUENCY_LIMITED, which does not count."""
        if name not in PUBLISHED:
            return
        window = self._windows.setdefault((mchid, name), Window(*PUBLISHED[name]))
        if not window.has_room(now):
            raise too_often()
        window.take(now)
