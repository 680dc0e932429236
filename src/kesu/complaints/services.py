"""Keeping the mirror: what the platform says about a complaint becomes rows, whatever order it arrives in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from kesu.complaints import search
from kesu.complaints.media import note_media
from kesu.complaints.models import Complaint, Order, Round, ServiceOrder, TimelineEntry
from kesu.complaints.snapshots import Snapshot
from kesu.merchants.models import Account
from kesu.merchants.services import remember_sub_merchants
from kesu.rules import states
from kesu.rules.deadlines import DEFAULT_PROFILE, PROFILES
from kesu.rules.escalations import Facts
from kesu.vault import keyring
from kesu.wechatpay.resources import HistoryEntry

PHONE = "payer.phone"
OPENID = "payer.openid"
SHOWN = (
    "state",
    "complaint_time",
    "complainted_mchid",
    "detail",
    "problem_type",
    "problem_description",
    "amount",
    "apply_refund_amount",
    "user_complaint_times",
    "user_tags",
    "full_refunded",
    "incoming_user_response",
    "in_platform_service",
    "need_immediate_service",
    "round_number",
    "open",
    "replied",
    "reply_due_at",
    "complete_due_at",
)
"""What others are told of a complaint, as it stands at the platform."""


@dataclass(frozen=True)
class Change:
    """What one snapshot changed. ``before`` is None when the complaint was seen for the first time; ``entries``
    are the timeline rows that are new; ``applied`` is False when a newer snapshot already stood and only the
    timeline could gain. ``fields`` names those of ``SHOWN`` whose value is another now, all of them at first."""

    complaint: Complaint
    before: Facts | None
    after: Facts
    entries: tuple[TimelineEntry, ...]
    rounds: tuple[states.Round, ...]
    applied: bool
    fields: tuple[str, ...] = ()


@transaction.atomic
def mirror(account: Account, snapshot: Snapshot, *, now: datetime) -> Change:
    """Bring the rows of one complaint up to a snapshot. Idempotent, and the same rows result from any order and
    repetition of snapshots: the timeline is a union by ``log_id``, the row shows the snapshot that is newest by
    the platform's clock."""
    complaint, created = _locked(account, snapshot, now)
    before = None if created else facts(complaint)
    shown = {} if created else _shown(complaint)
    applied = created or _is_newer(snapshot, complaint)
    said = None if created else search.said_in(complaint)
    if applied:
        _show(complaint, snapshot)
    new_entries = _store_entries(complaint, snapshot)
    rounds = _derive(complaint, account)
    complaint.history_read_at = now
    complaint.read_again_at = (
        now + timedelta(seconds=settings.CONFIGURATION.reread_open_seconds) if complaint.open else None
    )
    complaint.save()
    _store_orders(complaint, snapshot)
    _store_rounds(complaint, rounds)
    note_media(complaint, snapshot, now=now)
    if said != search.said_in(complaint) or search.adds_words(new_entries):
        search.index(complaint)
    changed = tuple(name for name, value in _shown(complaint).items() if name not in shown or shown[name] != value)
    return Change(complaint, before, facts(complaint), tuple(new_entries), rounds, applied, changed)


def facts(complaint: Complaint) -> Facts:
    """The row as rules see it."""
    return Facts(
        state=complaint.state,
        complaint_time=complaint.complaint_time,
        user_complaint_times=complaint.user_complaint_times,
        high_risk="HIGH_RISK" in complaint.user_tags,
        need_immediate_service=complaint.need_immediate_service,
        in_platform_service=complaint.in_platform_service,
    )


def _shown(complaint: Complaint) -> dict[str, object]:
    return {name: getattr(complaint, name) for name in SHOWN}


def _locked(account: Account, snapshot: Snapshot, now: datetime) -> tuple[Complaint, bool]:
    """The complaint's row, locked, and whether it was made just now."""
    key = {"account": account, "complaint_id": snapshot.detail.complaint_id}
    with connection.cursor() as cursor:
        # Two workers may meet a new complaint at once, and a row that does not exist cannot be locked.
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, %s))", [snapshot.detail.complaint_id, account.pk]
        )
    found = Complaint.objects.select_for_update().filter(**key).first()
    if found is not None:
        return found, False
    complaint = Complaint(**key, first_seen_at=now, history_read_at=now)
    _show(complaint, snapshot)
    complaint.open, complaint.replied = states.is_open(complaint.state), False
    complaint.reply_due_at = complaint.complete_due_at = complaint.complaint_time
    complaint.next_due_at = complaint.complaint_time if complaint.open else None
    complaint.save(force_insert=True)
    remember_sub_merchants(account, {complaint.complainted_mchid}, now=now)
    return complaint, True


def _is_newer(snapshot: Snapshot, complaint: Complaint) -> bool:
    shown = (complaint.answered_at, complaint.version)
    return snapshot.order > shown or (snapshot.order == shown and snapshot.raw > complaint.raw)


