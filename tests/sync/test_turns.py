"""Whose complaint is read next: no long queue stands before the others' news, and finding that out stays cheap."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from django.db import connection

from kesu.merchants.models import Account
from kesu.sync import turns
from kesu.sync.gateway import Gateway
from kesu.sync.models import Refresh
from kesu.sync.refreshing import FOREGROUND, claim, refresh_due
from kesu.sync.requests import Priority, request_refresh
from kesu.threads import in_thread
from tests.factories import NOW, make_account


def ask(account: Account, *complaint_ids: str, priority: Priority = Priority.HEARD) -> None:
    request_refresh({(account.pk, one): "test" for one in complaint_ids}, priority=priority, now=NOW)


def many(account: Account, count: int) -> None:
    """Heard of long before everything else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into sync_refresh (account_id, complaint_id, state, reason, priority, wanted, attempts, error,"
            " requested_at, due_at) select %s, 'old-' || n, 'waiting', 'test', 0, 1, 0, '', %s, %s - n * interval '1 s'"
            " from generate_series(1, %s) as n on conflict do nothing",
            [account.pk, NOW, NOW, count],
        )
        cursor.execute("analyze sync_refresh")


@pytest.fixture
def busy(transactional_db: Any) -> Account:
    return make_account("1600000000")


@pytest.fixture
def quiet(transactional_db: Any) -> Account:
    return make_account("1600000001")


def test_a_long_queue_of_one_account_leaves_places_to_the_others(busy, quiet):
    ask(busy, *(f"old-{n}" for n in range(20)))
    ask(quiet, "fresh", priority=Priority.LISTED)
    taken = claim(FOREGROUND, NOW, 8, share=4)
    assert Counter(job.account_id for job in taken) == {busy.pk: 4, quiet.pk: 1}
    assert [job.complaint_id for job in taken][-1] == "fresh"  # what was heard still goes first
    assert claim(FOREGROUND, NOW, 8, share=4, held={busy.pk: 4, quiet.pk: 1}) == []


def test_a_claim_passes_over_what_another_worker_is_claiming_this_moment(busy):
    ask(busy, "1", "2", "3")
    found = turns.next_due(FOREGROUND, NOW, 2, share=2, held={})
    others = turns.next_due(FOREGROUND, NOW, 2, share=2, held={}, passed_over=found)
    assert len(found) == 2
    assert {*found, *others} == set(Refresh.objects.values_list("pk", flat=True))


def blocks_read(lane: tuple[Priority, ...]) -> int:
    """How many pages of tables and indexes the search looks at."""
    values = {"lane": list(lane), "accounts": [], "numbers": [], "now": NOW, "share": 4, "limit": 8, "passed_over": []}
    with connection.cursor() as cursor:
        cursor.execute(f"explain (analyze, buffers, timing off, format json) {turns.NEXT}", values)
        [(plans,)] = cursor.fetchall()
    plan = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def test_finding_the_next_takes_no_longer_however_many_wait(busy, quiet):
    ask(quiet, "fresh")
    many(busy, 1_000)
    before = blocks_read(FOREGROUND)
    many(busy, 50_000)
    assert blocks_read(FOREGROUND) <= before + 30
    assert "fresh" in [job.complaint_id for job in claim(FOREGROUND, NOW, 8, share=4)]


def platform(answer: Callable[[str], Any]) -> httpx2.MockTransport:
    """Refuses everything, once ``answer`` of the merchant's number is over."""

    async def refuse(request: httpx2.Request) -> httpx2.Response:
        await answer(request.headers["authorization"].split('mchid="')[1].split('"')[0])
        return httpx2.Response(400, json={"code": "PARAM_ERROR"})

    return httpx2.MockTransport(refuse)


@pytest.mark.parametrize("hang", [1, 3])
def test_accounts_that_do_not_answer_hold_up_nobody_else(busy, quiet, hang):
    """Their reads hang, in all places; what is heard of another meanwhile is read before they end."""
    answered: list[str] = []
    hanging: Counter[str] = Counter()
    all_hang, release = asyncio.Event(), asyncio.Event()
    silent = [busy, *(make_account(f"17000000{n:02}") for n in range(hang - 1))]

    async def answer(mchid: str) -> None:
        if mchid != quiet.mchid:
            hanging[mchid] += 1
            if hanging.total() == 4 * hang:
                all_hang.set()
            await release.wait()
        answered.append(mchid)

    async def main() -> None:
        gateway = Gateway(lambda: NOW, transport=platform(answer))
        for account in silent:
            await in_thread(ask, account, *(f"old-{n}" for n in range(20)))
        reading = asyncio.create_task(refresh_due(gateway, lane=FOREGROUND, limit=8))
        async with asyncio.timeout(30):
            await all_hang.wait()
            await in_thread(ask, quiet, "fresh")
            while quiet.mchid not in answered:
                await asyncio.sleep(0.01)
        assert answered == [quiet.mchid]
        assert hanging == {account.mchid: 4 for account in silent}
        release.set()
        assert await reading <= 32
        await gateway.close()

    asyncio.run(main())


def test_a_batch_that_is_called_off_gives_back_what_it_has_in_hand(busy):
    hangs = asyncio.Event()

    async def answer(_mchid: str) -> None:
        hangs.set()
        await asyncio.Event().wait()

    async def main() -> None:
        gateway = Gateway(lambda: NOW, transport=platform(answer))
        await in_thread(ask, busy, "1", "2", "3")
        reading = asyncio.create_task(refresh_due(gateway, lane=FOREGROUND, limit=8))
        await hangs.wait()
        reading.cancel()
        await asyncio.wait([reading])
        assert reading.cancelled()
        await gateway.close()

    asyncio.run(main())
    assert set(Refresh.objects.values_list("leased_until", flat=True)) == {None}
