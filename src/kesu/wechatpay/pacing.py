"""Pacing: staying under the platform's published rates, and learning from its 429s.

Published for the complaint API (官方社区常见问题, calls a minute and merchant): reply 60, list 200, history 200,
upload 60, complete 1500. The rest is not published; the figures here are cautious guesses.

Each endpoint has a bucket: a share of the rate may go at once, the rest trickles in over the minute, so that
no sliding minute ever holds more than the published number. Turns are given in the order of asking. A 429
halves the endpoint's rate; it comes back by 5 % of the full rate for every quiet minute. One pacer belongs to
one account in one process; processes that share an account are told how many they are (``share_between``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kesu.wechatpay.errors import PacingTimeout

BURST = 0.2
"""The share of a minute's calls that may go at once."""
LIST_BURST = 0.05
"""Listing goes on for many pages, and what counts is how much of the rate it can use in the long run: the rest."""
SLOWEST = 1 / 16
"""However many 429s: never below this share of the rate."""
RECOVERY = 0.05
"""The share of the full rate that comes back for each minute without a 429."""


class Endpoint(StrEnum):
    """The platform's interfaces, as far as their rates are counted apart."""

    LIST = "list"
    DETAIL = "detail"
    HISTORY = "history"
    REPLY = "reply"
    COMPLETE = "complete"
    REFUND_PROGRESS = "refund_progress"
    IMMEDIATE_SERVICE = "immediate_service"
    NOTIFY_URL = "notify_url"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    REFUND = "refund"
    REFUND_QUERY = "refund_query"
    ORDER_QUERY = "order_query"
    CERTIFICATES = "certificates"
    BILL = "bill"
    VIOLATION_URL = "violation_url"
    LIMITATIONS = "limitations"


RATES: Mapping[Endpoint, int] = {
    Endpoint.LIST: 200,
    Endpoint.DETAIL: 600,
    Endpoint.HISTORY: 200,
    Endpoint.REPLY: 60,
    Endpoint.COMPLETE: 1500,
    Endpoint.REFUND_PROGRESS: 60,
    Endpoint.IMMEDIATE_SERVICE: 60,
    Endpoint.NOTIFY_URL: 60,
    Endpoint.UPLOAD: 60,
    Endpoint.DOWNLOAD: 600,
    Endpoint.REFUND: 300,
    Endpoint.REFUND_QUERY: 600,
    Endpoint.ORDER_QUERY: 600,
    Endpoint.CERTIFICATES: 60,
    Endpoint.BILL: 60,
    Endpoint.VIOLATION_URL: 60,
    Endpoint.LIMITATIONS: 60,
}
"""Calls a minute."""


@dataclass(slots=True)
class _Bucket:
    rate: float
    burst: float
    tokens: float
    share: float
    filled_at: datetime
    learned_at: datetime


class Pacer:
    """Gives turns. `acquire` before each call; `throttled` after each 429.

    rates: calls a minute. max_wait: seconds; a caller that would wait longer gets PacingTimeout at once.
    now: the clock that the platform counts by, aware. sleep: seconds of waiting.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        rates: Mapping[Endpoint, int] = RATES,
        max_wait: float = 60.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._now = now
        self._sleep = sleep
        self._max_wait = max_wait
        start = now()
        self._rates = {**RATES, **rates}
        self._buckets = {
            endpoint: _new_bucket(rate, LIST_BURST if endpoint is Endpoint.LIST else BURST, start)
            for endpoint, rate in self._rates.items()
        }

    def share_between(self, processes: int) -> None:
        """Keep to one part of the rates: so many processes call as this account, each with a pacer of its own."""
        for endpoint, full in self._rates.items():
            bucket = self._refill(endpoint)
            bucket.rate = full / max(1, processes)
            bucket.tokens = min(bucket.tokens, self._full(bucket))

    async def acquire(self, endpoint: Endpoint) -> None:
        """Return when it is our turn. Raises PacingTimeout when that would be after `max_wait` seconds."""
        wait = self.waiting_time(endpoint)
        bucket = self._buckets[endpoint]
        # The turn is taken before waiting: whoever asks next queues behind, and nobody overtakes.
        if wait > self._max_wait:
            raise PacingTimeout(f"{endpoint.value}: the next free turn is {wait:.0f} s away")
        bucket.tokens -= 1.0
        if wait > 0:
            await self._sleep(wait)

    def waiting_time(self, endpoint: Endpoint) -> float:
        """Seconds until a call that asked for its turn now would get it."""
        bucket = self._refill(endpoint)
        return max(0.0, (1.0 - bucket.tokens) / self._per_second(bucket))

    def throttled(self, endpoint: Endpoint) -> None:
        """The platform answered 429: go at half the rate. Several at once (within a second) count as one."""
        bucket = self._refill(endpoint)
        now = self._now()
        if bucket.share == 1.0 or (now - bucket.learned_at).total_seconds() >= 1.0:
            bucket.share = max(SLOWEST, bucket.share / 2)
        bucket.tokens = min(bucket.tokens, 0.0)
        bucket.learned_at = now

    def rate(self, endpoint: Endpoint) -> float:
        """The present rate in calls a minute, for display."""
        bucket = self._refill(endpoint)
        return bucket.rate * bucket.share

    def _refill(self, endpoint: Endpoint) -> _Bucket:
        bucket = self._buckets[endpoint]
        now = self._now()
        elapsed = (now - bucket.filled_at).total_seconds()
        if elapsed <= 0:
            bucket.filled_at = now  # a clock that was set back must not starve us
            bucket.learned_at = min(bucket.learned_at, now)
            return bucket
        bucket.tokens = min(self._full(bucket), bucket.tokens + elapsed * self._per_second(bucket))
        bucket.filled_at = now
        minutes, _ = divmod((now - bucket.learned_at).total_seconds(), 60)
        if bucket.share < 1.0 and minutes >= 1:
            bucket.share = min(1.0, bucket.share + RECOVERY * minutes)
            bucket.learned_at = now
        return bucket

    @staticmethod
    def _full(bucket: _Bucket) -> float:
        return max(1.0, bucket.rate * bucket.burst * bucket.share)

    @staticmethod
    def _per_second(bucket: _Bucket) -> float:
        return bucket.rate * bucket.share * (1.0 - bucket.burst) / 60.0


def _new_bucket(rate: float, burst: float, now: datetime) -> _Bucket:
    return _Bucket(rate, burst, max(1.0, rate * burst), 1.0, now, now)
