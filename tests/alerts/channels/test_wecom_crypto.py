"""The envelope of WeCom's callbacks against published messages: two official samples and wechatpy's."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from kesu.alerts.channels.wecom_app.crypto import CallbackCrypto, ForgedError
from kesu.alerts.channels.wecom_app.envelopes import encrypted_part
from kesu.sandbox import wecom_envelope

FIRST_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
SECOND_KEY = "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"
KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
FIRST = CallbackCrypto("QDG6eK", FIRST_KEY, "wx5823bf96d3bd56c7")
SECOND = CallbackCrypto("hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo", SECOND_KEY, "ww1436e0e65a779aee")
THIRD = CallbackCrypto("123456", KEY, "wx49f0ab532d5d035a")

CHECKS = [
    (
        FIRST,
        ("5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780"),
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
        b"1616140317555161061",
    ),
    (
        SECOND,
        ("012bc692d0a58dd4b10f8dfe5c4ac00ae211ebeb", "1476416373", "47744683"),
        "fsi1xnbH4yQh0+PJxcOdhhK6TDXkjMyhEPA7xB2TGz6b+g7xyAbEkRxN/3cNXW9qdqjnoVzEtpbhnFyq6SVHyA==",
        b"1288432023552776189",
    ),
    (
        THIRD,
        ("dd6b9c95b495b3f7e2901bfbc76c664930ffdb96", "1411443780", "437374425"),
        "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
        b"5927782489442352469",
    ),
]
MESSAGES = [
    (
        FIRST,
        ("477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149"),
        "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TU"
        "UkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff"
        "0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVM"
        "NS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2p"
        "DBS8R07+qN+E7Q==",
        ["<![CDATA[mycreate]]>", "<![CDATA[hello]]>", "4561255354251345929", "218"],
        30,
    ),
    (
        SECOND,
        ("0c3914025cb4b4d68103f6bfc8db550f79dcf48e", "1476422779", "1597212914"),
        "Kl7kjoSf6DMD1zh7rtrHjFaDapSCkaOnwu3bqLc5tAybhhMl9pFeK8NslNPVdMwmBQTNoW4mY7AIjeLvEl3NyeTkAgGzBhzTtRLNshw2AEew+kkYcD"
        "+Fq72Kt00fT0WnN87hGrW8SqGc+NcT3mu87Ha3dz1pSDi6GaUA6A0sqfde0VJPQbZ9U+3JWcoD4Z5jaU0y9GSh010wsHF8KZD24YhmZH4ch4Ka7ilE"
        "bjbfvhKkNL65HHL0J6EYJIZUC2pFrdkJ7MhmEbU2qARR4iQHE7wy24qy0cRX3Mfp6iELcDNfSsPGjUQVDGxQDCWjayJOpcwocugux082f49HKYg84E"
        "pHSGXAyh+/oxwaWbvL6aSDPOYuPDGOCI8jmnKiypE+",
        ["ChenJiaShun", "你好", "1456453720", "1000002"],
        22,
    ),
]


def padding_of(key: str, encrypted: str) -> int:
    raw = base64.b64decode(f"{key}=")
    decryptor = Cipher(AES256(raw), CBC(raw[:16])).decryptor()
    return (decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize())[-1]


@pytest.mark.parametrize(("crypto", "signed", "encrypted", "plain"), CHECKS)
def test_the_published_checks_of_an_address_open(
    crypto: CallbackCrypto, signed: tuple[str, str, str], encrypted: str, plain: bytes
) -> None:
    assert crypto.open(*signed, encrypted) == plain


@pytest.mark.parametrize(("crypto", "signed", "encrypted", "parts", "padding"), MESSAGES)
def test_the_published_messages_open_although_they_are_padded_beyond_16(
    crypto: CallbackCrypto, signed: tuple[str, str, str], encrypted: str, parts: list[str], padding: int
) -> None:
    text = crypto.open(*signed, encrypted).decode()
    assert all(part in text for part in parts)
    key = (
        "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
        if crypto is FIRST
        else "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt"
    )
    assert padding_of(key, encrypted) == padding > 16


def test_a_published_answer_is_sealed_to_the_letter() -> None:
    reply = (
        "<xml>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n"
        "<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n<ToUserName><![CDATA[messense]]></ToUserName>\n"
        "<AgentID>1</AgentID>\n<CreateTime>1411525903</CreateTime>\n</xml>"
    )
    sealed = THIRD.seal(reply.encode(), "1411525903", "461056294", random=b"1234567890123456")
    assert sealed.signature == "407518b7649e86ef23978113f92d27afa9296533"
    assert sealed.encrypted.startswith("9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk")


@pytest.mark.parametrize("length", range(64))
def test_every_length_survives_and_a_full_block_gets_a_full_padding(length: int) -> None:
    sealed = THIRD.seal(b"x" * length, "1", "2")
    assert THIRD.open(sealed.signature, "1", "2", sealed.encrypted) == b"x" * length
    used = 16 + 4 + length + len("wx49f0ab532d5d035a")
    assert padding_of(KEY, sealed.encrypted) == 32 - used % 32


@given(message=st.binary(max_size=300), receive_id=st.text(max_size=20))
def test_what_is_sealed_opens_again(message: bytes, receive_id: str) -> None:
    crypto = CallbackCrypto("token", KEY, receive_id)
    sealed = crypto.seal(message, "1", "2")
    assert crypto.open(sealed.signature, "1", "2", sealed.encrypted) == message


def test_an_empty_receive_id_is_one_too() -> None:
    aibot = CallbackCrypto("123456", KEY, "")
    sealed = aibot.seal(b"{}", "1", "2")
    assert aibot.open(sealed.signature, "1", "2", sealed.encrypted) == b"{}"
    with pytest.raises(ForgedError):
        THIRD.open(sealed.signature, "1", "2", sealed.encrypted)


def test_a_message_for_somebody_else_is_refused() -> None:
    other = CallbackCrypto("123456", KEY, "wx0000000000000000")
    sealed = other.seal(b"hello", "1", "2")
    with pytest.raises(ForgedError):
        THIRD.open(sealed.signature, "1", "2", sealed.encrypted)


@given(position=st.integers(0, 10_000), change=st.integers(1, 255))
def test_a_changed_ciphertext_is_refused_like_a_wrong_signature(position: int, change: int) -> None:
    raw = bytearray(base64.b64decode(MESSAGES[0][2]))
    raw[position % len(raw)] ^= change
    forged = base64.b64encode(raw).decode()
    refusals = []
    for signature in ("0" * 40, FIRST.signature("1", "2", forged)):
        try:
            FIRST.open(signature, "1", "2", forged)
        except ForgedError as error:
            refusals.append(str(error))
    # A block within the message may be garbled and still be a message; it is one that the signer signed.
    assert set(refusals) == {"the callback cannot be verified"}


@pytest.mark.parametrize("encrypted", ["", "x", "====", "AAAA", "A" * 44, "ä", "A" * 43 + "="])
def test_what_is_no_ciphertext_is_refused_even_when_signed(encrypted: str) -> None:
    with pytest.raises(ForgedError):
        THIRD.open(THIRD.signature("1", "2", encrypted), "1", "2", encrypted)


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 200, 46])
def test_a_length_beyond_the_end_is_refused(length: int) -> None:
    plain = b"r" * 16 + length.to_bytes(4) + b"hello wx49f0ab532d5d035a"
    raw = base64.b64decode(f"{KEY}=")
    padding = 32 - len(plain) % 32
    encryptor = Cipher(AES256(raw), CBC(raw[:16])).encryptor()
    encrypted = base64.b64encode(encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()).decode()
    with pytest.raises(ForgedError):
        THIRD.open(THIRD.signature("1", "2", encrypted), "1", "2", encrypted)


@pytest.mark.parametrize("key", ["", "short", "x" * 42, "x" * 44, "*" * 43])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="EncodingAESKey"):
        CallbackCrypto("token", key, "corp")


@given(message=st.text(max_size=200))
def test_the_sandbox_s_own_envelope_and_this_one_understand_each_other(message: str) -> None:
    encrypted = wecom_envelope.encrypt(KEY, message, "wx49f0ab532d5d035a")
    signature = wecom_envelope.signature("123456", "1", "2", encrypted)
    assert THIRD.open(signature, "1", "2", encrypted).decode() == message
    sealed = THIRD.seal(message.encode(), "1", "2")
    assert wecom_envelope.decrypt(KEY, sealed.encrypted, "wx49f0ab532d5d035a") == message


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>"""
FILE = b"""<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Encrypt>&a;</Encrypt></xml>"""


@pytest.mark.parametrize(
    "raw",
    [
        BOMB,
        FILE,
        b"<!DOCTYPE xml><xml><Encrypt>x</Encrypt></xml>",
        b"",
        b"{}",
        b"<xml>",
        b"<xml></xml>",
        b"<xml><Encrypt/></xml>",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="nonsense"?><xml><Encrypt>x</Encrypt></xml>',
    ],
)
def test_documents_with_entities_or_without_a_message_are_refused(raw: bytes) -> None:
    with pytest.raises(ForgedError):
        encrypted_part(raw)
