"""Accounts: what is wrong is said before anything is written, and secrets are sealed."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection

from kesu.merchants import credentials, services
from kesu.merchants.models import Account
from kesu.merchants.services import AccountError
from tests.factories import NOW, make_account
from tests.keys import APIV3_KEY, certificate_pem, private_pem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mchid": "19x"}, "19x"),
        ({"role": "boss"}, "merchant, partner, channel, institution"),
        ({"apiv3_key": "short"}, "32"),
        ({"private_key_pem": "nonsense"}, "apiclient_key.pem"),
        ({"certificate_pem": "nonsense"}, "apiclient_cert.pem"),
        ({"private_key_pem": private_pem("another")}, "certificate|证书"),
        ({"serial_no": "FFFF"}, "1234ABCD"),
        ({"platform_keys": {"PUB_KEY_ID_1": "nonsense"}}, "PUB_KEY_ID_1"),
    ],
)
def test_unusable_data_is_refused_with_a_reason_and_nothing_is_written(changes: dict, words: str):
    with pytest.raises(AccountError, match=words):
        make_account(**changes)
    assert not Account.objects.exists()


def test_saving_again_brings_an_account_up_to_date_and_keeps_its_callback_token():
    first = make_account()
    second = make_account(name="新名字")
    assert (second.pk, second.token, second.name) == (first.pk, first.token, "新名字")
    assert second.merchant_keys.count() == second.apiv3_keys.count() == 1


def test_no_secret_is_readable_in_the_database():
    account = make_account()
    with connection.cursor() as cursor:
        for table in ("merchants_account", "merchants_merchantkey", "merchants_apiv3key"):
            cursor.execute(f"select string_agg(t::text, '') from {table} t")
            stored = cursor.fetchone()[0]
            for secret in (APIV3_KEY, account.token, "PRIVATE KEY"):
                assert secret not in stored
                assert secret.encode().hex() not in stored


def test_an_older_merchant_key_stays_to_open_older_phone_numbers():
    account = make_account()
    services.set_merchant_key(account, "5678", private_pem("renewed"), certificate_pem("renewed", 0x5678), now=NOW)
    found = credentials.credentials(account, now=NOW)
    assert found.serial_no == "5678"
    assert len(found.private_keys) == 2


def test_a_previous_apiv3_key_is_offered_until_its_grace_time_is_over():
    account = make_account()
    services.set_apiv3_key(account, "n" * 32, accept_previous_until=NOW + timedelta(hours=1), now=NOW)
    assert credentials.apiv3_keys(account, now=NOW) == ("n" * 32, APIV3_KEY)
    assert credentials.apiv3_keys(account, now=NOW + timedelta(hours=2)) == ("n" * 32,)


def test_without_a_current_key_nothing_can_be_signed():
    account = make_account()
    account.merchant_keys.update(current=False)
    with pytest.raises(credentials.NoCredentials):
        credentials.credentials(account, now=NOW)


@pytest.mark.parametrize(
    "address",
    [
        "http://desk.example.com",
        "ftp://desk.example.com",
        "https://desk.example.com/?a=b",
        "https://",
        "https://[",
        "desk",
        "https://" + "d" * 250,
    ],
)
def test_an_address_that_the_platform_would_refuse_is_refused_before(address: str):
    account = make_account()
    with pytest.raises(AccountError):
        services.callback_url(account, address)


def test_the_callback_address_carries_the_token_and_no_query():
    account = make_account()
    url = services.callback_url(account, "https://desk.example.com/")
    assert url == f"https://desk.example.com/notify/wechatpay/{account.token}"


def test_http_is_allowed_on_loopback_only():
    account = make_account()
    assert services.callback_url(account, "http://127.0.0.1:8000").startswith("http://127.0.0.1:8000/notify/")


def test_another_systems_callback_is_replaced_on_demand_only():
    from kesu.sandbox import Sandbox

    async def story() -> list[str]:
        sandbox = Sandbox.create()
        [new, *_] = services.sandbox_accounts(sandbox.description())
        account = await sync_to_async(services.save_account)(new, now=sandbox.clock.now())
        transport = httpx2.ASGITransport(sandbox.app)
        client = await sync_to_async(credentials.open_client)(account, now=sandbox.clock.now, transport=transport)
        async with client:
            await client.create_notify_url("https://other.example.com/notify")
            with pytest.raises(AccountError, match=r"other\.example\.com"):
                await services.register_callback(account, client, "https://desk.example.com")
            kept = await client.get_notify_url()
            await services.register_callback(account, client, "https://desk.example.com", replace=True)
            moved = await services.register_callback(account, client, "https://new.example.com")
        return [kept.url, moved]

    kept, moved = async_to_sync(story)()
    assert kept == "https://other.example.com/notify"
    assert moved.startswith("https://new.example.com/notify/wechatpay/")
