"""The two ciphers of APIv3: AES-GCM under the APIv3 key (notices, certificates) and RSA-OAEP (single fields).

Sources: 回调通知处理 and 证书和回调报文解密 (AEAD_AES_256_GCM), 敏感信息加密 (RSAES-OAEP with SHA-1).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1

from kesu.wechatpay.errors import CipherError

__all__ = ["CipherError", "decrypt_resource", "decrypt_sensitive", "encrypt_resource", "encrypt_sensitive"]

# The platform fixed OAEP with SHA-1; SHA-1 is sound in this place.
_OAEP = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303


@lru_cache(maxsize=4096)
def _aes(apiv3_key: str) -> AESGCM:
    """Cached because setting up a key costs more than opening a notice."""
    return AESGCM(apiv3_key.encode())


def encrypt_resource(apiv3_key: str, plaintext: bytes, *, nonce: str, associated_data: str) -> str:
    """Seal as the platform does: base64 of ciphertext and tag. `nonce`: 12 characters; never reuse one.

    `apiv3_key`: 32 characters (16 is accepted: published test vectors use such keys). Raises CipherError.
    """
    try:
        sealed = _aes(apiv3_key).encrypt(nonce.encode(), plaintext, associated_data.encode())
    except ValueError as error:
        raise CipherError(f"cannot seal: {error}") from None
    return base64.b64encode(sealed).decode("ascii")


def decrypt_resource(apiv3_key: str, ciphertext: str, *, nonce: str, associated_data: str) -> bytes:
    """Open a notice's resource or a certificate. Raises CipherError for whatever does not fit."""
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
        return _aes(apiv3_key).decrypt(nonce.encode(), sealed, associated_data.encode())
    except InvalidTag:
        raise CipherError("the key, the nonce or the data does not fit this ciphertext") from None
    except (binascii.Error, ValueError) as error:
        raise CipherError(f"cannot open: {error}") from None


def encrypt_sensitive(public_key: RSAPublicKey, plaintext: str) -> str:
    """Seal one field (a bank account, a name): base64. At most 214 UTF-8 bytes with a 2048-bit key."""
    try:
        return base64.b64encode(public_key.encrypt(plaintext.encode(), _OAEP)).decode("ascii")
    except ValueError:
        raise CipherError("the text is too long for the key") from None


def decrypt_sensitive(private_keys: Sequence[RSAPrivateKey], ciphertext: str) -> str:
    """Open one field that the platform sealed to the merchant's certificate (`payer_phone`).

    `private_keys`: the current key first, then older ones: after a change of certificate, what was sealed
    before still needs the old key. Raises CipherError when none fits.
    """
    try:
        sealed = base64.b64decode(ciphertext, validate=True)
    except (binascii.Error, ValueError):
        raise CipherError("the ciphertext is not base64") from None
    for private_key in private_keys:
        try:
            return private_key.decrypt(sealed, _OAEP).decode("utf-8")
        except ValueError:
            continue
    raise CipherError("none of the private keys opens this ciphertext")
