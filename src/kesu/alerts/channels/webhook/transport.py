"""One push to a webhook: JSON, signed by the Standard Webhooks scheme (https://www.standardwebhooks.com).

Headers ``webhook-id``, ``webhook-timestamp`` (unix seconds) and ``webhook-signature``: ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body``. The id stays the same when a push is repeated.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings as installation

from kesu.alerts.channels.addresses import ForbiddenAddressError, is_loopback_host, resolve
from kesu.alerts.channels.base import (
    ERRORS,
    Budget,
    PayloadError,
    Push,
    Receipt,
    TransientError,
    parse_settings,
    post,
    sha256_hex,
)
from kesu.alerts.channels.webhook.settings import WebhookSettings
from kesu.rules.classify import ErrorClass, classify_http

REDIRECTS = range(300, 400)


class Webhook:
    """A program of one's own that takes pushes over HTTPS."""

    name = "webhook"
    budget = Budget(limit=300)

    def parse(self, raw: Mapping[str, Any]) -> WebhookSettings:
        return parse_settings(WebhookSettings, raw)

    def budget_secret(self, settings: WebhookSettings) -> str:
        return settings.url

    def address(self, settings: WebhookSettings) -> str:
        return settings.address

    async def send(self, push: Push, settings: WebhookSettings, client: httpx2.AsyncClient) -> Receipt:
        body = json.dumps(_body(push), ensure_ascii=False).encode()
        digest = sha256_hex(body)
        host = urlsplit(settings.url).hostname or ""
        url, extensions = await pinned(settings.url, host)
        headers = {
            "Content-Type": "application/json",
            "Host": urlsplit(settings.url).netloc,
            "Connection": "close",  # a connection was checked for one name, and another name may share its number
            **signed_headers(settings.signing_key, push.id, int(push.now.timestamp()), body),
        }
        status, _answer = await post(client, url, body, headers, extensions)
        error_class = classify_http(status)
        if error_class is ErrorClass.SENT:
            return Receipt(status, str(status), "", digest)
        if status in REDIRECTS:
            raise PayloadError("redirects are not followed", http_status=status, payload_sha256=digest)
        raise ERRORS[error_class](f"HTTP {status}", http_status=status, code=str(status), payload_sha256=digest)


def signed_headers(key: bytes, push_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    digest = hmac.new(key, f"{push_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": push_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _body(push: Push) -> dict[str, Any]:
    text = push.content.plain(2048 if push.short else 8192)
    return {
        "type": f"alert.{push.kind}",
        "timestamp": push.now.isoformat(),
        "data": {**(push.facts or {}), "text": text, "link": push.content.link},
    }


async def pinned(url: str, host: str) -> tuple[str, dict[str, Any]]:
    """The address with its host resolved and checked, so that a second look-up cannot lead elsewhere; what the client
    must be told so that the certificate is still the name's. Raises PayloadError and TransientError."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        number = await resolve(
            host, port, allow_private=bool(getattr(installation, "KESU_WEBHOOK_ALLOW_PRIVATE", False))
        )
    except ForbiddenAddressError as error:
        raise PayloadError(str(error), code="private_address") from None
    except (OSError, UnicodeError):
        raise TransientError(f"{host} cannot be looked up") from None
    literal = f"[{number}]" if ":" in number else number
    return parts._replace(netloc=f"{literal}:{port}").geturl(), {} if is_loopback_host(host) else {"sni_hostname": host}


KIND = Webhook()
