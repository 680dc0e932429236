"""WeCom's envelope as `wechatpy` (PyPI) makes and opens it, in both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as EnterpriseCrypto

from kesu.alerts.channels.wecom_app.crypto import CallbackCrypto
from kesu.alerts.channels.wecom_app.envelopes import encrypted_part, envelope

pytestmark = pytest.mark.contract

TOKEN, KEY, CORPID = "123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a"
OURS = CallbackCrypto(TOKEN, KEY, CORPID)
messages = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=200)


@given(message=messages)
def test_it_opens_what_we_seal(message: str) -> None:
    sealed = OURS.seal(message.encode(), "1700000000", "nonce")
    xml = envelope(sealed, "1700000000", "nonce").decode()
    theirs = EnterpriseCrypto(TOKEN, KEY, CORPID)
    assert theirs.decrypt_message(xml, sealed.signature, "1700000000", "nonce") == message


@given(message=messages)
def test_we_open_what_it_seals(message: str) -> None:
    xml = EnterpriseCrypto(TOKEN, KEY, CORPID).encrypt_message(message, "nonce", "1700000000")
    encrypted = encrypted_part(xml.encode())
    signature = OURS.signature("1700000000", "nonce", encrypted)
    assert f"<![CDATA[{signature}]]>" in xml
    assert OURS.open(signature, "1700000000", "nonce", encrypted).decode() == message


def test_it_takes_our_answer_to_the_check_of_an_address() -> None:
    sealed = OURS.seal(b"1288432023552776189", "1", "2")
    theirs = EnterpriseCrypto(TOKEN, KEY, CORPID)
    assert theirs.check_signature(sealed.signature, "1", "2", sealed.encrypted) == "1288432023552776189"


def test_its_other_class_agrees() -> None:
    sealed = OURS.seal("你好".encode(), "1", "2")
    theirs = WeChatCrypto(TOKEN, KEY, CORPID)
    assert theirs.decrypt_message({"Encrypt": sealed.encrypted}, sealed.signature, "1", "2") == "你好"
