"""Why a pushed notice is not believed. Every reason has a stable slug (for counting) and an HTTP status.

The platform resends after any 4XX or 5XX (回调通知处理), so a rejection is never a loss by itself.

    NoticeRejected
    |-- MissingHeaders       missing_headers    401
    |-- MalformedHeaders     malformed_headers  401
    |-- StaleTimestamp       stale_timestamp    401
    |-- UnknownSerial        unknown_serial     401
    |-- SignatureProbe       signature_probe    401
    |-- BadSignature         bad_signature      401
    |-- NotJson              not_json           400
    |-- NotAnEnvelope        not_an_envelope    400
    `-- NotDecryptable       not_decryptable    400
"""

# The names say what happened; the slugs are for machines.
from __future__ import annotations

from typing import ClassVar

from kesu.wechatpay.errors import WeChatPayError


class NoticeRejected(WeChatPayError):
    """Base. `reason`: stable slug. `status`: the HTTP status to answer with."""

    reason: ClassVar[str] = "rejected"
    status: ClassVar[int] = 400


class MissingHeaders(NoticeRejected):
    """One of the four Wechatpay-* headers is absent or empty."""

    reason = "missing_headers"
    status = 401


class MalformedHeaders(NoticeRejected):
    """A Wechatpay-* header cannot be what the platform sends (a timestamp that is no number, ...)."""

    reason = "malformed_headers"
    status = 401


class StaleTimestamp(NoticeRejected):
    """The signed time is too far from ours: a replay, or a wrong clock. `skew_seconds`: theirs - ours."""

    reason = "stale_timestamp"
    status = 401

    def __init__(self, skew_seconds: int) -> None:
        super().__init__(f"the notice's timestamp is {skew_seconds:+d} s away from ours")
        self.skew_seconds = skew_seconds


class UnknownSerial(NoticeRejected):
    """Signed with a platform key that we do not hold: refresh the keys. `serial`: as sent."""

    reason = "unknown_serial"
    status = 401

    def __init__(self, serial: str) -> None:
        super().__init__("signed with a platform key that is not known here")
        self.serial = serial


class SignatureProbe(NoticeRejected):
    """签名探测流量: the platform sent a wrong signature on purpose to see that it is refused."""

    reason = "signature_probe"
    status = 401


class BadSignature(NoticeRejected):
    """The signature does not fit the body, or its type is not WECHATPAY2-SHA256-RSA2048."""

    reason = "bad_signature"
    status = 401


class NotJson(NoticeRejected):
    """The signed body is not UTF-8 JSON (or is nested beyond reason)."""

    reason = "not_json"


class NotAnEnvelope(NoticeRejected):
    """JSON, but not a notice: no id, no event_type, no resource, or an unknown algorithm."""

    reason = "not_an_envelope"


class NotDecryptable(NoticeRejected):
    """None of the account's APIv3 keys opens the resource, or what is inside is not a JSON object."""

    reason = "not_decryptable"
