"""Notices that the platform pushes (投诉通知回调, 退款结果通知): verify, open, and (for look-alikes) seal.

Source: 回调通知处理; https://pay.weixin.qq.com/docs/merchant/apis/consumer-complaint/complaint-notifications/
complaint-notifications.html. This is the hot path of a receiver: plain dicts, one RSA verification, one
AES-GCM.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from kesu.wechatpay.ciphers import decrypt_resource, encrypt_resource
from kesu.wechatpay.errors import CipherError
from kesu.wechatpay.keys import PlatformKeys
from kesu.wechatpay.rejections import (
    BadSignature,
    MalformedHeaders,
    MissingHeaders,
    NotAnEnvelope,
    NotDecryptable,
    NotJson,
    SignatureProbe,
    StaleTimestamp,
    UnknownSerial,
)
from kesu.wechatpay.signing import PROBE_PREFIX, SCHEME, response_message, signed_headers, verify
from kesu.wechatpay.wire import json_object, moment, storable, wire_time

TOLERANCE_SECONDS = 300
"""How far a signed time may be from ours (签名与验签规则: 5 minutes)."""

_ALGORITHM = "AEAD_AES_256_GCM"


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified and opened notice.

    id: the envelope's id; a repeated push has the same one, so this is the key to de-duplicate on.
    create_time: aware UTC, None when unreadable. event_type: `COMPLAINT.CREATE`, `REFUND.SUCCESS`, ...
    original_type: what was sealed (`complaint`, `refund`). complaint_id, action_type: of a complaint's
    notice, None for any other (and for whatever the platform leaves out). resource: the opened JSON.
    A complaint's notice never says which merchant it is about: read the detail.
    """

    id: str
    create_time: datetime | None
    event_type: str
    resource_type: str
    summary: str
    original_type: str
    complaint_id: str | None
    action_type: str | None
    resource: dict[str, Any]


