"""What the red lines let pass for a merchant: put on its list, and taken off."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.commands.models import Allowance
from kesu.merchants.models import Account

LONGEST_VALUE = 200


@transaction.atomic
def allow(actor: Actor, account: Account, kind: str, value: str, *, sub_mchid: str = "", now: datetime) -> Allowance:
    """Let a word, number, address or name pass in this merchant's replies. Again: nothing happens. Raises ValueError
    for an unknown kind and for no value or one that is too long, Forbidden."""
    roles.require(actor.user, Permission.SETTINGS)
    value = value.strip()
    if kind not in Allowance.Kind.values or not 0 < len(value) <= LONGEST_VALUE:
        raise ValueError("no such kind, or no usable value")
    row, made = Allowance.objects.get_or_create(
        account=account, sub_mchid=sub_mchid.strip(), kind=kind, value=value, defaults={"created_at": now}
    )
    if made:
        # The value may be somebody's number: which one it is stands in the list.
        record(
            actor, Action.SETTING_CHANGED, f"merchant:{account.mchid}", {"allowed": kind, "allowance": row.pk}, now=now
        )
    return row


@transaction.atomic
def disallow(actor: Actor, allowance: Allowance, *, now: datetime) -> None:
    """Take it off the list: from the next check on it is a finding again. Raises Forbidden."""
    roles.require(actor.user, Permission.SETTINGS)
    details = {"disallowed": allowance.kind, "allowance": allowance.pk}
    record(actor, Action.SETTING_CHANGED, f"merchant:{allowance.account.mchid}", details, now=now)
    allowance.delete()
