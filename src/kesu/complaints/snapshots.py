"""One reading of a complaint at the platform: detail and history, and which of two readings is the newer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kesu.rules.states import state_rank
from kesu.wechatpay.resources import Complaint as Detail
from kesu.wechatpay.resources import HistoryEntry


@dataclass(frozen=True)
class Snapshot:
    """What the platform said. ``answered_at`` is its own clock when it answered for the detail (whole seconds, signed);
    the history was read just before. ``payer_phone`` is the opened phone number, None where there is none."""

    detail: Detail
    entries: Sequence[HistoryEntry]
    answered_at: datetime
    payer_phone: str | None = field(default=None, repr=False)

    @property
    def order(self) -> tuple[datetime, int]:
        """Greater is newer: the platform's clock, and within one second its own order.

        Within a round the state only moves forward, and a continuation counts one up (查询投诉单详情), so (times,
        state) orders what the clock's whole seconds cannot.
        """
        rank = self.detail.user_complaint_times * 10 + state_rank(self.detail.complaint_state)
        return self.answered_at, rank * 100_000 + min(len(self.entries), 99_999)

    @property
    def raw(self) -> str:
        return json.dumps(self.detail.raw, ensure_ascii=False, sort_keys=True)
