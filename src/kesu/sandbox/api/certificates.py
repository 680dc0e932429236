"""获取平台证书: sealed with the caller's APIv3 key. New accounts have none."""

from __future__ import annotations

from typing import Any

from starlette.routing import Route

from kesu.sandbox.api.gate import Call, Gate
from kesu.sandbox.errors import not_found
from kesu.sandbox.identity import KeyPair
from kesu.sandbox.virtual_clock import rfc3339
from kesu.wechatpay.ciphers import encrypt_resource
from kesu.wechatpay.keys import load_certificate


def routes(gate: Gate) -> list[Route]:
    return [gate.route("GET", "/v3/certificates", "certificates", download)]


async def download(call: Call) -> dict[str, Any]:
    if call.platform.policy.signing == "public_key":
        raise not_found("无可用的平台证书, 请在商户平台-API安全申请使用微信支付公钥")
    if not call.request.headers.get("wechatpay-serial", "").startswith("PUB_KEY_ID_"):
        call.sandbox.certificate_users[call.account.mchid] = True
    return {"data": [_row(call, one.keys) for one in call.sandbox.identity.certificates if one.state != "retired"]}


def _row(call: Call, keys: KeyPair) -> dict[str, Any]:
    certificate = load_certificate(keys.certificate_pem)
    nonce = f"{call.sandbox.random.getrandbits(48):012x}"
    sealed = encrypt_resource(
        call.account.apiv3_key, keys.certificate_pem.encode(), nonce=nonce, associated_data="certificate"
    )
    return {
        "serial_no": keys.serial_no,
        "effective_time": rfc3339(certificate.not_before),
        "expire_time": rfc3339(certificate.not_after),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": sealed,
        },
    }
