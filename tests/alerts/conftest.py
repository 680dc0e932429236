"""A desk in the small: mirror, clocks and dispatcher against the sandbox's robots, on one clock driven by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from django.db import transaction
from pytest_django import Settings

from kesu.alerts import queries, services
from kesu.alerts.dispatch import Dispatcher
from kesu.alerts.models import Attempt, Channel, Message
from kesu.complaints.models import Complaint
from kesu.complaints.services import Change, mirror
from kesu.complaints.snapshots import Snapshot
from kesu.merchants.models import Account
from kesu.sandbox import Identity, Sandbox
from kesu.sandbox.faults import Fault
from kesu.sandbox.state import RobotMessage
from kesu.wechatpay.resources import Complaint as Detail
from kesu.wechatpay.resources import HistoryEntry
from tests.factories import make_account

START = datetime(2026, 11, 20, 1, 12, tzinfo=UTC)
BASE_URL = "http://127.0.0.1:1"


class Platform:
    """One complaint as WeChat Pay would tell it; ``snapshot()`` is what a reading at ``now`` gives."""

    def __init__(self, number: int, at: datetime, **detail: Any) -> None:
        self.detail: dict[str, Any] = {
            "complaint_id": f"2002018202001010800766{number:05}",
            "complaint_time": at.isoformat(),
            "complaint_state": "PENDING",
            "complaint_detail": "说好三天发货, 一周了没人理我",
            "complainted_mchid": "1900000001",
            "problem_type": "REFUND",
            "user_complaint_times": 1,
            "payer_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            "complaint_order_info": [{"transaction_id": f"42{number}", "out_trade_no": "A1", "amount": 19900}],
        } | detail
        self.history: list[dict[str, Any]] = []
        self.write("USER_CREATE_COMPLAINT", at)

    def write(self, operate_type: str, at: datetime, details: str = "") -> None:
        self.history.append(
            {
                "log_id": f"{self.detail['complaint_id']}{len(self.history):03}",
                "operator": "投诉人",
                "operate_time": at.isoformat(),
                "operate_type": operate_type,
                "operate_details": details,
            }
        )

    def snapshot(self, now: datetime) -> Snapshot:
        answered_at = now.replace(microsecond=0)
        entries = [HistoryEntry.from_wire(entry) for entry in self.history]
        return Snapshot(Detail.from_wire(self.detail, answered_at=answered_at), entries, answered_at)


class Desk:
    """Drives everything below the worker by hand. ``now`` moves only by ``until`` and ``wait``."""

    def __init__(self, account: Account, identity: Identity) -> None:
        self.account = account
        self.sandbox = Sandbox.create(start=START, speed=0, base_url=BASE_URL, identity=identity)
        self.transports = {"wecom_robot": httpx2.ASGITransport(app=self.sandbox.app)}
        self._numbers = iter(range(1, 99_999))

    @property
    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def channel(self, name: str = "客服群", key: str = "", **options: Any) -> Channel:
        url = f"{BASE_URL}/cgi-bin/webhook/send?key={key or self.sandbox.identity.robot_key}"
        settings = {"webhook_url": url, **options.pop("robot", {})}
        values = {"mentions": ["LiSi"], "second_mentions": ["WangJingLi"]} | options
        return services.add_channel(name, "wecom_robot", settings, now=self.now, **values)

    def another_channel(self, name: str = "备用群", **options: Any) -> Channel:
        return self.channel(name, self.sandbox.robots.create(), **options)

    def complaint(self, **detail: Any) -> Platform:
        return Platform(next(self._numbers), self.now, **detail)

    def see(self, platform: Platform) -> Change:
        with transaction.atomic():
            change = mirror(self.account, platform.snapshot(self.now), now=self.now)
            services.follow(change, now=self.now)
        return change

    def new(self, **detail: Any) -> tuple[Platform, Complaint]:
        """A complaint raised and seen now."""
        platform = self.complaint(**detail)
        return platform, self.see(platform).complaint

    def answered(self, platform: Platform) -> None:
        platform.detail["complaint_state"] = "PROCESSING"
        platform.write("MERCHANT_RESPONSE", self.now, "您好, 已为您核实")
        self.see(platform)

    def closed(self, platform: Platform) -> None:
        platform.detail["complaint_state"] = "PROCESSED"
        platform.write("MERCHANT_CONFIRM_COMPLETE", self.now)
        self.see(platform)

    def continued(self, platform: Platform) -> None:
        platform.detail["complaint_state"] = "PENDING"
        platform.detail["user_complaint_times"] += 1
        platform.write("USER_CONTINUE_COMPLAINT", self.now, "没退款你们就结了?")
        self.see(platform)

    def wait(self, **duration: float) -> None:
        """Let time pass without a tick."""
        self.sandbox.clock.advance(timedelta(**duration))

    def dispatch(self) -> int:
        """One round of sending at the present moment."""
        return asyncio.run(self._dispatch())

    def tick(self) -> None:
        services.raise_due_clocks(now=self.now)
        self.dispatch()

    def until(self, **since_start: float) -> None:
        """Tick at every instant at which something is due, up to the given time after START."""
        asyncio.run(self._until(START + timedelta(**since_start)))

    def shown(self) -> list[RobotMessage]:
        """What the group sees."""
        return [message for message in self.sandbox.robots.messages_after(0) if message.accepted]

    def hours(self) -> list[float]:
        """When the group saw something, in hours after START."""
        return [round((message.time - START).total_seconds() / 3600, 2) for message in self.shown()]

    def trouble(self, kind: str, value: Any = None, **options: Any) -> None:
        self.sandbox.faults.order(Fault("wecom", kind, value, **options))

    def dispatcher(self) -> Dispatcher:
        return Dispatcher(lambda: self.now, transports=self.transports, jitter=lambda: 0.0)

    async def _dispatch(self) -> int:
        dispatcher = self.dispatcher()
        try:
            return await dispatcher.dispatch_due()
        finally:
            await dispatcher.close()

    async def _until(self, end: datetime) -> None:
        dispatcher = self.dispatcher()
        try:
            while True:
                await asyncio.to_thread(_in_this_thread, services.raise_due_clocks, self.now)
                await dispatcher.dispatch_due()
                due = await asyncio.to_thread(_in_this_thread, queries.next_due, self.now)
                if due is None or due > end:
                    break
                self.sandbox.clock.advance(max(due - self.now, timedelta(milliseconds=1)))
            self.sandbox.clock.advance(end - self.now)
        finally:
            await dispatcher.close()


def _in_this_thread(function: Callable[..., Any], now: datetime) -> Any:
    from django.db import connections

    try:
        return function(now=now)
    finally:
        connections.close_all()


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Made once: its keys take longer than a test."""
    return Identity.create()


@pytest.fixture
def desk(transactional_db: None, settings: Settings, identity: Identity) -> Desk:
    settings.KESU_PUBLIC_URL = "https://desk.example.com"
    return Desk(make_account(now=START), identity)


@pytest.fixture
def outcomes() -> Callable[[], list[str]]:
    """What the delivery log says, oldest first."""
    return lambda: list(Attempt.objects.order_by("pk").values_list("outcome", flat=True))


@pytest.fixture
def states() -> Callable[[], list[tuple[str, str]]]:
    """Kind and state of every message, oldest first."""
    return lambda: list(Message.objects.order_by("pk").values_list("kind", "state"))
