"""Whether an account's line to the platform works, and will work tomorrow: callback addresses, keys, clocks.

What is found is a list of problems; ``kesu.sync.watching`` looks every half hour, remembers and tells them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import structlog

from kesu.merchants.models import Account, AccountHealth
from kesu.wechatpay import CipherError, Client, NoAuth, PlatformError, ResponseNotVerified, SignError
from kesu.wechatpay.keys import PUBLIC_KEY_PREFIX

log = structlog.get_logger(__name__)

MERCHANT_CERTIFICATE_DAYS = (1, 7, 14, 30)
PLATFORM_CERTIFICATE_DAYS = (1, 7)
"""The platform publishes its next certificate ten days before the end of the old one (平台证书更换)."""
URGENT_DAYS = 7
GRACE_WARNING = timedelta(hours=24)
SKEW_WARNING, SKEW_ALERT = 60, 240
"""Seconds. Signed times that are 300 s off are refused, by the platform as by us (签名与验签规则)."""

CALLBACK_KINDS = frozenset({"callback", "violations"})
PROVIDERS = (Account.Role.PARTNER, Account.Role.CHANNEL, Account.Role.INSTITUTION)


@dataclass(frozen=True, slots=True)
class Problem:
    """``kind`` and ``subject`` say what about which thing; another ``step`` of it is told anew.

    ``lasting`` False: it happened and is over. ``facts`` hold no secret: they go into pushes.
    """

    kind: str
    subject: str
    step: str
    level: Literal["warning", "failed"]
    facts: dict[str, Any] = field(default_factory=dict)
    lasting: bool = True

    @property
    def name(self) -> tuple[str, str, str]:
        return self.kind, self.subject, self.step

    def stored(self, since: datetime) -> dict[str, Any]:
        return {**asdict(self), "since": since.isoformat()}


@dataclass(frozen=True, slots=True)
class Address:
    """One of the addresses that the platform calls: how to read and to set it. ``ours``: as this desk registered it."""

    kind: str
    ours: str
    read: Callable[[], Awaitable[str | None]]
    create: Callable[[str], Awaitable[object]]
    update: Callable[[str], Awaitable[object]]


def start_watching(account: Account, *, now: datetime) -> None:
    """Look at this account from now on, every half hour. Harmless for one that is watched."""
    AccountHealth.objects.get_or_create(account=account, defaults={"due_at": now, "certificates_due_at": now})


def complaint_address(account: Account, client: Client) -> Address:
    async def read() -> str | None:
        found = await client.get_notify_url()
        return found.url if found else None

    return Address("callback", account.notify_url, read, client.create_notify_url, client.update_notify_url)


def violation_address(account: Account, client: Client) -> Address:
    """Violation notices come to the same address as complaints; they are told apart by their event type."""

    async def read() -> str | None:
        found = await client.get_violation_url()
        return found.notify_url if found else None

    return Address("violations", account.notify_url, read, client.create_violation_url, client.update_violation_url)


async def check_address(address: Address, *, repair: bool) -> list[Problem]:
    """Read the registered address and, where it is not ours, set it right (``repair``) or report it.

    Raises WeChatPayError when it cannot be read.
    """
    found = await address.read()
    if found == address.ours:
        return []
    host = (urlsplit(found).hostname or "") if found is not None else ""
    step, facts = ("missing" if found is None else f"elsewhere:{host}"), {"host": host}
    if not repair:
        return [Problem(address.kind, "address", step, "failed", facts)]
    try:
        await (address.create if found is None else address.update)(address.ours)
    except PlatformError as error:
        facts["error"] = str(error)[:200]
        return [Problem(address.kind, "address", "refused", "failed", facts)]
    return [Problem(address.kind, "address", f"repaired:{step}", "warning", facts, lasting=False)]


async def check_violation_address(account: Account, client: Client, *, registered: bool) -> list[Problem] | None:
    """Like ``check_address``. The first time a missing address is simply created, and another system's is left alone.

    None for a provider to whom violation notices are not offered.
    """
    address = violation_address(account, client)
    try:
        if not registered and await address.read() is None:
            await address.create(address.ours)
            return []
        return await check_address(address, repair=registered and account.repair_callback)
    except NoAuth:
        log.info("violation_notices_not_offered", account=account.pk)
        return None


def key_problems(account: Account, *, now: datetime) -> list[Problem]:
    """Keys that end soon: the merchant's certificate, the platform's last one, the previous APIv3 key."""
    problems = []
    key = account.merchant_keys.filter(current=True).defer("private_key").first()
    if key and key.not_after:
        problems += _expiry("merchant_certificate", key.serial_no, key.not_after, MERCHANT_CERTIFICATE_DAYS, now)
    trusted = list(account.platform_keys.all())
    if not any(row.serial.startswith(PUBLIC_KEY_PREFIX) for row in trusted):
        last = max((row for row in trusted if row.not_after), key=lambda row: row.not_after or now, default=None)
        if last is not None and last.not_after:
            problems += _expiry("platform_certificate", last.serial, last.not_after, PLATFORM_CERTIFICATE_DAYS, now)
    for grace in account.apiv3_keys.filter(accepted_until__gt=now, accepted_until__lte=now + GRACE_WARNING).only("pk"):
        until = grace.accepted_until
        assert until is not None  # the filter says so
        problems.append(Problem("apiv3_grace", str(grace.pk), "ends", "warning", {"until": until.isoformat()}))
    return problems


def clock_problems(skew_seconds: float | None, *, patience: float = 1.0) -> list[Problem]:
    """A clock that is off. ``patience`` widens the bounds where a virtual clock runs faster than the network."""
    skew = abs(skew_seconds or 0.0)
    if skew <= SKEW_WARNING * patience:
        return []
    facts = {"seconds": round(skew_seconds or 0.0)}
    alert = skew > SKEW_ALERT * patience
    return [Problem("clock", "skew", "alert" if alert else "warning", "failed" if alert else "warning", facts)]


def refusal_problems(error: Exception, *, clock_is_off: bool) -> list[Problem]:
    """What a failed look says about the keys. A clock that is off explains a refused signature by itself."""
    if isinstance(error, ResponseNotVerified) and error.reason == "unknown_serial":
        return [Problem("platform_key", "unknown", "unknown", "failed", {"error": str(error)[:200]})]
    if isinstance(error, SignError) and not clock_is_off:
        return [Problem("merchant_key", "refused", "refused", "failed", {"error": str(error)[:200]})]
    if isinstance(error, CipherError):
        return [Problem("apiv3_key", "wrong", "wrong", "failed")]
    return []


def uses_certificates(account: Account) -> bool:
    """Whether the platform's certificates are to be kept fresh; an account in public-key mode has none."""
    serials = [row.serial for row in account.platform_keys.only("serial")]
    return not serials or any(not serial.startswith(PUBLIC_KEY_PREFIX) for serial in serials)


def _expiry(kind: str, serial: str, not_after: datetime, steps: tuple[int, ...], now: datetime) -> list[Problem]:
    left = not_after - now
    reached = [days for days in sorted(steps) if left <= timedelta(days=days)]
    if not reached:
        return []
    over = left <= timedelta(0)
    level: Literal["warning", "failed"] = "failed" if reached[0] <= URGENT_DAYS else "warning"
    facts = {"days": max(left.days, 0), "until": not_after.isoformat(), "serial": serial}
    return [Problem(kind, serial, "over" if over else str(reached[0]), level, facts)]
