"""Which merchants a person sees. What they may do there is their role's: ``accounts.roles``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from kesu.accounts.models import User
from kesu.accounts.roles import Permission, Person, may, sees_all_merchants
from kesu.merchants.models import Account, Grant

SEPARATOR = ","


@dataclass(frozen=True)
class UnknownMerchantError(Exception):
    """There is no account of this number."""

    mchid: str

    def __str__(self) -> str:
        return self.mchid


def grant(user: User, account: Account, sub_mchid: str = "") -> Grant:
    """Let a person see an account, or one sub-merchant of it. Again: nothing happens. It narrows nobody: that is
    ``user.all_merchants``."""
    return Grant.objects.get_or_create(user=user, account=account, sub_mchid=sub_mchid.strip())[0]


def revoke(user: User, account: Account, sub_mchid: str | None = None) -> int:
    """Take one grant back, or with None all of the account; how many there were."""
    found = Grant.objects.filter(user=user, account=account)
    if sub_mchid is not None:
        found = found.filter(sub_mchid=sub_mchid.strip())
    return found.delete()[0]


@transaction.atomic
def set_scope(user: User, written: Sequence[str]) -> None:
    """What a person sees from now on: every merchant for none ``written``, else only these. Each is "1900000109" or
    with its sub-merchants "1900000109,1900000211,1900000212". Raises UnknownMerchantError before anything changes."""
    wanted = [_read(text) for text in written]
    user.all_merchants = not wanted
    user.save(update_fields=["all_merchants"])
    user.grants.all().delete()
    for account, sub_mchids in wanted:
        for sub_mchid in sub_mchids or [""]:
            grant(user, account, sub_mchid)


def scope(user: User) -> list[str]:
    """The grants of a person as ``set_scope`` takes them; empty for whoever sees every merchant."""
    if sees_all_merchants(user):
        return []
    found: dict[str, list[str]] = {}
    for row in user.grants.select_related("account").defer("account__token").order_by("account__mchid", "sub_mchid"):
        found.setdefault(row.account.mchid, []).append(row.sub_mchid)
    # A grant of the whole stands first, for it is the empty text, and makes the others idle.
    return [SEPARATOR.join([mchid, *subs] if subs[0] else [mchid]) for mchid, subs in found.items()]


def accounts_visible_to(user: Person) -> QuerySet[Account]:
    """The accounts of which a person sees anything, be it one sub-merchant."""
    if not may(user, Permission.VIEW):
        return Account.objects.none()
    if sees_all_merchants(user):
        return Account.objects.all()
    return Account.objects.filter(Exists(Grant.objects.filter(user=user.pk, account=OuterRef("pk"))))


def granted(user: Person, *, account: str, sub_mchid: str | None) -> Q:
    """The rows a person sees of a table with merchants, as a condition; the names are of its columns.

    ``sub_mchid`` None: the table knows accounts only, so whoever has all of the account sees its rows.
    """
    if not may(user, Permission.VIEW):
        return Q(pk__in=[])
    if sees_all_merchants(user):
        return Q()
    mine = Grant.objects.filter(user=user.pk, account=OuterRef(account))
    whole = Q(sub_mchid="")
    return Q(Exists(mine.filter(whole | Q(sub_mchid=OuterRef(sub_mchid)) if sub_mchid else whole)))


def _read(text: str) -> tuple[Account, list[str]]:
    mchid, *subs = (part.strip() for part in text.split(SEPARATOR))
    account = Account.objects.defer("token").filter(mchid=mchid).first()
    if account is None:
        raise UnknownMerchantError(mchid)
    return account, [sub for sub in subs if sub]
