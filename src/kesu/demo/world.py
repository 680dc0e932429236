"""The sandbox and the desk in one process, on one virtual clock that stands still between events.

Everything is the real thing but the network: notices travel into the receiver, calls into the platform, pushes
into the robot, each over the in-process transport of the HTTP client. Stories in the tests and ``kesu demo
--check`` live here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx2
import psycopg

from kesu.alerts.dispatch import Dispatcher
from kesu.alerts.services import add_channel
from kesu.intake.directory import Directory
from kesu.intake.receiver import Receiver
from kesu.intake.rejections import RejectionLog
from kesu.intake.writer import InboxWriter, connection_parameters
from kesu.merchants.models import Account
from kesu.merchants.services import register_callback, remember_callback, sandbox_accounts, save_account
from kesu.sandbox import Sandbox
from kesu.sandbox.identity import Identity
from kesu.sync.gateway import Gateway
from kesu.sync.polling import start_polling
from kesu.threads import in_thread
from kesu.webhooks.sending import Sender
from kesu.worker.due import next_due
from kesu.worker.loops import account_loops, loops, webhook_loops

PUBLIC_URL = "https://desk.test"
ROBOT = "企业微信群"
Body = Callable[[], Awaitable[int]]


class _Door(httpx2.AsyncBaseTransport):
    """A way into an ASGI application that can be shut, as when a process is down."""

    def __init__(self) -> None:
        self.inside: httpx2.AsyncBaseTransport | None = None
        self.open = True

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.inside is None or not self.open:
            raise httpx2.ConnectError("nobody is there", request=request)
        return await self.inside.handle_async_request(request)


class World:
    """Make one with ``await World.create(...)``, end it with ``close``."""

    def __init__(self, start: datetime, seed: int = 1, identity: Identity | None = None) -> None:
        self.rejections = RejectionLog()
        self.writer = InboxWriter(lambda: psycopg.AsyncConnection.connect(**connection_parameters()))  # type: ignore[arg-type]
        self.door = _Door()
        self.sandbox = Sandbox.create(seed=seed, start=start, speed=0.0, identity=identity, transport=self.door)
        self.clock_error = timedelta(0)
        self.now: Callable[[], datetime] = self._desk_time
        self.platform = httpx2.ASGITransport(self.sandbox.app)
        receiver = Receiver(
            self.writer,
            Directory(self._seconds),
            self.rejections,
            now=self.now,
            in_thread=in_thread,
            on_unknown_serial=self._fetch_platform_keys,
        )
        self.door.inside = httpx2.ASGITransport(receiver)
        self.gateway = Gateway(self.now, transport=self.platform, sleep=self._sleep, seconds=self._seconds)
        robots = dict.fromkeys(("wecom_robot", "dingtalk_robot", "feishu_robot"), self.platform)
        self.dispatcher = Dispatcher(self.now, transports=robots, jitter=lambda: 0.0)
        self.hooks = _Door()
        self.sender = Sender(self.now, transport=self.hooks, jitter=lambda: 0.0)
        self.control = httpx2.AsyncClient(transport=self.platform)
        self._bodies: list[tuple[str, Body]] = [
            (loop.name, self.dispatcher.dispatch_due if loop.name == "outbox" else loop.body)
            for loop in loops(self.gateway, self.dispatcher)
        ]
        self._bodies += [
            (loop.name, self.sender.send_due if loop.name == "webhooks" else loop.body)
            for loop in webhook_loops(self.sender, self.now)
        ]
        self.accounts: dict[str, Account] = {}

    @classmethod
    async def create(cls, start: datetime, seed: int = 1, identity: Identity | None = None) -> World:
        """A desk connected to a fresh sandbox. ``identity``: keys made earlier, which saves half a second."""
        world = cls(start, seed, identity)
        await world.connect()
        return world

    async def connect(self) -> None:
        """Connect the desk: its accounts, one robot, callbacks registered; what the platform has is read at once."""
        await in_thread(self._connect)
        for account in self.accounts.values():
            _account, client = await self.gateway.client(account.pk)
            url = await register_callback(account, client, PUBLIC_URL)
            await in_thread(remember_callback, account, url)
        await self.settle()

    def _desk_time(self) -> datetime:
        """What the desk's machine thinks: ``clock_error`` ahead of the platform and of everybody else."""
        return self.sandbox.clock.now() + self.clock_error

    async def close(self) -> None:
        await self.control.aclose()
        await self.dispatcher.close()
        await self.sender.close()
        await self.gateway.close()
        await self.writer.close()
        await self.sandbox.aclose()

    # What people and scripts do --------------------------------------------------------------------------------------

    async def post(self, path: str, /, **fields: Any) -> Any:
        """Speak to the sandbox's control API; raises AssertionError with its words when it refuses."""
        answer = await self.control.post(f"{self.sandbox.control_url}{path}", json=fields)
        if answer.status_code >= 400:
            raise AssertionError(f"{path}: {answer.text}")
        return answer.json() if answer.content else None

    async def complain(self, mchid: str, **fields: Any) -> str:
        """A payer complains; returns the complaint's number."""
        made = await self.post("/complaints", mchid=mchid, temperament="none", **fields)
        return str(made["complaint_ids"][0])

    async def payer(self, complaint_id: str, do: str, text: str = "") -> None:
        await self.post(f"/complaints/{complaint_id}/payer", do=do, text=text)

    async def console(self, complaint_id: str, do: str, **fields: Any) -> None:
        """Somebody acts in the platform's own console; nothing of it is pushed."""
        await self.post(f"/complaints/{complaint_id}/merchant", do=do, **fields)

    async def messages(self, after: int = 0) -> list[Mapping[str, Any]]:
        """What the group's robots were sent, refused ones included."""
        return list((await self.control.get(f"{self.sandbox.control_url}/wecom/messages?after={after}")).json())

    # Time ------------------------------------------------------------------------------------------------------------

    async def settle(self, until: datetime | None = None) -> None:
        """Let everything happen that is due now, at the platform and in the desk, until nothing is.

        Waiting for the platform moves the clock, which makes more fall due: beyond ``until`` the rest is left.
        """
        busy = True
        while busy and (until is None or self.sandbox.clock.now() <= until):
            busy = bool(await self.sandbox.run_due())
            for name, body in self._bodies:
                # What a poll finds is taken up by the loops after it, in the same turn.
                busy = (bool(await body()) and name not in ("polls", "backfill")) or busy

    async def advance(self, delta: timedelta) -> None:
        """Go forward from event to event, letting each happen at its own moment."""
        await self.advance_to(self.sandbox.clock.now() + delta)

    async def advance_to(self, target: datetime) -> None:
        await self.settle(target)
        while (moment := await self._next()) is not None and moment < target:
            self._jump(moment)
            await self.settle(target)
        self._jump(target)
        await self.settle(target)

    async def _next(self) -> datetime | None:
        ours = await in_thread(next_due, now=self.now())
        planned = (self.sandbox.next_due(), ours - self.clock_error if ours else None)
        now = self.sandbox.clock.now()
        return min((moment for moment in planned if moment is not None and moment > now), default=None)

    def _jump(self, moment: datetime) -> None:
        self.sandbox.clock.advance(max(moment - self.sandbox.clock.now(), timedelta(0)))
        while self.sandbox.clock.now() < moment:  # the clock counts in floats and may stop a microsecond short
            self.sandbox.clock.advance(timedelta(microseconds=1))

    async def _sleep(self, seconds: float) -> None:
        """Waiting for a turn at the platform takes virtual time; those who wait side by side wait at the same time."""
        moment = self.sandbox.clock.now() + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self._jump(moment)

    async def watch(self) -> None:
        """Look after the accounts too, from now on: callback addresses, keys, limitations."""
        self._bodies += [(loop.name, loop.body) for loop in account_loops(self.gateway)]
        await self.settle()

    def _seconds(self) -> float:
        return self.sandbox.clock.now().timestamp()

    # Wiring ----------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        description = self.sandbox.description()
        for new in sandbox_accounts(description):
            account = save_account(new, now=self.now())
            start_polling(account, now=self.now())
            self.accounts[account.mchid] = account
        add_channel(
            name=ROBOT,
            kind="wecom_robot",
            settings={"webhook_url": self.loopback(description["wecom"]["webhook_url"])},
            mentions=["zhangsan"],
            second_mentions=["lisi"],
            now=self.now(),
        )

    def loopback(self, url: str) -> str:
        """A robot's address as a channel accepts it: WeCom's own, or loopback."""
        return str(url).replace(self.sandbox.base_url, "http://127.0.0.1")

    async def _fetch_platform_keys(self, account_id: int) -> None:
        await self.gateway.refresh_platform_keys(account_id)

    @property
    def merchant(self) -> str:
        """The direct merchant's number."""
        return str(next(m["mchid"] for m in self.sandbox.description()["merchants"] if m["role"] == "merchant"))

    @property
    def sub_merchants(self) -> list[str]:
        """The partner's sub-merchants."""
        partner = next(m for m in self.sandbox.description()["merchants"] if m["role"] == "partner")
        return list(partner["sub_mchids"])