def open_notice(
    headers: Mapping[str, str],
    body: bytes,
    *,
    platform_keys: PlatformKeys,
    apiv3_keys: Sequence[str],
    now: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> Notice:
    """Verify and open a pushed notice.

    headers: of the request, any case. body: the raw bytes as received. apiv3_keys: newest first.
    Raises a `NoticeRejected` (see `rejections.py`) and nothing else, whatever the bytes are.
    """
    verify_notice(headers, body, platform_keys=platform_keys, now=now, tolerance_seconds=tolerance_seconds)
    return open_envelope(body, apiv3_keys=apiv3_keys)


def verify_notice(
    headers: Mapping[str, str],
    body: bytes,
    *,
    platform_keys: PlatformKeys,
    now: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> None:
    """Check time and signature only. Raises the NoticeRejected kinds of headers, time, serial, signature."""
    timestamp = _header(headers, "wechatpay-timestamp")
    nonce = _header(headers, "wechatpay-nonce")
    signature = _header(headers, "wechatpay-signature")
    serial = _header(headers, "wechatpay-serial")
    if not (timestamp and nonce and signature and serial):
        raise MissingHeaders("a Wechatpay-* header is missing")
    if signature.startswith(PROBE_PREFIX):
        raise SignatureProbe("a signature probe: wrong on purpose")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise MalformedHeaders("Wechatpay-Timestamp is not in Unix seconds")
    skew = int(timestamp) - int(now.timestamp())
    if abs(skew) > tolerance_seconds:
        raise StaleTimestamp(skew)
    # Absent means RSA: older pushes do not carry the header.
    if _header(headers, "wechatpay-signature-type") not in ("", SCHEME):
        raise BadSignature("the signature is of another type than WECHATPAY2-SHA256-RSA2048")
    key = platform_keys.get(serial)
    if key is None:
        raise UnknownSerial(serial)
    try:
        message = response_message(timestamp, nonce, body)
    except UnicodeEncodeError:
        raise MalformedHeaders("Wechatpay-Nonce is not text") from None
    if not verify(key, message, signature):
        raise BadSignature("the signature does not fit the body")


def open_envelope(body: bytes, *, apiv3_keys: Sequence[str]) -> Notice:
    """Open the body of a notice whose signature was already checked.

    Raises NotJson, NotAnEnvelope or NotDecryptable.
    """
    envelope = _parse(body, NotJson, verbatim=True)  # cleaning would change what is sealed
    resource = envelope.get("resource")
    notice_id, event_type = envelope.get("id"), envelope.get("event_type")
    if not (isinstance(resource, dict) and isinstance(notice_id, str) and isinstance(event_type, str)):
        raise NotAnEnvelope("id, event_type or resource is missing")
    if not (notice_id and resource.get("algorithm", _ALGORITHM) == _ALGORITHM):
        raise NotAnEnvelope("the id is empty or the algorithm is not AEAD_AES_256_GCM")
    opened = _parse(_decrypt(resource, apiv3_keys), NotDecryptable)
    return Notice(
        id=storable(notice_id),
        create_time=moment(envelope.get("create_time")),
        event_type=storable(event_type),
        resource_type=_text(envelope.get("resource_type")) or "",
        summary=_text(envelope.get("summary")) or "",
        original_type=_text(resource.get("original_type")) or "",
        complaint_id=_text(opened.get("complaint_id")),
        action_type=_text(opened.get("action_type")),
        resource=opened,
    )


def seal_notice(
    *,
    private_key: RSAPrivateKey,
    serial: str,
    apiv3_key: str,
    payload: Mapping[str, Any],
    now: datetime,
    id: str,
    event_type: str,
    nonce: str | None = None,
    header_nonce: str | None = None,
    original_type: str = "complaint",
    associated_data: str = "complaint",
    summary: str = "投诉状态变更",
) -> tuple[dict[str, str], bytes]:
    """Make a notice as the platform does: (headers, body). The inverse of `open_notice`, for look-alikes.

    private_key, serial: the platform's (a hex serial or PUB_KEY_ID_...). nonce: 12 characters of the sealed
    resource; header_nonce: of the signature; both random when not given.
    """
    nonce = nonce or secrets.token_hex(6)
    plaintext = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    envelope = {
        "id": id,
        "create_time": wire_time(now),
        "resource_type": "encrypt-resource",
        "event_type": event_type,
        "summary": summary,
        "resource": {
            "original_type": original_type,
            "algorithm": _ALGORITHM,
            "ciphertext": encrypt_resource(apiv3_key, plaintext, nonce=nonce, associated_data=associated_data),
            "associated_data": associated_data,
            "nonce": nonce,
        },
    }
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
    headers = signed_headers(private_key, serial, body, now=now, nonce=header_nonce)
    return {"Content-Type": "application/json", **headers}, body


def _header(headers: Mapping[str, str], name: str) -> str:
    """A header by its lower-case name, whatever the case in a plain dict; "" when absent."""
    value = headers.get(name)
    if value is None:
        value = headers.get(name.title())
    if value is None:
        value = next((v for k, v in headers.items() if k.lower() == name), "")
    return value


def _parse(raw: bytes, rejection: type[NotJson | NotDecryptable], *, verbatim: bool = False) -> dict[str, Any]:
    try:
        return json_object(raw, verbatim=verbatim)
    except ValueError:
        raise rejection("not UTF-8 JSON of an object") from None


def _decrypt(resource: Mapping[str, Any], apiv3_keys: Sequence[str]) -> bytes:
    ciphertext, nonce = resource.get("ciphertext"), resource.get("nonce")
    associated_data = resource.get("associated_data") or ""
    if not (isinstance(ciphertext, str) and isinstance(nonce, str) and isinstance(associated_data, str)):
        raise NotAnEnvelope("ciphertext, nonce or associated_data is not text")
    for key in apiv3_keys:
        try:
            return decrypt_resource(key, ciphertext, nonce=nonce, associated_data=associated_data)
        except CipherError:
            continue
    raise NotDecryptable("no APIv3 key of this account opens the resource")


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return storable(value) or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
