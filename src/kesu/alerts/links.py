"""Signed links from a push into the desk. A link names a case; it signs nobody in."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer

from kesu.merchants.services import NOTIFY_PATH

SALT = "kesu.alerts.open"
MAX_AGE = timedelta(days=7)


def token(complaint_pk: int, message_pk: int, *, now: datetime, max_age: timedelta | None = None) -> str:
    """A token for one complaint that ``resolve`` takes for ``max_age`` (``KESU_LINK_MAX_AGE``, else seven days)."""
    allowed: timedelta = max_age or getattr(settings, "KESU_LINK_MAX_AGE", None) or MAX_AGE
    return _signer().sign(f"{complaint_pk}-{message_pk}-{int((now + allowed).timestamp())}")


def resolve(found: str, *, now: datetime) -> int | None:
    """The complaint's primary key, or None for a token that was changed, is not ours, or has run out."""
    try:
        complaint_pk, _message_pk, expires_at = (int(part) for part in _signer().unsign(found).split("-"))
    except (BadSignature, ValueError):
        return None
    return complaint_pk if now.timestamp() < expires_at else None


def address(complaint_pk: int, message_pk: int, *, callback: str = "", now: datetime) -> str:
    """``{public_url}/open/{token}``, or "" while no public address is known.

    ``callback``: the address at which the platform reaches this desk for the account; staff reach it there too, so it
    stands in where ``KESU_PUBLIC_URL`` is not set.
    """
    base = _base(callback)
    return f"{base}/open/{token(complaint_pk, message_pk, now=now)}" if base else ""


def list_address(only: str = "", *, callback: str = "") -> str:
    """The inbox, in one of its narrower views; "" while no public address is known."""
    base = _base(callback)
    query = f"?only={only}" if only else ""
    return f"{base}/{query}" if base else ""


def _base(callback: str) -> str:
    return settings.KESU_PUBLIC_URL or callback.partition(NOTIFY_PATH)[0]


def _signer() -> Signer:
    return Signer(salt=SALT, sep=".")
