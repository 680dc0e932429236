"""WeCom's side of its callbacks (加解密方案说明, https://developer.work.weixin.qq.com/document/path/90968)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 32


def signature(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324 - as WeCom does


def encrypt(encoding_key: str, message: str, receive_id: str) -> str:
    text = message.encode()
    plain = secrets.token_bytes(16) + len(text).to_bytes(4) + text + receive_id.encode()
    missing = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(encoding_key).encryptor()
    raw = encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
    return base64.b64encode(raw).decode()


def decrypt(encoding_key: str, encrypted: str, receive_id: str) -> str:
    """Raises ValueError for what was not encrypted for `receive_id` with this key."""
    decryptor = _cipher(encoding_key).decryptor()
    padded = decryptor.update(base64.b64decode(encrypted, validate=True)) + decryptor.finalize()
    plain = padded[: -padded[-1]] if padded else b""
    end = 20 + int.from_bytes(plain[16:20])
    if plain[end:] != receive_id.encode():
        raise ValueError("not for this receiver")
    return plain[20:end].decode()


def event_xml(fields: dict[str, str]) -> str:
    """Fields in a flat document, each as CDATA, as WeCom writes them."""
    parts = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
    return f"<xml>{parts}</xml>"


def texts(xml: str) -> dict[str, str]:
    """Every text of a document by its path, such as `Button/ReplaceName`. Raises ValueError for what is no XML."""
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314 - the sandbox reads its own desk's answers
    except ElementTree.ParseError as error:
        raise ValueError("not XML") from error
    found = {child.tag: child.text or "" for child in root}
    return found | {f"{child.tag}/{inner.tag}": inner.text or "" for child in root for inner in child}


def _cipher(encoding_key: str) -> Cipher[CBC]:
    key = base64.b64decode(f"{encoding_key}=")
    return Cipher(AES256(key), CBC(key[:16]))
