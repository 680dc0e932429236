"""Signing by Standard Webhooks (https://www.standardwebhooks.com): while a secret is being replaced, both sign."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from kesu.alerts.channels.webhook.settings import SECRET_PREFIX, WebhookSettings
from kesu.alerts.channels.webhook.transport import signed_headers
from kesu.webhooks.models import Endpoint

SECRET_BYTES = 32


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers(endpoint: Endpoint, event_id: str, body: bytes, *, now: datetime) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` with one signature a secret that is in force."""
    valid = [endpoint.secret]
    if endpoint.previous_secret and endpoint.previous_until and now < endpoint.previous_until:
        valid.append(endpoint.previous_secret)
    keys = [WebhookSettings(url=endpoint.url, secret=secret).signing_key for secret in valid]
    signed = [signed_headers(key, event_id, int(now.timestamp()), body) for key in keys]
    return signed[0] | {"webhook-signature": " ".join(one["webhook-signature"] for one in signed)}
