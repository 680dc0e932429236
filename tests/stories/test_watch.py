"""The line to the platform is looked after: somebody changes the callback, keys end, clocks drift."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kesu.alerts.accounts import PROBLEM
from kesu.alerts.models import Message
from kesu.demo.world import World
from kesu.merchants.models import Account, AccountHealth
from kesu.merchants.queries import account_problems
from kesu.merchants.rotation import rotate_apiv3_key, rotate_certificate, trust_platform_key
from kesu.sandbox.identity import Identity
from kesu.sync.gateway import Gateway
from kesu.sync.watching import look_now
from kesu.threads import in_thread
from kesu.worker.doctor import examine
from tests.stories.changing import teller
from tests.stories.witness import at

pytestmark = pytest.mark.story
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
HALF_HOUR = 30 * MINUTE


@pytest.fixture
def tell(transactional_db: Any, settings: Any, identity: Identity, tmp_path: Path) -> Callable[..., None]:
    return teller(settings, identity, tmp_path)


def partner_of(world: World) -> str:
    return next(mchid for mchid in world.accounts if mchid != world.merchant)


async def told(world: World) -> list[str]:
    """The pushes about accounts that robots accepted, as their first line and the rest."""
    owed = await in_thread(lambda: list(Message.objects.filter(kind=PROBLEM).order_by("id")))
    assert {row.state for row in owed} <= {"sent"}
    shown = [message["content"] for message in await world.messages() if message["errcode"] == 0]
    assert len(shown) == len(owed)
    return shown


async def problems(mchid: str) -> list[tuple[str, str]]:
    """(kind, level) of what is wrong with an account now."""
    found = await in_thread(account_problems)
    return [(problem.kind, problem.level) for problem in found if problem.account.mchid == mchid]


async def health(mchid: str) -> AccountHealth:
    return await in_thread(AccountHealth.objects.get, account__mchid=mchid)


def callback_at_platform(world: World, mchid: str) -> str | None:
    return world.sandbox.state.notify_urls.get(mchid)


def test_a_callback_that_somebody_changed_is_set_right_within_half_an_hour_and_told_once(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        ours = callback_at_platform(world, world.merchant)
        await world.advance(10 * MINUTE)
        world.sandbox.state.notify_urls[world.merchant] = "https://elsewhere.example/hook/SECRET"
        await world.advance(HALF_HOUR)
        assert callback_at_platform(world, world.merchant) == ours
        (push,) = await told(world)
        assert "elsewhere.example" in push
        assert world.merchant in push
        assert "SECRET" not in push
        await world.advance(2 * HOUR)
        assert len(await told(world)) == 1
        assert await problems(world.merchant) == []
        assert (await health(world.merchant)).repaired_at == at(25 / 60)
        complaint_id = await world.complain(world.merchant)
        await world.settle()
        assert any(complaint_id in message["content"] for message in await world.messages())

    tell(story)


def test_a_callback_that_was_removed_is_created_again(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        ours = world.sandbox.state.notify_urls.pop(partner_of(world))
        await world.advance(HALF_HOUR)
        assert callback_at_platform(world, partner_of(world)) == ours
        assert len(await told(world)) == 1

    tell(story)


def test_where_repair_is_not_allowed_the_change_is_reported_until_it_is_undone(tell: Any, settings: Any) -> None:
    configuration = settings.CONFIGURATION

    async def story(world: World) -> None:
        await world.watch()
        ours = callback_at_platform(world, world.merchant)
        await in_thread(Account.objects.filter(mchid=world.merchant).update, repair_callback=False)
        other = "https://elsewhere.example/hook"
        world.sandbox.state.notify_urls[world.merchant] = other
        await world.advance(3 * HOUR)
        assert callback_at_platform(world, world.merchant) == other
        assert await problems(world.merchant) == [("callback", "failed")]
        assert len(await told(world)) == 1
        (doctor,) = [finding for finding in await in_thread(examine, configuration) if finding.check == "account"]
        assert (doctor.level, "elsewhere.example" in doctor.text) == ("failed", True)
        world.sandbox.state.notify_urls[world.merchant] = ours
        await world.advance(HALF_HOUR)
        assert await problems(world.merchant) == []

    tell(story)


def test_a_repair_that_the_platform_refuses_is_reported(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        world.sandbox.policy.https_only = True
        account = world.accounts[world.merchant]
        await in_thread(Account.objects.filter(pk=account.pk).update, notify_url="http://127.0.0.1:9/notify")
        await world.advance(HALF_HOUR)
        assert await problems(world.merchant) == [("callback", "failed")]
        (push,) = await told(world)
        assert "https" in push

    tell(story)


def test_a_desk_that_only_polls_leaves_the_callback_alone(tell: Any) -> None:
    async def story(world: World) -> None:
        other = "https://elsewhere.example/hook"
        await in_thread(Account.objects.update, notify_url="")
        world.sandbox.state.notify_urls[world.merchant] = other
        await world.watch()
        await world.advance(HOUR)
        assert callback_at_platform(world, world.merchant) == other
        assert partner_of(world) not in world.sandbox.state.violation_urls
        assert await told(world) == []

    tell(story)


def test_the_merchant_certificate_is_announced_at_30_14_7_days_and_one_before_it_ends(tell: Any) -> None:
    async def story(world: World) -> None:
        new = await world.post("/keys", rotate="merchant_certificate", mchid=world.merchant, valid_days=40)
        account = world.accounts[world.merchant]
        await in_thread(rotate_certificate, account, new["private_key_pem"], new["certificate_pem"], now=world.now())
        seen = []
        for day in (9, 11, 20, 27, 32, 34, 38, 39.5, 41):
            await world.advance_to(at(24 * day))
            await look_now(world.gateway, account.pk)
            await world.settle()
            seen.append(len(await told(world)))
        assert seen == [0, 1, 1, 2, 2, 3, 3, 4, 5]
        assert await problems(world.merchant) == [("merchant_certificate", "failed")]

    tell(story, newest=10 * 86_400)


def test_a_platform_certificate_that_ends_without_a_successor_is_told(tell: Any) -> None:
    async def story(world: World) -> None:
        account, identity = world.accounts[world.merchant], world.sandbox.identity
        made = await world.post("/keys", rotate="platform_certificate", step="announce", valid_days=20)
        pem = identity.certificates[-1].keys.certificate_pem
        await in_thread(account.platform_keys.all().delete)
        await in_thread(trust_platform_key, account, made["certificates"][-1]["serial_no"], pem, now=world.now())
        for step in ("use", "retire"):
            await world.post("/keys", rotate="platform_certificate", step=step)
        await world.post("/keys", rotate="signing", to="certificate")
        seen = []
        for day in (1, 12.5, 14, 19.5):
            await world.advance_to(at(24 * day))
            await look_now(world.gateway, account.pk)
            await world.settle()
            seen.append(len(await told(world)))
        assert seen == [0, 0, 1, 2]

    tell(story, newest=10 * 86_400)


def test_the_end_of_a_grace_is_told_a_day_before_and_the_old_key_is_deleted_after_it(tell: Any) -> None:
    async def story(world: World) -> None:
        account = world.accounts[world.merchant]
        await in_thread(rotate_apiv3_key, account, "n" * 32, grace=2 * DAY, now=world.now())
        seen = []
        for hour in (20, 25, 40, 49):
            await world.advance_to(at(hour))
            assert await look_now(world.gateway, account.pk) == ""
            await world.settle()
            seen.append((len(await told(world)), await in_thread(account.apiv3_keys.count)))
        assert seen == [(0, 2), (1, 2), (1, 2), (1, 1)]
        assert await problems(world.merchant) == []

    tell(story)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (50, []),
        (-70, [("clock", "warning")]),
        (200, [("clock", "warning")]),
        (-260, [("clock", "failed")]),
        (3600, [("clock", "failed")]),
        (-3600, [("clock", "failed")]),
    ],
)
def test_a_clock_that_is_off_is_measured_from_the_platforms_signed_time(
    tell: Any, seconds: int, expected: list[tuple[str, str]]
) -> None:
    async def story(world: World) -> None:
        shift = timedelta(seconds=seconds)
        gateway = Gateway(lambda: world.now() + shift, transport=world.platform, sleep=world._sleep)
        await look_now(gateway, world.accounts[world.merchant].pk)
        await gateway.close()
        assert await problems(world.merchant) == expected
        await world.advance(max(shift, MINUTE))
        pushed = await told(world)
        assert [str(abs(seconds)) in push or str(abs(seconds) + 1) in push for push in pushed] == [True] * len(expected)

    tell(story)


def test_a_signature_that_the_platform_refuses_is_told(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.watch()
        await world.post("/keys", rotate="merchant_certificate", mchid=world.merchant, revoke_old=True)
        await world.advance(HOUR)
        assert await problems(world.merchant) == [("merchant_key", "failed")]
        assert len(await told(world)) == 1
        row = await health(world.merchant)
        assert row.failures > 1
        assert "SIGN_ERROR" in row.error

    tell(story)


def test_a_platform_key_that_the_desk_does_not_know_is_told(tell: Any) -> None:
    async def story(world: World) -> None:
        await world.post("/keys", rotate="signing", to="public_key")
        account = world.accounts[world.merchant]
        await in_thread(account.platform_keys.filter(serial__startswith="PUB_KEY").delete)
        await world.advance(MINUTE)
        await world.watch()
        assert await problems(world.merchant) == [("platform_key", "failed")]
        assert len(await told(world)) == 1

    tell(story)


def test_one_account_that_fails_keeps_no_other_from_being_looked_at(tell: Any) -> None:
    async def story(world: World) -> None:
        await in_thread(world.accounts[world.merchant].merchant_keys.all().delete)
        await world.advance(MINUTE)
        await world.watch()
        assert (await health(partner_of(world))).checked_at == world.now()
        row = await health(world.merchant)
        assert (row.checked_at, "no current merchant key" in row.error) == (None, True)

    tell(story)
