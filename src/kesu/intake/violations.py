"""Violation notices: unlike a complaint's, they hold all that there is to know, so they are opened and kept."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog

from kesu.alerts.accounts import VIOLATION, AccountCause, owe_about_accounts
from kesu.intake.models import Notice
from kesu.merchants.credentials import apiv3_keys
from kesu.merchants.models import Account, ViolationNotice
from kesu.merchants.violations import remember_violation
from kesu.rules.escalations import UrgencyClass
from kesu.wechatpay import open_envelope

log = structlog.get_logger(__name__)

PUNISHED = "VIOLATION.PUNISH"


def take_violations(notices: Collection[Notice], *, now: datetime) -> None:
    """Keep what these notices say and owe the messages for what is new, in the caller's transaction.

    Raises NoticeRejected for one that no APIv3 key opens any more: it is parked, and tried again on request.
    """
    for notice in notices:
        account = notice.account
        opened = open_envelope(bytes(notice.body), apiv3_keys=apiv3_keys(account, now=now))
        violation = remember_violation(account, opened, now=now)
        if violation is not None:
            log.warning("violation_notice", account=account.pk, kind=violation.event_type, row=violation.pk)
            owe_about_accounts([_cause(account, violation)], now=now)


def _cause(account: Account, violation: ViolationNotice) -> AccountCause:
    punished = violation.event_type == PUNISHED
    return AccountCause(
        account_pk=account.pk,
        mchid=account.mchid,
        key=f"violation:{violation.pk}",
        kind=VIOLATION,
        urgency=UrgencyClass.URGENT if punished else UrgencyClass.NORMAL,
        mention=punished,
        facts={
            "event_type": violation.event_type,
            "sub_mchid": violation.sub_mchid,
            "company_name": violation.company_name,
            "record_id": violation.record_id,
            "risk_type": violation.risk_type,
            "risk_description": violation.risk_description[:200],
            "punish_plan": violation.punish_plan[:200],
            "punish_description": violation.punish_description[:200],
            "punished_at": violation.punished_at.isoformat() if violation.punished_at else "",
        },
    )
