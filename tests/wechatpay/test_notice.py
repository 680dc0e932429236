"""A pushed notice is believed only when everything about it holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from kesu.wechatpay import Notice, NoticeRejected, PlatformKeys, open_envelope, open_notice, seal_notice
from kesu.wechatpay.signing import signed_headers

KEY = rsa.generate_private_key(65537, 2048)
STRANGER = rsa.generate_private_key(65537, 2048)
SERIAL = "PUB_KEY_ID_0000000000000024101100397200000006"
APIV3_KEY = "0123456789abcdef0123456789ABCDEF"
NOW = datetime(2026, 3, 20, 6, 0, 0, 900000, tzinfo=UTC)
KEYS = PlatformKeys({SERIAL: KEY.public_key(), "0AB1": KEY.public_key()})
PAYLOAD = {"complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT"}
Sealed = tuple[dict[str, str], bytes]


def seal(**changes: Any) -> Sealed:
    fields: dict[str, Any] = {
        "private_key": KEY,
        "serial": SERIAL,
        "apiv3_key": APIV3_KEY,
        "payload": PAYLOAD,
        "now": NOW,
        "id": "8a2f1d1c-6c02-5c6c-a5d5-1f0b6d1f0c11",
        "event_type": "COMPLAINT.CREATE",
    }
    return seal_notice(**{**fields, **changes})


def signed(body: bytes, **changes: Any) -> Sealed:
    """Any body, signed by the platform."""
    return signed_headers(KEY, SERIAL, body, now=NOW), body


def envelope(**changes: Any) -> Sealed:
    """A genuine envelope with fields changed (None: left out), signed again."""
    value = json.loads(seal()[1])
    value.update(changes)
    return signed(json.dumps({k: v for k, v in value.items() if v is not None}).encode())


def resource(**changes: Any) -> Sealed:
    inner = {**json.loads(seal()[1])["resource"], **changes}
    return envelope(resource={k: v for k, v in inner.items() if v is not None})


def open_it(sealed: Sealed, **changes: Any) -> Notice:
    options: dict[str, Any] = {"platform_keys": KEYS, "apiv3_keys": [APIV3_KEY], "now": NOW}
    return open_notice(*sealed, **{**options, **changes})


def test_a_sealed_notice_opens() -> None:
    notice = open_it(seal())
    assert notice.complaint_id == PAYLOAD["complaint_id"]
    assert notice.action_type == "CREATE_COMPLAINT"
    assert notice.resource == PAYLOAD
    assert notice.create_time == NOW.replace(microsecond=0)
    assert (notice.event_type, notice.original_type) == ("COMPLAINT.CREATE", "complaint")
    assert notice.resource_type == "encrypt-resource"


@given(
    st.dictionaries(st.text(max_size=10), st.text(st.characters(codec="utf-8"), max_size=20), max_size=5),
    st.text(st.characters(codec="utf-8"), max_size=15),
)
def test_every_payload_survives_sealing(payload: dict[str, str], associated_data: str) -> None:
    payload = {k: v for k, v in payload.items() if "\0" not in k + v and k.isprintable() and v.isprintable()}
    assert open_it(seal(payload=payload, associated_data=associated_data)).resource == payload


def test_header_names_may_come_in_any_case() -> None:
    headers, body = seal()
    for convert in (str.lower, str.upper, str.title):
        assert open_it(({convert(name): value for name, value in headers.items()}, body)).id


def test_a_hexadecimal_serial_is_found_whatever_its_case() -> None:
    assert open_it(seal(serial="ab1")).id


def test_an_older_apiv3_key_still_opens_what_was_sealed_with_it() -> None:
    assert open_it(seal(), apiv3_keys=["the newest key, of 32 characters", APIV3_KEY]).id


def test_the_absence_of_a_signature_type_means_rsa() -> None:
    headers, body = seal()
    del headers["Wechatpay-Signature-Type"]
    assert open_it((headers, body)).id


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_skew_are_tolerated(seconds: int) -> None:
    assert open_it(seal(), now=NOW + timedelta(seconds=seconds)).id


def without(name: str) -> Sealed:
    headers, body = seal()
    del headers[name]
    return headers, body


def header(name: str, value: str) -> Sealed:
    headers, body = seal()
    return {**headers, name: value}, body


def probe() -> Sealed:
    headers, body = seal()
    return {**headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]}, body


def tampered() -> Sealed:
    headers, body = seal()
    return headers, body.replace(b"COMPLAINT.CREATE", b"COMPLAINT.CREATF")


def renonced() -> Sealed:
    return header("Wechatpay-Nonce", "another")


REJECTIONS: list[tuple[str, int, Callable[[], Sealed]]] = [
    ("missing_headers", 401, lambda: without("Wechatpay-Timestamp")),
    ("missing_headers", 401, lambda: without("Wechatpay-Nonce")),
    ("missing_headers", 401, lambda: without("Wechatpay-Signature")),
    ("missing_headers", 401, lambda: without("Wechatpay-Serial")),
    ("missing_headers", 401, lambda: ({}, b"")),
    ("malformed_headers", 401, lambda: header("Wechatpay-Timestamp", "yesterday")),
    ("malformed_headers", 401, lambda: header("Wechatpay-Timestamp", "-1")),
    ("malformed_headers", 401, lambda: header("Wechatpay-Timestamp", "9" * 5000)),
    ("malformed_headers", 401, lambda: header("Wechatpay-Timestamp", "１７７４")),
    ("malformed_headers", 401, lambda: header("Wechatpay-Nonce", "\ud800")),
    ("stale_timestamp", 401, lambda: seal(now=NOW - timedelta(seconds=301))),
    ("stale_timestamp", 401, lambda: seal(now=NOW + timedelta(seconds=301))),
    ("unknown_serial", 401, lambda: seal(serial="PUB_KEY_ID_1")),
    ("unknown_serial", 401, lambda: seal(serial="DEADBEEF")),
    ("unknown_serial", 401, lambda: header("Wechatpay-Serial", "0x' or 1=1 --")),
    ("signature_probe", 401, probe),
    ("bad_signature", 401, tampered),
    ("bad_signature", 401, renonced),
    ("bad_signature", 401, lambda: seal(private_key=STRANGER)),
    ("bad_signature", 401, lambda: header("Wechatpay-Signature", "not base64!")),
    ("bad_signature", 401, lambda: header("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3")),
    ("not_json", 400, lambda: signed(b"")),
    ("not_json", 400, lambda: signed(b"{")),
    ("not_json", 400, lambda: signed(b"[]")),
    ("not_json", 400, lambda: signed(b"\xff\xfe{\x00}\x00")),
    ("not_json", 400, lambda: signed('{"id":"投诉状态变更"}'.encode("gb18030"))),
    ("not_json", 400, lambda: signed('{"id":"x"}'.encode("utf-16"))),
    ("not_json", 400, lambda: signed(b'{"a":' * 100000)),
    ("not_json", 400, lambda: signed(b"[" * 100000 + b"]" * 100000)),
    ("not_json", 400, lambda: signed(b'{"id":' + b"9" * 5000 + b"}")),
    ("not_an_envelope", 400, lambda: signed(b"{}")),
    ("not_an_envelope", 400, lambda: envelope(id=None)),
    ("not_an_envelope", 400, lambda: envelope(id="")),
    ("not_an_envelope", 400, lambda: envelope(id=7)),
    ("not_an_envelope", 400, lambda: envelope(event_type=None)),
    ("not_an_envelope", 400, lambda: envelope(resource=None)),
    ("not_an_envelope", 400, lambda: envelope(resource="text")),
    ("not_an_envelope", 400, lambda: resource(algorithm="AEAD_SM4_GCM")),
    ("not_an_envelope", 400, lambda: resource(ciphertext=None)),
    ("not_an_envelope", 400, lambda: resource(nonce=12)),
    ("not_an_envelope", 400, lambda: resource(associated_data=["complaint"])),
    ("not_decryptable", 400, lambda: seal(apiv3_key="another key of 32 characters....")),
    ("not_decryptable", 400, lambda: resource(ciphertext="not base64")),
    ("not_decryptable", 400, lambda: resource(ciphertext="")),
    ("not_decryptable", 400, lambda: resource(nonce="")),
    ("not_decryptable", 400, lambda: resource(nonce="\ud800" * 12)),
    ("not_decryptable", 400, lambda: resource(associated_data="refund")),
    ("not_decryptable", 400, lambda: seal(payload=["a", "list"])),
]


@pytest.mark.parametrize(("reason", "status", "make"), REJECTIONS)
def test_every_flaw_is_rejected_with_its_own_reason(reason: str, status: int, make: Callable[[], Sealed]) -> None:
    with pytest.raises(NoticeRejected) as caught:
        open_it(make())
    assert (caught.value.reason, caught.value.status) == (reason, status)


def test_an_unknown_serial_is_told_so_that_keys_can_be_refreshed() -> None:
    with pytest.raises(NoticeRejected) as caught:
        open_it(seal(serial="PUB_KEY_ID_2"))
    assert getattr(caught.value, "serial", None) == "PUB_KEY_ID_2"


def test_without_an_apiv3_key_nothing_opens() -> None:
    with pytest.raises(NoticeRejected) as caught:
        open_it(seal(), apiv3_keys=[])
    assert caught.value.reason == "not_decryptable"


def test_a_rejection_never_shows_the_apiv3_key() -> None:
    with pytest.raises(NoticeRejected) as caught:
        open_it(seal(), apiv3_keys=["a secret key of 32 characters..."])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.binary(max_size=200))
def test_whatever_signed_bytes_arrive_only_rejections_come_out(body: bytes) -> None:
    with pytest.raises(NoticeRejected):
        open_it(signed(body))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON, JSON, JSON)
def test_whatever_is_inside_an_envelope_only_rejections_or_notices_come_out(
    notice_id: Any, event_type: Any, create_time: Any, inner: Any
) -> None:
    body = json.dumps(
        {"id": notice_id, "event_type": event_type, "create_time": create_time, "resource": inner}
    ).encode()
    with pytest.raises(NoticeRejected):
        open_envelope(body, apiv3_keys=[APIV3_KEY])


@given(JSON)
def test_whatever_a_genuine_payload_holds_the_notice_opens(value: Any) -> None:
    notice = open_it(seal(payload={"complaint_id": value, "action_type": value}))
    assert notice.complaint_id is None or isinstance(notice.complaint_id, str)


def test_legacy_fields_ride_along_without_harm() -> None:
    legacy = {**PAYLOAD, "out_trade_no": "1", "amount": 3, "payer_phone": "sealed"}
    assert open_it(seal(payload=legacy)).resource == legacy


def test_a_refunds_notice_opens_too() -> None:
    payload = {"mchid": "1900000001", "refund_status": "SUCCESS", "out_refund_no": "R1"}
    notice = open_it(
        seal(payload=payload, event_type="REFUND.SUCCESS", original_type="refund", associated_data="refund")
    )
    assert (notice.original_type, notice.complaint_id) == ("refund", None)


def test_an_emoji_cut_in_two_becomes_something_a_database_takes() -> None:
    notice = open_it(envelope(summary="half \ud83d and \x00"))
    assert notice.summary == "half \ufffd and \ufffd"
