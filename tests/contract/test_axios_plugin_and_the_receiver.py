"""Notices signed and sealed by `wechatpay-axios-plugin` (npm) come in, its tampered ones do not; and it opens ours."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kesu.intake.models import Notice
from kesu.wechatpay import seal_notice
from tests.contract.axios_plugin import ask
from tests.contract.receiving import Desk, Request
from tests.keys import APIV3_KEY, PUBLIC_KEY_ID, private_key, private_pem, public_pem

pytestmark = [pytest.mark.contract, pytest.mark.django_db(transaction=True)]

ACTS = [
    ("COMPLAINT.CREATE", "CREATE_COMPLAINT"),
    ("COMPLAINT.STATE_CHANGE", "CONTINUE_COMPLAINT"),
    ("COMPLAINT.STATE_CHANGE", "USER_RESPONSE"),
    ("COMPLAINT.STATE_CHANGE", "平台新增的动作"),
]


def order(number: int = 0, **changes: Any) -> dict[str, Any]:
    """What the SDK is asked to seal: a genuine notice, but for the changes."""
    event_type, action_type = ACTS[number]
    return {
        "id": f"7c1f9a2e-0000-4000-8000-00000000000{number}",
        "event_type": event_type,
        "payload": {"complaint_id": f"20020182020010108007661000{number}", "action_type": action_type},
        "apiv3_key": APIV3_KEY,
        "private_key": private_pem("platform"),
        "serial": PUBLIC_KEY_ID,
    } | changes


def sealed(*orders: dict[str, Any]) -> list[Request]:
    return [(one["headers"], one["body"].encode()) for one in ask("seal", notices=list(orders))]


def test_its_notices_are_accepted_and_opened_to_what_it_sealed():
    statuses = Desk().receive(sealed(*(order(number) for number in range(len(ACTS)))))
    assert statuses == [204] * len(ACTS)
    stored = Notice.objects.order_by("envelope_id").values_list("event_type", "action_type", "complaint_id")
    assert list(stored) == [
        (event_type, action_type, order(number)["payload"]["complaint_id"])
        for number, (event_type, action_type) in enumerate(ACTS)
    ]


def test_its_notices_signed_with_a_certificate_are_accepted_too():
    assert Desk().receive(sealed(order(serial="7E57"))) == [204]


def test_its_tampered_notices_are_refused_each_for_its_reason():
    desk = Desk()
    [(headers, body)] = sealed(order())
    another = sealed(order(1))[0][0]["Wechatpay-Signature"]
    requests = [
        (headers, body.replace(b"COMPLAINT.CREATE", b"COMPLAINT.UPDATE")),
        (headers, body + b" "),
        ({**headers, "Wechatpay-Signature": another}, body),
        ({**headers, "Wechatpay-Nonce": headers["Wechatpay-Nonce"][::-1]}, body),
        ({**headers, "Wechatpay-Timestamp": str(int(headers["Wechatpay-Timestamp"]) + 1)}, body),
        ({**headers, "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{another}"}, body),
        *sealed(
            order(serial="PUB_KEY_ID_9"),
            order(age=301),
            order(age=-330),
            order(apiv3_key="another-apiv3-key-of-32-letters!"),
            order(private_key=private_pem("stranger")),
        ),
    ]
    statuses = desk.receive(requests)
    assert desk.reasons() == [
        "bad_signature",  # counted once for all five that look so
        "signature_probe",
        "unknown_serial",
        "stale_timestamp",
        "not_decryptable",
    ]
    assert statuses == [401] * 9 + [400, 401]
    assert not Notice.objects.exists()


def test_ours_are_verified_and_opened_by_it():
    payload = {"complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT"}
    headers, body = seal_notice(
        private_key=private_key("platform"),
        serial=PUBLIC_KEY_ID,
        apiv3_key=APIV3_KEY,
        payload=payload,
        now=datetime.now(UTC),
        id="one",
        event_type="COMPLAINT.CREATE",
    )
    spoiled = body.replace(b"COMPLAINT.CREATE", b"COMPLAINT.UPDATE")
    notices = [{"headers": headers, "body": text.decode()} for text in (body, spoiled)]
    good, bad = ask("open", public_key=public_pem("platform"), apiv3_key=APIV3_KEY, notices=notices)
    assert good == {"verified": True, "resource": payload}
    assert bad["verified"] is False
