"""Cases in great number, copied inside PostgreSQL from one that Kesu recorded itself. For a process that has a desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection

from kesu.complaints.models import Complaint
from kesu.complaints.snapshots import Snapshot
from kesu.merchants.models import Account
from kesu.sync.recording import record_snapshot
from kesu.wechatpay.resources import Complaint as Detail
from kesu.wechatpay.resources import HistoryEntry

UNCLAIMED_AFTER = timedelta(minutes=15)
"""The default ladder's first step after the opening."""

_CASES = """
    insert into complaints_complaint
    select copy.* from complaints_complaint as original,
        unnest(%(numbers)s::text[]) with ordinality as given(complaint_id, place),
        lateral jsonb_populate_record(original, jsonb_build_object(
            'id', original.id + given.place, 'complaint_id', given.complaint_id)) as copy
    where original.id = %(original)s
"""
_CLOCKS = """
    insert into alerts_clock
    select copy.* from alerts_clock as original, complaints_complaint as complaint,
        lateral jsonb_populate_record(original, jsonb_build_object(
            'id', nextval(pg_get_serial_sequence('alerts_clock', 'id')), 'complaint_id', complaint.id)) as copy
    where original.complaint_id = %(original)s and original.kind = any(%(kinds)s) and complaint.id > %(original)s
    order by complaint.id, original.kind
"""


def make_case(account: Account, *, raised_at: datetime) -> Complaint:
    """A complaint that was heard of when it was raised, with its clocks; its opening is told."""
    detail = {
        "complaint_id": "200201820260000000000000000000",
        "complaint_time": raised_at.isoformat(),
        "complaint_state": "PENDING",
        "complaint_detail": "说好三天发货, 一周了没人理我",
        "complainted_mchid": account.mchid,
        "problem_type": "REFUND",
        "user_complaint_times": 1,
        "payer_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "complaint_order_info": [{"transaction_id": "4200000001", "out_trade_no": "A1", "amount": 19900}],
    }
    opening = {
        "log_id": f"{detail['complaint_id']}001",
        "operator": "投诉人",
        "operate_time": raised_at.isoformat(),
        "operate_type": "USER_CREATE_COMPLAINT",
    }
    snapshot = Snapshot(Detail.from_wire(detail, answered_at=raised_at), [HistoryEntry.from_wire(opening)], raised_at)
    return record_snapshot(account, snapshot, now=raised_at).complaint


def numbers(count: int) -> list[str]:
    """So many complaints' numbers."""
    return [f"20020182026{number:017d}" for number in range(1, count + 1)]


def multiply(
    original: Complaint, complaint_ids: Sequence[str], *, kinds: Sequence[str] = ("reply", "complete")
) -> None:
    """More cases like ``original``, with the clocks of these kinds; ``original`` itself is gone then."""
    given = {"original": original.pk, "numbers": list(complaint_ids), "kinds": list(kinds)}
    with connection.cursor() as cursor:
        cursor.execute(_CASES, given)
        cursor.execute(_CLOCKS, given)
        cursor.execute("delete from alerts_message")
        cursor.execute(
            "select setval(pg_get_serial_sequence('complaints_complaint', 'id'), max(id)) from complaints_complaint"
        )
    original.delete()