def _show(complaint: Complaint, snapshot: Snapshot) -> None:
    """Copy the platform's fields. A time the platform left out falls back to when it answered."""
    detail = snapshot.detail
    complaint.complainted_mchid = detail.complainted_mchid or complaint.complainted_mchid or ""
    complaint.state = detail.complaint_state[:30]
    complaint.complaint_time = detail.complaint_time or complaint.complaint_time or snapshot.answered_at
    complaint.detail = _clean(detail.complaint_detail)
    complaint.problem_type = (detail.problem_type or "")[:40]
    complaint.problem_description = _clean(detail.problem_description)
    amounts = [order.amount for order in detail.complaint_order_info if order.amount is not None]
    complaint.amount = sum(amounts) if amounts else None
    complaint.apply_refund_amount = detail.apply_refund_amount
    complaint.user_complaint_times = max(detail.user_complaint_times, 1)
    complaint.full_refunded = detail.complaint_full_refunded
    complaint.incoming_user_response = detail.incoming_user_response
    complaint.in_platform_service = bool(detail.in_platform_service)
    complaint.need_immediate_service = bool(detail.need_immediate_service)
    complaint.is_agent_mode = bool(detail.is_agent_mode)
    complaint.user_tags = sorted(set(detail.user_tag_list))
    complaint.answered_at, complaint.version = snapshot.order
    complaint.raw = snapshot.raw
    _show_payer(complaint, snapshot)


def _show_payer(complaint: Complaint, snapshot: Snapshot) -> None:
    """Phone and openid are kept sealed, with a keyed hash to recognise a payer again. A reading without them
    erases nothing.
    """
    if snapshot.payer_phone:
        complaint.payer_phone = snapshot.payer_phone
        complaint.payer_phone_tail = snapshot.payer_phone[-4:]
        complaint.payer_phone_fingerprint = keyring().fingerprint(snapshot.payer_phone, PHONE)
    if snapshot.detail.payer_openid:
        complaint.payer_openid = snapshot.detail.payer_openid
        complaint.payer_openid_fingerprint = keyring().fingerprint(snapshot.detail.payer_openid, OPENID)


def _store_entries(complaint: Complaint, snapshot: Snapshot) -> list[TimelineEntry]:
    known = set(complaint.timeline.values_list("log_id", flat=True))
    fresh = {entry.log_id[:64]: entry for entry in snapshot.entries if entry.log_id[:64] not in known}
    rows = [_entry(complaint, log_id, entry) for log_id, entry in fresh.items()]
    TimelineEntry.objects.bulk_create(rows)
    return rows


def _entry(complaint: Complaint, log_id: str, entry: HistoryEntry) -> TimelineEntry:
    return TimelineEntry(
        complaint=complaint,
        log_id=log_id,
        operate_type=entry.operate_type[:80],
        operate_time=entry.operate_time or complaint.complaint_time,
        operator=_clean(entry.operator)[:64],
        details=_clean(entry.words),
        raw=json.dumps(entry.raw, ensure_ascii=False, sort_keys=True),
    )


def _derive(complaint: Complaint, account: Account) -> tuple[states.Round, ...]:
    """Rounds and deadlines from everything known so far, written onto the row."""
    history = [
        states.HistoryItem(log_id=log_id, operate_type=kind, operate_time=time)
        for log_id, kind, time in complaint.timeline.values_list("log_id", "operate_type", "operate_time")
    ]
    rounds = states.derive_rounds(
        complaint.complaint_time,
        history,
        state=complaint.state,
        user_complaint_times=complaint.user_complaint_times,
        profile=PROFILES.get(account.deadline_profile, PROFILES[DEFAULT_PROFILE]),
    )
    current = states.current_round(rounds)
    complaint.round_number = current.number
    complaint.open = not current.completed
    complaint.replied = current.replied
    complaint.reply_due_at, complaint.complete_due_at = current.reply_due_at, current.complete_due_at
    owed = current.complete_due_at if current.replied else min(current.reply_due_at, current.complete_due_at)
    complaint.next_due_at = owed if complaint.open else None
    return rounds


def _store_rounds(complaint: Complaint, rounds: Sequence[states.Round]) -> None:
    Round.objects.bulk_create(
        [
            Round(
                complaint=complaint,
                number=round.number,
                started_at=round.started_at,
                replied=round.replied,
                replied_at=round.replied_at,
                completed_at=round.completed_at,
                reply_due_at=round.reply_due_at,
                complete_due_at=round.complete_due_at,
            )
            for round in rounds
        ],
        update_conflicts=True,
        unique_fields=["complaint", "number"],
        update_fields=["started_at", "replied", "replied_at", "completed_at", "reply_due_at", "complete_due_at"],
    )
    complaint.rounds.exclude(number__in=[round.number for round in rounds]).delete()


def _store_orders(complaint: Complaint, snapshot: Snapshot) -> None:
    detail = snapshot.detail
    orders = {order.transaction_id[:64]: order for order in detail.complaint_order_info}
    Order.objects.bulk_create(
        [
            Order(
                complaint=complaint,
                transaction_id=number,
                out_trade_no=order.out_trade_no[:64],
                amount=order.amount,
            )
            for number, order in orders.items()
        ],
        ignore_conflicts=True,
    )
    services = {order.order_id[:128]: order for order in detail.service_order_info}
    ServiceOrder.objects.bulk_create(
        [
            ServiceOrder(
                complaint=complaint, order_id=number, out_order_no=order.out_order_no[:128], state=order.state[:30]
            )
            for number, order in services.items()
        ],
        ignore_conflicts=True,
    )


def _clean(text: str) -> str:
    """PostgreSQL keeps no NUL characters; everything else a payer writes is kept as it is."""
    return text.replace("\0", "")
