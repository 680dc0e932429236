"""One client an account, kept while its keys stay the same; its pacing outlives it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import httpx2
import structlog

from kesu.clock import sleep
from kesu.merchants.credentials import open_client, platform_keys
from kesu.merchants.models import Account
from kesu.merchants.services import add_platform_key
from kesu.sync.network import SharedNetwork
from kesu.threads import in_thread
from kesu.wechatpay import Client, Pacer, PlatformKeys, WeChatPayError

log = structlog.get_logger(__name__)

RECHECK_SECONDS = 20
CERTIFICATES_EVERY_SECONDS = 60


@dataclass
class _Open:
    account: Account
    client: Client
    version: tuple[object, ...]
    checked: float


class Gateway:
    """Hands out clients. ``transport`` replaces the network in tests (``httpx2.ASGITransport`` onto a sandbox);
    ``sleep`` waits for seconds of the same clock that ``now`` tells. ``seconds`` runs on; by it keys are read again.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = sleep,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.now = now
        self._network = SharedNetwork()
        self._transport = transport or self._network
        self._sleep = sleep
        self._seconds = seconds
        self._open: dict[int, _Open] = {}
        self._pacers: dict[int, Pacer] = {}
        self._processes = 1
        self._certificates_asked: dict[int, float] = {}
        self.closing = False
        """Set by a worker that is told to stop: nobody begins anything new."""

    async def client(self, account_id: int) -> tuple[Account, Client]:
        """The account and a client with its present keys. Raises Account.DoesNotExist, NoCredentials."""
        found = self._open.get(account_id)
        if found is not None and self._seconds() - found.checked < RECHECK_SECONDS:
            return found.account, found.client
        account, version = await in_thread(_account_and_version, account_id)
        if found is not None and found.version == version:
            found.account, found.checked = account, self._seconds()
            return account, found.client
        client = await in_thread(self._make, account)
        # The client before is not closed: calls may be under way on it, and the connections are not its own.
        self._open[account_id] = _Open(account, client, version, self._seconds())
        return account, client

    def share_between(self, processes: int) -> None:
        """So many processes call the platform for the same accounts: each keeps to its part of the published rates."""
        if processes != self._processes:
            self._processes = processes
            for pacer in self._pacers.values():
                pacer.share_between(processes)

    async def refresh_platform_keys(self, account_id: int) -> PlatformKeys | None:
        """An unknown serial was met: look for keys added meanwhile, then ask the platform for its certificates.

        At most once a minute an account; None when there is nothing new. Never raises: the caller's own error stands.
        """
        asked = self._certificates_asked.get(account_id, float("-inf"))
        if self._seconds() - asked < CERTIFICATES_EVERY_SECONDS:
            return None
        self._certificates_asked[account_id] = self._seconds()
        try:
            await self.download_certificates(account_id)
        except WeChatPayError as error:
            log.warning("platform_certificates_failed", account=account_id, error=str(error))
        account = await in_thread(Account.objects.get, pk=account_id)
        return await in_thread(platform_keys, account)

    async def download_certificates(self, account_id: int) -> int:
        """Trust the platform's certificates in force, beside what is trusted already; how many are new to this desk.

        Raises the errors of ``kesu.wechatpay``; an account in public-key mode has none, which is no error.
        """
        account, client = await self.client(account_id)
        downloaded = await client.download_certificates()
        fresh = 0
        for certificate in downloaded.certificates:
            if certificate.serial_no not in client.platform_keys:
                fresh += 1
                log.info("platform_certificate_added", account=account_id, serial=certificate.serial_no)
            await in_thread(add_platform_key, account, certificate.serial_no, certificate.pem, now=self.now())
        return fresh

    async def close(self) -> None:
        for found in self._open.values():
            await found.client.aclose()
        self._open.clear()
        await self._network.close()

    def _make(self, account: Account) -> Client:
        async def on_unknown_serial(serial: str) -> PlatformKeys | None:
            return await self.refresh_platform_keys(account.pk)

        pacer = self._pacers.setdefault(account.pk, Pacer(now=self.now, sleep=self._sleep))
        pacer.share_between(self._processes)
        return open_client(
            account,
            now=self.now,
            transport=self._transport,
            pacer=pacer,
            on_unknown_serial=on_unknown_serial,
            sleep=self._sleep,
        )


def _account_and_version(account_id: int) -> tuple[Account, tuple[object, ...]]:
    account = Account.objects.prefetch_related("merchant_keys", "apiv3_keys", "platform_keys").get(pk=account_id)
    keys = [
        *((key.serial_no, key.current) for key in account.merchant_keys.all()),
        *((key.pk, key.accepted_until) for key in account.apiv3_keys.all()),
        *(key.serial for key in account.platform_keys.all()),
    ]
    return account, (account.base_url, account.backup_base_url, *keys)
