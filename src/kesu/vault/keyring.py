"""The keys that seal secrets and personal data, and the sealed form itself.

A sealed value is ``key id length (1 byte) | key id | 12-byte nonce | ciphertext and tag``: the key's id travels
in the row, so that a new key can be put first and older rows still open. Keys live in ``DATA/keys.json`` (mode
0600), or in ``KESU_KEYS`` (the same JSON) where several machines share one database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE_NAME = "keys.json"
NONCE_BYTES = 12


class VaultError(Exception):
    """A sealed value cannot be opened: its key is missing, or the value was changed."""


@dataclass(frozen=True)
class Keyring:
    """``keys`` maps key id to 32 bytes, newest first; ``signing_key`` signs sessions and links."""

    keys: dict[str, bytes]
    signing_key: str

    def seal(self, plaintext: bytes, context: str) -> bytes:
        """Encrypt; ``context`` (table and column) must be the same when opening."""
        key_id, key = next(iter(self.keys.items()))
        nonce = secrets.token_bytes(NONCE_BYTES)
        name = key_id.encode()
        return bytes([len(name)]) + name + nonce + AESGCM(key).encrypt(nonce, plaintext, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises VaultError when the key is unknown or the value does not authenticate."""
        length = sealed[0] if sealed else 0
        name = sealed[1 : 1 + length].decode(errors="replace")
        key = self.keys.get(name)
        if key is None:
            raise VaultError(f"no key named {name!r}: restore keys.json of this installation")
        body = sealed[1 + length :]
        try:
            return AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], context.encode())
        except InvalidTag as error:
            raise VaultError("a sealed value does not authenticate") from error

    def fingerprint(self, value: str, context: str) -> str:
        """A keyed hash (64 hex digits) for looking a secret value up without storing it.

        Uses the oldest key, which never changes when a new one is put first.
        """
        oldest = list(self.keys.values())[-1]
        return hmac.new(oldest, f"{context}\0{value}".encode(), hashlib.sha256).hexdigest()


def open_keyring(directory: Path) -> Keyring:
    """The keyring of a data directory, created on first use (mode 0600). ``KESU_KEYS`` takes precedence."""
    text = os.environ.get("KESU_KEYS")
    if not text:
        path = directory / FILE_NAME
        if not path.exists():
            _create(path)
        text = path.read_text()
    try:
        raw = json.loads(text)
        keys = {name: base64.b64decode(value) for name, value in raw["keys"].items()}
        if not keys or any(len(key) != 32 for key in keys.values()):
            raise ValueError("each key must be 32 bytes in base64")
        return Keyring(keys, raw["signing_key"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise VaultError(f"keys.json (or KESU_KEYS) is not a keyring: {error}") from error


def _create(path: Path) -> None:
    content = {
        "keys": {"k1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "signing_key": secrets.token_urlsafe(48),
    }
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    try:
        os.link(temporary, path)  # fails when another process was first: its keys then stand
    except FileExistsError:
        pass
    finally:
        temporary.unlink()


@lru_cache(maxsize=1)
def keyring() -> Keyring:
    """The keyring of the running installation."""
    from django.conf import settings

    return open_keyring(Path(settings.KESU_DATA))
