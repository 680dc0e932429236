"""Which account a notice is for, and the keys to open it: held in memory, read again when they may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kesu.merchants.credentials import apiv3_keys, platform_keys
from kesu.merchants.models import Account
from kesu.wechatpay import PlatformKeys

REREAD_SECONDS = 30
FORCED_REREAD_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Recipient:
    """What is needed to verify and open the notices of one account."""

    account_id: int
    token: str
    platform_keys: PlatformKeys
    apiv3_keys: tuple[str, ...]


class Directory:
    """Recipients by callback token. ``reread`` is called from a thread; ``find`` from the event loop.

    ``seconds`` runs on; by it rereads are due. A miss (an unknown token, an unknown key) may ask for an early
    reread, at most one every two seconds, so that a stranger's requests cannot make the database work. While the
    database does not answer, what was read before is kept; ``is_current`` then says that an unknown token may yet be
    known.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._recipients: dict[str, Recipient] = {}
        self._tried_at = float("-inf")
        self.is_current = False

    def find(self, token: str) -> Recipient | None:
        return self._recipients.get(token)

    def is_due(self) -> bool:
        return self._seconds() - self._tried_at > REREAD_SECONDS

    def may_be_forced(self) -> bool:
        return self._seconds() - self._tried_at > FORCED_REREAD_SECONDS

    def reread(self, now: datetime) -> None:
        """Load every enabled account's token and keys. Raises django.db.Error."""
        self.is_current = False
        try:
            accounts = Account.objects.filter(enabled=True).prefetch_related("apiv3_keys", "platform_keys")
            self._recipients = {account.token: _recipient(account, now) for account in accounts}
            self.is_current = True
        finally:
            self._tried_at = self._seconds()


def _recipient(account: Account, now: datetime) -> Recipient:
    return Recipient(
        account_id=account.pk,
        token=account.token,
        platform_keys=platform_keys(account),
        apiv3_keys=apiv3_keys(account, now=now),
    )
