"""What a person fills in for a webhook."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from pydantic import field_validator

from kesu.alerts.channels.addresses import is_loopback_host
from kesu.alerts.channels.base import ChannelSettings

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix, not a secret
SECRET_BYTES = range(24, 65)


class WebhookSettings(ChannelSettings):
    """``url`` gets the pushes; ``secret`` (``whsec_`` and base64 of 24 to 64 bytes) signs them."""

    url: str
    secret: str

    @field_validator("url")
    @classmethod
    def _is_public(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if not parts.hostname or parts.username is not None or port == 0:
            raise ValueError("must be an address like https://example.com/hook, without a user name")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback_host(parts.hostname)):
            raise ValueError("must begin with https:// (http:// is allowed on this machine only)")
        return value

    @field_validator("secret")
    @classmethod
    def _is_long_enough(cls, value: str) -> str:
        try:
            length = len(base64.b64decode(value.removeprefix(SECRET_PREFIX), validate=True))
        except binascii.Error:
            length = 0
        if not value.startswith(SECRET_PREFIX) or length not in SECRET_BYTES:
            raise ValueError("must be whsec_ and the base64 of 24 to 64 random bytes")
        return value

    @property
    def signing_key(self) -> bytes:
        return base64.b64decode(self.secret.removeprefix(SECRET_PREFIX))

    @property
    def address(self) -> str:
        """Scheme and host; the path may be a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/…"
