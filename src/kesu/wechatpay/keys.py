"""Keys and who holds them: the merchant's credentials, and the platform's certificates and public keys.

The platform signs with a certificate (hex serial number) or with its public key (`PUB_KEY_ID_...`); while an
account is switched from one to the other both arrive, so both are held at once, by serial
(平台证书切换微信支付公钥, https://pay.weixin.qq.com/doc/v3/merchant/4012154180).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
_HEX = re.compile(r"[0-9A-Fa-f]+")


_sound: set[bytes] = set()
"""Digests of the private keys whose numbers were found to be a key's in this process."""


def load_private_key(pem: str | bytes, *, checked: bool = False) -> RSAPrivateKey:
    """Read an unencrypted PEM private key. Raises ValueError when it is not an RSA key.

    Whether its numbers are sound primes takes 50 ms to tell, and is asked once of each key in a process. ``checked``:
    not even once, for keys that were kept sealed since they were.
    """
    digest = sha256(_bytes(pem)).digest()
    try:
        key = load_pem_private_key(
            _bytes(pem), password=None, unsafe_skip_rsa_key_validation=checked or digest in _sound
        )
    except TypeError:
        raise ValueError("the private key is protected by a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the private key is not an RSA key")
    if not checked:
        _sound.add(digest)
    return key


def load_public_key(pem: str | bytes) -> RSAPublicKey:
    """Read a PEM public key (微信支付公钥). Raises ValueError when it is not an RSA key."""
    key = load_pem_public_key(_bytes(pem))
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the public key is not an RSA key")
    return key


@dataclass(frozen=True, slots=True)
class Certificate:
    """An X.509 certificate. `serial_no`: upper-case hex. `not_before`, `not_after`: aware, UTC."""

    serial_no: str
    public_key: RSAPublicKey
    not_before: datetime
    not_after: datetime
    pem: str


def load_certificate(pem: str | bytes) -> Certificate:
    """Read a PEM certificate; its validity is not judged here. Raises ValueError when its key is not RSA."""
    certificate = x509.load_pem_x509_certificate(_bytes(pem))
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate does not hold an RSA key")
    serial = format(certificate.serial_number, "X")
    return Certificate(
        serial_no=serial if len(serial) % 2 == 0 else f"0{serial}",
        public_key=key,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        pem=_bytes(pem).decode("ascii"),
    )


class PlatformKeys:
    """The platform's public keys by serial: certificates and PUB_KEY_ID keys side by side. Immutable.

    Hex serials are compared without regard to case or leading zeros, a PUB_KEY_ID exactly.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, RSAPublicKey] | None = None) -> None:
        self._keys: dict[str, RSAPublicKey] = {_normal(s): key for s, key in (keys or {}).items()}

    def get(self, serial: str) -> RSAPublicKey | None:
        return self._keys.get(serial) or self._keys.get(_normal(serial))

    def with_key(self, serial: str, key: RSAPublicKey) -> PlatformKeys:
        """These keys and one more (it replaces the one of the same serial)."""
        return PlatformKeys({**{s: k for s, k in self._keys.items() if s != _normal(serial)}, serial: key})

    def with_certificate(self, certificate: Certificate) -> PlatformKeys:
        return self.with_key(certificate.serial_no, certificate.public_key)

    @property
    def preferred(self) -> str | None:
        """The serial to name in `Wechatpay-Serial` and to seal sensitive fields to: the public key where
        there is one (new accounts have nothing else), otherwise the certificate added last; None if empty."""
        serials = list(self._keys)
        public = [serial for serial in serials if serial.startswith(PUBLIC_KEY_PREFIX)]
        return (public or serials)[-1] if serials else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, serial: object) -> bool:
        return isinstance(serial, str) and self.get(serial) is not None

    def __repr__(self) -> str:
        return f"PlatformKeys({', '.join(self._keys)})"


@dataclass(frozen=True, slots=True)
class MerchantCredentials:
    """What an account needs to speak with the platform. Secrets stay out of its repr.

    mchid: the number that signs (a provider's own number, never a sub-merchant's).
    serial_no: of its API certificate. apiv3_keys: newest first; an older key is kept for a while because
    notices already under way are sealed with it. older_private_keys: open fields sealed before a change.
    """

    mchid: str
    serial_no: str
    private_key: RSAPrivateKey = field(repr=False)
    apiv3_keys: tuple[str, ...] = field(default=(), repr=False)
    older_private_keys: tuple[RSAPrivateKey, ...] = field(default=(), repr=False)

    @property
    def private_keys(self) -> tuple[RSAPrivateKey, ...]:
        """The current key, then the older ones."""
        return (self.private_key, *self.older_private_keys)


def _normal(serial: str) -> str:
    if _HEX.fullmatch(serial):
        return serial.upper().lstrip("0")
    return serial


def _bytes(pem: str | bytes) -> bytes:
    return pem.encode() if isinstance(pem, str) else pem
