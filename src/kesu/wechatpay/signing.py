"""Signatures of APIv3: WECHATPAY2-SHA256-RSA2048 over exact bytes.

Source: 签名与验签规则 (request: five lines; answers and notices: three lines; each line ends with "\\n").
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
"""A signature that begins so is wrong on purpose (签名探测流量); it is not base64."""

_PADDING = PKCS1v15()
_HASH = SHA256()
_AUTHORIZATION_FIELD = re.compile(r'\s*([a-z_]+)="([^"]*)"\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of a request's `Authorization` header. `timestamp`: Unix seconds."""

    mchid: str
    nonce_str: str
    timestamp: int
    serial_no: str
    signature: str


def request_message(method: str, path_and_query: str, timestamp: int, nonce: str, body: bytes) -> bytes:
    """The bytes a request's signature covers. `path_and_query` exactly as on the wire, without the host."""
    return f"{method.upper()}\n{path_and_query}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def response_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The bytes the signature of an answer or notice covers. An empty body (204) still has its line end."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def sign(private_key: RSAPrivateKey, message: bytes) -> str:
    """SHA256withRSA (PKCS#1 v1.5), base64."""
    return base64.b64encode(private_key.sign(message, _PADDING, _HASH)).decode("ascii")


def verify(public_key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether the base64 signature fits. False for anything that is not base64; never raises."""
    try:
        raw = base64.b64decode(signature, validate=True)
        public_key.verify(raw, message, _PADDING, _HASH)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True


def authorization(
    mchid: str,
    serial_no: str,
    private_key: RSAPrivateKey,
    method: str,
    path_and_query: str,
    body: bytes,
    *,
    now: datetime,
    nonce: str | None = None,
) -> str:
    """The `Authorization` header of a request. `serial_no`: of the merchant's API certificate.
    `now`: aware. `nonce`: random when not given."""
    nonce = nonce or secrets.token_hex(16)
    timestamp = int(now.timestamp())
    signature = sign(private_key, request_message(method, path_and_query, timestamp, nonce, body))
    return (
        f'{SCHEME} mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{serial_no}",signature="{signature}"'
    )


def parse_authorization(header: str) -> Authorization:
    """Read an `Authorization` header; the order of its fields is free.

    Raises ValueError for another scheme, a missing, repeated, unknown or malformed field.
    """
    scheme, _, rest = header.strip().partition(" ")
    if scheme != SCHEME:
        raise ValueError("the Authorization scheme is not WECHATPAY2-SHA256-RSA2048")
    fields: dict[str, str] = {}
    position = 0
    while position < len(rest):
        match = _AUTHORIZATION_FIELD.match(rest, position)
        if match is None or match[1] in fields:
            raise ValueError("the Authorization header is malformed")
        fields[match[1]] = match[2]
        position = match.end()
    if set(fields) != {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}:
        raise ValueError("the Authorization header has missing or unknown fields")
    timestamp = fields["timestamp"]
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise ValueError("the Authorization timestamp is not in Unix seconds")
    return Authorization(
        mchid=fields["mchid"],
        nonce_str=fields["nonce_str"],
        timestamp=int(timestamp),
        serial_no=fields["serial_no"],
        signature=fields["signature"],
    )


def signed_headers(
    private_key: RSAPrivateKey, serial: str, body: bytes, *, now: datetime, nonce: str | None = None
) -> dict[str, str]:
    """The Wechatpay-* headers with which the platform signs an answer or a notice (for look-alikes).
    `serial`: of the platform's certificate, or its PUB_KEY_ID_..."""
    nonce = nonce or secrets.token_hex(16)
    timestamp = str(int(now.timestamp()))
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(private_key, response_message(timestamp, nonce, body)),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }
