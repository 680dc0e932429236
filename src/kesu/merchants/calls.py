"""Calls to the platform while somebody waits for the answer, and their failures in words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.utils.translation import gettext as _

from kesu.merchants.credentials import NoCredentials, open_client
from kesu.merchants.models import Account
from kesu.wechatpay import CipherError, Client, NoAuth, PlatformError, ResponseNotVerified, SignError, WeChatPayError
from kesu.wechatpay.errors import ConnectFailed, PacingTimeout, TransportError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """``what`` happened and what ``to_do``; ``code`` and ``request_id`` are the platform's, empty where it gave none.
    ``passing``: the same may succeed a little later."""

    what: str
    to_do: str
    code: str = ""
    request_id: str = ""
    passing: bool = False


def call(account: Account, steps: Callable[[Client], Awaitable[Result]], *, now: Callable[[], datetime]) -> Result:
    """Run ``steps`` with a client of this account, in a loop of its own. Raises NoCredentials, WeChatPayError."""
    client = open_client(account, now=now)  # reads the database, which must not happen in the loop

    async def run() -> Result:
        async with client:
            return await steps(client)

    return asyncio.run(run())


def explained(error: WeChatPayError | NoCredentials) -> Failure:
    """What a failed call means for whoever enters keys."""
    if isinstance(error, NoCredentials):
        return Failure(_("There is no merchant certificate in use."), _("Connect the number again with its keys."))
    if isinstance(error, PlatformError):
        return _refused(error)
    if isinstance(error, ConnectFailed):
        return Failure(
            _("The platform could not be reached."),
            _("Look whether this machine may open connections to api.mch.weixin.qq.com, port 443."),
            passing=True,
        )
    if isinstance(error, TransportError | PacingTimeout):
        return Failure(_("No answer came in time."), _("Try again in a moment."), passing=True)
    if isinstance(error, CipherError):
        return Failure(
            _("The platform's certificate could not be opened with this APIv3 key."),
            _("Copy the APIv3 key again, or set a new one (Merchant Platform > Account Center > API Security)."),
        )
    if isinstance(error, ResponseNotVerified):
        return _not_verified(error)
    return Failure(_("The answer could not be used: %s") % error, _("Try again in a moment."), passing=True)


def _not_verified(error: ResponseNotVerified) -> Failure:
    if error.reason == "unknown_serial":
        return Failure(
            _("The platform answered and signed with a key that was not given: %s") % error,
            _("Give the WeChat Pay public key and its id as the Merchant Platform shows them under API Security."),
        )
    if error.reason == "stale_timestamp":
        return Failure(
            _("The clocks of the platform and of this machine differ by more than five minutes."),
            _("Switch on time synchronisation on this machine."),
        )
    return Failure(
        _("The signature of the answer does not fit the platform's key."),
        _("Look whether the public key and its id belong together; then try again."),
        passing=error.reason == "signature_probe",
    )


def _refused(error: PlatformError) -> Failure:
    to_do = _("Look the code up in the platform's documentation; its support asks for the Request-ID.")
    if isinstance(error, SignError):
        to_do = _(
            "Certificate and key are not this merchant number's, or the certificate was replaced: download them anew "
            "(Merchant Platform > Account Center > API Security). A clock that is off does this, too."
        )
    elif isinstance(error, NoAuth):
        to_do = _(
            "This number may not use the complaint interface, or its role is another one: a service provider signs "
            "with its own number."
        )
    elif error.retryable:
        to_do = _("The platform is busy. Try again in a minute.")
    return Failure(
        _("The platform refused the call: %s") % (error.message or error.status),
        to_do,
        code=error.code or f"HTTP {error.status}",
        request_id=error.request_id,
        passing=error.retryable,
    )
