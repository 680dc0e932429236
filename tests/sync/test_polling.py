"""Listing complaints by windows of days: complete, resumable, and cheap for what is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kesu.complaints.models import Complaint
from kesu.sandbox import console
from kesu.sync import polling
from kesu.sync.models import Poll, Refresh
from kesu.sync.polling import FREQUENT, LONG, claim, poll_due, run_poll, start_polling
from kesu.sync.refreshing import refresh_due
from kesu.sync.requests import Priority
from kesu.threads import in_thread
from tests.sync.conftest import START, Office

MONTH, NEWEST, RECENT = Poll.Tier.MONTH, Poll.Tier.NEWEST, Poll.Tier.RECENT


class Killed(BaseException):
    """The worker's process ended here: nothing after it runs, nothing is cleaned up."""


async def read_everything(office: Office) -> None:
    while await refresh_due(office.gateway):
        pass


def test_every_complaint_of_the_window_is_asked_for_and_none_beyond_it(play):
    async def steps(office: Office) -> None:
        inside = office.complain(3, days_ago=29) + office.complain(2, days_ago=10) + office.complain()
        office.complain(days_ago=30)
        await run_poll(office.gateway, await office.poll(MONTH))
        assert set(await office.wanted()) == set(inside)
        poll = await office.poll(MONTH)
        assert (poll.begin_day, poll.end_day) == (date(2026, 10, 25), date(2026, 11, 23))
        assert (poll.finished_at, poll.due_at, poll.offset) == (START, START + timedelta(days=1), 0)

    play(steps)


@pytest.mark.parametrize(("tier", "days"), [(NEWEST, 2), (RECENT, 8), (MONTH, 30)])
def test_each_tier_reaches_back_its_own_number_of_beijing_days(play, tier, days):
    async def steps(office: Office) -> None:
        oldest = office.complain(days_ago=days - 1)
        office.complain(days_ago=days)
        await run_poll(office.gateway, await office.poll(tier))
        assert list(await office.wanted()) == oldest

    play(steps)


def test_progress_is_told_page_by_page(play):
    async def steps(office: Office) -> None:
        office.complain(120)
        seen: list[tuple[int, int | None]] = []
        await run_poll(office.gateway, await office.poll(MONTH), lambda poll: seen.append((poll.listed, poll.total)))
        assert seen == [(50, 120), (100, 120), (120, 120)]
        assert office.requests("list") == 3

    play(steps)


def test_a_poll_that_was_cut_off_in_the_middle_continues_where_it_stopped(play):
    async def steps(office: Office) -> None:
        made = office.complain(120)

        def trouble_after_the_second_page(poll: Poll) -> None:
            if poll.listed == 100:
                raise ConnectionError("the network went away")

        await run_poll(office.gateway, await office.poll(MONTH), trouble_after_the_second_page)
        cut = await office.poll(MONTH)
        assert (cut.offset, cut.listed, cut.total, cut.failures) == (100, 100, 120, 1)
        assert cut.due_at == START + timedelta(seconds=15)
        assert len(await office.wanted()) == 100
        before = office.requests("list")
        await run_poll(office.gateway, cut)
        assert office.requests("list") - before == 1
        assert set(await office.wanted()) == set(made)
        done = await office.poll(MONTH)
        assert (done.offset, done.failures, done.error, done.finished_at) == (0, 0, "", START)

    play(steps)


def test_the_poll_of_a_dead_worker_is_taken_over_where_it_stopped_once_its_lease_is_over(play):
    async def steps(office: Office) -> None:
        made = office.complain(120)

        def die(poll: Poll) -> None:
            raise Killed

        (taken,) = await in_thread(claim, LONG, office.now(), 4)
        with pytest.raises(Killed):
            await run_poll(office.gateway, taken, die)
        assert await poll_due(office.gateway, lane=LONG) == 0
        office.wait(minutes=2, seconds=59)
        assert await poll_due(office.gateway, lane=LONG) == 0
        office.wait(seconds=1)
        before = office.requests("list")
        assert await poll_due(office.gateway, lane=LONG) == 1
        assert office.requests("list") - before == 2
        assert set(await office.wanted()) == set(made)

    play(steps)


def test_a_poll_is_leased_to_one_worker(play):
    async def steps(office: Office) -> None:
        first = await in_thread(claim, FREQUENT, office.now(), 4)
        assert sorted(poll.tier for poll in first) == [NEWEST, RECENT]
        assert await in_thread(claim, FREQUENT, office.now(), 4) == []
        assert [poll.tier for poll in await in_thread(claim, LONG, office.now(), 4)] == [MONTH]

    play(steps)


def test_a_disabled_account_is_not_polled(play):
    async def steps(office: Office) -> None:
        await in_thread(lambda: type(office.account).objects.update(enabled=False))
        assert await poll_due(office.gateway) == 0

    play(steps)


