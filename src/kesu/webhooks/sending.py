"""Sending what is due: a lane for each endpoint, beside each other, and no transaction open while one answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import httpx2
import structlog
from django.db import InterfaceError, OperationalError

from kesu.alerts.channels.base import TIMEOUT, SendError, post
from kesu.alerts.channels.webhook.transport import REDIRECTS, pinned
from kesu.threads import DatabaseThreads, end_within, giving_back, side_by_side
from kesu.webhooks import claims, payloads, signing
from kesu.webhooks.claims import Answer, Claim
from kesu.webhooks.models import Delivery

log = structlog.get_logger(__name__)

SEND_SECONDS = 10
BESIDE_EACH_OTHER = 4
LANES = 50
BATCHES = 25
AGENT = "Kesu-Webhooks/1"


class Sender:
    """Sends due deliveries. A worker keeps one, calls ``start_due`` at each tick and ``close`` at its end.

    ``clock`` tells the time of each send. ``transport`` replaces the network.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock, self._jitter = clock, jitter
        # Proxies of the environment are not used: a delivery goes where it was checked that it may, and nowhere else.
        self._client = httpx2.AsyncClient(transport=transport, timeout=TIMEOUT, trust_env=False)
        self._database = DatabaseThreads()
        self._lanes: dict[int, asyncio.Task[int]] = {}
        self._closing = False

    async def start_due(self) -> int:
        """Start a lane for every endpoint that something is due for and that has none; how many. Waits for none."""
        found = await self._database.run(claims.due_endpoints, now=self._clock())
        if self._closing:
            return 0
        idle = [pk for pk in found if pk not in self._lanes][: max(0, LANES - len(self._lanes))]
        for pk in idle:
            lane = asyncio.create_task(self._lane(pk), name=f"webhook-{pk}")
            self._lanes[pk] = lane
            lane.add_done_callback(partial(self._leave, pk))
        return len(idle)

    async def send_due(self) -> int:
        """Send what is due and wait until it is done; how many tries were made."""
        await self.start_due()
        return sum(await asyncio.gather(*self._lanes.values()))

    async def send_only(self, delivery_pk: int) -> None:
        """Try one delivery now, whenever it is due, unless a worker has it in hand."""
        for claim in await self._database.run(claims.claim_only, delivery_pk, now=self._clock()):
            await self._deliver(claim)

    async def wind_down(self, patience: float) -> None:
        """Begin nothing more, and let the sends under way end. Whoever does not answer for ``patience`` seconds is sent
        to again, by another worker.
        """
        self._closing = True
        await end_within(patience, self._lanes.values())

    async def close(self) -> None:
        """Let the sends under way end, then release connections."""
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        await self._client.aclose()
        await asyncio.to_thread(self._database.close)

    def _leave(self, pk: int, lane: asyncio.Task[int]) -> None:
        del self._lanes[pk]
        error = None if lane.cancelled() else lane.exception()
        if error is not None:
            log.error("webhook_lane.failed", endpoint=pk, error=type(error).__name__)

    async def _lane(self, pk: int) -> int:
        """One endpoint's deliveries, a few at a time. One that takes none is left until the next tick."""
        tried = 0
        for _number in range(BATCHES):
            if self._closing:
                break
            batch = await self._database.run(claims.claim, pk, now=self._clock(), limit=BESIDE_EACH_OTHER)
            states = await side_by_side(*(self._deliver(claim) for claim in batch))
            tried += len(batch)
            if Delivery.State.DELIVERED not in states:
                break
        return tried

    async def _deliver(self, claim: Claim) -> Delivery.State:
        """Send and settle. The boundary of this loop: whatever one delivery does wrong is recorded with it."""
        started = asyncio.get_running_loop().time()
        try:
            answer = await giving_back(
                self._send(claim), lambda: self._database.run(claims.give_back, claim, now=self._clock())
            )
        except (InterfaceError, OperationalError) as error:
            answer = Answer(error=f"the database failed: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - one poisonous delivery must not stop the others
            log.error("webhook.broken", delivery=claim.delivery_pk, error=type(error).__name__)
            answer = Answer(error=f"could not be made: {type(error).__name__}")
        milliseconds = int((asyncio.get_running_loop().time() - started) * 1000)
        return await self._database.run(
            claims.settle, claim, answer, now=self._clock(), milliseconds=milliseconds, jitter=self._jitter()
        )

    async def _send(self, claim: Claim) -> Answer:
        delivery = await self._database.run(_read, claim.delivery_pk)
        endpoint, body = delivery.endpoint, payloads.body(delivery.event)
        parts = urlsplit(endpoint.url)
        signed = signing.headers(endpoint, str(delivery.event.event_id), body, now=self._clock())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": AGENT,
            "Host": parts.netloc,
            "Connection": "close",  # a connection was checked for one name, and another name may share its number
            **signed,
        }
        try:
            async with asyncio.timeout(SEND_SECONDS):
                url, extensions = await pinned(endpoint.url, parts.hostname or "")
                status, answer = await post(self._client, url, body, headers, extensions)
        except TimeoutError:
            return Answer(error=f"no answer within {SEND_SECONDS} seconds")
        except SendError as error:
            return Answer(error=str(error))
        response = answer.decode(errors="replace").replace("\0", "")[:500]
        if 200 <= status < 300:
            return Answer(status, "", response)
        told = "redirects are not followed" if status in REDIRECTS else f"HTTP {status}"
        return Answer(status, told, response)


async def send_only(delivery_pk: int, *, clock: Callable[[], datetime]) -> None:
    """Try one delivery now, for a command that waits for the answer."""
    sender = Sender(clock)
    try:
        await sender.send_only(delivery_pk)
    finally:
        await sender.close()


def _read(delivery_pk: int) -> Delivery:
    rows = Delivery.objects.select_related("endpoint", "event")
    return rows.get(pk=delivery_pk)
