"""Several workers keep within the platform's published rates together."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from kesu.alerts.dispatch import Dispatcher
from kesu.clock import beijing_day
from kesu.sandbox.identity import Identity
from kesu.sync.gateway import Gateway
from kesu.threads import in_thread
from kesu.wechatpay import RATES, Endpoint, RateLimited
from kesu.worker.loops import LIVE_FOR, Worker
from kesu.worker.models import Heartbeat
from tests.factories import NOW
from tests.sync.conftest import Office

CALLS = 300
"""Of each worker; together they need three minutes."""


@pytest.fixture
def office(transactional_db: Any) -> Office:
    return Office(Identity.create())


def test_two_workers_list_as_fast_as_the_platform_lets_one_and_are_never_refused(office: Office) -> None:
    async def main() -> None:
        await office.open()
        workers = [worker_of(office, name) for name in ("one", "other")]
        for worker in workers * 2:  # the first hears of the other at its next beat
            await worker._appear(office.now())
        began = office.now()
        await asyncio.gather(*(list_again_and_again(office, worker) for worker in workers))
        minutes = (office.now() - began) / timedelta(minutes=1)
        assert refused(office) == 0
        assert office.requests("list") == 2 * CALLS
        assert 0.9 * RATES[Endpoint.LIST] <= 2 * CALLS / minutes <= 1.1 * RATES[Endpoint.LIST]
        for worker in workers:
            await worker.gateway.close()

    asyncio.run(main())


def test_two_that_know_nothing_of_each_other_are_refused(office: Office) -> None:
    async def main() -> None:
        await office.open()
        workers = [worker_of(office, name) for name in ("one", "other")]
        calls = (list_again_and_again(office, worker) for worker in workers)
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert any(isinstance(one, RateLimited) for one in ended)
        for worker in workers:
            await worker.gateway.close()

    asyncio.run(main())


def test_the_share_of_a_worker_that_is_gone_comes_back(transactional_db: Any) -> None:
    async def main() -> None:
        gateway = Gateway(lambda: NOW)
        worker = Worker(gateway, Dispatcher(lambda: NOW))
        dead = {"version": "1", "started_at": NOW}
        for name, ago in (("dead", LIVE_FOR), ("alive", timedelta(seconds=5))):
            await in_thread(Heartbeat.objects.create, name=name, seen_at=NOW - ago, **dead)
        await worker._appear(NOW)
        assert gateway._processes == 2
        await in_thread(Heartbeat.objects.filter(name="alive").delete)
        await worker._appear(NOW)
        assert gateway._processes == 1
        await gateway.close()

    asyncio.run(main())


def worker_of(office: Office, name: str) -> Worker:
    async def sleep(seconds: float) -> None:
        """Those who wait side by side wait at the same time; whoever is due first goes first."""
        moment = office.now() + timedelta(seconds=seconds)
        while office.now() < moment:
            await asyncio.sleep(0)
            office.wait(seconds=0.01)

    platform = httpx2.ASGITransport(office.sandbox.app)
    worker = Worker(Gateway(office.now, transport=platform, sleep=sleep), Dispatcher(office.now))
    worker.name = name
    return worker


def refused(office: Office) -> int:
    return office.sandbox.state.counters.get("errors_FREQUENCY_LIMITED", 0)


async def list_again_and_again(office: Office, worker: Worker) -> None:
    _account, client = await worker.gateway.client(office.account.pk)
    today = beijing_day(office.now())
    for _ in range(CALLS):
        await client.list_complaints(today, today)