def test_a_list_that_grows_at_its_front_while_it_is_paged_hides_nothing(play):
    async def steps(office: Office) -> None:
        made = office.complain(100, days_ago=3)

        def more(poll: Poll) -> None:
            if poll.listed == 50:
                made.extend(office.complain(7))

        await run_poll(office.gateway, await office.poll(MONTH), more)
        found = set(await office.wanted())
        assert set(made[:100]) <= found
        # Those that arrived in front of the first page come with the next run, and in truth with their notices.
        await run_poll(office.gateway, await office.poll(MONTH))
        assert set(await office.wanted()) == set(made)

    play(steps)


def test_a_page_that_is_too_large_is_asked_for_in_halves(play):
    async def steps(office: Office) -> None:
        made = office.complain(60)
        office.sandbox.policy.list_bytes_limit = 12_000
        pages: list[int] = []
        await run_poll(office.gateway, await office.poll(MONTH), lambda poll: pages.append(poll.listed))
        assert set(await office.wanted()) == set(made)
        assert pages[0] < 50
        assert pages[-1] == 60

    play(steps)


def test_a_list_in_which_a_single_row_is_too_large_fails_visibly_and_tries_again_later(play):
    async def steps(office: Office) -> None:
        office.complain(2)
        office.sandbox.policy.list_bytes_limit = 10
        await run_poll(office.gateway, await office.poll(NEWEST))
        poll = await office.poll(NEWEST)
        assert (poll.failures, "数据量过大" in poll.error) == (1, True)
        assert poll.due_at == office.now() + timedelta(seconds=15)

    play(steps)


def test_failures_come_back_later_and_later_but_at_least_every_ten_minutes(play):
    async def steps(office: Office) -> None:
        await in_thread(lambda: office.account.merchant_keys.update(current=False))
        waits = []
        for _ in range(8):
            await run_poll(office.gateway, await office.poll(NEWEST))
            waits.append(int(((await office.poll(NEWEST)).due_at - office.now()).total_seconds()))
        assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
        assert (await office.poll(NEWEST)).error.startswith("NoCredentials")

    play(steps)


def test_an_interrupted_window_of_yesterday_is_begun_anew(play):
    async def steps(office: Office) -> None:
        await in_thread(
            lambda: Poll.objects.filter(tier=NEWEST).update(
                offset=100, listed=100, begin_day=date(2026, 11, 21), end_day=date(2026, 11, 22)
            )
        )
        made = office.complain()
        await run_poll(office.gateway, await office.poll(NEWEST))
        assert list(await office.wanted()) == made

    play(steps)


def test_what_is_known_and_unchanged_is_not_read_again(play):
    async def steps(office: Office) -> None:
        known, changed = office.complain(2)
        await run_poll(office.gateway, await office.poll(NEWEST))
        await read_everything(office)
        assert await office.wanted() == {}
        complaint = office.sandbox.platform.complaint(changed)
        console.VERBS["reply"](office.sandbox.platform, complaint, console.Deed(), office.now())
        await run_poll(office.gateway, await office.poll(NEWEST))
        assert list(await office.wanted()) == [changed]
        assert await in_thread(lambda: Complaint.objects.filter(complaint_id=known).count()) == 1

    play(steps)


def test_the_listing_of_the_month_asks_again_for_what_was_not_just_read(play):
    async def steps(office: Office) -> None:
        (made,) = office.complain(1, days_ago=5)
        await run_poll(office.gateway, await office.poll(MONTH))
        await read_everything(office)
        await run_poll(office.gateway, await office.poll(MONTH))
        assert await office.wanted() == {}
        office.wait(days=1)
        await run_poll(office.gateway, await office.poll(RECENT))
        assert await office.wanted() == {}
        await run_poll(office.gateway, await office.poll(MONTH))
        assert {key: row.priority for key, row in (await office.wanted()).items()} == {made: Priority.BACKFILL}

    play(steps)


def test_starting_to_poll_twice_changes_nothing(play):
    async def steps(office: Office) -> None:
        await run_poll(office.gateway, await office.poll(NEWEST))
        due_at = (await office.poll(NEWEST)).due_at
        await in_thread(start_polling, office.account, now=office.now())
        assert (await office.poll(NEWEST)).due_at == due_at
        assert await in_thread(Poll.objects.count) == 3

    play(steps)


def test_the_newest_days_are_listed_while_the_month_is_still_paged(play):
    async def steps(office: Office) -> None:
        old = office.complain(120, days_ago=9)
        new = office.complain()
        (month,) = await in_thread(claim, LONG, office.now(), 4)
        assert await poll_due(office.gateway, lane=FREQUENT) == 2
        rows = await office.wanted()
        assert {key: row.priority for key, row in rows.items()} == {new[0]: Priority.LISTED}
        await run_poll(office.gateway, month)
        rows = await office.wanted()
        assert rows[new[0]].priority == Priority.LISTED
        assert {rows[key].priority for key in old} == {Priority.BACKFILL}
        assert await in_thread(Refresh.objects.count) == 121
        assert polling.tiers()[MONTH].priority > polling.tiers()[NEWEST].priority

    play(steps)
