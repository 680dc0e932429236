"""What people do with accounts: add one, change its keys, register its callback address, connect a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from django.db import transaction
from django.utils.translation import gettext as _

from kesu.merchants.models import Account, ApiV3Key, MerchantKey, PlatformKey, SubMerchant, new_token
from kesu.merchants.watch import start_watching
from kesu.vault import keyring
from kesu.wechatpay import Client
from kesu.wechatpay.keys import load_certificate, load_private_key, load_public_key

APIV3_KEY_LENGTH = 32
NOTIFY_PATH = "/notify/wechatpay/"
USUAL_GRACE = timedelta(hours=48)
"""How long the previous APIv3 key opens notices: they are pushed again for 24 hours (回调通知处理)."""


class AccountError(ValueError):
    """An account's data cannot be used; the message says which and what to do."""


@dataclass(frozen=True)
class NewAccount:
    """What connects a merchant number. PEM texts; ``serial_no`` may be empty where the certificate is given;
    ``platform_keys`` maps serial (``PUB_KEY_ID_...`` or hex) to PEM.
    """

    mchid: str
    private_key_pem: str = field(repr=False)
    serial_no: str
    apiv3_key: str = field(repr=False)
    role: str = Account.Role.MERCHANT
    name: str = ""
    certificate_pem: str = ""
    platform_keys: dict[str, str] = field(default_factory=dict)
    sub_mchids: tuple[str, ...] = ()
    deadline_profile: str = ""
    base_url: str = "https://api.mch.weixin.qq.com"
    backup_base_url: str = "https://api2.mch.weixin.qq.com"


@transaction.atomic
def save_account(new: NewAccount, *, now: datetime) -> Account:
    """Add an account, or bring a known one up to date. Raises AccountError before anything is written."""
    serial_no = _validate(new)
    account = Account.objects.filter(mchid=new.mchid).first()
    if account is None:
        token = new_token()
        account = Account(mchid=new.mchid, token=token, token_fingerprint=token_fingerprint(token), created_at=now)
    account.role, account.name = new.role, new.name or account.name
    account.deadline_profile = new.deadline_profile or account.deadline_profile
    account.base_url, account.backup_base_url = new.base_url.rstrip("/"), new.backup_base_url.rstrip("/")
    account.save()
    set_merchant_key(account, serial_no, new.private_key_pem, new.certificate_pem, now=now)
    set_apiv3_key(account, new.apiv3_key, accept_previous_until=now + USUAL_GRACE, now=now)
    for serial, pem in new.platform_keys.items():
        add_platform_key(account, serial, pem, now=now)
    remember_sub_merchants(account, new.sub_mchids, now=now)
    start_watching(account, now=now)
    return account


def set_merchant_key(
    account: Account, serial_no: str, private_key_pem: str, certificate_pem: str, *, now: datetime
) -> None:
    """Make this the key that signs. Earlier ones stay, to open phone numbers sealed to them."""
    not_after = load_certificate(certificate_pem).not_after if certificate_pem else None
    with transaction.atomic():
        account.merchant_keys.exclude(serial_no=serial_no).update(current=False)
        MerchantKey.objects.update_or_create(
            account=account,
            serial_no=serial_no,
            defaults={
                "private_key": private_key_pem,
                "certificate_pem": certificate_pem,
                "not_after": not_after,
                "current": True,
            },
            create_defaults={
                "private_key": private_key_pem,
                "certificate_pem": certificate_pem,
                "not_after": not_after,
                "current": True,
                "created_at": now,
            },
        )


def set_apiv3_key(account: Account, key: str, *, accept_previous_until: datetime | None, now: datetime) -> None:
    """Make this the key that opens notices; the previous one is accepted until the given time, or dropped."""
    with transaction.atomic():
        current = account.apiv3_keys.filter(accepted_until__isnull=True).first()
        if current is not None:
            if current.key == key:
                return
            if accept_previous_until is None:
                current.delete()
            else:
                current.accepted_until = accept_previous_until
                current.save(update_fields=["accepted_until"])
        ApiV3Key.objects.create(account=account, key=key, created_at=now)


def add_platform_key(account: Account, serial: str, pem: str, *, now: datetime) -> None:
    """Trust a platform certificate (hex serial) or public key (``PUB_KEY_ID_...``) beside those already trusted."""
    certificate = load_certificate(pem) if "BEGIN CERTIFICATE" in pem else None
    if certificate is None:
        load_public_key(pem)
    PlatformKey.objects.update_or_create(
        account=account,
        serial=serial,
        defaults={
            "pem": pem,
            "not_before": certificate.not_before if certificate else None,
            "not_after": certificate.not_after if certificate else None,
        },
        create_defaults={
            "pem": pem,
            "not_before": certificate.not_before if certificate else None,
            "not_after": certificate.not_after if certificate else None,
            "created_at": now,
        },
    )


def remember_sub_merchants(account: Account, mchids: tuple[str, ...] | set[str], *, now: datetime) -> None:
    """Note merchants seen under a provider; the provider's own number is not one of them."""
    SubMerchant.objects.bulk_create(
        [
            SubMerchant(account=account, mchid=mchid, created_at=now)
            for mchid in mchids
            if mchid and mchid != account.mchid
        ],
        ignore_conflicts=True,
    )


