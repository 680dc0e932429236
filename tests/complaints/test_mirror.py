"""The mirror shows the platform's newest word, whatever order its words arrive in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from kesu.complaints.models import Complaint, Media, TimelineEntry
from kesu.complaints.snapshots import Snapshot
from kesu.sync.recording import record_snapshot
from kesu.wechatpay.resources import Complaint as Detail
from kesu.wechatpay.resources import HistoryEntry
from tests.factories import NOW, make_account

pytestmark = pytest.mark.django_db

ID = "200201820200101080076610000"
START = NOW - timedelta(hours=2)


def wire_time(moment: datetime) -> str:
    return moment.isoformat()


class Story:
    """A complaint's life at the platform; ``look()`` is what a reading at this moment would give."""

    def __init__(self) -> None:
        self.state, self.times, self.waiting, self.refunded = "PENDING", 1, True, False
        self.at = START
        self.history: list[dict[str, Any]] = []
        self._write("USER_CREATE_COMPLAINT", "没收到货")

    def act(self, act: str, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)
        if act == "reply" and self.state != "PROCESSED":
            self.state, self.waiting = "PROCESSING", False
            self._write("MERCHANT_RESPONSE", "您好, 正在核实")
        elif act == "complete" and self.state == "PROCESSING":
            self.state = "PROCESSED"
            self._write("MERCHANT_CONFIRM_COMPLETE", "")
        elif act == "continue" and self.state == "PROCESSED":
            self.state, self.times, self.waiting = "PENDING", self.times + 1, True
            self._write("USER_CONTINUE_COMPLAINT", "还是没解决")
        elif act == "write":
            self.waiting = True
            self._write("USER_RESPONSE", "人呢")
        elif act == "refund" and not self.refunded:
            self.refunded = True
            self._write("COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE", "")

    def look(self) -> Snapshot:
        detail = {
            "complaint_id": ID,
            "complaint_time": wire_time(START),
            "complaint_state": self.state,
            "complaint_detail": "没收到货",
            "complainted_mchid": "1900000001",
            "user_complaint_times": self.times,
            "incoming_user_response": self.waiting,
            "complaint_full_refunded": self.refunded,
            "problem_description": "商家不发货",
            "complaint_order_info": [{"transaction_id": "4200", "out_trade_no": "A1", "amount": 1990}],
        }
        return snapshot(detail, self.history, self.at)

    def _write(self, operate_type: str, text: str) -> None:
        number = len(self.history)
        self.history.append(
            {
                "log_id": f"3002852027{number:04}",
                "operator": "投诉人",
                "operate_time": wire_time(self.at),
                "operate_type": operate_type,
                "operate_details": text,
            }
        )


def snapshot(detail: dict[str, Any], history: list[dict[str, Any]], at: datetime, phone: str | None = None) -> Snapshot:
    answered_at = at.replace(microsecond=0)
    entries = [HistoryEntry.from_wire(entry) for entry in history]
    return Snapshot(Detail.from_wire(detail, answered_at=answered_at), entries, answered_at, phone)


def rows() -> dict[str, Any]:
    """Everything that must not depend on the order of arrival."""
    complaint = Complaint.objects.get()
    return {
        "complaint": {
            field.attname: getattr(complaint, field.attname)
            for field in Complaint._meta.concrete_fields
            if field.name not in ("id", "account", "first_seen_at", "history_read_at", "read_again_at")
        },
        "timeline": list(
            complaint.timeline.order_by("log_id").values_list("log_id", "operate_type", "operate_time", "details")
        ),
        "rounds": list(
            complaint.rounds.order_by("number").values_list(
                "number", "started_at", "replied", "replied_at", "completed_at", "reply_due_at", "complete_due_at"
            )
        ),
        "orders": list(complaint.orders.values_list("transaction_id", "amount")),
        "running": sorted(
            complaint.clocks.filter(stopped_at__isnull=True).values_list("round_number", "kind", "deadline_at")
        ),
    }


