"""Notices between `wechatpayv3` (PyPI) and us. It can open notices but not make them: those that go the other way are
signed by its `rsa_sign`; the sealing is proved with `wechatpay-axios-plugin`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.utils import rsa_sign

from kesu.intake.models import Notice
from kesu.wechatpay import seal_notice
from tests.contract.receiving import Desk
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, private_key, private_pem, public_pem

pytestmark = pytest.mark.contract

PAYLOAD = {"complaint_id": "200201820200101080076610000", "action_type": "USER_RESPONSE"}


def sealed(**changes: Any) -> tuple[dict[str, str], bytes]:
    values: dict[str, Any] = {
        "private_key": private_key("platform"),
        "serial": PUBLIC_KEY_ID,
        "apiv3_key": APIV3_KEY,
        "payload": PAYLOAD,
        "now": datetime.now(UTC),
        "id": "7c1f9a2e-0000-4000-8000-000000000001",
        "event_type": "COMPLAINT.STATE_CHANGE",
    }
    return seal_notice(**(values | changes))


@pytest.fixture(scope="module")
def sdk() -> WeChatPay:
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid="1900000001",
        private_key=private_pem("merchant"),
        cert_serial_no="1234ABCD",
        appid="wx0000000000000000",
        apiv3_key=APIV3_KEY,
        public_key=public_pem("platform"),
        public_key_id=PUBLIC_KEY_ID,
    )


def test_it_opens_our_notice_to_what_we_sealed(sdk: WeChatPay):
    headers, body = sealed()
    opened = sdk.callback(headers, body)
    assert opened["resource"] == PAYLOAD
    assert (opened["id"], opened["event_type"]) == ("7c1f9a2e-0000-4000-8000-000000000001", "COMPLAINT.STATE_CHANGE")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (sealed()[0], sealed()[1]),
        (sealed()[0], sealed()[1] + b" "),
        sealed(private_key=private_key("stranger")),
        sealed(apiv3_key="another-apiv3-key-of-32-letters!"),
    ],
    ids=["signature of another notice", "changed body", "stranger's signature", "another APIv3 key"],
)
def test_it_refuses_what_we_refuse(sdk: WeChatPay, headers: dict[str, str], body: bytes):
    assert not sdk.callback(headers, body)


@pytest.mark.django_db(transaction=True)
def test_a_notice_signed_by_it_is_accepted():
    headers, body = sealed(id="signed by the other")
    timestamp, nonce = headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"]
    signature = rsa_sign(private_key("platform"), f"{timestamp}\n{nonce}\n{body.decode()}\n")
    assert Desk().receive([({**headers, "Wechatpay-Signature": signature}, body)]) == [204]
    assert Notice.objects.get().complaint_id == PAYLOAD["complaint_id"]


@pytest.mark.django_db(transaction=True)
def test_a_replay_of_last_month_that_it_believes_is_refused_by_us(sdk: WeChatPay):
    headers, body = sealed(now=datetime.now(UTC) - timedelta(days=30))
    assert sdk.callback(headers, body)["resource"] == PAYLOAD
    desk = Desk()
    assert desk.receive([(headers, body)]) == [401]
    assert desk.reasons() == ["stale_timestamp"]
    assert json.loads(body)["id"]
