"""`wechatpay-axios-plugin` (npm) is a merchant at our sandbox; it verifies the signature of each answer by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kesu.clock import beijing_day
from tests.contract.axios_plugin import ask
from tests.sandboxes import ServedSandbox, serving_sandbox

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSandbox]:
    with serving_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


def drive(sandbox: ServedSandbox, complaint_id: str, **changes: Any) -> dict[str, Any]:
    merchant, platform = sandbox.merchant(), sandbox.platform
    arguments = {
        "base_url": platform["base_url"],
        "mchid": merchant["mchid"],
        "serial": merchant["serial_no"],
        "private_key": merchant["private_key_pem"],
        "certs": {
            platform["public_key_id"]: platform["public_key_pem"],
            platform["certificate_serial"]: platform["certificate_pem"],
        },
        "complaint_id": complaint_id,
        "day": beijing_day(sandbox.now()).isoformat(),
        "notify_url": "https://desk.example.com/notify/wechatpay/secret",
    }
    answer: dict[str, Any] = ask("drive", **(arguments | changes))
    return answer


def test_a_complaint_from_list_to_completion(sandbox: ServedSandbox):
    [complaint_id] = sandbox.complain(sandbox.merchant()["mchid"], detail="一直没有收到货")
    said = drive(sandbox, complaint_id)
    statuses = {step: answer["status"] for step, answer in said.items()}
    refused = statuses.pop("complete_again")
    assert statuses == {
        "list": 200,
        "detail": 200,
        "reply": 204,
        "complete": 204,
        "history": 200,
        "notify_url": 200,
        "notify_url_deleted": 204,
    }
    assert 400 <= refused < 500
    assert complaint_id in [row["complaint_id"] for row in said["list"]["data"]["data"]]
    assert said["detail"]["data"]["complaint_detail"] == "一直没有收到货"
    history = {entry["operate_type"] for entry in said["history"]["data"]["data"]}
    assert history >= {"USER_CREATE_COMPLAINT", "MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"}


def test_it_refuses_answers_of_a_platform_it_was_not_told_of(sandbox: ServedSandbox):
    [complaint_id] = sandbox.complain(sandbox.merchant()["mchid"])
    said = drive(sandbox, complaint_id, certs={"PUB_KEY_ID_9": sandbox.platform["public_key_pem"]})
    assert said["list"]["code"] == "EV3_RES_HEADER_PLATFORM_SERIAL"
