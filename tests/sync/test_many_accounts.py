"""A thousand accounts and ten thousand sub-merchants: everybody's turn comes, within the limits, in little memory."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from kesu.intake.directory import Directory
from kesu.merchants.models import Account, AccountHealth
from kesu.sandbox.payer_acts import Wish, open_complaint
from kesu.sync import polling, watching
from kesu.sync.gateway import Gateway
from kesu.sync.models import Poll, Refresh
from kesu.sync.polling import FREQUENT, claim, poll_due, run_poll, start_polling
from kesu.threads import in_thread
from kesu.wechatpay import Endpoint
from kesu.wechatpay.pacing import RATES
from tests.factories import NOW, make_account
from tests.sync.conftest import START, Office

MANY = 1000
MINUTE = timedelta(minutes=1)
NEWEST = (Poll.Tier.NEWEST,)


@pytest.fixture
def accounts(db: Any) -> list[Account]:
    """A thousand accounts, connected at the same time."""
    made = Account.objects.bulk_create(
        Account(mchid=str(1_600_000_000 + n), token=f"token-{n}", token_fingerprint=f"{n:064d}", created_at=NOW)
        for n in range(MANY)
    )
    Poll.objects.bulk_create(Poll(account=account, tier=tier, due_at=NOW) for account in made for tier in Poll.Tier)
    AccountHealth.objects.bulk_create(AccountHealth(account=a, due_at=NOW, certificates_due_at=NOW) for a in made)
    return made


def test_accounts_that_are_connected_together_do_not_begin_in_the_same_second(accounts):
    """The last ten of a thousand; a few begin at once."""
    Poll.objects.filter(account__in=accounts[-10:]).delete()
    for account in accounts[-10:]:
        start_polling(account, now=NOW)
    due = Poll.objects.filter(account__in=accounts[-10:], tier=Poll.Tier.NEWEST).order_by("due_at")
    after = [(poll.due_at - NOW).total_seconds() for poll in due]
    assert [later - earlier for earlier, later in pairwise(after)] == [0.25] * 9
    assert 180 < after[-1] < 300
    Poll.objects.exclude(account__in=accounts[:3]).delete()
    start_polling(accounts[5], now=NOW)
    assert Poll.objects.get(account=accounts[5], tier=Poll.Tier.NEWEST).due_at == NOW


def test_every_one_of_a_thousand_accounts_is_polled_once_a_cycle(accounts):
    """A worker takes 20 a second; nobody comes twice before everybody came, and nobody waits longer than a cycle."""
    polled: Counter[int] = Counter()
    last: dict[int, Any] = {}
    longest, now = timedelta(0), NOW
    for _second in range(150):
        for poll in claim(NEWEST, now, 20):
            longest = max(longest, now - last.get(poll.account_id, now))
            last[poll.account_id] = now
            polled[poll.account_id] += 1
            polling._finish(poll, polling.tiers()[poll.tier], now)
        now += timedelta(seconds=1)
    assert len(polled) == MANY
    assert max(polled.values()) - min(polled.values()) <= 1
    assert longest <= timedelta(seconds=60 + MANY / 20)


def test_accounts_that_fail_take_no_turn_from_the_others(accounts):
    failing = {account.pk for account in accounts[::4]}
    polled: Counter[int] = Counter()
    now = NOW
    for _second in range(150):
        for poll in claim(NEWEST, now, 20):
            polled[poll.account_id] += 1
            if poll.account_id in failing:
                polling._fail(poll, ConnectionError("down"), now)
            else:
                polling._finish(poll, polling.tiers()[poll.tier], now)
        now += timedelta(seconds=1)
    assert min(polled[account.pk] for account in accounts if account.pk not in failing) >= 2
    assert min(polled[pk] for pk in failing) >= 2


def test_two_workers_never_poll_the_same_account_at_once(accounts):
    now = NOW
    taken = [poll.pk for _ in range(60) for poll in claim(NEWEST, now, 20)]
    assert len(taken) == len(set(taken)) == MANY
    assert {poll.pk for poll in claim(NEWEST, now + polling.LEASE, 2 * MANY)} == set(taken)


def test_a_thousand_accounts_are_looked_after_in_turn(accounts):
    taken = [row.pk for _ in range(200) for row in watching.claim(NOW, 8)]
    assert len(taken) == len(set(taken)) == MANY


def test_a_receiver_reads_the_keys_of_a_thousand_accounts_in_three_queries(accounts, django_assert_num_queries):
    directory = Directory()
    with django_assert_num_queries(3):
        directory.reread(NOW)
    assert directory.find("token-999") is not None


def test_one_account_that_does_not_answer_holds_up_one_place_only(transactional_db):
    """Eight accounts in two places; the platform never answers the first."""
    slow, others = make_account("1600000000"), [make_account(f"160000000{n}") for n in range(1, 8)]
    answered: list[str] = []
    release = asyncio.Event()

    async def platform(request: httpx2.Request) -> httpx2.Response:
        mchid = request.headers["authorization"].split('mchid="')[1].split('"')[0]
        if mchid == slow.mchid:
            await release.wait()
        answered.append(mchid)
        if len(answered) == len(others):
            release.set()
        return httpx2.Response(400, json={"code": "PARAM_ERROR"})

    async def main() -> None:
        gateway = Gateway(lambda: NOW, transport=httpx2.MockTransport(platform))
        for account in (slow, *others):
            await in_thread(start_polling, account, now=NOW)
        assert await poll_due(gateway, lane=NEWEST, limit=2) == 8
        await gateway.close()

    asyncio.run(main())
    assert set(answered[:-1]) == {account.mchid for account in others}
    assert answered[-1] == slow.mchid


def test_the_clients_of_many_accounts_share_their_connections(transactional_db):
    async def main() -> None:
        gateway = Gateway(lambda: NOW)
        first, second = [await in_thread(make_account, f"160000000{n}") for n in range(2)]
        (_, one), (_, other) = await gateway.client(first.pk), await gateway.client(second.pk)
        assert one is not other
        assert one._http._transport is other._http._transport
        await one.aclose()
        assert not other._http.is_closed
        await gateway.close()

    asyncio.run(main())


def test_ten_thousand_complaints_of_a_provider_are_paged_in_flat_memory_near_the_limit(play):
    async def steps(office: Office) -> None:
        for _ in range(MANY):
            wish = Wish(mchid=office.account.mchid, pictures=0)
            for _ in range(10):
                open_complaint(office.sandbox.platform, wish, now=office.now())
        held: list[int] = []

        def measure(poll: Poll) -> None:
            if poll.listed % 1000 == 0:
                held.append(sys.getallocatedblocks())

        began = office.now()
        poll = await office.poll(Poll.Tier.MONTH)
        await run_poll(office.gateway, poll, measure)
        assert await in_thread(Refresh.objects.count) == 10 * MANY
        assert max(held) - held[1] < 5 * MANY  # not even a block for each of the eight thousand after
        minutes = (office.now() - began) / MINUTE
        assert 0.9 * RATES[Endpoint.LIST] <= office.requests("list") / minutes <= 1.2 * RATES[Endpoint.LIST]
        assert office.sandbox.state.counters.get("errors_FREQUENCY_LIMITED", 0) == 0

    play(steps)


def test_a_later_look_finds_nothing_new_and_asks_for_nothing(play):
    async def steps(office: Office) -> None:
        await poll_due(office.gateway, lane=FREQUENT)
        assert await poll_due(office.gateway, lane=FREQUENT) == 0
        assert office.now() == START

    play(steps)
