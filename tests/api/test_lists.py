"""Lists as a whole, by the API: as files, as views of one's own, many cases at once."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from openpyxl import load_workbook

from kesu.accounts import tokens
from kesu.accounts.models import User
from kesu.audit.models import AuditEntry
from kesu.commands.models import Command
from kesu.complaints import saved_views, search
from kesu.complaints.models import Complaint, SavedView
from kesu.merchants import grants
from tests.desk_seeds import make_complaint, make_merchant, make_user

TEXT = "您好, 非常抱歉给您带来不便, 我们已经核实, 今天内为您处理。"


@pytest.fixture
def cases(day, now):
    return [make_complaint(day["account"], 400 + number, now=now) for number in range(3)]


@pytest.fixture
def taken(token):
    """A file of the API: its name, and its rows."""

    def take(query: str, secret: str = "") -> tuple[str, list[list[str]]]:
        headers = {"Authorization": f"Bearer {secret or token('auditor', ('read',))}"}
        answer = Client(headers=headers).get(f"/api/v1/export?{query}")
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        content = b"".join(answer)
        if "spreadsheetml" in answer.headers["Content-Type"]:
            sheet = load_workbook(io.BytesIO(content)).active
            return answer.headers["Content-Disposition"], [list(row) for row in sheet.values]
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        return answer.headers["Content-Disposition"], list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))

    return take


def test_a_list_is_taken_along_as_the_page_gives_it_and_written_down(taken, day):
    for complaint in Complaint.objects.all():
        search.index(complaint)
    name, rows = taken("view=all&q=充电宝&problem=OTHERS")
    assert (name.startswith('attachment; filename="complaints-'), len(rows)) == (True, 2)
    _, book = taken("view=all&format=xlsx")
    assert len(book) == 1 + Complaint.objects.count()
    entry, workbook = AuditEntry.objects.filter(action="exported").order_by("sequence")
    assert entry.details["filter"] == "view=all&q=...&problem=OTHERS"
    assert (entry.via, workbook.details["format"], workbook.details["token"]) == ("api", "xlsx", "test")


def test_a_file_holds_ones_own_merchants_and_nothing_that_a_spreadsheet_would_run(taken, day, now):
    make_complaint(day["account"], 410, now=now, detail="=HYPERLINK(1)")
    make_complaint(make_merchant(now, "1900000309", "别家"), 450, now=now)
    manager = make_user("narrow", role="manager", all_merchants=False)
    grants.grant(manager, day["account"])
    _, secret = tokens.create(manager, "x", ["read"], expires_at=None, now=now)
    _, (_, *rows) = taken("view=all&mark=", secret)
    assert {row[2] for row in rows} == {day["account"].mchid}
    assert "'=HYPERLINK(1)" in {cell for row in rows for cell in row}


def test_a_list_too_long_for_excel_is_refused_and_no_file_is_begun(call, day, monkeypatch):
    monkeypatch.setattr("kesu.complaints.exporting.EXCEL_LIMIT", 3)
    refused = call("get", "/export?view=all&format=xlsx")
    assert (refused.status_code, refused.told["code"]) == (409, "too_many_rows")
    assert not AuditEntry.objects.filter(action="exported").exists()


def test_views_are_ones_own_and_the_same_as_on_the_page(call, token, day):
    secret = token("viewer", ("read", "act"))
    wish = {"name": "要紧的", "only": "mine", "mark": ["again", "high_risk"], "least": 5000, "since": "2026-01-02"}
    saved = call("post", "/views", wish, secret=secret)
    assert saved.status_code == 200, saved.told
    assert SavedView.objects.get().query == "only=mine&mark=again&mark=high_risk&least=50&since=2026-01-02"
    again = call("post", "/views", {"name": "要紧的", "view": "all", "q": "充电宝"}, secret=secret).told
    assert (again["id"], again["q"], again["least"]) == (saved.told["id"], "充电宝", None)
    [told] = call("get", "/views", secret=secret).told
    assert (told["view"], told["query"]) == ("all", "view=all&q=%E5%85%85%E7%94%B5%E5%AE%9D")
    assert call("get", "/views").told == []
    assert call("delete", f"/views/{told['id']}").status_code == 404
    assert call("delete", f"/views/{told['id']}", secret=token("viewer", ("read",))).status_code == 403
    assert call("delete", f"/views/{told['id']}", secret=secret).status_code == 204


def test_there_is_an_end_to_views(call, token, day, now):
    token()
    owner = User.objects.get(username="api-owner")
    SavedView.objects.bulk_create(
        SavedView(user=owner, name=str(number), query="", created_at=now) for number in range(saved_views.MOST_VIEWS)
    )
    assert call("post", "/views", {"name": "more"}).told["code"] == "too_many_views"
    assert call("post", "/views", {"name": "1", "only": "mine"}).told["only"] == "mine"


def test_each_of_many_is_answered_by_itself(call, token, day, cases, now):
    make_user("agent", "小钱", role="agent")
    Complaint.objects.filter(pk=cases[1].pk).update(claimed_by=day["other_user"])
    far = make_complaint(make_merchant(now, "1900000309", "别家"), 450, now=now)
    numbers = [cases[0].complaint_id, cases[1].complaint_id, "200000000000", far.complaint_id]
    body = {"username": "agent", "rows": [{"complaint_id": number} for number in numbers]}
    told = call("post", "/bulk/assign", body).told
    assert [one["outcome"] for one in told] == ["done", "refused", "missing", "done"]
    assert told[1]["accept"] == ["claimed_by_other"]
    body["rows"] = [{"complaint_id": numbers[1], "acknowledged": told[1]["accept"]}]
    assert [one["outcome"] for one in call("post", "/bulk/assign", body).told] == ["done"]
    assert Complaint.objects.filter(claimed_by__username="agent").count() == 3
    assert AuditEntry.objects.filter(action="assigned", via="api").count() == 3
    assert call("post", "/bulk/assign", body | {"username": "nobody"}).status_code == 404
    assert call("post", "/bulk/assign", body | {"rows": []}).status_code == 422


def test_one_text_reaches_each_payer_once_under_one_key(call, cases):
    rows = []
    for case in cases:
        seen = call("get", f"/complaints/{case.complaint_id}").told["seen"]
        rows.append({"complaint_id": case.complaint_id, "seen": seen})
    body = {"text": TEXT, "key": "one-press", "rows": rows}
    asked = call("post", "/bulk/reply", body).told
    for row, one in zip(rows, asked, strict=True):
        row["acknowledged"] = one["accept"]
    first, second = (call("post", "/bulk/reply", body).told for _ in range(2))
    assert [one["outcome"] for one in first] == ["done"] * 3
    assert [one["command"]["id"] for one in first] == [one["command"]["id"] for one in second]
    assert Command.objects.count() == 3
