"""The ping outwards: while all is well, and only then."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from pydantic import ValidationError

from kesu.alerts.dispatch import Dispatcher
from kesu.config.configuration import Configuration
from kesu.sync.gateway import Gateway
from kesu.webhooks.sending import Sender
from kesu.worker.deadman import STALLED_SECONDS, DeadMan
from kesu.worker.loops import account_loops, loops, upkeep, webhook_loops
from tests.factories import NOW

URL = "https://hc.example.com/ping/2f9d"


class Outside:
    """Counts pings; answers with ``status``, or not at all."""

    def __init__(self) -> None:
        self.pings: list[str] = []
        self.status = 200

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.pings.append(str(request.url))
        if not self.status:
            raise httpx2.ConnectError("nobody there", request=request)
        return httpx2.Response(self.status)


class Hand:
    """A clock moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def deadman(outside: Outside, hand: Hand) -> DeadMan:
    return DeadMan(URL, {"outbox": 1, "clocks": 1}, seconds=hand, transport=httpx2.MockTransport(outside))


def test_while_all_is_well_it_pings(deadman: DeadMan, outside: Outside) -> None:
    assert asyncio.run(deadman.ping())
    assert outside.pings == [URL]


def test_a_loop_that_fails_stops_the_pings_until_it_passes_again(deadman: DeadMan, outside: Outside) -> None:
    deadman.failed("outbox")
    assert not asyncio.run(deadman.ping())
    assert outside.pings == []
    deadman.passed("outbox")
    assert asyncio.run(deadman.ping())


def test_a_loop_that_hangs_stops_the_pings(deadman: DeadMan, outside: Outside, hand: Hand) -> None:
    hand.now = STALLED_SECONDS + 2
    deadman.passed("clocks")
    assert deadman.ill() == ["outbox"]
    assert not asyncio.run(deadman.ping())


def test_no_loop_of_a_worker_is_ill_while_it_rests_and_each_is_once_it_hangs(outside: Outside, hand: Hand) -> None:
    gateway, dispatcher = Gateway(lambda: NOW), Dispatcher(lambda: NOW)
    found = [*loops(gateway, dispatcher), *account_loops(gateway), *upkeep(lambda: NOW)]
    found += webhook_loops(Sender(lambda: NOW), lambda: NOW)
    assert {"search", "retention"} <= {loop.name for loop in found if loop.idle_seconds >= STALLED_SECONDS}
    deadman = DeadMan(URL, {loop.name: loop.idle_seconds for loop in found}, seconds=hand)
    for loop in found:
        hand.now += 10_000
        for one in found:
            deadman.passed(one.name)
        hand.now += loop.idle_seconds + STALLED_SECONDS
        for one in found:
            if one is not loop:
                deadman.passed(one.name)
        assert deadman.ill() == []  # a pass that begins after its rest has ten minutes
        hand.now += 1
        assert deadman.ill() == [loop.name]


@pytest.mark.parametrize("status", [404, 500, 0])
def test_an_address_that_does_not_answer_well_harms_nothing(deadman: DeadMan, outside: Outside, status: int) -> None:
    outside.status = status
    assert not asyncio.run(deadman.ping())


def test_without_an_address_it_does_nothing(outside: Outside) -> None:
    nobody = DeadMan("", {"outbox": 1}, transport=httpx2.MockTransport(outside))
    asyncio.run(nobody.run(asyncio.Event()))
    assert outside.pings == []


def test_it_ends_with_the_worker(deadman: DeadMan, outside: Outside) -> None:
    async def story() -> None:
        stopping = asyncio.Event()
        running = asyncio.create_task(deadman.run(stopping))
        while not outside.pings:
            await asyncio.sleep(0)
        stopping.set()
        await running

    asyncio.run(story())
    assert len(outside.pings) == 1


def test_the_address_is_checked_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KESU_DEADMAN_URL", "hc.example.com")
    with pytest.raises(ValidationError, match="deadman_url"):
        Configuration()
    monkeypatch.setenv("KESU_DEADMAN_URL", URL)
    assert Configuration().deadman_url == URL
