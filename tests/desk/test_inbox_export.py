"""Taking complaints along as a file: complete, written down, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook

from kesu.audit.models import AuditEntry
from kesu.complaints import exporting, queries, search
from kesu.complaints.exporting import harmless
from kesu.complaints.models import Complaint
from tests.desk_seeds import make_complaint

HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "  =cmd|' /C calc'!A0",
    '=HYPERLINK("http://x","y")',
]


def table(answer) -> list[list[str]]:
    raw = b"".join(answer)
    assert raw.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def sheet(answer):
    return load_workbook(io.BytesIO(b"".join(answer))).active


@pytest.fixture
def hostile(day, now):
    return [
        make_complaint(
            day["account"], 600 + number, now=now, detail=text, problem_description=text, problem_type=text[:40]
        )
        for number, text in enumerate(HOSTILE)
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text):
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", ["", "退款", "a=b", "1+1", "¥-1", "'=1"])
def test_everything_else_stays_as_it_is(text):
    assert harmless(text) == text


def test_csv_holds_the_whole_list_for_excel(desk, day):
    answer = desk.post("/export", {"query": "view=all", "format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    rows = table(answer)
    assert rows[0][0] == "投诉单号"
    assert len(rows) == 1 + Complaint.objects.count()
    first = next(row for row in rows if row[0] == day["case"].complaint_id)
    assert "199.00" in first
    assert "5678" in first
    assert "13800005678" not in str(rows)
    assert day["case"].orders.get().transaction_id in first


def test_no_cell_of_a_csv_can_run(desk, hostile):
    for row in table(desk.post("/export", {"query": "view=all", "format": "csv"})):
        assert not any(cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝")) for cell in row), row


def test_no_cell_of_a_workbook_is_a_formula(desk, hostile):
    cells = [cell for row in sheet(desk.post("/export", {"query": "view=all", "format": "xlsx"})) for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert {"=1+1", "@SUM(A1)"} <= {cell.value for cell in cells}


def test_a_workbook_keeps_long_numbers_and_amounts(desk, day):
    rows = list(sheet(desk.post("/export", {"query": "", "format": "xlsx"})).values)
    mine = next(row for row in rows if row[0] == day["case"].complaint_id)
    assert day["case"].orders.get().transaction_id in mine
    assert 199 in mine


def test_control_characters_and_very_long_words_fit_into_a_workbook(desk, day, now):
    make_complaint(day["account"], 700, now=now, detail="a\x01b\x1f" + "长" * 40_000)
    rows = list(sheet(desk.post("/export", {"query": "view=all", "format": "xlsx"})).values)
    assert max(len(str(cell)) for row in rows for cell in row) == exporting.LONGEST_CELL


def test_an_export_takes_the_filtered_list_and_is_written_down(desk, day):
    rows = table(desk.post("/export", {"query": "only=overdue", "format": "csv"}))
    assert [row[0] for row in rows[1:]] == [day["overdue"].complaint_id]
    entry = AuditEntry.objects.get(action="exported")
    assert entry.details == {"format": "csv", "count": 1, "filter": "only=overdue"}


def test_what_was_searched_for_does_not_reach_the_audit(desk, day):
    for complaint in Complaint.objects.all():
        search.index(complaint)
    assert len(table(desk.post("/export", {"query": "view=all&q=充电宝&problem=OTHERS", "format": "csv"}))) == 2
    details = AuditEntry.objects.get(action="exported").details
    assert "充电宝" not in str(details)
    assert details["filter"] == "view=all&q=...&problem=OTHERS"


def test_chosen_rows_are_exported_alone(desk, day):
    for kind in ("csv", "xlsx"):
        answer = desk.post("/bulk", {"do": kind, "case": [day["case"].pk, day["overdue"].pk]})
        rows = table(answer) if kind == "csv" else list(sheet(answer).values)
        assert len(rows) == 3
    assert AuditEntry.objects.filter(action="exported", details__count=2).count() == 2


def test_a_list_too_long_for_excel_says_so_and_leaves_csv(desk, day, monkeypatch):
    monkeypatch.setattr("kesu.complaints.exporting.EXCEL_LIMIT", 3)
    answer = desk.post("/export", {"query": "view=all", "format": "xlsx"})
    assert answer.headers["Location"] == "/?view=all"
    assert "Excel 最多 3 行" in desk.get("/").content.decode()
    assert not AuditEntry.objects.filter(action="exported").exists()


def test_a_long_list_is_read_page_after_page(day, now):
    for number in range(100, 160):
        make_complaint(day["account"], number, now=now)
    found = [list(batch) for batch in queries.batches(day["user"], "open", size=25, now=now)]
    assert [len(batch) for batch in found] == [25, 25, 18]
    assert len({case.pk for batch in found for case in batch}) == Complaint.objects.filter(open=True).count()


def test_an_export_needs_a_press(desk):
    assert desk.get("/export?format=csv").status_code == 405


def test_a_file_speaks_the_language_of_the_page(english, day):
    rows = table(english.post("/export", {"query": "view=all", "format": "csv"}))
    assert rows[0][0] == "Complaint number"
