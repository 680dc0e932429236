"""Downloading the platform's certificates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from kesu.wechatpay import (
    CipherError,
    Client,
    PlatformKeys,
    ResponseNotVerified,
    UnexpectedAnswer,
    encrypt_resource,
)

pytestmark = pytest.mark.anyio

APIV3_KEY = "0123456789abcdef0123456789ABCDEF"


MakeRow = Callable[[rsa.RSAPrivateKey, int, int], dict[str, Any]]


@pytest.fixture
def certificate_row() -> MakeRow:
    def make(key: rsa.RSAPrivateKey, serial: int, year: int, apiv3_key: str = APIV3_KEY) -> dict[str, Any]:
        name = x509.Name([])
        start = datetime(year, 1, 1, tzinfo=UTC)
        pem = (
            x509.CertificateBuilder(name, name, key.public_key(), serial, start, start + timedelta(days=1825))
            .sign(key, hashes.SHA256())
            .public_bytes(Encoding.PEM)
        )
        sealed = encrypt_resource(apiv3_key, pem, nonce="61f9c719728a", associated_data="certificate")
        return {
            "serial_no": format(serial, "X"),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": "61f9c719728a",
                "associated_data": "certificate",
                "ciphertext": sealed,
            },
        }

    return make


async def test_the_first_certificates_prove_themselves(
    new_client: Any,
    stranger: Any,
    platform_key: rsa.RSAPrivateKey,
    stranger_key: rsa.RSAPrivateKey,
    certificate_row: MakeRow,
) -> None:
    rows = [certificate_row(platform_key, 0xBB22, 2026), certificate_row(stranger_key, 0xAA11, 2023)]
    stranger.serial = "BB22"
    stranger.steps = [stranger.ok({"data": rows})]
    async with new_client(platform_keys=PlatformKeys()) as client:
        found = await client.download_certificates()
    assert [certificate.serial_no for certificate in found.certificates] == ["AA11", "BB22"]
    assert found.answered_at is not None


async def test_certificates_that_did_not_sign_their_answer_are_refused(
    new_client: Any, stranger: Any, stranger_key: rsa.RSAPrivateKey, certificate_row: MakeRow
) -> None:
    stranger.serial = "AA11"
    stranger.steps = [stranger.ok({"data": [certificate_row(stranger_key, 0xAA11, 2023)]})]
    async with new_client(platform_keys=PlatformKeys()) as client:
        with pytest.raises(ResponseNotVerified):
            await client.download_certificates()


async def test_certificates_under_another_apiv3_key_do_not_open(
    client: Client, stranger: Any, platform_key: rsa.RSAPrivateKey, certificate_row: Any
) -> None:
    row = certificate_row(platform_key, 1, 2026, "another key of 32 characters....")
    stranger.steps = [stranger.ok({"data": [row]})]
    with pytest.raises(CipherError):
        await client.download_certificates()


async def test_an_account_in_public_key_mode_has_no_certificates(client: Client, stranger: Any) -> None:
    stranger.steps = [stranger.error(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书")]
    found = await client.download_certificates()
    assert found.certificates == ()


@pytest.mark.parametrize("data", [None, "x", [1], [{}], [{"encrypt_certificate": None}]])
async def test_malformed_certificate_answers_are_unexpected(client: Client, stranger: Any, data: Any) -> None:
    stranger.steps = [stranger.ok({"data": data})]
    with pytest.raises(UnexpectedAnswer):
        await client.download_certificates()
