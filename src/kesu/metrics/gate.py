"""Who may read the metrics: named networks that ask directly, or whoever has the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from typing import Any

BEARER = b"Bearer "
# Whatever a proxy adds: then the address that we see says nothing about who asks.
PROXY_HEADERS = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Gate:
    """``allow``: comma-separated addresses and networks; ``token``: accepted from anywhere, when not empty."""

    def __init__(self, allow: str, token: str = "") -> None:
        self._networks = networks(allow)
        self._token = token.encode()

    def lets_in(self, scope: Mapping[str, Any]) -> bool:
        """Whether this request (an ASGI scope) may read."""
        headers = dict(scope["headers"])
        if self._token and hmac.compare_digest(headers.get(b"authorization", b""), BEARER + self._token):
            return True
        if PROXY_HEADERS & headers.keys():
            return False
        client = scope.get("client")
        return client is not None and self._knows(client[0])

    def _knows(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self._networks)


def networks(text: str) -> list[Network]:
    """Raises ValueError for what is neither an address nor a network."""
    return [ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip()]
