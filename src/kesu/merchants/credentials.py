"""From rows to what the SDK signs and verifies with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache

import httpx2
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from kesu.merchants.models import Account, PlatformKey
from kesu.wechatpay import Client, MerchantCredentials, Pacer, PlatformKeys
from kesu.wechatpay.keys import load_certificate, load_private_key, load_public_key


class NoCredentials(Exception):
    """The account has no current key: add one with ``kesu merchants add``."""


def credentials(account: Account, *, now: datetime) -> MerchantCredentials:
    """The account's keys; expired APIv3 keys are left out. Raises NoCredentials."""
    rows = list(account.merchant_keys.order_by("-current", "-created_at"))
    if not rows or not rows[0].current:
        raise NoCredentials(f"account {account.mchid} has no current merchant key")
    return MerchantCredentials(
        mchid=account.mchid,
        serial_no=rows[0].serial_no,
        private_key=load_private_key(rows[0].private_key, checked=True),
        apiv3_keys=apiv3_keys(account, now=now),
        older_private_keys=tuple(load_private_key(row.private_key, checked=True) for row in rows[1:]),
    )


def apiv3_keys(account: Account, *, now: datetime) -> tuple[str, ...]:
    """The current key first, then those still in their grace time."""
    rows = sorted(account.apiv3_keys.all(), key=lambda row: (row.created_at, row.pk), reverse=True)
    current = [row.key for row in rows if row.accepted_until is None]
    return (*current, *(row.key for row in rows if row.accepted_until and row.accepted_until > now))


def platform_keys(account: Account) -> PlatformKeys:
    """Every platform key the account trusts, certificates and public keys side by side."""
    return PlatformKeys({row.serial: _public_key(row.pem) for row in sorted(account.platform_keys.all(), key=_age)})


def _age(row: PlatformKey) -> int:
    return row.pk


@lru_cache(maxsize=8192)
def _public_key(pem: str) -> RSAPublicKey:
    """Read once: receivers look at every account's keys twice a minute."""
    return load_certificate(pem).public_key if "BEGIN CERTIFICATE" in pem else load_public_key(pem)


def open_client(
    account: Account,
    *,
    now: Callable[[], datetime],
    transport: httpx2.AsyncBaseTransport | None = None,
    pacer: Pacer | None = None,
    on_unknown_serial: Callable[[str], Awaitable[PlatformKeys | None]] | None = None,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Client:
    """A client that speaks to the platform as this account. Raises NoCredentials."""
    return Client(
        credentials(account, now=now()),
        platform_keys(account),
        base_url=account.base_url,
        backup_base_url=account.backup_base_url or None,
        now=now,
        transport=transport,
        pacer=pacer,
        on_unknown_serial=on_unknown_serial,
        sleep=sleep,
    )
