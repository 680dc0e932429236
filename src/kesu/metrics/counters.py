"""What one web process counts itself, from its start on; sum over processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

OUTCOMES = {204: "accepted", 503: "not_stored"}


class Refusal(Protocol):
    """A row of the reject log: equal refusals are counted in one."""

    reason: str
    count: int


class NoticeCounters:
    """Notices by what they were answered. Knows the answer's status only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._notices = Counter(
            "kesu_notices", "Notices by answer: accepted, rejected, not_stored.", ["outcome"], registry=registry
        )
        self._rejections = Counter(
            "kesu_notice_rejections", "Refused notices by reason.", ["reason"], registry=registry
        )
        for outcome in ("accepted", "rejected", "not_stored"):
            self._notices.labels(outcome)

    def counting(self, send: Send) -> Send:
        """``send`` that counts the answer it passes on."""

        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._notices.labels(OUTCOMES.get(message["status"], "rejected")).inc()
            await send(message)

        return counted

    def refused(self, refusals: Iterable[Refusal]) -> None:
        for refusal in refusals:
            self._rejections.labels(refusal.reason).inc(refusal.count)
