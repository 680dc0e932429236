"""How often sign-in may be tried: failures are counted in the database, so for all processes together.

A try is written down before the password is looked at and taken back when it was right: however many tries
arrive at once, no more than the limit are ever checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Network, ip_address

from django.db import connection, transaction

from kesu.accounts.models import SignInAttempt
from kesu.rules.budget import available
from kesu.vault import keyring

WINDOW = timedelta(minutes=15)
FAILURES_OF_A_NAME = 5
FAILURES_OF_AN_ADDRESS = 20
SUBSCRIBER_BITS = 64
"""One line has a whole /64 of IPv6 addresses."""
SWEPT_AT_ONCE = 100


@dataclass(frozen=True)
class LockedOutError(Exception):
    """Too many failures: sign-in waits until ``until``. Says nothing about whether the name exists."""

    until: datetime


def begin(name: str, address: str, *, now: datetime) -> SignInAttempt:
    """Count a try. Raises LockedOutError, and counts nothing, while the name or the address has to wait."""
    names, addresses = _key(name.strip().casefold(), "name"), _key(_line(address), "address")
    with transaction.atomic():
        _take_turns(names, addresses)
        since = now - WINDOW
        waits = (
            available(_tries(since, name_key=names), now, FAILURES_OF_A_NAME, WINDOW),
            available(_tries(since, address_key=addresses), now, FAILURES_OF_AN_ADDRESS, WINDOW),
        )
        if not all(wait.free for wait in waits):
            raise LockedOutError(max(wait.free_at for wait in waits))
        _sweep(since)
        return SignInAttempt.objects.create(name_key=names, address_key=addresses, at=now)


def succeeded(attempt: SignInAttempt) -> None:
    """Take a try back: it was no failure. Earlier failures stand, or one's own account would buy endless tries."""
    attempt.delete()


def forgive(name: str) -> int:
    """Let a name try again at once, when its person or whoever runs the desk asks for it. Returns failures erased."""
    return SignInAttempt.objects.filter(name_key=_key(name.strip().casefold(), "name")).delete()[0]


def _tries(since: datetime, **of: str) -> list[datetime]:
    return list(SignInAttempt.objects.filter(at__gt=since, **of).values_list("at", flat=True))


def _take_turns(*keys: str) -> None:
    """Tries of one name, and of one address, are counted one after the other. Ends with the transaction."""
    with connection.cursor() as cursor:
        for key in sorted(keys):
            cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [key])


def _sweep(before: datetime) -> None:
    """What counts no more goes, a little with each try; rows that another sweep holds are left to it."""
    old = SignInAttempt.objects.filter(at__lte=before).select_for_update(skip_locked=True)
    SignInAttempt.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:SWEPT_AT_ONCE])).delete()


def _key(text: str, kind: str) -> str:
    """Not the text itself: people type passwords where a name belongs."""
    return keyring().fingerprint(text, f"accounts.sign_in.{kind}")


def _line(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(IPv6Network((found, SUBSCRIBER_BITS), strict=False).network_address)
    return str(getattr(found, "ipv4_mapped", None) or found)
