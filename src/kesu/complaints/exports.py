"""Complaints taken along as a file: a whole list, or rows that were chosen. Every one is written down in the audit.
Pages, the REST API and the command line call these functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission, require
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.clock import BEIJING
from kesu.complaints import exporting, queries
from kesu.complaints.models import Complaint
from kesu.complaints.narrowing import Narrowing

CSV, XLSX = "csv", "xlsx"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class TooManyRowsError(Exception):
    """More than Excel opens well; as text it is a sentence in the active language."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        text = _("Excel takes at most %(limit)s rows, and this list has %(count)s. Narrow it, or take CSV.")
        return text % {"limit": f"{exporting.EXCEL_LIMIT:,}", "count": f"{self.count:,}"}


@dataclass(frozen=True)
class Export:
    """``pieces`` are made while they are read: a file for a workbook, which is whole when it begins."""

    name: str
    content_type: str
    pieces: Iterator[bytes] | IO[bytes]


def of_list(actor: Actor, asked: Narrowing, kind: str, *, now: datetime) -> Export:
    """Everything that a list holds for this person, in the active language. ``kind``: CSV or XLSX. Raises Forbidden,
    TooManyRowsError for a workbook."""
    require(actor.user, Permission.EXPORT)
    count = queries.cases(actor.user, asked.view, asked.only, filters=asked.filters, now=now).count()
    if kind == XLSX and count > exporting.EXCEL_LIMIT:
        raise TooManyRowsError(count)
    batches = queries.batches(actor.user, asked.view, asked.only, filters=asked.filters, now=now)
    return _export(actor, batches, kind, count, _for_audit(asked), now=now)


def of_rows(actor: Actor, chosen: Sequence[Complaint], kind: str, *, now: datetime) -> Export:
    """``chosen`` are what this person sees. Raises Forbidden."""
    require(actor.user, Permission.EXPORT)
    return _export(actor, [chosen], kind, len(chosen), f"chosen={len(chosen)}", now=now)


def _export(
    actor: Actor, batches: Iterable[Sequence[Complaint]], kind: str, count: int, what: str, *, now: datetime
) -> Export:
    """Written down first: it may be cut off on its way, and was still begun."""
    record(actor, Action.EXPORTED, "complaints", {"format": kind, "count": count, "filter": what}, now=now)
    name = f"complaints-{now.astimezone(BEIJING):%Y%m%d-%H%M}.{kind}"
    if kind == XLSX:
        return Export(name, TYPES[kind], exporting.as_xlsx(batches))
    return Export(name, TYPES[kind], exporting.as_csv(batches, get_language() or "zh-hans"))


def _for_audit(asked: Narrowing) -> str:
    """Without what was searched for: it may be a payer's number or words."""
    if not asked.filters.text:
        return asked.query
    return replace(asked, filters=replace(asked.filters, text="...")).query