def name_merchants(names: Mapping[str, str]) -> None:
    """Give merchants and sub-merchants, by number, the names that staff will read; given names are not overwritten."""
    for mchid, name in names.items():
        Account.objects.filter(mchid=mchid, name="").update(name=name[:80])
        SubMerchant.objects.filter(mchid=mchid, name="").update(name=name[:80])


def token_fingerprint(token: str) -> str:
    return keyring().fingerprint(token, "merchants_account.token")


def callback_url(account: Account, public_url: str) -> str:
    """The address to register at the platform. Raises AccountError for one that the platform would refuse.

    HTTPS, no query string, at most 255 characters (创建投诉通知回调地址); http is for a sandbox on loopback only.
    """
    try:
        parts = urlsplit(public_url)
    except ValueError as error:
        raise AccountError(_("This is no address: %s") % public_url[:200]) from error
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise AccountError(_("The public address must begin with https:// (the platform refuses anything else)."))
    if not parts.hostname or parts.query or parts.fragment:
        raise AccountError(
            _("The public address must be a plain host name without a query, e.g. https://desk.example.com.")
        )
    url = f"{public_url.rstrip('/')}{NOTIFY_PATH}{account.token}"
    if len(url) > 255:
        raise AccountError(_("The public address is too long: the platform takes 255 characters in all."))
    return url


async def register_callback(account: Account, client: Client, public_url: str, *, replace: bool = False) -> str:
    """Set the callback address at the platform (one a merchant number): read, then create or update. Returns it.

    The caller stores the result with ``remember_callback``. An address that is not this desk's is only replaced on
    ``replace``: another system may live on it. Raises AccountError, PlatformError, TransportError.
    """
    wanted = callback_url(account, public_url)
    found = await client.get_notify_url()
    if found is None:
        await client.create_notify_url(wanted)
        return wanted
    ours = (wanted, account.notify_url)
    if found.url not in ours and not found.url.endswith(account.token) and not replace:
        raise AccountError(
            _(
                "The platform calls another address (%s). If no other system needs it any more, "
                "repeat with --replace-callback."
            )
            % found.url
        )
    if found.url != wanted:
        await client.update_notify_url(wanted)
    return wanted


def remember_callback(account: Account, url: str) -> None:
    Account.objects.filter(pk=account.pk).update(notify_url=url)


def sandbox_accounts(sandbox: dict[str, Any]) -> list[NewAccount]:
    """The accounts that a sandbox's ``sandbox.json`` describes. Raises AccountError when the file is not one."""
    try:
        platform = sandbox["wechatpay"]
        keys = {
            platform["public_key_id"]: platform["public_key_pem"],
            platform["certificate_serial"]: platform["certificate_pem"],
        }
        return [
            NewAccount(
                mchid=merchant["mchid"],
                role=merchant["role"],
                name=merchant.get("name", ""),
                serial_no=merchant["serial_no"],
                private_key_pem=merchant["private_key_pem"],
                certificate_pem=merchant["certificate_pem"],
                apiv3_key=merchant["apiv3_key"],
                sub_mchids=tuple(merchant.get("sub_mchids") or ()),
                platform_keys=keys,
                base_url=platform["base_url"],
                backup_base_url="",
            )
            for merchant in sandbox["merchants"]
        ]
    except (KeyError, TypeError) as error:
        raise AccountError(_("This file does not describe a sandbox (missing: %s).") % error) from error


def _validate(new: NewAccount) -> str:
    """The merchant certificate's serial number, once everything was found usable. Raises AccountError."""
    if not new.mchid.isascii() or not new.mchid.isdigit() or len(new.mchid) > 32:
        raise AccountError(_("A merchant number consists of digits; this one does not: %s") % new.mchid[:40])
    if new.role not in Account.Role.values:
        raise AccountError(_("The role must be one of %s.") % ", ".join(Account.Role.values))
    if len(new.apiv3_key.encode()) != APIV3_KEY_LENGTH:
        raise AccountError(_("The APIv3 key must have exactly 32 characters (商户平台 > 账户中心 > API安全)."))
    _private_key(new.private_key_pem)
    serial_no = new.serial_no
    if new.certificate_pem:
        serial_no = check_key_pair(new.private_key_pem, new.certificate_pem)
        if new.serial_no and serial_no.lstrip("0") != new.serial_no.upper().lstrip("0"):
            raise AccountError(_("The certificate's serial number is %s; another one was given.") % serial_no)
    for serial, pem in new.platform_keys.items():
        try:
            load_certificate(pem) if "BEGIN CERTIFICATE" in pem else load_public_key(pem)
        except ValueError as error:
            raise AccountError(
                _("The platform key %(serial)s cannot be read: %(error)s") % {"serial": serial, "error": error}
            ) from error
    if not serial_no:
        raise AccountError(_("Give the merchant certificate (apiclient_cert.pem), or its serial number."))
    return serial_no


def check_key_pair(private_key_pem: str, certificate_pem: str) -> str:
    """The serial number of a certificate that belongs to the private key. Raises AccountError."""
    private_key = _private_key(private_key_pem)
    try:
        certificate = load_certificate(certificate_pem)
    except ValueError as error:
        raise AccountError(_("The certificate (apiclient_cert.pem) cannot be read: %s") % error) from error
    if certificate.public_key.public_numbers() != private_key.public_key().public_numbers():
        raise AccountError(_("The certificate and the private key do not belong together."))
    return certificate.serial_no


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        return load_private_key(pem)
    except ValueError as error:
        raise AccountError(_("The private key (apiclient_key.pem) cannot be read: %s") % error) from error
