"""Changing how an account is treated. Its keys are ``rotation``'s, its callback address ``services``'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from kesu.merchants.models import Account, SubMerchant
from kesu.merchants.services import AccountError
from kesu.rules.deadlines import PROFILES

log = structlog.get_logger(__name__)

CHANGEABLE = ("name", "deadline_profile", "reply_limit", "jumps_allowed", "repair_callback", "enabled")
LONGEST_REPLY = 500


@transaction.atomic
def change_account(account: Account, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Set some of ``CHANGEABLE``; what really changed, by name, as it is now. Raises AccountError.

    Deadlines of complaints under way follow a new profile when they are read from the platform the next time.
    """
    row = Account.objects.select_for_update().get(pk=account.pk)
    changed = {name: wanted[name] for name in CHANGEABLE if name in wanted and wanted[name] != getattr(row, name)}
    if changed.get("deadline_profile", "rolling") not in PROFILES:
        raise AccountError(_("The profile must be one of %s.") % ", ".join(PROFILES))
    if not 1 <= changed.get("reply_limit", 1) <= LONGEST_REPLY:
        raise AccountError(_("A reply has at most %s characters.") % LONGEST_REPLY)
    for name, value in changed.items():
        setattr(row, name, value)
        setattr(account, name, value)
    if changed:
        row.save(update_fields=list(changed))
        log.info("account.changed", account=row.pk, changed=sorted(changed))
    return changed


def rename_sub_merchant(row: SubMerchant, name: str) -> None:
    """What staff read for a sub-merchant; empty shows its number."""
    row.name = name.strip()[:80]
    row.save(update_fields=["name"])
