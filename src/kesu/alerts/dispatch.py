"""Sending what is due: a lane for each robot key, beside each other, and no transaction open while one answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

import httpx2
import structlog
from django.db import InterfaceError, OperationalError

from kesu.alerts import deliveries, settlement
from kesu.alerts.channels.base import TIMEOUT, Receipt, SendError
from kesu.alerts.deliveries import LEASE
from kesu.alerts.models import Attempt
from kesu.alerts.settlement import Claim
from kesu.threads import DatabaseThreads, end_within, giving_back

log = structlog.get_logger(__name__)

Transports = Mapping[str, httpx2.AsyncBaseTransport]
Outcome = Attempt.Outcome
LANE_STOPS_AFTER = frozenset({Outcome.TRANSIENT, Outcome.UNKNOWN, Outcome.CHANNEL_DEAD})


class Dispatcher:
    """Sends due messages. A worker keeps one, calls ``start_due`` at each tick and ``close`` at its end.

    ``clock`` tells the time of each send (an entry point's ``kesu.clock.now``). ``transports`` replace the network, by
    kind of channel. ``lease`` must outlast the slowest send, measured by ``clock``.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        transports: Transports | None = None,
        jitter: Callable[[], float] = random.random,
        lease: timedelta = LEASE,
    ) -> None:
        self._clock = clock
        self._transports = transports or {}
        self._jitter = jitter
        self._lease = lease
        self._database = DatabaseThreads()
        self._clients: dict[str, httpx2.AsyncClient] = {}
        self._lanes: dict[str, asyncio.Task[int]] = {}
        self._closing = False

    async def start_due(self, *, limit: int = 50) -> int:
        """Start a lane for every key that has messages due, may send, and has none under way; how many. Waits for none.

        ``limit`` bounds the messages of one lane, so that the most urgent are looked for anew.
        """
        keys = await self._database.run(deliveries.due_budget_keys, now=self._clock(), busy=frozenset(self._lanes))
        idle = [key for key in keys if key not in self._lanes and not self._closing]
        for key in idle:
            lane = asyncio.create_task(self._lane(key, limit), name=f"lane-{key[:8]}")
            self._lanes[key] = lane
            lane.add_done_callback(partial(self._leave, key))
        return len(idle)

    async def dispatch_due(self, *, limit: int = 50) -> int:
        """Send what is due and wait until it is done; how many tries were made."""
        await self.start_due(limit=limit)
        return sum(await asyncio.gather(*self._lanes.values()))

    async def deliver_only(self, budget_key: str, message_pk: int) -> bool:
        """Try one named message now; False when the budget allows none."""
        claim = await self._database.run(
            deliveries.claim_next, budget_key, now=self._clock(), lease=self._lease, only=message_pk
        )
        if claim is None:
            return False
        await self._deliver(claim)
        return True

    async def wind_down(self, patience: float) -> None:
        """Begin nothing more, and let the sends under way end. Whoever does not answer for ``patience`` seconds is sent
        to again, by another worker.
        """
        self._closing = True
        await end_within(patience, self._lanes.values())

    async def close(self) -> None:
        """Let the sends under way end, then release connections."""
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()
        await asyncio.to_thread(self._database.close)

    def _leave(self, key: str, lane: asyncio.Task[int]) -> None:
        del self._lanes[key]
        error = None if lane.cancelled() else lane.exception()
        if error is not None:
            log.error("lane.failed", key=key[:8], error=type(error).__name__)

    async def _lane(self, key: str, limit: int) -> int:
        """One key's messages, one after the other. A key that does not answer is left until the next tick."""
        for number in range(limit):
            if self._closing:
                return number
            claim = await self._database.run(deliveries.claim_next, key, now=self._clock(), lease=self._lease)
            if claim is None:
                return number
            if await self._deliver(claim) in LANE_STOPS_AFTER:
                return number + 1
        return limit

    async def _deliver(self, claim: Claim) -> str:
        """Compose, send, record. The boundary of this loop: whatever one message does wrong is recorded with it."""
        started = asyncio.get_running_loop().time()
        try:
            outcome, receipt = await giving_back(
                self._send(claim), lambda: self._database.run(settlement.give_back, claim, now=self._clock())
            )
        except (InterfaceError, OperationalError) as error:
            outcome, receipt = Outcome.TRANSIENT, Receipt(answer=f"the database failed: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - one poisonous message must not stop the others
            log.error("message.broken", message=claim.message_pk, error=type(error).__name__)
            outcome, receipt = Outcome.PAYLOAD, Receipt(answer=f"could not be made: {type(error).__name__}")
        milliseconds = int((asyncio.get_running_loop().time() - started) * 1000)
        await self._database.run(
            settlement.record,
            claim,
            outcome,
            receipt,
            now=self._clock(),
            milliseconds=milliseconds,
            jitter=self._jitter(),
        )
        return outcome

    async def _send(self, claim: Claim) -> tuple[str, Receipt]:
        delivery = await self._database.run(deliveries.prepare, claim, now=self._clock())
        client = self._client(delivery.kind.name)
        try:
            return Outcome.SENT, await delivery.kind.send(delivery.push, delivery.settings, client)
        except SendError as error:
            return error.outcome, error.receipt

    def _client(self, kind: str) -> httpx2.AsyncClient:
        # Proxies of the environment are not used: a push goes where its channel says, checked, and nowhere else.
        if kind not in self._clients:
            self._clients[kind] = httpx2.AsyncClient(
                transport=self._transports.get(kind), timeout=TIMEOUT, trust_env=False
            )
        return self._clients[kind]


async def dispatch_due(*, now: datetime, limit: int = 50, transports: Transports | None = None) -> int:
    """Send what is due at ``now`` and wait until it is done; how many tries were made, at most ``limit`` a key."""
    dispatcher = Dispatcher(lambda: now, transports=transports)
    try:
        return await dispatcher.dispatch_due(limit=limit)
    finally:
        await dispatcher.close()
