from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kesu.wechatpay import RATES, Endpoint, Pacer, PacingTimeout

pytestmark = pytest.mark.anyio


@pytest.fixture
def pacer(clock: Any) -> Pacer:
    return Pacer(now=clock, sleep=clock.sleep)


def test_the_published_rates_are_the_defaults() -> None:
    published = {"reply": 60, "list": 200, "history": 200, "upload": 60, "complete": 1500}
    assert {name: RATES[Endpoint(name)] for name in published} == published
    assert set(RATES) == set(Endpoint)


async def test_a_burst_goes_at_once_and_the_rest_is_spread(pacer: Pacer, clock: Any) -> None:
    for _ in range(12):
        await pacer.acquire(Endpoint.REPLY)
    assert clock.slept == []
    await pacer.acquire(Endpoint.REPLY)
    assert clock.slept == [pytest.approx(1.25)]


@pytest.mark.parametrize("endpoint", [Endpoint.REPLY, Endpoint.LIST, Endpoint.HISTORY, Endpoint.UPLOAD])
async def test_no_sliding_minute_holds_more_than_the_published_rate(
    pacer: Pacer, clock: Any, endpoint: Endpoint
) -> None:
    granted = []
    for _ in range(RATES[endpoint] * 3):
        await pacer.acquire(endpoint)
        granted.append(clock())
    for start in granted:
        inside = [t for t in granted if start <= t < start + timedelta(seconds=60)]
        assert len(inside) <= RATES[endpoint]


async def test_endpoints_do_not_slow_each_other(pacer: Pacer, clock: Any) -> None:
    for _ in range(12):
        await pacer.acquire(Endpoint.REPLY)
    await pacer.acquire(Endpoint.COMPLETE)
    assert clock.slept == []


async def test_turns_are_given_in_the_order_of_asking(clock: Any) -> None:
    order: list[tuple[float, int]] = []

    async def remember(seconds: float) -> None:
        order.append((seconds, len(order)))

    pacer = Pacer(now=clock, sleep=remember)
    await asyncio.gather(*(pacer.acquire(Endpoint.REPLY) for _ in range(20)))
    waits = [seconds for seconds, _ in order]
    assert waits == sorted(waits)
    assert len(waits) == 8


async def test_whoever_would_wait_too_long_is_told_at_once_and_takes_no_turn(clock: Any) -> None:
    async def stand_still(seconds: float) -> None:
        """Waiters pile up: the clock does not move while they ask."""

    pacer = Pacer(now=clock, sleep=stand_still, max_wait=5)
    for _ in range(12 + 4):
        await pacer.acquire(Endpoint.REPLY)
    for _ in range(50):
        with pytest.raises(PacingTimeout) as caught:
            await pacer.acquire(Endpoint.REPLY)
        assert caught.value.retryable
        assert not caught.value.outcome_unknown
    clock.advance(1.25)
    await pacer.acquire(Endpoint.REPLY)


async def test_a_429_halves_the_rate_and_empties_the_bucket(pacer: Pacer, clock: Any) -> None:
    pacer.throttled(Endpoint.LIST)
    assert pacer.rate(Endpoint.LIST) == 100
    await pacer.acquire(Endpoint.LIST)
    assert clock.slept == [pytest.approx(60 / 95)]


async def test_many_429s_at_once_count_as_one(pacer: Pacer, clock: Any) -> None:
    for _ in range(10):
        pacer.throttled(Endpoint.LIST)
    assert pacer.rate(Endpoint.LIST) == 100
    clock.advance(2)
    pacer.throttled(Endpoint.LIST)
    assert pacer.rate(Endpoint.LIST) == 50


async def test_the_rate_never_falls_to_nothing(pacer: Pacer, clock: Any) -> None:
    for _ in range(30):
        clock.advance(2)
        pacer.throttled(Endpoint.LIST)
    assert pacer.rate(Endpoint.LIST) == 200 / 16


async def test_the_rate_comes_back_slowly(pacer: Pacer, clock: Any) -> None:
    pacer.throttled(Endpoint.LIST)
    clock.advance(59)
    assert pacer.rate(Endpoint.LIST) == 100
    clock.advance(1)
    assert pacer.rate(Endpoint.LIST) == pytest.approx(110)
    clock.advance(3600)
    assert pacer.rate(Endpoint.LIST) == 200


async def test_recovery_also_happens_while_calls_go_on(pacer: Pacer, clock: Any) -> None:
    pacer.throttled(Endpoint.LIST)
    for _ in range(180):
        clock.advance(1)
        await pacer.acquire(Endpoint.LIST)
    assert pacer.rate(Endpoint.LIST) == pytest.approx(130)


async def test_a_clock_set_back_does_not_starve_anybody(pacer: Pacer, clock: Any) -> None:
    for _ in range(12):
        await pacer.acquire(Endpoint.REPLY)
    clock.advance(-86400)
    await pacer.acquire(Endpoint.REPLY)
    clock.advance(60)
    before = len(clock.slept)
    await pacer.acquire(Endpoint.REPLY)
    assert len(clock.slept) == before


async def test_own_rates_replace_the_defaults(clock: Any) -> None:
    pacer = Pacer(now=clock, sleep=clock.sleep, rates={Endpoint.REPLY: 600})
    assert pacer.rate(Endpoint.REPLY) == 600
    assert pacer.rate(Endpoint.LIST) == 200


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=200))
def test_however_calls_and_429s_come_the_published_rate_holds(steps: list[tuple[float, bool]]) -> None:
    async def run(clock: Callable[[], Any], sleep: Any, advance: Any) -> None:
        pacer = Pacer(now=clock, sleep=sleep)
        granted = []
        for pause, busy in steps:
            advance(pause)
            if busy:
                pacer.throttled(Endpoint.REPLY)
            await pacer.acquire(Endpoint.REPLY)
            granted.append(clock())
        for start in granted:
            assert sum(start <= t < start + timedelta(seconds=60) for t in granted) <= 60

    from datetime import UTC, datetime

    state = {"now": datetime(2026, 3, 20, tzinfo=UTC)}

    def advance(seconds: float) -> None:
        state["now"] += timedelta(seconds=seconds)

    async def sleep(seconds: float) -> None:
        advance(seconds)

    asyncio.run(run(lambda: state["now"], sleep, advance))
