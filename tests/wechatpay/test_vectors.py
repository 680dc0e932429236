"""Published vectors of the platform's own SDKs (see vectors/README.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from kesu.wechatpay import (
    CipherError,
    Client,
    MerchantCredentials,
    PlatformKeys,
    ResponseNotVerified,
    StaleTimestamp,
    load_certificate,
    load_private_key,
    open_notice,
)
from kesu.wechatpay.ciphers import decrypt_resource, decrypt_sensitive, encrypt_resource
from kesu.wechatpay.media import image_target
from kesu.wechatpay.signing import sign, verify

Vectors = dict[str, Any]
Pem = Callable[[str], str]


@pytest.mark.parametrize("name", ["java_aes", "go_aes"])
def test_resources_open_and_seal_as_the_sdks_do(vectors: Vectors, name: str) -> None:
    vector = vectors[name]
    where = {"nonce": vector["nonce"], "associated_data": vector["associated_data"]}
    assert decrypt_resource(vector["key"], vector["ciphertext"], **where).decode() == vector["plaintext"]
    assert encrypt_resource(vector["key"], vector["plaintext"].encode(), **where) == vector["ciphertext"]


@pytest.mark.parametrize(
    "change",
    [
        {"ciphertext": "invalid cipher"},
        {"ciphertext": "SGVsbG8gV29ybGQK"},
        {"key": "not a aes key"},
        {"key": "testAPIv3Key1111"},
    ],
)
def test_the_go_sdks_bad_ciphertexts_and_keys_are_refused(vectors: Vectors, change: dict[str, str]) -> None:
    vector = {**vectors["go_aes"], **change}
    with pytest.raises(CipherError):
        decrypt_resource(
            vector["key"], vector["ciphertext"], nonce=vector["nonce"], associated_data=vector["associated_data"]
        )


def test_the_java_merchant_signature_is_reproduced_and_verified(vectors: Vectors, vector_pem: Pem) -> None:
    vector = vectors["java_signature"]
    message = vector["message"].encode()
    certificate = load_certificate(vector_pem("merchant_certificate"))
    assert certificate.serial_no == vector["serial"]
    assert sign(load_private_key(vector_pem("merchant_private_key")), message) == vector["signature"]
    assert verify(certificate.public_key, message, vector["signature"])


def test_the_go_signature_is_reproduced(vectors: Vectors, vector_pem: Pem) -> None:
    vector = vectors["go_signature"]
    key = load_private_key(vector_pem("go_sign_private_key"))
    assert sign(key, vector["message"].encode()) == vector["signature"]


def test_the_java_sensitive_field_opens_with_the_merchants_key(vectors: Vectors, vector_pem: Pem) -> None:
    vector = vectors["java_sensitive"]
    key = load_private_key(vector_pem("merchant_private_key"))
    assert decrypt_sensitive([key], vector["ciphertext"]) == vector["plaintext"]


def test_the_go_callback_is_verified_and_opened(vectors: Vectors, vector_pem: Pem) -> None:
    vector = vectors["go_callback"]
    keys = PlatformKeys().with_certificate(load_certificate(vector_pem("go_callback_certificate")))
    notice = open_notice(
        vector["headers"],
        vector["body"].encode(),
        platform_keys=keys,
        apiv3_keys=[vector["key"]],
        now=datetime.fromtimestamp(1624523846, UTC),
    )
    assert notice.resource == vector["resource"]
    assert notice.id == "3119dfba-e649-5eec-ab1e-3412bc4d2e17"
    assert notice.create_time == datetime(2021, 6, 24, 8, 37, 26, tzinfo=UTC)
    assert (notice.event_type, notice.original_type) == ("PAYSCORE.USER_OPEN_SERVICE", "payscore")
    assert notice.summary == "签约成功"
    assert notice.complaint_id is None


def test_the_go_callback_is_stale_today(vectors: Vectors, vector_pem: Pem) -> None:
    vector = vectors["go_callback"]
    keys = PlatformKeys().with_certificate(load_certificate(vector_pem("go_callback_certificate")))
    with pytest.raises(StaleTimestamp):
        open_notice(
            vector["headers"],
            vector["body"].encode(),
            platform_keys=keys,
            apiv3_keys=[vector["key"]],
            now=datetime(2026, 3, 20, tzinfo=UTC),
        )


@pytest.mark.anyio
async def test_the_java_certificate_answer_is_opened_and_then_not_believed_unsigned(
    vectors: Vectors, vector_pem: Pem
) -> None:
    """The vector has no signature headers: it opens, and is refused all the same."""
    vector = vectors["java_certificates"]
    credentials = MerchantCredentials(
        "1234567891",
        vectors["java_signature"]["serial"],
        load_private_key(vector_pem("merchant_private_key")),
        apiv3_keys=("another key of 32 characters!!!!", vector["key"]),
    )
    body = json.dumps(vector["answer"]).encode()
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=body))
    async with Client(credentials, PlatformKeys(), now=lambda: datetime.now(UTC), transport=transport) as client:
        certificate = client._open(vector["answer"]["data"][0])
        with pytest.raises(ResponseNotVerified) as caught:
            await client.download_certificates()
    assert caught.value.reason == "missing_headers"
    assert certificate.serial_no == vector["serial"]
    assert (certificate.not_before.year, certificate.not_after.year) == (2023, 2028)


def test_the_php_sdks_media_id_keeps_its_escapes(vectors: Vectors) -> None:
    path = f"/v3/merchant-service/images/{vectors['php_media_id']}"
    assert "%2F" in path
    assert image_target(f"https://api.mch.weixin.qq.com{path}") == path
