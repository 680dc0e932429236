"""One account of a sandbox, its clients, and nothing that runs by itself: a test takes each step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from kesu.merchants.models import Account
from kesu.merchants.services import sandbox_accounts, save_account
from kesu.sandbox import Sandbox
from kesu.sandbox.identity import Identity
from kesu.sandbox.payer_acts import Wish, open_complaint
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll, Refresh
from kesu.sync.polling import start_polling
from kesu.threads import in_thread

START = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


class Office:
    """The direct merchant's desk: accounts and polls, but no worker."""

    def __init__(self, identity: Identity) -> None:
        self.sandbox = Sandbox.create(start=START, speed=0.0, identity=identity)
        self.now: Callable[[], datetime] = self.sandbox.clock.now
        self.gateway = Gateway(self.now, transport=httpx2.ASGITransport(self.sandbox.app), sleep=self._sleep)
        self.account: Account
        self.slept = 0.0

    async def open(self) -> None:
        new = next(one for one in sandbox_accounts(self.sandbox.description()) if one.role == "merchant")
        self.account = await in_thread(save_account, new, now=self.now())
        await in_thread(start_polling, self.account, now=self.now())

    def complain(self, count: int = 1, *, days_ago: float = 0) -> list[str]:
        """Complaints of one moment, in the order of their raising."""
        when = self.now() - timedelta(days=days_ago)
        wish = Wish(mchid=self.account.mchid, pictures=0)
        return [open_complaint(self.sandbox.platform, wish, now=when).complaint_id for _ in range(count)]

    def wait(self, **length: float) -> None:
        self.sandbox.clock.advance(timedelta(**length))

    async def poll(self, tier: str) -> Poll:
        return await in_thread(lambda: Poll.objects.select_related("account").get(account=self.account, tier=tier))

    async def wanted(self) -> dict[str, Refresh]:
        """What is asked to be read, by complaint."""
        return await in_thread(lambda: {row.complaint_id: row for row in Refresh.objects.all()})

    def requests(self, name: str) -> int:
        """How many calls of an endpoint the platform has served."""
        return self.sandbox.state.counters.get(f"requests_{name}", 0)

    async def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.wait(seconds=seconds)


@pytest.fixture(scope="session")
def identity() -> Identity:
    return Identity.create()


@pytest.fixture
def play(transactional_db: Any, identity: Identity) -> Callable[[Callable[[Office], Awaitable[None]]], None]:
    """Run one test's steps with an office of its own."""

    def run(steps: Callable[[Office], Awaitable[None]]) -> None:
        async def main() -> None:
            office = Office(identity)
            try:
                await office.open()
                await steps(office)
            finally:
                await office.gateway.close()

        asyncio.run(main())

    return run
