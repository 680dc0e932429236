"""Which addresses a push may go to: the public internet over HTTPS, or this machine; never the inside of a network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_UNICAST = ipaddress.ip_network("2000::/3")
"""All that is given out of IPv6. The rest hides older or local forms (``::10.0.0.1``, ``fec0::``), which Python's own
word "global" lets through in some of its versions."""


class ForbiddenAddressError(Exception):
    """The host resolves into a private network, or not at all."""


def is_loopback_host(host: str) -> bool:
    """Whether ``host`` is this machine by name or number."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to the public internet, whatever form it hides in (mapped, 6to4, NAT64)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and any(address in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in _UNICAST:
            return False
    return address.is_global and not address.is_multicast


async def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """The number to connect to, checked: the name may not be looked up again, or it could have changed meanwhile.

    Every address the name has must be public (or loopback by its literal name), unless ``allow_private``.
    Raises ForbiddenAddressError; OSError when the name cannot be looked up.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses:
        raise ForbiddenAddressError(f"{host} has no address")
    if is_loopback_host(host):
        allowed = all(address.is_loopback for address in addresses)
    else:
        allowed = allow_private or all(is_public(address) for address in addresses)
    if not allowed:
        raise ForbiddenAddressError(f"{host} is inside a private network")
    return str(addresses[0])
