"""What people do with an account's settings and keys: each verb asks for the permission and is written down. Keys go in
and come out nowhere. What needs the platform's answer is ``sync.account_verbs``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.merchants import changes, rotation
from kesu.merchants.models import Account, SubMerchant
from kesu.merchants.services import USUAL_GRACE


@transaction.atomic
def change(actor: Actor, account: Account, wanted: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Set some of ``changes.CHANGEABLE``; what really changed. Raises AccountError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    changed = changes.change_account(account, wanted)
    note(actor, account, changed, now)
    return changed


@transaction.atomic
def rename_sub_merchant(actor: Actor, row: SubMerchant, name: str, *, now: datetime) -> None:
    """What staff read for a sub-merchant; empty shows its number. Raises Forbidden."""
    require(actor.user, Permission.SETTINGS)
    changes.rename_sub_merchant(row, name)
    note(actor, row.account, {"sub_merchant": row.mchid, "name": row.name}, now)


@transaction.atomic
def rotate_certificate(actor: Actor, account: Account, private_key: str, certificate: str, *, now: datetime) -> str:
    """Sign with a new certificate (both PEM); its serial number. Raises AccountError, ValueError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    serial = rotation.rotate_certificate(account, private_key, certificate, now=now)
    note(actor, account, {"certificate": "rotated", "serial": serial}, now)
    return serial


@transaction.atomic
def rotate_apiv3_key(
    actor: Actor, account: Account, key: str, *, grace: timedelta = USUAL_GRACE, now: datetime
) -> None:
    """Open notices with ``key``, for ``grace`` with the previous one too. Raises AccountError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotation.rotate_apiv3_key(account, key, grace=grace, now=now)
    note(actor, account, {"apiv3_key": "rotated"}, now)


@transaction.atomic
def trust_platform_key(actor: Actor, account: Account, serial: str, pem: str, *, now: datetime) -> None:
    """Believe one more key of the platform. Raises AccountError, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotation.trust_platform_key(account, serial, pem, now=now)
    note(actor, account, {"platform_key_added": serial}, now)


@transaction.atomic
def forget_platform_key(actor: Actor, account: Account, serial: str, *, now: datetime) -> None:
    """Believe it no more. Raises AccountError for an unknown one and for the last, Forbidden."""
    require(actor.user, Permission.SETTINGS)
    rotation.forget_platform_key(account, serial)
    note(actor, account, {"platform_key_removed": serial}, now)


def note(actor: Actor, account: Account, details: dict[str, Any], now: datetime) -> None:
    """Write down what was done to an account's settings."""
    record(actor, Action.SETTING_CHANGED, f"merchant:{account.mchid}", details, now=now)
