"""Keys change while complaints go on: nothing is lost, whichever side is first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kesu.complaints.models import Complaint
from kesu.demo.world import World
from kesu.intake.models import Notice
from kesu.merchants.models import Account
from kesu.merchants.rotation import (
    forget_platform_key,
    rotate_apiv3_key,
    rotate_certificate,
    trust_platform_key,
)
from kesu.sandbox.identity import Identity
from kesu.threads import in_thread
from kesu.wechatpay.keys import PUBLIC_KEY_PREFIX
from tests.stories.changing import teller
from tests.stories.witness import differences, mirror, pushes

pytestmark = pytest.mark.story
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PHONE = "13800138000"


@pytest.fixture
def tell(transactional_db: Any, settings: Any, identity: Identity, tmp_path: Path) -> Callable[..., None]:
    return teller(settings, identity, tmp_path)


async def rotate(world: World, what: str, **order: Any) -> Any:
    """Somebody changes keys at the platform."""
    return await world.post("/keys", rotate=what, **order)


def account_of(world: World, mchid: str = "") -> Account:
    return world.accounts[mchid or world.merchant]


async def known(complaint_id: str) -> bool:
    return await in_thread(Complaint.objects.filter(complaint_id=complaint_id).exists)


async def phone_of(complaint_id: str) -> str | None:
    return (await mirror(complaint_id)).payer_phone


async def only_trust(world: World, *serials: str) -> None:
    """Begin with a desk that knows just these keys of the platform."""
    for account in world.accounts.values():
        await in_thread(account.platform_keys.exclude(serial__in=serials).delete)
    await world.advance(MINUTE)


async def everything_arrived(world: World, *complaint_ids: str) -> None:
    assert await differences(world) == {}
    told = {push.complaint_id for push in await pushes(world) if push.kind == "new"}
    assert told == set(complaint_ids)


# The APIv3 key -------------------------------------------------------------------------------------------------------


def test_the_apiv3_key_changes_at_the_desk_first_and_nothing_is_lost(tell):
    async def story(world: World) -> None:
        account, new = account_of(world), "n" * 32
        world.door.open = False
        before = await world.complain(world.merchant)
        await world.settle()
        await in_thread(rotate_apiv3_key, account, new, grace=48 * HOUR, now=world.now())
        still_old = await world.complain(world.merchant)
        world.door.open = True
        await world.advance(30 * MINUTE)
        assert await known(before)
        assert await known(still_old)
        await rotate(world, "apiv3_key", mchid=world.merchant, apiv3_key=new)
        after = await world.complain(world.merchant)
        await world.settle()
        assert await known(after)
        await everything_arrived(world, before, still_old, after)

    tell(story)


def test_the_apiv3_key_changes_at_the_platform_first_and_the_notices_come_again(tell):
    async def story(world: World) -> None:
        new = (await rotate(world, "apiv3_key", mchid=world.merchant))["apiv3_key"]
        complaint_id = await world.complain(world.merchant)
        await world.advance(10 * MINUTE)
        assert not await known(complaint_id)
        await in_thread(rotate_apiv3_key, account_of(world), new, grace=48 * HOUR, now=world.now())
        await world.advance(30 * MINUTE)
        assert await known(complaint_id)
        await everything_arrived(world, complaint_id)

    tell(story)


def test_the_previous_apiv3_key_opens_nothing_after_its_grace(tell):
    async def story(world: World) -> None:
        await in_thread(rotate_apiv3_key, account_of(world), "n" * 32, grace=2 * HOUR, now=world.now())
        first = await world.complain(world.merchant)
        await world.settle()
        assert await known(first)
        await world.advance(3 * HOUR)
        second = await world.complain(world.merchant)
        await world.advance(MINUTE)
        assert not await known(second)
        assert await in_thread(Notice.objects.count) == 1
        await rotate(world, "apiv3_key", mchid=world.merchant, apiv3_key="n" * 32)
        await world.advance(DAY)
        assert await known(second)

    tell(story)


# The merchant's certificate ------------------------------------------------------------------------------------------


def test_the_desk_signs_with_its_new_certificate_and_opens_phones_sealed_to_the_old_one(tell):
    async def story(world: World) -> None:
        new = await rotate(world, "merchant_certificate", mchid=world.merchant, seal_to="old")
        await in_thread(
            rotate_certificate, account_of(world), new["private_key_pem"], new["certificate_pem"], now=world.now()
        )
        await world.advance(MINUTE)
        complaint_id = await world.complain(world.merchant, phone=PHONE)
        await world.settle()
        assert await phone_of(complaint_id) == PHONE
        _account, client = await world.gateway.client(account_of(world).pk)
        assert client.credentials.serial_no == new["serial_no"]
        await everything_arrived(world, complaint_id)

    tell(story)


def test_a_phone_sealed_to_a_certificate_the_desk_does_not_have_yet_is_opened_later(tell):
    async def story(world: World) -> None:
        new = await rotate(world, "merchant_certificate", mchid=world.merchant)
        complaint_id = await world.complain(world.merchant, phone=PHONE)
        await world.settle()
        assert await phone_of(complaint_id) is None
        await in_thread(
            rotate_certificate, account_of(world), new["private_key_pem"], new["certificate_pem"], now=world.now()
        )
        await world.advance(7 * HOUR)
        assert await phone_of(complaint_id) == PHONE
        await everything_arrived(world, complaint_id)

    tell(story)


def test_a_revoked_certificate_stops_reading_until_the_new_one_is_set_and_nothing_is_lost(tell):
    async def story(world: World) -> None:
        new = await rotate(world, "merchant_certificate", mchid=world.merchant, revoke_old=True)
        complaint_id = await world.complain(world.merchant, phone=PHONE)
        await world.advance(20 * MINUTE)
        assert await in_thread(Notice.objects.count) == 1
        assert not await known(complaint_id)
        await in_thread(
            rotate_certificate, account_of(world), new["private_key_pem"], new["certificate_pem"], now=world.now()
        )
        await world.advance(DAY)
        assert await phone_of(complaint_id) == PHONE
        await everything_arrived(world, complaint_id)

    tell(story)


# The platform's certificate and its public key -----------------------------------------------------------------------


def test_a_new_platform_certificate_is_downloaded_in_advance_and_used_beside_the_old_for_days(tell):
    async def story(world: World) -> None:
        await rotate(world, "signing", to="certificate")
        old = world.sandbox.identity.platform.serial_no
        await only_trust(world, old)
        await world.watch()
        await rotate(world, "platform_certificate", step="announce")
        await world.advance(DAY + HOUR)
        account = account_of(world)
        assert await in_thread(account.platform_keys.count) == 2
        await rotate(world, "platform_certificate", step="use")
        made = [await world.complain(world.merchant) for _ in range(6)]
        await world.settle()
        assert {await known(one) for one in made} == {True}
        await rotate(world, "platform_certificate", step="retire")
        await world.advance(MINUTE)
        made.append(await world.complain(world.merchant))
        await world.settle()
        await everything_arrived(world, *made)
        assert world.sandbox.state.counters.get("notice_attempts_failed", 0) == 0

    tell(story)


def test_a_platform_certificate_that_nobody_announced_is_fetched_when_it_is_met(tell):
    async def story(world: World) -> None:
        await rotate(world, "signing", to="certificate")
        await only_trust(world, world.sandbox.identity.platform.serial_no)
        for step in ("announce", "use", "retire"):
            await rotate(world, "platform_certificate", step=step)
        complaint_id = await world.complain(world.merchant)
        await world.advance(5 * MINUTE)
        await everything_arrived(world, complaint_id)

    tell(story)


def test_an_account_is_switched_to_the_public_key_through_the_grey_phase(tell):
    async def story(world: World) -> None:
        identity = world.sandbox.identity
        await rotate(world, "signing", to="certificate")
        await only_trust(world, identity.platform.serial_no)
        made = [await world.complain(world.merchant)]
        for account in world.accounts.values():
            await in_thread(
                trust_platform_key, account, identity.public_key_id, identity.platform.public_key_pem, now=world.now()
            )
        await world.advance(MINUTE)
        await rotate(world, "signing", to="grey")
        made += [await world.complain(world.merchant) for _ in range(6)]
        await world.settle()
        assert {await known(one) for one in made} == {True}
        await rotate(world, "signing", to="public_key")
        for account in world.accounts.values():
            await in_thread(forget_platform_key, account, identity.platform.serial_no)
        await world.advance(MINUTE)
        made.append(await world.complain(world.merchant))
        await world.settle()
        await everything_arrived(world, *made)
        assert world.sandbox.state.counters.get("notice_attempts_failed", 0) == 0

    tell(story)


def test_an_account_is_switched_back_to_certificates_in_the_grey_phase(tell):
    async def story(world: World) -> None:
        await rotate(world, "signing", to="public_key")
        await only_trust(world, world.sandbox.identity.public_key_id)
        await rotate(world, "signing", to="grey")
        made = [await world.complain(world.merchant) for _ in range(6)]
        await world.advance(10 * MINUTE)
        await rotate(world, "signing", to="certificate")
        made.append(await world.complain(world.merchant))
        await world.advance(10 * MINUTE)
        await everything_arrived(world, *made)
        trusted = await in_thread(lambda: [key.serial for key in account_of(world).platform_keys.all()])
        assert len([serial for serial in trusted if not serial.startswith(PUBLIC_KEY_PREFIX)]) == 1

    tell(story)


def test_a_public_key_that_the_desk_learns_late_loses_nothing(tell):
    async def story(world: World) -> None:
        identity = world.sandbox.identity
        await rotate(world, "signing", to="certificate")
        await only_trust(world, identity.platform.serial_no)
        await rotate(world, "signing", to="public_key")
        complaint_id = await world.complain(world.merchant)
        await world.advance(10 * MINUTE)
        assert not await known(complaint_id)
        for account in world.accounts.values():
            await in_thread(
                trust_platform_key, account, identity.public_key_id, identity.platform.public_key_pem, now=world.now()
            )
        await world.advance(HOUR)
        await everything_arrived(world, complaint_id)

    tell(story)
