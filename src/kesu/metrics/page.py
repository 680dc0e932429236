"""``GET /metrics`` as raw ASGI: this process's counters, and the desk's figures, at most every ten seconds anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from django.db import Error as DatabaseError
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from kesu.metrics.counters import NoticeCounters
from kesu.metrics.figures import Figures, without_database
from kesu.metrics.gate import Gate

log = structlog.get_logger(__name__)

PATH = "/metrics"
FRESH_SECONDS = 10.0
REFUSED = b"Metrics are for KESU_METRICS_ALLOW (asking directly, not through a proxy) or KESU_METRICS_TOKEN.\n"

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Run = Callable[..., Awaitable[Any]]


class _Latest(Collector):
    """Hands the registry what was read last."""

    def __init__(self) -> None:
        self.metrics: Sequence[Metric] = ()

    def collect(self) -> Iterator[Metric]:
        return iter(self.metrics)


class MetricsPage:
    """``run`` calls a function where it may use the database; ``now`` is the desk's clock; ``pages`` says which process
    serves the pages, if another one does.
    """

    def __init__(
        self,
        gate: Gate,
        *,
        now: Callable[[], datetime],
        run: Run,
        pages: Callable[[], Awaitable[int | None]] | None = None,
    ) -> None:
        self._gate, self._now, self._run = gate, now, run
        self._registry = CollectorRegistry()
        self.notices = NoticeCounters(self._registry)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._pages = pages
        self._pages_pid: int | None = None
        if pages is not None:
            ProcessCollector(namespace="kesu_pages", pid=lambda: self._pages_pid or "none", registry=self._registry)
        self._latest = _Latest()
        self._registry.register(self._latest)
        self._figures = Figures()
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if not self._gate.lets_in(scope):
            await _answer(send, 403, REFUSED, b"text/plain; charset=utf-8")
            return
        async with self._reading:  # those who ask meanwhile get what the first one reads
            if asyncio.get_running_loop().time() - self._read_at > FRESH_SECONDS:
                self._latest.metrics = await self._read()
                self._read_at = asyncio.get_running_loop().time()
        if self._pages is not None:
            self._pages_pid = await self._pages()
        await _answer(send, 200, generate_latest(self._registry), CONTENT_TYPE_LATEST.encode())

    async def _read(self) -> Sequence[Metric]:
        try:
            found: Sequence[Metric] = await self._run(self._figures.read, now=self._now())
        except DatabaseError as error:
            log.warning("metrics_not_read", error=type(error).__name__)
            return without_database()
        return found


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
