from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kesu.wechatpay import MerchantCredentials, PlatformKeys, load_private_key, load_public_key

FIRST = rsa.generate_private_key(65537, 2048)
SECOND = rsa.generate_private_key(65537, 2048)
PUBLIC_ID = "PUB_KEY_ID_0000000000000024101100397200000006"


def test_a_serial_is_found_whatever_its_case_and_leading_zeros() -> None:
    keys = PlatformKeys({"0abC12": FIRST.public_key()})
    assert keys.get("ABC12") is keys.get("0ABC12") is keys.get("abc12")
    assert "abc12" in keys
    assert keys.get("ABC13") is None


def test_certificates_and_public_keys_are_held_at_once() -> None:
    keys = PlatformKeys({"AB": FIRST.public_key()}).with_key(PUBLIC_ID, SECOND.public_key())
    assert len(keys) == 2
    assert keys.get(PUBLIC_ID) == SECOND.public_key()
    assert keys.get(PUBLIC_ID.lower()) is None
    assert keys.preferred == PUBLIC_ID


def test_the_newest_certificate_is_preferred_where_there_is_no_public_key() -> None:
    keys = PlatformKeys({"AA": FIRST.public_key()}).with_key("BB", SECOND.public_key())
    assert keys.preferred == "BB"
    assert keys.with_key("AA", FIRST.public_key()).preferred == "AA"
    assert PlatformKeys().preferred is None


def test_adding_a_key_leaves_the_old_map_alone() -> None:
    keys = PlatformKeys()
    keys.with_key("AA", FIRST.public_key())
    assert len(keys) == 0


def test_secrets_stay_out_of_a_repr() -> None:
    credentials = MerchantCredentials("1900000001", "AB", FIRST, apiv3_keys=("top-secret",))
    assert "top-secret" not in repr(credentials)
    assert "RSAPrivateKey" not in repr(credentials)


def test_only_unencrypted_rsa_keys_are_taken() -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    pem = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="not an RSA key"):
        load_private_key(pem)
    public = curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(ValueError, match="not an RSA key"):
        load_public_key(public)
    locked = FIRST.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    with pytest.raises(ValueError, match="password"):
        load_private_key(locked)
    with pytest.raises(ValueError, match=r"."):
        load_private_key("not a key at all")


def test_a_public_key_reads_back() -> None:
    pem = FIRST.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert load_public_key(pem) == FIRST.public_key()
    assert load_public_key(pem.decode()) == FIRST.public_key()


def test_a_key_whose_numbers_were_changed_is_refused_however_often_it_is_read() -> None:
    numbers = FIRST.private_numbers()
    changed = rsa.RSAPrivateNumbers(
        numbers.p, numbers.q, numbers.d + 2, numbers.dmp1, numbers.dmq1, numbers.iqmp, numbers.public_numbers
    )
    pem = changed.private_key(unsafe_skip_rsa_key_validation=True).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    for _ in range(2):
        with pytest.raises(ValueError, match="Invalid private key"):
            load_private_key(pem)
