"""Whatever shape the platform's answers take, a complaint is taken in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kesu.wechatpay import Complaint, HistoryEntry, MediaItem, NotifyUrl, Order, Refund
from kesu.wechatpay.wire import json_object, moment, wire_time

WHOLE: dict[str, Any] = {
    "complaint_id": "200201820200101080076610000",
    "complaint_time": "2026-03-20T14:00:35.120+08:00",
    "complaint_detail": "反馈一个重复扣费的问题",
    "complaint_state": "PENDING",
    "complainted_mchid": "1900012181",
    "payer_phone": "sealed==",
    "payer_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    "complaint_order_info": [{"transaction_id": "4200000404201909069117582536", "out_trade_no": "1", "amount": 3}],
    "service_order_info": [{"order_id": "15646546545165651651", "out_order_no": "1234323", "state": "DOING"}],
    "complaint_full_refunded": True,
    "incoming_user_response": True,
    "user_complaint_times": 2,
    "complaint_media_list": [{"media_type": "USER_COMPLAINT_IMAGE", "media_url": ["https://x/1", "https://x/2"]}],
    "problem_description": "不满意商家服务",
    "problem_type": "REFUND",
    "apply_refund_amount": 10,
    "user_tag_list": ["TRUSTED", "SOMETHING_NEW"],
    "additional_info": {"type": "SHARE_POWER_TYPE", "share_power_info": {"return_time": "x"}},
    "in_platform_service": True,
    "need_immediate_service": True,
    "is_agent_mode": False,
    "field_of_next_year": {"a": [1]},
}


def complaint(**changes: Any) -> Complaint:
    return Complaint.from_wire({**WHOLE, **changes})


def test_a_whole_complaint_is_read() -> None:
    answered_at = datetime(2026, 3, 20, 7, tzinfo=UTC)
    read = Complaint.from_wire(WHOLE, answered_at=answered_at)
    assert read.complaint_time == datetime(2026, 3, 20, 6, 0, 35, 120000, tzinfo=UTC)
    assert read.complaint_order_info[0].amount == 3
    assert read.service_order_info[0].state == "DOING"
    assert read.complaint_media_list[0].media_url == ["https://x/1", "https://x/2"]
    assert read.user_tag_list == ["TRUSTED", "SOMETHING_NEW"]
    assert (read.user_complaint_times, read.apply_refund_amount) == (2, 10)
    assert (read.complaint_full_refunded, read.incoming_user_response) == (True, True)
    assert (read.in_platform_service, read.need_immediate_service, read.is_agent_mode) == (True, True, False)
    assert read.answered_at == answered_at


def test_unknown_fields_and_values_are_kept() -> None:
    read = complaint(complaint_state="ARBITRATED", problem_type="BRAND_NEW")
    assert (read.complaint_state, read.problem_type) == ("ARBITRATED", "BRAND_NEW")
    assert read.model_extra == {"field_of_next_year": {"a": [1]}}
    assert read.raw["field_of_next_year"] == {"a": [1]}


def test_only_the_complaint_id_is_needed() -> None:
    read = Complaint.from_wire({"complaint_id": "1"})
    assert read.complaint_time is None
    assert (read.complaint_state, read.complainted_mchid, read.payer_phone) == ("", "", None)
    assert (read.complaint_order_info, read.complaint_media_list, read.user_tag_list) == ([], [], [])
    assert (read.user_complaint_times, read.complaint_full_refunded) == (1, False)


@pytest.mark.parametrize("missing", [{}, {"complaint_id": ""}, {"complaint_id": None}])
def test_a_complaint_without_an_id_is_a_value_error(missing: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="complaint_id"):
        Complaint.from_wire(missing)


def test_a_numeric_id_becomes_text() -> None:
    assert Complaint.from_wire({"complaint_id": 200201820200101080076610000}).complaint_id.startswith("2002018")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("https://x/1", ["https://x/1"]),
        (["https://x/1", None, "https://x/2"], ["https://x/1", "https://x/2"]),
        (None, []),
        ("", []),
        ([], []),
    ],
)
def test_a_media_url_may_be_a_string_or_a_list(sent: Any, read: list[str]) -> None:
    assert MediaItem.from_wire({"media_type": "OPERATION_IMAGE", "media_url": sent}).media_url == read


@pytest.mark.parametrize("sent", [{"media_url": "https://x/1"}, [{"media_url": ["https://x/1"]}, "odd", None]])
def test_a_media_list_may_be_an_object_or_a_list(sent: Any) -> None:
    assert complaint(complaint_media_list=sent).complaint_media_list[0].media_url == ["https://x/1"]
    entry = HistoryEntry.from_wire({"log_id": "1", "complaint_media_list": sent, "image_list": ["https://x/1"]})
    assert entry.media_urls == ["https://x/1"]


@pytest.mark.parametrize("sent", [None, [], {}, "odd", 7])
def test_absent_or_odd_arrays_are_empty(sent: Any) -> None:
    read = complaint(complaint_order_info=sent, service_order_info=sent)
    assert [order.amount for order in read.complaint_order_info] in ([], [None])
    assert len(read.service_order_info) <= 1


@pytest.mark.parametrize(
    ("sent", "read"),
    [("12", 12), (12.0, 12), (12.5, None), ("twelve", None), (True, None), (None, None), (2**70, None), ("-3", -3)],
)
def test_amounts_may_be_numbers_or_digits(sent: Any, read: int | None) -> None:
    assert complaint(apply_refund_amount=sent).apply_refund_amount == read


@pytest.mark.parametrize(("sent", "read"), [("true", True), ("FALSE", False), (1, True), (0, False), ("odd", None)])
def test_flags_may_be_words_or_numbers(sent: Any, read: bool | None) -> None:
    assert complaint(in_platform_service=sent).in_platform_service is read
    assert complaint(complaint_full_refunded=sent).complaint_full_refunded is bool(read)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-03-20T14:00:00+08:00", datetime(2026, 3, 20, 6, tzinfo=UTC)),
        ("2026-03-20T14:00:00.5+08:00", datetime(2026, 3, 20, 6, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-20T14:00:00.123456789+08:00", datetime(2026, 3, 20, 6, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-20T06:00:00Z", datetime(2026, 3, 20, 6, tzinfo=UTC)),
        ("2026-03-20 14:00:00", datetime(2026, 3, 20, 6, tzinfo=UTC)),
        (" 2026-03-20T14:00:00 ", datetime(2026, 3, 20, 6, tzinfo=UTC)),
        ("0001-01-01T00:00:00+08:00", None),
        ("2026-02-30T14:00:00+08:00", None),
        ("soon", None),
        ("", None),
        (1774000000, None),
        (None, None),
        ({}, None),
    ],
)
def test_times_come_with_and_without_fractions_and_odd_ones_are_none(sent: Any, read: datetime | None) -> None:
    result = complaint(complaint_time=sent)
    assert result.complaint_time == read
    assert result.raw["complaint_time"] == sent


def test_what_is_written_as_a_time_reads_back() -> None:
    when = datetime(2026, 3, 20, 6, 0, 35, 120000, tzinfo=UTC)
    assert wire_time(when, milliseconds=True) == "2026-03-20T14:00:35.120+08:00"
    assert wire_time(when) == "2026-03-20T14:00:35+08:00"
    assert moment(wire_time(when, milliseconds=True)) == when


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={name: JSON for name in WHOLE if name != "complaint_id"}))
def test_no_value_of_any_field_keeps_a_complaint_out(fields: dict[str, Any]) -> None:
    read = Complaint.from_wire({"complaint_id": "1", **fields})
    assert read.complaint_id == "1"
    assert read.raw == {"complaint_id": "1", **fields} or fields != fields


@given(st.dictionaries(st.sampled_from(sorted(HistoryEntry.model_fields)) | st.text(max_size=8), JSON))
def test_no_value_of_any_field_keeps_a_history_entry_out(fields: dict[str, Any]) -> None:
    assert HistoryEntry.from_wire(fields).log_id


@given(st.dictionaries(st.sampled_from(sorted({*Refund.model_fields, *Order.model_fields})), JSON))
def test_refunds_orders_and_urls_never_raise(fields: dict[str, Any]) -> None:
    assert isinstance(Refund.from_wire(fields).status, str)
    assert isinstance(Order.from_wire(fields).trade_state, str)
    assert isinstance(NotifyUrl.from_wire(fields).url, str)


def test_wire_fields_cannot_take_the_place_of_our_own() -> None:
    read = complaint(raw="x", answered_at="y", model_config={}, from_wire="z", __class__="w")
    assert read.answered_at is None
    assert read.raw["answered_at"] == "y"
    assert read.complaint_id == WHOLE["complaint_id"]


def test_a_history_entry_without_a_log_id_gets_the_same_key_each_time() -> None:
    sent = {"operate_type": "USER_RESPONSE", "operate_details": "hello", "image_list": ["https://x/1"]}
    first = HistoryEntry.from_wire(sent)
    again = HistoryEntry.from_wire({**sent, "image_list": ["https://x/2"]})
    other = HistoryEntry.from_wire({**sent, "operate_details": "bye"})
    assert first.log_id == again.log_id != other.log_id
    assert first.log_id.startswith("nolog-")


def test_the_wires_misspellings_are_read_literally() -> None:
    entry = HistoryEntry.from_wire(
        {
            "log_id": "1",
            "operate_type": "MERCHANT_REFUSE_RERUND",
            "user_appy_platform_service_reason": "a",
            "user_appy_platform_service_reason_description": "b",
        }
    )
    assert entry.operate_type == "MERCHANT_REFUSE_RERUND"
    assert entry.user_appy_platform_service_reason == "a"
    assert entry.user_appy_platform_service_reason_description == "b"


def test_a_refund_notice_and_a_refund_query_read_alike() -> None:
    assert Refund.from_wire({"refund_status": "SUCCESS"}).status == "SUCCESS"
    queried = Refund.from_wire({"status": "PROCESSING", "amount": {"refund": 1, "total": "2"}})
    assert queried.status == "PROCESSING"
    assert queried.amount is not None
    assert (queried.amount.refund, queried.amount.total) == (1, 2)


def test_json_is_cleaned_of_what_no_database_takes() -> None:
    assert json_object(b'{"a\\u0000": ["\\ud83d\\ude00 \\ud83d"]}') == {"a\ufffd": ["😀 \ufffd"]}
    assert json_object(b'{"a": "\\ud83d"}', verbatim=True) == {"a": "\ud83d"}


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 100000, b'{"a":' + b"9" * 5000 + b"}"])
def test_what_is_no_json_object_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        json_object(raw)


def test_answers_at_the_edge_of_nesting_are_read_or_refused_but_never_crash() -> None:
    for depth in (50, 400, 900, 990, 1000, 5000):
        body = b'{"complaint_id":"1","deep":' + b"[" * depth + b'"\\u0041"' + b"]" * depth + b"}"
        try:
            value = json_object(body)
        except ValueError:
            continue
        assert Complaint.from_wire(value).complaint_id == "1"
    assert json.loads("[]") == []
