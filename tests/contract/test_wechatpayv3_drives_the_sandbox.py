"""The independent SDK `wechatpayv3` (PyPI) uses every endpoint it knows of, against a served sandbox.

Only its gateway address is changed. It verifies the signature of each successful answer by itself.
"""

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

pytestmark = pytest.mark.contract

COMMAND = "import sys, pathlib; from kesu.sandbox.serve import run;run(pathlib.Path(sys.argv[1]), quiet_payers=True)"


class Sandbox:
    """The served sandbox, as its sandbox.json describes it."""

    def __init__(self, directory: Path) -> None:
        self.described = json.loads((directory / "sandbox.json").read_text())
        self.platform = self.described["wechatpay"]
        self.control = httpx2.Client(base_url=self.described["control_url"])
        self.shop = self.described["merchants"][0]["mchid"]

    def complain(self, **wish) -> str:
        answer = self.control.post("/complaints", json={"mchid": self.shop, "amount": 5000, "pictures": 1, **wish})
        return answer.json()["complaint_ids"][0]

    def advance(self, span: str) -> None:
        assert self.control.post("/clock", json={"advance": span}).status_code == 200

    def sdk(self, merchant: int = 0, *, with_public_key: bool = True) -> WeChatPay:
        account = self.described["merchants"][merchant]
        keys = {"public_key": self.platform["public_key_pem"], "public_key_id": self.platform["public_key_id"]}
        return WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=account["mchid"],
            private_key=account["private_key_pem"],
            cert_serial_no=account["serial_no"],
            appid="wx0000000000000000",
            apiv3_key=account["apiv3_key"],
            partner_mode=account["role"] == "partner",
            timeout=10,
            **(keys if with_public_key else {}),
        )


@contextmanager
def serving(directory: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(directory)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    directory = tmp_path_factory.mktemp("sandbox")
    with serving(directory):
        yield Sandbox(directory)


@pytest.fixture
def sdk(sandbox, monkeypatch):
    """Makes SDK objects whose gateway is the sandbox."""

    class LocalCore(Core):
        _gate_way = property(lambda self: sandbox.platform["base_url"], lambda self, value: None)

    monkeypatch.setattr("wechatpayv3.core.Core", LocalCore)
    return sandbox.sdk


def good(answer):
    """The JSON of a successful answer; None for 204."""
    status, text = answer
    assert status in (200, 204), text
    return json.loads(text) if text else None


def refused(answer):
    status, text = answer
    return status, json.loads(text)["code"]


@pytest.mark.parametrize("with_public_key", [True, False])
def test_a_complaint_from_list_to_completion(sandbox, sdk, tmp_path, with_public_key):
    pay = sdk(with_public_key=with_public_key)
    complaint = sandbox.complain(phone="13800001234")
    first = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%d")
    last = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%d")
    listed = good(pay.complaint_list_query(first, last, limit=50))
    assert complaint in [one["complaint_id"] for one in listed["data"]]
    assert listed["total_count"] >= 1

    detail = good(pay.complaint_detail_query(complaint))
    assert detail["complaint_state"] == "PENDING"
    assert pay.decrypt(detail["payer_phone"]) == "13800001234"

    status, picture = pay.complaint_image_download(detail["complaint_media_list"][0]["media_url"][0])
    assert (status, picture[:4]) == (200, b"\x89PNG")

    file = tmp_path / "proof.png"
    file.write_bytes(picture)
    media_id = good(pay.complaint_image_upload(str(file)))["media_id"]
    assert refused(pay.complaint_image_download("/v3/merchant-service/images/" + media_id))[0] == 403

    good(pay.complaint_response(complaint, "您好, 已经核实", response_images=[media_id]))
    history = good(pay.complaint_history_query(complaint))
    assert [e["operate_type"] for e in history["data"]][-1] == "MERCHANT_RESPONSE"
    status, shown = pay.complaint_image_download(history["data"][-1]["image_list"][0])
    assert (status, shown) == (200, picture)

    good(pay.complaint_complete(complaint))
    assert refused(pay.complaint_complete(complaint)) == (400, "INVALID_REQUEST")
    assert good(pay.complaint_detail_query(complaint))["complaint_state"] == "PROCESSED"


def test_the_callback_address(sandbox, sdk):
    pay = sdk()
    assert refused(pay.complaint_notification_query()) == (400, "RESOURCE_NOT_EXISTS")
    url = "https://desk.example.test/notify"
    assert good(pay.complaint_notification_create(url))["url"] == url
    assert refused(pay.complaint_notification_create(url)) == (400, "INVALID_REQUEST")
    assert good(pay.complaint_notification_update(url + "/2"))["url"] == url + "/2"
    assert good(pay.complaint_notification_query())["mchid"] == sandbox.shop
    assert good(pay.complaint_notification_delete()) is None


def test_a_refund_ticket_with_its_refund(sandbox, sdk):
    pay = sdk()
    complaint = sandbox.complain(problem_type="REFUND")
    good(pay.complaint_update_refund(complaint, "APPROVE", launch_refund_day=0))
    assert refused(pay.complaint_update_refund(complaint, "APPROVE", launch_refund_day=0))[0] == 400

    order = good(pay.complaint_detail_query(complaint))["complaint_order_info"][0]
    amount = {"refund": 5000, "total": 5000, "currency": "CNY"}
    for _ in range(2):
        made = good(pay.refund("SDK-1", amount, transaction_id=order["transaction_id"], reason="投诉退款"))
    assert good(pay.query_refund("SDK-1"))["status"] == "PROCESSING"
    again = pay.abnormal_refund(made["refund_id"], "SDK-1", "MERCHANT_BANK_CARD")
    assert refused(again) == (400, "INVALID_REQUEST")
    assert good(pay.query(transaction_id=order["transaction_id"]))["trade_state"] == "REFUND"
    assert good(pay.query(out_trade_no=order["out_trade_no"]))["amount"]["total"] == 5000

    sandbox.advance("3m")
    assert good(pay.query_refund("SDK-1"))["status"] == "SUCCESS"
    detail = good(pay.complaint_detail_query(complaint))
    assert (detail["complaint_state"], detail["complaint_full_refunded"]) == ("PROCESSED", True)


def test_a_rejection(sandbox, sdk):
    pay = sdk()
    complaint = sandbox.complain(problem_type="REFUND")
    good(pay.complaint_update_refund(complaint, "REJECT", reject_reason="已使用", remark="x"))
    assert good(pay.complaint_detail_query(complaint))["complaint_state"] == "PROCESSED"


def test_a_partner_with_a_sub_merchant(sandbox, sdk):
    pay = sdk(1)
    sub = sandbox.described["merchants"][1]["sub_mchids"][1]
    complaint = sandbox.complain(mchid=sub)
    detail = good(pay.complaint_detail_query(complaint))
    assert detail["complainted_mchid"] == sub
    # This SDK always names the signer in a reply, which is wrong for a partner, and is told so.
    assert refused(pay.complaint_response(complaint, "您好")) == (403, "NO_AUTH")
    order = detail["complaint_order_info"][0]["transaction_id"]
    amount = {"refund": 100, "total": 5000, "currency": "CNY"}
    good(pay.refund("SDK-2", amount, transaction_id=order, sub_mchid=sub))
    assert good(pay.query_refund("SDK-2", sub_mchid=sub))["amount"]["refund"] == 100
    assert good(pay.query(transaction_id=order, sub_mchid=sub))["sub_mchid"] == sub
