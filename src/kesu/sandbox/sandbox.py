"""The sandbox put together: one platform, its robots, its payers, its clock, its troubles, and their HTTP face."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx2
from pydantic import TypeAdapter

from kesu.sandbox import refunds, wire
from kesu.sandbox.api import build_app
from kesu.sandbox.chat_robots import ChatRobots
from kesu.sandbox.faults import Faults
from kesu.sandbox.identity import Account, Identity, write_private
from kesu.sandbox.limits import Frequencies
from kesu.sandbox.notices import Courier
from kesu.sandbox.payers import Payers
from kesu.sandbox.pictures import PictureStore
from kesu.sandbox.platform import Platform
from kesu.sandbox.policy import Policy
from kesu.sandbox.robots import Robots
from kesu.sandbox.state import Appointment, State
from kesu.sandbox.virtual_clock import VirtualClock
from kesu.sandbox.wecom_app import WecomApps

LONGEST_NAP = 0.25
SHORTEST_NAP = 0.005
_STATE = TypeAdapter(State)


class Sandbox:
    """A look-alike of WeChat Pay's complaint and refund API and of WeCom's robots.

    `app` is the ASGI application. Nothing happens by itself until `run_due` (step by step, for stories) or
    `run_forever` (for real serving) is called; every request first lets the time pass that has passed.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        directory: Path | None,
        state: State,
        seed: int,
        clock: VirtualClock,
        quiet: bool,
        policy: Policy,
        base_url: str,
        transport: httpx2.AsyncBaseTransport | None,
        concurrency: int,
    ) -> None:
        self.identity = identity
        self.directory = directory
        self.state = state
        self.clock = clock
        self.policy = policy
        self.base_url = base_url
        self.served = False
        """Whether real clients wait on sockets; in process, a time-out is raised instead of waited for."""
        self.stopping = asyncio.Event()
        self.platform = Platform(state, identity, policy, seed=seed, pictures=PictureStore(directory))
        self.random = Random(f"{seed}/{state.sequence}/sandbox")  # noqa: S311
        self.faults = Faults(self.random)
        self.frequencies = Frequencies()
        self.robots = Robots(state, identity.robot_key)
        self.chat_robots = ChatRobots(state)
        self.wecom_apps = WecomApps(state, transport=transport)
        self.payers = Payers(self.platform, quiet=quiet)
        self.certificate_users: dict[str, bool] = {}
        self.courier = Courier(
            self.platform,
            self.faults,
            self.random,
            serial_for=self.serial_for,
            transport=transport,
            concurrency=concurrency,
        )
        self._changed = asyncio.Event()
        self._unsaved = True
        if not quiet:
            self.payers.start_opening(clock.now())
        self.app = build_app(self)

    @classmethod
    def create(
        cls,
        directory: Path | None = None,
        *,
        seed: int = 1,
        clock: VirtualClock | None = None,
        start: datetime | None = None,
        speed: float = 1.0,
        quiet_payers: bool = True,
        policy: Policy | None = None,
        identity: Identity | None = None,
        base_url: str = "http://sandbox.test",
        transport: httpx2.AsyncBaseTransport | None = None,
        concurrency: int = 1,
    ) -> Sandbox:
        """Make a sandbox, or take up the one that an earlier run left in `directory`.

        start: the virtual time at the beginning (aware; real time when None); an earlier run's clock in the
        directory wins. speed: 0 stands still until `clock.advance`, which is what a story wants.
        transport: how notices travel (for example an ASGITransport of the desk); real HTTP when None.
        """
        state = State()
        if directory is not None:
            directory.mkdir(parents=True, exist_ok=True)
            identity = identity or Identity.load_or_create(directory)
            file = directory / "state.json"
            state = _STATE.validate_json(file.read_bytes()) if file.exists() else state
            clock_file = directory.resolve() / "clock.json"
            clock = clock or VirtualClock.restore(clock_file) or VirtualClock(start, speed=speed)
            clock.file = clock_file
        clock = clock or VirtualClock(start, speed=speed)
        clock.publish()
        return cls(
            identity or Identity.create(),
            directory=directory,
            state=state,
            seed=seed,
            clock=clock,
            quiet=quiet_payers,
            policy=policy or Policy(),
            base_url=base_url,
            transport=transport,
            concurrency=concurrency,
        )

    @property
    def control_url(self) -> str:
        return f"{self.base_url}/control"

    def description(self) -> dict[str, Any]:
        """The content of sandbox.json."""
        return self.identity.description(self.base_url, self.clock.file)

    # Time ---------------------------------------------------------------------------------------------

    def let_time_pass(self) -> int:
        """Payers act and refunds arrive, each at its own moment, up to the virtual now. Returns how many."""
        done, now = 0, self.clock.now()
        while (appointment := self.platform.agenda.pop_due(now)) is not None:
            done += self._keep(appointment, now)
        if done:
            self.touch()
        return done

    async def run_due(self) -> int:
        """Let time pass and deliver the notices that are due, until nothing is. Returns how many things were
        done."""
        done = 0
        while True:
            passed = self.let_time_pass()
            tasks = self.courier.start_due(self.clock.now)
            await asyncio.gather(*tasks)
            if not passed and not tasks:
                return done
            done += passed + len(tasks)
            self.touch()

    def next_due(self) -> datetime | None:
        """The virtual moment at which something will happen by itself; None: nothing is planned."""
        moments = (self.platform.agenda.next_due(), self.courier.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    async def run_forever(self) -> None:
        """Live: let time pass, deliver, save; until cancelled."""
        under_way: set[asyncio.Task[None]] = set()
        saved_at, saving_took = 0.0, 0.0
        try:
            while True:
                self._changed.clear()
                self.let_time_pass()
                for task in self.courier.start_due(self.clock.now):
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    self.touch()
                # A large state takes long to write, so it is written less often.
                if self._unsaved and time.monotonic() - saved_at > max(1.0, 30 * saving_took):
                    saved_at = time.monotonic()
                    self.save()
                    saving_took = time.monotonic() - saved_at
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._nap())
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    def touch(self) -> None:
        """Something changed: save soon, and look at once whether something is due."""
        self._unsaved = True
        self._changed.set()

    def _nap(self) -> float:
        moment = self.next_due()
        wait = self.clock.real_seconds_until(moment) if moment else None
        return LONGEST_NAP if wait is None else min(max(wait, SHORTEST_NAP), LONGEST_NAP)

    def _keep(self, appointment: Appointment, now: datetime) -> bool:
        if appointment.kind == "opening":
            self.payers.open_some(appointment, now)
            return True
        if appointment.kind == "payer":
            return self.payers.act(appointment)
        return self._arrive(appointment)

    def _arrive(self, appointment: Appointment) -> bool:
        refund = refunds.arrive(self.platform, appointment.data["key"], now=appointment.due_at)
        if refund is None:
            return False
        account = self.identity.account(refund.caller)
        if refund.notify_url and account:
            payload = wire.refund_notice(self.platform, account, refund)
            self.courier.push_refund(account, refund.notify_url, refund.status, payload, appointment.due_at)
        return True

    # Signing ------------------------------------------------------------------------------------------

    def serial_for(self, account: Account | None, named: str | None = None) -> str:
        """With which of its keys the platform signs for this account. `named`: the request's Wechatpay-Serial."""
        certificate, public_key = self._certificate_serial(named), self.identity.public_key_id
        if self.policy.signing == "grey":
            return self.random.choice((certificate, public_key))
        if named:
            is_public_key = named.startswith("PUB_KEY_ID_")
            if account and self.policy.signing == "auto" and is_public_key:
                self.certificate_users[account.mchid] = False
            return public_key if is_public_key else certificate
        if self.policy.signing == "auto":
            uses = account is not None and self.certificate_users.get(account.mchid, False)
            return certificate if uses else public_key
        return certificate if self.policy.signing == "certificate" else public_key

    def _certificate_serial(self, named: str | None) -> str:
        """The named one, if it signs; by chance one of those that do, where several are in use."""
        serials = [pair.serial_no for pair in self.identity.certificates_in_use]
        if named in serials:
            return str(named)
        return serials[0] if len(serials) == 1 else self.random.choice(serials)

    def save_identity(self) -> None:
        """Keep changed keys, and tell them to whoever reads sandbox.json."""
        if self.directory is not None:
            self.identity.save(self.directory)
            if self.served:
                write_private(self.directory / "sandbox.json", self.description())

    # Memory -------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write the whole state to `DIR/state.json`; nothing without a directory."""
        self._unsaved = False
        if self.directory is None:
            return
        self.platform.agenda.remember()
        fresh = self.directory / "state.json.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(_STATE.dump_json(self.state))
        fresh.replace(self.directory / "state.json")

    async def aclose(self) -> None:
        """Save and let go of connections."""
        self.save()
        await self.courier.aclose()
