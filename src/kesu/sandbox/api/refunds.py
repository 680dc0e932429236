"""退款: create, query, send an abnormal one on its way again."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from kesu.sandbox import refunds, schemas, wire
from kesu.sandbox.api.gate import Call, Gate
from kesu.sandbox.errors import PlatformError, parameter_error
from kesu.wechatpay.ciphers import CipherError, decrypt_sensitive

PATH = "/v3/refund/domestic/refunds"


def routes(gate: Gate) -> list[Route]:
    return [
        gate.route("POST", PATH, "refund", create),
        gate.route("GET", PATH + "/{out_refund_no}", "refund_query", query),
        gate.route("POST", PATH + "/{refund_id}/apply-abnormal-refund", "refund_abnormal", apply_abnormal),
    ]


async def create(call: Call) -> dict[str, Any]:
    """Calls that fail have a frequency of their own (6 a second)."""
    try:
        refund = refunds.create(call.platform, call.account, call.json(schemas.REFUND), now=call.now)
    except PlatformError:
        if call.platform.policy.rate_limits:
            call.sandbox.frequencies.take(call.account.mchid, "refund_error", call.now)
        raise
    return wire.refund_item(call.platform, refund)


async def query(call: Call) -> dict[str, Any]:
    out_refund_no, sub_mchid = call.part("out_refund_no"), call.query.get("sub_mchid")
    return wire.refund_item(call.platform, refunds.query(call.platform, call.account, out_refund_no, sub_mchid))


async def apply_abnormal(call: Call) -> dict[str, Any]:
    body = call.json(schemas.ABNORMAL_REFUND)
    body |= {name: _opened(call, body[name]) for name in ("bank_account", "real_name") if body.get(name)}
    refund = refunds.apply_abnormal(call.platform, call.account, call.part("refund_id"), body, now=call.now)
    return wire.refund_item(call.platform, refund)


def _opened(call: Call, sealed: str) -> str:
    """A field that was sealed to the platform's key; the header names which. Raises PlatformError PARAM_ERROR."""
    identity, serial = call.sandbox.identity, call.request.headers.get("wechatpay-serial", "")
    if serial not in {identity.public_key_id, *(one.serial_no for one in identity.certificates_in_use)}:
        raise parameter_error("敏感信息加密须在Wechatpay-Serial中声明所用的公钥")
    try:
        return decrypt_sensitive([identity.signing_key(serial)], sealed)
    except CipherError:
        raise parameter_error("敏感信息解密失败, 请检查Wechatpay-Serial与加密公钥是否一致") from None