acts = st.lists(
    st.tuples(
        st.sampled_from(["reply", "complete", "continue", "write", "refund"]),
        st.integers(0, 3),  # seconds: often several acts within one second of the platform's clock
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(acts=acts, data=st.data())
def test_any_order_and_repetition_of_readings_ends_in_the_same_rows(acts, data):
    story, seen = Story(), []
    for act, seconds, looked in acts:
        story.act(act, seconds)
        if looked:
            seen.append(story.look())
    seen.append(story.look())
    shuffled = data.draw(st.permutations(seen)) + data.draw(st.lists(st.sampled_from(seen), max_size=3))
    with transaction.atomic():
        account = make_account()
        for reading in seen:
            record_snapshot(account, reading, now=NOW)
        in_order = rows()
        transaction.set_rollback(True)
    with transaction.atomic():
        account = make_account()
        for reading in shuffled:
            record_snapshot(account, reading, now=NOW)
        assert rows() == in_order
        transaction.set_rollback(True)


def test_recording_the_same_reading_twice_changes_and_tells_nothing():
    account, reading = make_account(), Story().look()
    first = record_snapshot(account, reading, now=NOW)
    second = record_snapshot(account, reading, now=NOW)
    assert first.before is None
    assert len(first.entries) == 1
    assert not second.applied
    assert second.entries == ()


def test_an_older_reading_that_arrives_late_does_not_take_the_state_back():
    account, story = make_account(), Story()
    early = story.look()
    story.act("reply", 30)
    record_snapshot(account, story.look(), now=NOW)
    change = record_snapshot(account, early, now=NOW)
    assert not change.applied
    assert Complaint.objects.get().state == "PROCESSING"


def test_within_one_second_the_later_state_wins():
    account, story = make_account(), Story()
    early = story.look()
    story.act("reply", 0)
    late = story.look()
    record_snapshot(account, late, now=NOW)
    record_snapshot(account, early, now=NOW)
    assert Complaint.objects.get().state == "PROCESSING"


def test_a_continuation_opens_a_new_round_with_new_deadlines():
    account, story = make_account(), Story()
    for act in ("reply", "complete"):
        story.act(act, 60)
    record_snapshot(account, story.look(), now=NOW)
    assert not Complaint.objects.get().open
    story.act("continue", 3600)
    record_snapshot(account, story.look(), now=NOW)
    complaint = Complaint.objects.get()
    assert (complaint.open, complaint.replied, complaint.round_number) == (True, False, 2)
    assert complaint.reply_due_at == story.at + timedelta(hours=24)
    assert complaint.next_due_at == complaint.reply_due_at


def test_a_state_nobody_knows_keeps_the_case_open():
    account, story = make_account(), Story()
    story.state = "ARBITRATION"
    record_snapshot(account, story.look(), now=NOW)
    assert Complaint.objects.get().open


def test_a_strange_detail_is_taken_in_as_far_as_it_goes():
    account = make_account()
    reading = snapshot(
        {"complaint_id": ID, "complaint_state": None, "user_complaint_times": "x", "brand_new": {}}, [], NOW
    )
    record_snapshot(account, reading, now=NOW)
    complaint = Complaint.objects.get()
    assert complaint.complaint_time == NOW
    assert complaint.open
    assert "brand_new" in complaint.raw


def test_the_phone_number_is_sealed_and_only_its_tail_is_readable():
    from django.db import connection

    account, story = make_account(), Story()
    reading = story.look()
    record_snapshot(account, Snapshot(reading.detail, reading.entries, reading.answered_at, "13800005678"), now=NOW)
    complaint = Complaint.objects.get()
    assert (complaint.payer_phone, complaint.payer_phone_tail) == ("13800005678", "5678")
    with connection.cursor() as cursor:
        cursor.execute("select complaints_complaint::text from complaints_complaint")
        stored = cursor.fetchone()[0]
    assert "13800005678" not in stored
    assert b"13800005678".hex() not in stored


def test_a_partners_sub_merchant_is_remembered_when_it_is_first_seen():
    account = make_account("1900000009", role="partner")
    record_snapshot(account, Story().look(), now=NOW)
    assert list(account.sub_merchants.values_list("mchid", flat=True)) == ["1900000001"]


def test_pictures_are_noted_once_although_their_addresses_change_with_every_reading():
    account, story = make_account(), Story()
    for token in ("a", "b"):
        reading = story.look()
        story.history[0]["image_list"] = [f"https://api.mch.weixin.qq.com/v3/merchant-service/images/x%3D?t={token}"]
        reading = story.look()
        record_snapshot(account, reading, now=NOW)
    assert Media.objects.count() == 1


def test_nul_characters_do_not_stop_a_complaint():
    account, story = make_account(), Story()
    story.history[0]["operate_details"] = "a\0b"
    record_snapshot(account, story.look(), now=NOW)
    assert TimelineEntry.objects.get().details == "ab"
