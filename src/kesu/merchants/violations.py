"""处置通知: what the platform tells a provider that it did to a sub-merchant.

Source: https://pay.weixin.qq.com/doc/v3/partner/4012079216 (2025-02-19). Not offered to direct merchants.
"""

from __future__ import annotations

import json
from datetime import datetime

from kesu.merchants.models import Account, ViolationNotice
from kesu.merchants.services import remember_sub_merchants
from kesu.wechatpay import Notice, Violation

EVENT_PREFIX = "VIOLATION."


def remember_violation(account: Account, notice: Notice, *, now: datetime) -> ViolationNotice | None:
    """Keep an opened violation notice; None when this record was told before (``record_id`` is its key).

    Nothing is validated: the plan is free text, risk types grow, and a time that cannot be read stays in ``raw``.
    """
    told = Violation.from_wire(notice.resource)
    row = ViolationNotice(
        account=account,
        event_type=notice.event_type[:64],
        record_id=told.record_id[:128] or f"notice:{notice.id[:64]}",
        sub_mchid=told.sub_mchid[:64],
        company_name=told.company_name[:200],
        risk_type=told.risk_type[:64],
        risk_description=told.risk_description,
        punish_plan=told.punish_plan,
        punish_description=told.punish_description,
        punished_at=told.at,
        raw=json.dumps(notice.resource, ensure_ascii=False),
        received_at=now,
    )
    known = ViolationNotice.objects.filter(account=account, record_id=row.record_id, event_type=row.event_type)
    if known.exists():
        return None
    ViolationNotice.objects.bulk_create([row], ignore_conflicts=True)
    remember_sub_merchants(account, {row.sub_mchid}, now=now)
    return known.first()
