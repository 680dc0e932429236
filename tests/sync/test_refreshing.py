"""Reading complaints: what was heard goes first, requests fall together, leases run out, failures are bounded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from kesu.complaints.models import Complaint
from kesu.sandbox import console
from kesu.sandbox.faults import Fault
from kesu.sync import refreshing
from kesu.sync.models import Refresh
from kesu.sync.refreshing import BACKGROUND, FOREGROUND, PARKED_FOR, claim, refresh_due
from kesu.sync.requests import Priority, request_refresh, waiting
from kesu.sync.rereading import request_rereads
from kesu.threads import in_thread
from kesu.wechatpay.ciphers import encrypt_sensitive
from tests.keys import private_key
from tests.sync.conftest import START, Office


async def ask(office: Office, *complaint_ids: str, priority: Priority = Priority.HEARD, reason: str = "test") -> None:
    wanted = {(office.account.pk, complaint_id): reason for complaint_id in complaint_ids}
    await in_thread(request_refresh, wanted, priority=priority, now=office.now())


async def row(complaint_id: str) -> Refresh:
    return await in_thread(Refresh.objects.get, complaint_id=complaint_id)


def break_it(office: Office, complaint_id: str, **fault: Any) -> None:
    office.sandbox.faults.order(Fault(target="wechatpay", path=complaint_id, **fault))


def test_what_was_heard_is_read_before_a_backfill_of_many(play):
    async def steps(office: Office) -> None:
        old = office.complain(30, days_ago=9)
        await ask(office, *old, priority=Priority.BACKFILL)
        office.wait(seconds=1)
        (heard,) = office.complain()
        await ask(office, heard)
        (first, *_rest) = await in_thread(claim, (*FOREGROUND, *BACKGROUND), office.now(), 8)
        assert first.complaint_id == heard

    play(steps)


def test_the_lanes_do_not_take_each_others_work(play):
    async def steps(office: Office) -> None:
        heard, listed, following, checked, old = office.complain(5)
        for complaint_id, priority in zip((heard, listed, following, checked, old), Priority, strict=True):
            await ask(office, complaint_id, priority=priority)
        assert await refresh_due(office.gateway, lane=FOREGROUND) == 2
        assert set(await office.wanted()) == {following, checked, old}
        assert await refresh_due(office.gateway, lane=BACKGROUND, limit=1) == 1
        assert set(await office.wanted()) == {checked, old}
        assert await refresh_due(office.gateway, lane=BACKGROUND, limit=1) == 1
        assert set(await office.wanted()) == {old}

    play(steps)


def test_requests_for_one_complaint_fall_together_and_keep_the_most_urgent(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made, priority=Priority.BACKFILL, reason="poll:month")
        await ask(office, made, priority=Priority.HEARD, reason="USER_RESPONSE")
        await ask(office, made, priority=Priority.LISTED, reason="poll:newest")
        found = await row(made)
        assert (found.wanted, found.priority, found.reason) == (3, Priority.HEARD, "poll:newest")
        assert await in_thread(waiting) == 1
        assert await refresh_due(office.gateway) == 1
        assert (office.requests("detail"), office.requests("history")) == (1, 1)
        assert await in_thread(waiting) == 0

    play(steps)


def test_one_that_is_asked_for_while_it_is_read_is_read_again(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made)
        (job,) = await in_thread(claim, FOREGROUND, office.now(), 8)
        account, client = await office.gateway.client(office.account.pk)
        snapshot = await refreshing.read_snapshot(client, made)
        await ask(office, made, reason="USER_RESPONSE")
        assert await refresh_due(office.gateway) == 0  # leased
        await in_thread(refreshing._finish, account, job, snapshot, office.now())
        found = await row(made)
        assert (found.state, found.leased_until, found.due_at) == ("waiting", None, office.now())
        assert await refresh_due(office.gateway) == 1
        assert await office.wanted() == {}

    play(steps)


def test_the_read_of_a_dead_worker_is_taken_over_after_two_minutes(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made)
        await in_thread(claim, FOREGROUND, office.now(), 8)  # and dies
        office.wait(minutes=1, seconds=59)
        assert await refresh_due(office.gateway) == 0
        office.wait(seconds=1)
        assert await refresh_due(office.gateway) == 1
        assert await in_thread(Complaint.objects.count) == 1

    play(steps)


def test_a_refused_complaint_is_tried_three_times_then_parked_with_its_error(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        break_it(office, made, kind="errcode", value="NO_AUTH")
        await ask(office, made)
        waits = []
        while (found := await row(made)).state == "waiting":
            office.wait(seconds=max(0.0, (found.due_at - office.now()).total_seconds()))
            await refresh_due(office.gateway)
            waits.append(int(((await row(made)).due_at - office.now()).total_seconds()))
        assert waits == [10, 20, PARKED_FOR.total_seconds()]
        assert (found.attempts, found.error.split(":")[0]) == (3, "NoAuth")

    play(steps)


def test_a_listing_leaves_a_parked_complaint_alone_for_half_an_hour(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made)
        parked_until = office.now() + PARKED_FOR
        await in_thread(lambda: Refresh.objects.update(state="parked", attempts=3, error="x", due_at=parked_until))
        office.wait(minutes=29)
        await ask(office, made, priority=Priority.LISTED)
        found = await row(made)
        assert (found.state, found.attempts, found.due_at) == ("parked", 3, parked_until)
        office.wait(minutes=1)
        await ask(office, made, priority=Priority.LISTED)
        found = await row(made)
        assert (found.state, found.attempts, found.due_at) == ("waiting", 0, parked_until)

    play(steps)


def test_a_notice_brings_a_parked_complaint_back_at_once(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made)
        later = office.now() + PARKED_FOR
        await in_thread(lambda: Refresh.objects.update(state="parked", attempts=3, due_at=later))
        await ask(office, made, reason="USER_RESPONSE")
        found = await row(made)
        assert (found.state, found.attempts, found.due_at) == ("waiting", 0, office.now())

    play(steps)


def test_a_listing_does_not_shorten_the_pause_of_a_failing_complaint_but_a_notice_does(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        break_it(office, made, kind="status", value=500)
        await ask(office, made)
        await refresh_due(office.gateway)
        due_at = (await row(made)).due_at
        assert due_at > office.now()
        await ask(office, made, priority=Priority.LISTED)
        assert (await row(made)).due_at == due_at
        await ask(office, made, priority=Priority.HEARD)
        found = await row(made)
        assert (found.due_at, found.attempts) == (office.now(), 0)

    play(steps)


def test_one_that_was_asked_for_during_its_last_try_is_not_parked(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await ask(office, made)
        await in_thread(lambda: Refresh.objects.update(attempts=2))
        (job,) = await in_thread(claim, FOREGROUND, office.now(), 8)
        await ask(office, made, reason="USER_RESPONSE")
        await in_thread(refreshing._retry, job, ValueError("refused"), office.now())
        found = await row(made)
        assert (found.state, found.attempts, found.leased_until) == ("waiting", 0, None)

    play(steps)


def test_being_asked_to_slow_down_is_no_failure_of_a_complaint(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        break_it(office, made, kind="status", value=429, count=60)
        await ask(office, made)
        while made in await office.wanted():
            found = await row(made)
            assert (found.state, found.attempts) == ("waiting", 0)
            office.wait(seconds=max(0.0, (found.due_at - office.now()).total_seconds()))
            await refresh_due(office.gateway)
        assert await in_thread(Complaint.objects.count) == 1

    play(steps)


def test_a_broken_complaint_stops_no_other_of_its_batch(play):
    async def steps(office: Office) -> None:
        made = office.complain(5)
        break_it(office, made[2], kind="forge")
        await ask(office, *made)
        assert await refresh_due(office.gateway) == 5
        assert list(await office.wanted()) == [made[2]]
        assert await in_thread(Complaint.objects.count) == 4

    play(steps)


def test_many_reads_keep_to_the_published_rate(play):
    async def steps(office: Office) -> None:
        made = office.complain(100)
        await ask(office, *made, priority=Priority.BACKFILL)
        while await refresh_due(office.gateway):
            pass
        assert await in_thread(Complaint.objects.count) == 100
        assert office.requests("history") == 100
        assert "errors_FREQUENCY_LIMITED" not in office.sandbox.state.counters
        assert office.now() > START + timedelta(seconds=15)  # forty may go at once, the others wait for their turn

    play(steps)


@pytest.mark.parametrize("priority", [Priority.HEARD, Priority.BACKFILL])
def test_an_account_without_keys_parks_its_complaints_and_says_why(play, priority):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        await in_thread(lambda: office.account.merchant_keys.update(current=False))
        await ask(office, made, priority=priority)
        for _ in range(3):
            await refresh_due(office.gateway)
            office.wait(minutes=1)
        found = await row(made)
        assert (found.state, found.error.startswith("NoCredentials")) == ("parked", True)

    play(steps)


def test_a_phone_sealed_to_a_key_we_do_not_have_costs_the_phone_and_not_the_case(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain()
        complaint = office.sandbox.platform.complaint(made)
        complaint.phone = "13800138000"
        _account, client = await office.gateway.client(office.account.pk)
        detail = await client.get_complaint(made)
        sealed_to_another = encrypt_sensitive(private_key("stranger").public_key(), "13800138000")
        assert refreshing._phone(client, detail) == "13800138000"
        assert refreshing._phone(client, detail.model_copy(update={"payer_phone": sealed_to_another})) is None

    play(steps)


def test_open_cases_are_read_again_in_turn_and_finished_ones_are_not(play):
    async def steps(office: Office) -> None:
        open_one, finished = office.complain(2)
        platform = office.sandbox.platform
        for verb in ("reply", "complete"):
            console.VERBS[verb](platform, platform.complaint(finished), console.Deed(), office.now())
        await ask(office, open_one, finished)
        await refresh_due(office.gateway)
        every = timedelta(seconds=settings.CONFIGURATION.reread_open_seconds)
        office.wait(seconds=every.total_seconds() - 1)
        assert await in_thread(request_rereads, now=office.now()) == 0
        office.wait(seconds=1)
        assert await in_thread(request_rereads, now=office.now()) == 1
        assert {key: found.priority for key, found in (await office.wanted()).items()} == {open_one: Priority.CHECK}
        assert await in_thread(request_rereads, now=office.now()) == 0

    play(steps)


def test_rereads_are_bounded_and_take_the_longest_unread_first(play):
    async def steps(office: Office) -> None:
        made = []
        for _ in range(5):
            made += office.complain()
            await ask(office, made[-1])
            await refresh_due(office.gateway)
            office.wait(seconds=1)
        office.wait(hours=1)
        assert await in_thread(request_rereads, now=office.now(), limit=2) == 2
        assert sorted(await office.wanted()) == sorted(made[:2])

    play(steps)
