"""The envelope of WeCom's callbacks (WXBizMsgCrypt).

Source: 加解密方案说明 https://developer.work.weixin.qq.com/document/path/90968. AES-256-CBC, the vector is the
key's first half, the plaintext ``16 random bytes | length of message (4 bytes, big-endian) | message | receive id``.
It is padded to 32 bytes, not to AES's 16: an unpadder for 16 refuses part of the genuine messages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

KEY_CHARACTERS = 43
PADDED_TO_BITS = 32 * 8
RANDOM_BYTES = 16
LENGTH_BYTES = 4


class ForgedError(Exception):
    """The callback is not from WeCom, or not for this application. Never says which check failed."""

    def __init__(self) -> None:
        super().__init__("the callback cannot be verified")


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted answer and its signature."""

    encrypted: str
    signature: str


class CallbackCrypto:
    """``encoding_key`` is the 43 characters of EncodingAESKey; ``receive_id`` the company's id (empty for an aibot).

    Raises ValueError for a key that is none.
    """

    def __init__(self, token: str, encoding_key: str, receive_id: str) -> None:
        try:
            key = base64.b64decode(f"{encoding_key}=") if len(encoding_key) == KEY_CHARACTERS else b""
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise ValueError("must be the 43 characters of EncodingAESKey")
        self._token = token
        self._cipher = Cipher(AES256(key), CBC(key[:16]))
        self._receive_id = receive_id.encode()

    def signature(self, timestamp: str, nonce: str, encrypted: str) -> str:
        """SHA-1 over the four parts, sorted and joined."""
        joined = "".join(sorted((self._token, timestamp, nonce, encrypted)))
        return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the protocol's choice

    def open(self, signature: str, timestamp: str, nonce: str, encrypted: str) -> bytes:
        """The message. Raises ForgedError for a wrong signature, ciphertext or receive id alike."""
        expected = self.signature(timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise ForgedError
        try:
            plain = self._decrypt(base64.b64decode(encrypted, validate=True))
        except ValueError:  # not base64, not whole blocks, wrong padding
            raise ForgedError from None
        start = RANDOM_BYTES + LENGTH_BYTES
        end = start + int.from_bytes(plain[RANDOM_BYTES:start])
        if not start <= end <= len(plain) or not hmac.compare_digest(plain[end:], self._receive_id):
            raise ForgedError
        return plain[start:end]

    def seal(self, message: bytes, timestamp: str, nonce: str, *, random: bytes | None = None) -> Sealed:
        """``message`` encrypted and signed. ``random`` (16 bytes) is for test vectors."""
        filler = random or secrets.token_bytes(RANDOM_BYTES)
        plain = filler + len(message).to_bytes(LENGTH_BYTES) + message + self._receive_id
        padder = PKCS7(PADDED_TO_BITS).padder()
        encryptor = self._cipher.encryptor()
        raw = encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()
        encrypted = base64.b64encode(raw).decode()
        return Sealed(encrypted, self.signature(timestamp, nonce, encrypted))

    def _decrypt(self, raw: bytes) -> bytes:
        decryptor = self._cipher.decryptor()
        unpadder = PKCS7(PADDED_TO_BITS).unpadder()
        padded = decryptor.update(raw) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
