"""What the platform did to a provider's sub-merchants, as the page of the merchant number shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kesu.alerts.accounts import published_limitation
from kesu.merchants.models import Account, Limitation
from kesu.merchants.queries import limited_sub_merchants, violation_notices

SHOWN = 20
EVENTS: Mapping[str, str | Promise] = {
    "VIOLATION.PUNISH": _("Punished"),
    "VIOLATION.INTERCEPT": _("Orders intercepted"),
    "VIOLATION.APPEAL": _("Result of an appeal"),
}


def done_to_sub_merchants(account: Account) -> dict[str, Any]:
    """Violation notices (处置通知) with what each is called, and present limitations (管控) with their ways out."""
    notices = violation_notices(SHOWN, account=account)
    return {
        "violations": [{"row": row, "event": EVENTS.get(row.event_type, row.event_type)} for row in notices],
        "limitations": [_limitation(row) for row in limited_sub_merchants(SHOWN, account=account)],
    }


def _limitation(row: Limitation) -> dict[str, Any]:
    words = [published_limitation(word) or word for word in (*row.functions, *row.other_functions.split(",")) if word]
    reasons = [
        {
            "why": recovery.get("limitation_reason_describe") or recovery.get("limitation_reason") or "",
            "way": recovery.get("recover_way") or "",
        }
        for recovery in row.recoveries
        if isinstance(recovery, Mapping)
    ]
    return {"row": row, "words": words, "reasons": reasons}
