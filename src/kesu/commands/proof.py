"""Settling an unknown outcome by what the platform shows. Pure: entries in, a verdict out.

A reply has no idempotency key (回复用户, https://pay.weixin.qq.com/doc/v3/merchant/4012467205), so a call whose answer
was lost is never made again before the history was read. Immediate replies and refunds have one: they need no proof.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kesu.rules.operations import COMPLETIONS, MERCHANT_REPLIES
from kesu.rules.states import ComplaintState

CLOCKS_APART = timedelta(minutes=5)
"""How far our clock and the platform's may differ: the platform refuses requests beyond that."""

APPROVALS = frozenset({"MERCHANT_APPROVE_REFUND"})
REJECTIONS = frozenset({"MERCHANT_REFUSE_RERUND"})


@dataclass(frozen=True)
class Entry:
    """A row of the history. ``pk`` grows with the order in which the desk came to know rows."""

    pk: int
    log_id: str
    operate_type: str
    operate_time: datetime
    details: str


@dataclass(frozen=True)
class Sought:
    """What a command would leave behind. ``baseline`` is the newest row known just before the call;
    ``taken`` are the rows that prove other commands."""

    kind: str
    text: str
    sent_at: datetime
    baseline: int
    taken: Collection[str]


def find(sought: Sought, entries: Iterable[Entry]) -> Entry | None:
    """The first row that only this command can have written; None when there is none (yet)."""
    kinds = {
        "reply": MERCHANT_REPLIES,
        "complete": COMPLETIONS,
        "approve_refund": APPROVALS,
        "reject_refund": REJECTIONS,
    }.get(sought.kind, frozenset())
    candidates = [
        entry
        for entry in entries
        if entry.operate_type in kinds
        and entry.pk > sought.baseline
        and entry.log_id not in sought.taken
        and entry.operate_time >= sought.sent_at - CLOCKS_APART
        and (sought.kind not in ("reply", "reject_refund") or _same(entry.details, sought.text))
    ]
    return min(candidates, key=lambda entry: (entry.operate_time, entry.log_id), default=None)


def state_proves(kind: str, state: str) -> bool:
    """Whether the platform's state alone shows that the command's purpose is reached (a second complete is an error,
    so a completed case is as good as our own completion)."""
    return kind == "complete" and state == ComplaintState.PROCESSED


def _same(shown: str, sent: str) -> bool:
    """The platform may trim or fold white space."""
    return "".join(shown.split()) == "".join(sent.split())
