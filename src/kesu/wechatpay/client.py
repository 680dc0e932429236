"""The client: every call an account can make."""

from __future__ import annotations

from kesu.wechatpay.certificates import CertificateCalls
from kesu.wechatpay.complaints import ComplaintCalls
from kesu.wechatpay.images import ImageCalls
from kesu.wechatpay.limitations import LimitationCalls
from kesu.wechatpay.notify_urls import NotifyUrlCalls
from kesu.wechatpay.refunds import RefundCalls
from kesu.wechatpay.violations import ViolationCalls


class Client(
    ComplaintCalls, NotifyUrlCalls, ImageCalls, RefundCalls, CertificateCalls, ViolationCalls, LimitationCalls
):
    """One account's line to WeChat Pay. Use it as an async context manager, or `aclose` it.

    credentials, platform_keys: who we are and whom we believe. now: the clock, aware.
    transport: the one seam for I/O, any `httpx2.AsyncBaseTransport` (None: the network).
    base_url, backup_base_url: scheme and host; the real backup host is never used with another base_url.
    pacer: a `Pacer` of this account, to share between clients (None: an own one). sleep: waiting, in seconds.
    timeout: seconds for each of connecting (at most 5), sending and reading. read_attempts: how often a GET is
    tried on connection errors, 5xx, 429 and signature probes. Nothing else is ever sent twice, except to the
    backup host when no connection came about.
    tolerance_seconds: how far a signed time may be from `now`.
    on_unknown_serial: asked once when an answer is signed by a key not in `platform_keys`; gives the new keys.

    Errors: see `kesu.wechatpay.errors`. Wrong arguments are ValueErrors, raised before anything is sent.
    """
