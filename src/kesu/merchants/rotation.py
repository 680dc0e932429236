"""Changing an account's keys while complaints go on: the old ones stay as long as something still needs them.

Clients pick new keys up within twenty seconds, receivers within thirty or when a notice does not fit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from kesu.merchants.models import Account
from kesu.merchants.services import (
    APIV3_KEY_LENGTH,
    AccountError,
    add_platform_key,
    check_key_pair,
    set_apiv3_key,
    set_merchant_key,
)
from kesu.wechatpay.keys import load_certificate

log = structlog.get_logger(__name__)

LONGEST_GRACE = timedelta(days=30)


def rotate_apiv3_key(account: Account, key: str, *, grace: timedelta, now: datetime) -> None:
    """Open notices with ``key``, and for ``grace`` with the previous one too: notices under way are sealed with it, and
    are pushed again for up to a day (回调通知处理). Raises AccountError.
    """
    if len(key.encode()) != APIV3_KEY_LENGTH:
        raise AccountError(_("The APIv3 key must have exactly 32 characters (商户平台 > 账户中心 > API安全)."))
    if not timedelta(0) <= grace <= LONGEST_GRACE:
        raise AccountError(_("The grace time must be between 0 and %s days.") % LONGEST_GRACE.days)
    set_apiv3_key(account, key, accept_previous_until=now + grace if grace else None, now=now)
    log.info("apiv3_key.rotated", account=account.pk, grace_seconds=int(grace.total_seconds()))


def rotate_certificate(account: Account, private_key_pem: str, certificate_pem: str, *, now: datetime) -> str:
    """Sign with a new merchant API certificate; returns its serial number. The old private key stays: what was sealed
    to the old certificate (payer_phone) opens with nothing else (敏感信息加密说明). Raises AccountError.
    """
    serial_no = check_key_pair(private_key_pem, certificate_pem)
    set_merchant_key(account, serial_no, private_key_pem, certificate_pem, now=now)
    log.info("merchant_certificate.rotated", account=account.pk, serial=serial_no)
    return serial_no


def trust_platform_key(account: Account, serial: str, pem: str, *, now: datetime) -> None:
    """Believe answers and notices signed with this key too, beside those already trusted. Raises AccountError."""
    try:
        if "BEGIN CERTIFICATE" in pem and load_certificate(pem).serial_no.lstrip("0") != serial.upper().lstrip("0"):
            raise AccountError(_("The certificate's serial number is another one than the one given."))
        add_platform_key(account, serial, pem, now=now)
    except AccountError:
        raise
    except ValueError as error:
        raise AccountError(
            _("The platform key %(serial)s cannot be read: %(error)s") % {"serial": serial, "error": error}
        ) from error
    log.info("platform_key.added", account=account.pk, serial=serial)


@transaction.atomic
def forget_platform_key(account: Account, serial: str) -> None:
    """Believe this key no more. Raises AccountError for an unknown one, and for the last: nothing could be verified."""
    serials = list(account.platform_keys.select_for_update().values_list("serial", flat=True))
    if serial not in serials:
        raise AccountError(_("No such platform key. Known: %s.") % (", ".join(serials) or "-"))
    if len(serials) == 1:
        raise AccountError(_("This is the account's only platform key: add the next one first."))
    account.platform_keys.filter(serial=serial).delete()
    log.info("platform_key.removed", account=account.pk, serial=serial)


def forget_ended_apiv3_keys(account: Account, *, now: datetime) -> int:
    """Previous APIv3 keys whose grace time is over are secrets without a use; returns how many were deleted."""
    return account.apiv3_keys.filter(accepted_until__lte=now).delete()[0]
