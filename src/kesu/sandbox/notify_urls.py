"""The complaint callback address of an account: one each, HTTPS, no query string.

Source: 创建投诉通知回调地址 (2025-08-28), and the community FAQ for what an address may not be.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from kesu.sandbox.errors import ALREADY_EXISTS, PlatformError, invalid_request, parameter_error
from kesu.sandbox.identity import Account
from kesu.sandbox.platform import Platform


def create(platform: Platform, account: Account, url: str) -> str:
    """Raises PlatformError: PARAM_ERROR for a bad address, INVALID_REQUEST 268435484 when there is one."""
    check(url, https_only=platform.policy.https_only)
    if account.mchid in platform.state.notify_urls:
        raise invalid_request("数据已存在", ALREADY_EXISTS)
    platform.state.notify_urls[account.mchid] = url
    return url


def read(platform: Platform, account: Account) -> str:
    """Raises PlatformError 400 RESOURCE_NOT_EXISTS (the status is 400 on the page of this endpoint)."""
    url = platform.state.notify_urls.get(account.mchid)
    if url is None:
        raise _not_set()
    return url


def update(platform: Platform, account: Account, url: str) -> str:
    check(url, https_only=platform.policy.https_only)
    read(platform, account)
    platform.state.notify_urls[account.mchid] = url
    return url


def delete(platform: Platform, account: Account) -> None:
    read(platform, account)
    del platform.state.notify_urls[account.mchid]


def check(url: str, *, https_only: bool) -> None:
    """The rules of the address; loopback hosts may use http unless `https_only`. Raises PlatformError."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise parameter_error("url格式错误") from None
    if not host.isascii():
        raise parameter_error("url不支持中文域名")
    if not host or parts.scheme not in ("http", "https"):
        raise parameter_error("url格式错误")
    if parts.query or parts.fragment or "?" in url:
        raise parameter_error("url不能携带参数")
    if parts.scheme == "http" and (https_only or not is_loopback(host)):
        raise parameter_error("url仅支持https")


def is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _not_set() -> PlatformError:
    return PlatformError("RESOURCE_NOT_EXISTS", "未设置投诉通知回调地址", status=400)
