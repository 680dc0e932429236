from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from kesu.wechatpay import CipherError
from kesu.wechatpay.ciphers import decrypt_resource, decrypt_sensitive, encrypt_resource, encrypt_sensitive
from kesu.wechatpay.signing import (
    authorization,
    parse_authorization,
    request_message,
    response_message,
    sign,
    verify,
)

KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
NOW = datetime(2026, 3, 20, 6, 0, tzinfo=UTC)
SAFE = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters='"'), min_size=1, max_size=40)


def test_the_request_message_has_five_lines_even_without_a_body() -> None:
    assert request_message("get", "/v3/x?a=%E4", 1700000000, "n", b"") == b"GET\n/v3/x?a=%E4\n1700000000\nn\n\n"


def test_the_response_message_of_an_empty_body_keeps_its_line_end() -> None:
    assert response_message("1700000000", "n", b"") == b"1700000000\nn\n\n"


@given(st.binary(max_size=300))
def test_what_is_signed_verifies(message: bytes) -> None:
    assert verify(KEY.public_key(), message, sign(KEY, message))


@given(st.binary(min_size=1, max_size=100), st.data())
def test_one_changed_byte_breaks_the_signature(message: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(message) - 1))
    change = data.draw(st.integers(1, 255))
    tampered = message[:place] + bytes([message[place] ^ change]) + message[place + 1 :]
    assert not verify(KEY.public_key(), tampered, sign(KEY, message))


@given(st.text(max_size=400))
def test_verify_never_raises_whatever_the_signature_is(signature: str) -> None:
    assert verify(KEY.public_key(), b"message", signature) is False


def test_a_signature_probe_is_simply_false() -> None:
    assert verify(KEY.public_key(), b"message", "WECHATPAY/SIGNTEST/" + sign(KEY, b"message")) is False


def test_another_key_does_not_verify() -> None:
    assert not verify(OTHER.public_key(), b"message", sign(KEY, b"message"))


@given(SAFE, SAFE, st.binary(max_size=50))
def test_an_authorization_header_reads_back(mchid: str, nonce: str, body: bytes) -> None:
    header = authorization(mchid, "AB12", KEY, "POST", "/v3/x?y=1", body, now=NOW, nonce=nonce)
    parts = parse_authorization(header)
    assert (parts.mchid, parts.nonce_str, parts.serial_no) == (mchid, nonce, "AB12")
    assert parts.timestamp == int(NOW.timestamp())
    message = request_message("POST", "/v3/x?y=1", parts.timestamp, nonce, body)
    assert verify(KEY.public_key(), message, parts.signature)


def test_the_order_of_the_authorization_fields_is_free() -> None:
    header = 'WECHATPAY2-SHA256-RSA2048 signature="s==", serial_no="A",timestamp="1700000000",nonce_str="n",mchid="m"'
    parts = parse_authorization(header)
    assert (parts.signature, parts.serial_no, parts.timestamp) == ("s==", "A", 1700000000)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048",
        'WECHATPAY2-SHA256-RSA2048 mchid="1"',
        'WECHATPAY2-SM2-WITH-SM3 mchid="m",nonce_str="n",timestamp="1",serial_no="A",signature="s"',
        'WECHATPAY2-SHA256-RSA2048 mchid="m",nonce_str="n",timestamp="x",serial_no="A",signature="s"',
        'WECHATPAY2-SHA256-RSA2048 mchid="m",nonce_str="n",timestamp="1",serial_no="A",signature="s",extra="1"',
        'WECHATPAY2-SHA256-RSA2048 mchid="m",mchid="m",nonce_str="n",timestamp="1",serial_no="A",signature="s"',
        'WECHATPAY2-SHA256-RSA2048 mchid=m,nonce_str="n",timestamp="1",serial_no="A",signature="s"',
        'WECHATPAY2-SHA256-RSA2048 mchid="m" nonce_str="n",timestamp="1",serial_no="A",signature="s"',
    ],
)
def test_a_malformed_authorization_is_a_value_error(header: str) -> None:
    with pytest.raises(ValueError, match="Authorization"):
        parse_authorization(header)


@given(st.text(max_size=200))
def test_parsing_an_authorization_raises_nothing_but_value_errors(rest: str) -> None:
    with pytest.raises(ValueError, match="Authorization"):
        parse_authorization(f"WECHATPAY2-SHA256-RSA2048 {rest}")


@given(st.binary(max_size=300), st.text(max_size=15))
def test_a_sealed_resource_opens(plaintext: bytes, associated_data: str) -> None:
    sealed = encrypt_resource("k" * 32, plaintext, nonce="0123456789ab", associated_data=associated_data)
    opened = decrypt_resource("k" * 32, sealed, nonce="0123456789ab", associated_data=associated_data)
    assert opened == plaintext


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=20), st.text(max_size=40))
def test_opening_nonsense_is_a_cipher_error(ciphertext: str, nonce: str, data: str, key: str) -> None:
    with pytest.raises(CipherError):
        decrypt_resource(key, ciphertext, nonce=nonce, associated_data=data)


def test_changed_associated_data_does_not_open() -> None:
    sealed = encrypt_resource("k" * 32, b"x", nonce="0123456789ab", associated_data="complaint")
    with pytest.raises(CipherError):
        decrypt_resource("k" * 32, sealed, nonce="0123456789ab", associated_data="refund")


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_a_sensitive_field_opens_with_an_older_key_too(plaintext: str) -> None:
    assert decrypt_sensitive([KEY, OTHER], encrypt_sensitive(OTHER.public_key(), plaintext)) == plaintext


def test_a_sensitive_field_may_have_214_bytes_and_no_more() -> None:
    encrypt_sensitive(KEY.public_key(), "x" * 214)
    with pytest.raises(CipherError):
        encrypt_sensitive(KEY.public_key(), "x" * 215)


@given(st.text(max_size=60))
def test_opening_a_nonsense_field_is_a_cipher_error(ciphertext: str) -> None:
    with pytest.raises(CipherError):
        decrypt_sensitive([KEY], ciphertext)


def test_no_key_opens_no_field() -> None:
    with pytest.raises(CipherError):
        decrypt_sensitive([], encrypt_sensitive(KEY.public_key(), "13800000000"))
