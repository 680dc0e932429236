"""One push through Apprise: everything but China's robots, which it reports as sent whatever they answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2
from django.conf import settings as installation

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.apart import call_apart
from kesu.alerts.channels.apprise.network import fenced
from kesu.alerts.channels.apprise.settings import AppriseSettings, hosts_of
from kesu.alerts.channels.base import Budget, PayloadError, Push, Receipt, TransientError, parse_settings, sha256_hex
from kesu.alerts.content import Tone

BODY_BYTES = 8192
SHORT_BYTES = 600


class AppriseChannel:
    """An address that Apprise can push to."""

    name = "apprise"
    budget = Budget(limit=18)

    def parse(self, raw: Mapping[str, Any]) -> AppriseSettings:
        return parse_settings(AppriseSettings, raw)

    def budget_secret(self, settings: AppriseSettings) -> str:
        return settings.url

    def address(self, settings: AppriseSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: AppriseSettings, client: httpx2.AsyncClient) -> Receipt:
        """Apprise blocks, and says yes or no without a reason: a no is tried again."""
        body = push.content.plain(SHORT_BYTES if push.short else BODY_BYTES)
        digest = sha256_hex(body.encode())
        arrived, refused = await call_apart(lambda: _notify(settings.url, push, body))
        if refused and not arrived:
            raise PayloadError("it leads into a private network", code="private_address", payload_sha256=digest)
        if not arrived:
            raise TransientError("Apprise could not deliver it", payload_sha256=digest)
        return Receipt(payload_sha256=digest)


def _notify(url: str, push: Push, body: str) -> tuple[bool, bool]:
    """Whether it was delivered, and whether it wanted to go where it may not."""
    import apprise  # a fifth of a second, and only where there is such a channel

    urgent = push.content.tone is Tone.WARNING
    asset = apprise.AppriseAsset(app_id="Kesu", async_mode=False, secure_logging=True, http_redirects=False)
    sender = apprise.Apprise(asset=asset)
    if not sender.add(url):
        return False, False
    with fenced(
        loopback=any(is_loopback_host(host) for host in hosts_of(sender[0])),
        anywhere=bool(getattr(installation, "KESU_WEBHOOK_ALLOW_PRIVATE", False)),
    ) as fence:
        arrived = sender.notify(
            body=body,
            title=push.content.headline,
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType.WARNING if urgent else apprise.NotifyType.INFO,
        )
    return bool(arrived), fence.refused


KIND = AppriseChannel()
