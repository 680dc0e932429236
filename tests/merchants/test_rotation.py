"""Keys are changed one at a time, checked before anything is written, and kept as long as something needs them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kesu.merchants.credentials import apiv3_keys, credentials
from kesu.merchants.models import Account
from kesu.merchants.rotation import (
    forget_ended_apiv3_keys,
    forget_platform_key,
    rotate_apiv3_key,
    rotate_certificate,
    trust_platform_key,
)
from kesu.merchants.services import AccountError
from kesu.wechatpay import decrypt_sensitive, encrypt_sensitive
from tests.factories import NOW, make_account
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, certificate_pem, private_key, private_pem, public_pem

pytestmark = pytest.mark.django_db
NEW = "the-next-apiv3-key-of-32-letters"
HOUR = timedelta(hours=1)


@pytest.fixture
def account() -> Account:
    return make_account()


def test_the_previous_apiv3_key_is_accepted_until_its_grace_ends(account):
    rotate_apiv3_key(account, NEW, grace=48 * HOUR, now=NOW)
    assert apiv3_keys(account, now=NOW + 47 * HOUR) == (NEW, APIV3_KEY)
    assert apiv3_keys(account, now=NOW + 48 * HOUR) == (NEW,)
    assert forget_ended_apiv3_keys(account, now=NOW + 47 * HOUR) == 0
    assert forget_ended_apiv3_keys(account, now=NOW + 48 * HOUR) == 1


def test_without_grace_the_previous_apiv3_key_is_gone_at_once(account):
    rotate_apiv3_key(account, NEW, grace=timedelta(0), now=NOW)
    assert apiv3_keys(account, now=NOW) == (NEW,)
    assert account.apiv3_keys.count() == 1


def test_two_rotations_within_one_grace_keep_three_keys(account):
    rotate_apiv3_key(account, NEW, grace=48 * HOUR, now=NOW)
    rotate_apiv3_key(account, NEW[::-1], grace=48 * HOUR, now=NOW + HOUR)
    assert set(apiv3_keys(account, now=NOW + 2 * HOUR)) == {NEW[::-1], NEW, APIV3_KEY}
    assert apiv3_keys(account, now=NOW + 2 * HOUR)[0] == NEW[::-1]


@pytest.mark.parametrize(("key", "grace"), [("short", HOUR), ("微" * 32, HOUR), (NEW, -HOUR), (NEW, 31 * 24 * HOUR)])
def test_an_apiv3_key_or_grace_that_cannot_be_is_refused(account, key, grace):
    with pytest.raises(AccountError):
        rotate_apiv3_key(account, key, grace=grace, now=NOW)
    assert apiv3_keys(account, now=NOW) == (APIV3_KEY,)


def test_the_new_certificate_signs_and_the_old_key_still_opens_phones(account):
    sealed = encrypt_sensitive(private_key("merchant").public_key(), "13800138000")
    serial = rotate_certificate(account, private_pem("next"), certificate_pem("next", 0x77AA), now=NOW)
    held = credentials(account, now=NOW)
    assert (serial, held.serial_no) == ("77AA", "77AA")
    assert decrypt_sensitive(held.private_keys, sealed) == "13800138000"


def test_a_certificate_of_another_key_is_refused(account):
    with pytest.raises(AccountError):
        rotate_certificate(account, private_pem("next"), certificate_pem("stranger"), now=NOW)
    assert credentials(account, now=NOW).serial_no == "1234ABCD"


@pytest.mark.parametrize("pem", ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_platform_key_that_cannot_be_read_is_refused(account, pem):
    with pytest.raises(AccountError):
        trust_platform_key(account, "ABCD", pem, now=NOW)
    assert account.platform_keys.count() == 2


def test_a_platform_certificate_under_another_serial_number_is_refused(account):
    with pytest.raises(AccountError):
        trust_platform_key(account, "ABCD", certificate_pem("platform", 0x7E58), now=NOW)
    trust_platform_key(account, "7e58", certificate_pem("platform", 0x7E58), now=NOW)
    assert account.platform_keys.get(serial="7e58").not_after is not None


def test_the_last_platform_key_cannot_be_removed(account):
    trust_platform_key(account, "PUB_KEY_ID_2", public_pem("next"), now=NOW)
    for serial in (PUBLIC_KEY_ID, "7E57"):
        forget_platform_key(account, serial)
    with pytest.raises(AccountError):
        forget_platform_key(account, "PUB_KEY_ID_2")
    with pytest.raises(AccountError):
        forget_platform_key(account, "PUB_KEY_ID_3")
    assert [key.serial for key in account.platform_keys.all()] == ["PUB_KEY_ID_2"]
