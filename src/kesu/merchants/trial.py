"""Trying a merchant number's keys before anything is stored: one real, signed call whose answer is verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

import httpx2

from kesu.clock import beijing_day
from kesu.merchants.services import NewAccount, check_key_pair
from kesu.wechatpay import Client, MerchantCredentials, PlatformKeys
from kesu.wechatpay.keys import load_certificate, load_private_key, load_public_key


@dataclass(frozen=True)
class Trial:
    """What the platform answered. ``platform_keys`` maps serials to PEMs: those given, or else its certificates as
    they were downloaded. ``skew_seconds``: by how much its clock is ahead."""

    day: date
    complaints: int
    platform_keys: dict[str, str] = field(default_factory=dict)
    skew_seconds: float | None = None


async def try_out(
    new: NewAccount, *, now: Callable[[], datetime], transport: httpx2.AsyncBaseTransport | None = None
) -> Trial:
    """List today's complaints with these keys. Without platform keys its certificates are downloaded first, which also
    proves the APIv3 key. Raises AccountError for a pair that does not fit, and the errors of ``kesu.wechatpay``."""
    serial_no = check_key_pair(new.private_key_pem, new.certificate_pem) if new.certificate_pem else new.serial_no
    credentials = MerchantCredentials(
        mchid=new.mchid,
        serial_no=serial_no,
        private_key=load_private_key(new.private_key_pem),
        apiv3_keys=(new.apiv3_key,),
    )
    known = dict(new.platform_keys)
    if not known:
        async with _client(new, credentials, known, now, transport) as client:
            found = await client.download_certificates()
            known = {certificate.serial_no: certificate.pem for certificate in found.certificates}
    async with _client(new, credentials, known, now, transport) as client:
        day = beijing_day(now())
        page = await client.list_complaints(day, day, limit=1)
        number = page.total_count if page.total_count is not None else len(page.complaints)
        return Trial(day, number, known, client.clock_skew)


def _client(
    new: NewAccount,
    credentials: MerchantCredentials,
    known: dict[str, str],
    now: Callable[[], datetime],
    transport: httpx2.AsyncBaseTransport | None,
) -> Client:
    keys = {
        serial: load_certificate(pem).public_key if "BEGIN CERTIFICATE" in pem else load_public_key(pem)
        for serial, pem in known.items()
    }
    return Client(
        credentials,
        PlatformKeys(keys),
        base_url=new.base_url,
        backup_base_url=new.backup_base_url or None,
        now=now,
        transport=transport,
    )
