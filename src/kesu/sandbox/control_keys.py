"""Changing keys, as merchants do in the console (API安全) and the platform does with its own.

apiv3_key {mchid, apiv3_key?}: seals what is pushed first from now on; a notice under way keeps its seal.
merchant_certificate {mchid, revoke_old?, seal_to?: new | old, valid_days?}: the old one signs on unless revoked.
platform_certificate {step: announce | use | retire, valid_days?}: a new one can be downloaded; both sign; the old
  one is gone (平台证书更换: ten days, five days before its end).
signing {to: auto | public_key | certificate | grey} (平台证书切换微信支付公钥).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from starlette.requests import Request

from kesu.sandbox.control_input import Input
from kesu.sandbox.errors import ScriptError
from kesu.sandbox.identity import PLATFORM_NAME, Account, KeyPair, PlatformCertificate, apiv3_key, key_pair
from kesu.sandbox.policy import SigningMode

if TYPE_CHECKING:
    from kesu.sandbox.sandbox import Sandbox

STEPS = ("announce", "use", "retire")


async def show(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    """Serial numbers and states; the keys themselves are in sandbox.json."""
    return {
        "signing": sandbox.policy.signing,
        "certificates": _certificates(sandbox),
        "merchants": [
            {
                "mchid": account.mchid,
                "serial_no": account.keys.serial_no,
                "older_serial_nos": [pair.serial_no for pair in account.older_keys],
                "seals_to_older": account.seals_to_older,
            }
            for account in sandbox.identity.accounts
        ],
    }


async def rotate(sandbox: Sandbox, request: Request) -> dict[str, Any]:
    given = await Input.read(request)
    what = given.choice("rotate", tuple(_ROTATIONS), required=True) or ""
    answer = _ROTATIONS[what](sandbox, given)
    sandbox.save_identity()
    return answer


def _apiv3_key(sandbox: Sandbox, given: Input) -> dict[str, Any]:
    account, key = _account(sandbox, given), given.text("apiv3_key")
    given.finish()
    if key is not None and len(key.encode()) != 32:
        raise ScriptError("apiv3_key must have 32 bytes")
    account.apiv3_key = key or apiv3_key()
    return {"apiv3_key": account.apiv3_key}


def _merchant_certificate(sandbox: Sandbox, given: Input) -> dict[str, Any]:
    account, revoked = _account(sandbox, given), given.flag("revoke_old")
    sealed_to = given.choice("seal_to", ("new", "old")) or "new"
    pair = _new_pair(sandbox, given, account.mchid)
    given.finish()
    account.older_keys = [] if revoked else [*account.older_keys, account.keys]
    account.keys, account.seals_to_older = pair, sealed_to == "old"
    return {
        "serial_no": pair.serial_no,
        "private_key_pem": pair.private_key_pem,
        "certificate_pem": pair.certificate_pem,
    }


def _platform_certificate(sandbox: Sandbox, given: Input) -> dict[str, Any]:
    step = given.choice("step", STEPS, required=True)
    known = sandbox.identity.certificates
    if step == "announce":
        pair = _new_pair(sandbox, given, PLATFORM_NAME)
        given.finish()
        known.append(PlatformCertificate(pair, "announced"))
        return {"certificates": _certificates(sandbox)}
    given.finish()
    if step == "retire" and known[-1].state != "in_use":
        raise ScriptError("the newest certificate is not in use yet", status=409)
    for certificate in known[:-1] if step == "retire" else known:
        if step == "retire":
            certificate.state = "retired"
        elif certificate.state == "announced":
            certificate.state = "in_use"
    return {"certificates": _certificates(sandbox)}


def _signing(sandbox: Sandbox, given: Input) -> dict[str, Any]:
    mode = given.choice("to", get_args(SigningMode), required=True)
    given.finish()
    sandbox.policy.signing = mode  # type: ignore[assignment]
    return {"signing": mode}


_ROTATIONS: dict[str, Callable[[Sandbox, Input], dict[str, Any]]] = {
    "apiv3_key": _apiv3_key,
    "merchant_certificate": _merchant_certificate,
    "platform_certificate": _platform_certificate,
    "signing": _signing,
}


def _account(sandbox: Sandbox, given: Input) -> Account:
    account = sandbox.identity.account(given.text("mchid", required=True) or "")
    if account is None:
        raise ScriptError("mchid must be a number that signs: the merchant's or the partner's")
    return account


def _new_pair(sandbox: Sandbox, given: Input, name: str) -> KeyPair:
    days = given.integer("valid_days", least=0, most=36_500)
    until = None if days is None else sandbox.clock.now() + timedelta(days=days)
    return key_pair(name, until)


def _certificates(sandbox: Sandbox) -> list[dict[str, str]]:
    return [{"serial_no": one.keys.serial_no, "state": one.state} for one in sandbox.identity.certificates]
