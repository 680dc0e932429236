"""Complaints as a table for other programs: CSV for any of them, XLSX for Excel.

A payer writes what they like, and a spreadsheet runs a cell that begins like a formula (CSV injection). In CSV such a
cell gets an apostrophe before it; in XLSX every text is stored as text.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO

from django.utils import translation
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from kesu.clock import BEIJING
from kesu.complaints import labels
from kesu.complaints.models import Complaint

EXCEL_LIMIT = 100_000
"""Rows of a workbook: more make a file that Excel opens badly. CSV has no limit."""
LONGEST_CELL = 32_767
_BYTE_ORDER_MARK = "\ufeff"
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n")

Cell = str | int | Decimal | None


def titles() -> list[str]:
    return [
        _("Complaint number"),
        _("State"),
        _("Merchant number"),
        _("Merchant"),
        _("Problem"),
        _("Amount (yuan)"),
        _("Refund asked for (yuan)"),
        _("Complained at (Beijing)"),
        _("Reply until"),
        _("Complete until"),
        _("Round"),
        _("Times complained"),
        _("Marks"),
        _("Handled by"),
        _("Phone ends in"),
        _("WeChat Pay order"),
        _("Merchant order"),
        _("Words of the payer"),
        _("Description"),
    ]


def cells(complaint: Complaint) -> list[Cell]:
    """One row. No more of a phone number than its last digits."""
    orders = list(complaint.orders.all())
    return [
        complaint.complaint_id,
        labels.say(labels.STATES, complaint.state),
        labels.merchant_number(complaint),
        labels.merchant(complaint),
        labels.say(labels.PROBLEM_TYPES, complaint.problem_type),
        _yuan(complaint.amount),
        _yuan(complaint.apply_refund_amount),
        _moment(complaint.complaint_time),
        _moment(complaint.reply_due_at) if complaint.open else "",
        _moment(complaint.complete_due_at) if complaint.open else "",
        complaint.round_number,
        complaint.user_complaint_times,
        ", ".join(mark.text for mark in labels.marks(complaint)),
        str(complaint.claimed_by) if complaint.claimed_by else "",
        complaint.payer_phone_tail,
        ", ".join(order.transaction_id for order in orders),
        ", ".join(order.out_trade_no for order in orders if order.out_trade_no),
        complaint.detail,
        complaint.problem_description,
    ]


def harmless(text: str) -> str:
    """With an apostrophe before what a spreadsheet would run. Wide signs count: some spreadsheets narrow them."""
    start = unicodedata.normalize("NFKC", text.lstrip(" \u3000")[:1])
    return f"'{text}" if text.startswith(_RUNS) or start.startswith(_RUNS) else text


def as_csv(batches: Iterable[Sequence[Complaint]], language: str) -> Iterator[bytes]:
    """A piece a batch, in UTF-8 with the mark by which Excel knows it."""
    with translation.override(language):
        head = titles()
    yield (_BYTE_ORDER_MARK + _lines([head])).encode()
    for batch in batches:
        with translation.override(language):
            table = [cells(complaint) for complaint in batch]
        yield _lines(table).encode("utf-8", "replace")


def as_xlsx(batches: Iterable[Sequence[Complaint]]) -> IO[bytes]:
    """The workbook. Its rows wait in a temporary file until it is whole; packed, the largest has some 20 MB."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_("Complaints"))
    sheet.freeze_panes = "A2"
    sheet.append([_cell(sheet, title) for title in titles()])
    for batch in batches:
        for complaint in batch:
            sheet.append([_cell(sheet, value) for value in cells(complaint)])
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


def _cell(sheet: object, value: Cell) -> WriteOnlyCell:
    if not isinstance(value, str):
        return WriteOnlyCell(sheet, value)
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST_CELL])
    cell.data_type = "s"  # openpyxl takes a leading "=" for a formula
    return cell


def _lines(table: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in table:
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in row])
    return text.getvalue()


def _yuan(fen: int | None) -> Decimal | None:
    """For a cell to reckon with."""
    return None if fen is None else Decimal(fen).scaleb(-2)


def _moment(when: datetime) -> str:
    return when.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")
