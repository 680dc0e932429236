"""Narrowing the list: search, filters, chips, saved views, who looks, what is on its way."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.http import QueryDict
from django.test import Client

from kesu.commands.models import CaseView, Command, Refund, RefundRequest
from kesu.complaints import search
from kesu.complaints.models import Complaint, SavedView
from kesu.complaints.narrowing import Narrowing
from tests.desk.test_inbox import follow, shown
from tests.desk_seeds import make_complaint, make_user


@pytest.fixture
def indexed(day):
    for complaint in Complaint.objects.all():
        search.index(complaint)


def text(answer) -> str:
    return html.unescape(answer.content.decode())


def chips(answer) -> dict[str, str]:
    found = re.findall(r'<a class="chip" href="([^"]+)"[^>]*>(.*?) <span', answer.content.decode())
    return {html.unescape(words): html.unescape(address) for address, words in found}


def refund_of(complaint, state="processing", **fields):
    order = complaint.orders.get()
    command = Command.objects.create(
        account=complaint.account, complaint=complaint, kind="refund", state="confirmed", payload="{}", key="k",
        via="page", planned_at=complaint.complaint_time, sent_at=complaint.complaint_time,
        settled_at=complaint.complaint_time,
    )  # fmt: skip
    values = {"due_at": complaint.complaint_time, **fields}
    return Refund.objects.create(
        account=complaint.account, complaint=complaint, order=order, command=command, out_refund_no="R1", amount=100,
        total=1990, state=state, created_at=complaint.complaint_time, **values,
    )  # fmt: skip


def test_the_search_box_finds_finished_cases_too(desk, day, indexed):
    finished = Complaint.objects.get(state="PROCESSED")
    answer = desk.get("/", {"view": "all", "q": "已退"})
    assert shown(answer) == [finished.pk]
    assert set(chips(answer)) == {"“已退”"}


def test_one_character_is_asked_for_another(desk, indexed):
    answer = desk.get("/?view=all&q=退")
    assert shown(answer) == []
    assert "请至少输入两个字" in text(answer)


def test_a_search_without_a_hit_offers_all_complaints(desk, indexed):
    assert "没有符合条件的投诉" in text(desk.get("/?q=没人说过的话"))
    answer = text(desk.get("/?q=已退款&mark=again"))
    link = re.search(r'href="/(\?view=all&q=[^"]+)"', answer)[1]
    assert parse_qs(link[1:]) == {"view": ["all"], "q": ["已退款"], "mark": ["again"]}


def test_each_chip_takes_one_filter_away_and_keeps_the_others(desk, day):
    answer = desk.get(
        "/?only=soon&merchant=1900000109&problem=REFUND&state=PENDING&assignee=wang&mark=again&mark=unread"
        "&least=1.5&most=300&since=2020-01-01&until=2199-12-31"
    )
    found = chips(answer)
    assert set(found) == {
        "商户: 1900000109", "申请退款", "待处理", "处理人: 小王", "再次投诉", "未读消息", "≥ ¥1.50", "≤ ¥300.00",
        "2020-01-01 起", "2199-12-31 止",
    }  # fmt: skip
    assert shown(answer) == [day["case"].pk]
    left = parse_qs(found["再次投诉"].partition("?")[2])
    assert left["mark"] == ["unread"]
    assert left["only"] == ["soon"]
    assert left["least"] == ["1.50"]
    assert len(left) == 10


@pytest.mark.parametrize(
    "query",
    [
        "least=x&most=-1&since=2026-13-40&until=tomorrow&mark=nothing&only=nothing&view=nothing",
        "least=99999999999999999999&most=1.999&since=9999-12-31&until=0001-01-01",
        "assignee=%00&merchant=%00&problem=%00&state=%00&q=%00",
        "assignee=%ff%fe&q=%ff%fe",
        "least=１２&most=¥1,000",
    ],
)
def test_filters_that_make_no_sense_are_harmless(desk, query):
    assert desk.get(f"/?{query}").status_code == 200
    assert desk.get(f"/live?{query}").status_code == 200


def test_an_address_says_all_that_was_asked(rf):
    asked = "view=all&q=a%26b&merchant=x&problem=REFUND&state=s&assignee=-"
    asked += "&mark=again&mark=refund&least=1.05&since=2026-01-02"
    assert Narrowing.of(QueryDict(asked)).query == asked
    assert Narrowing.of(QueryDict(Narrowing.of(QueryDict(asked)).query)) == Narrowing.of(QueryDict(asked))


def test_a_filtered_list_is_paged_without_doubles_or_gaps(desk, day, now):
    for number in range(100, 230):
        make_complaint(day["account"], number, now=now, times=1 + number % 2, age=timedelta(minutes=number // 50))
    expected = Complaint.objects.filter(user_complaint_times__gt=1, open=True).count()
    rows = follow(desk, "/?mark=again")
    assert len(rows) == len(set(rows)) == expected


def test_only_new_cases_that_fit_are_announced(desk, day, now):
    mark = re.search(r'name="mark" value="(\d+)"', desk.get("/?problem=REFUND").content.decode())[1]
    make_complaint(day["account"], 300, now=now, problem_type="OTHERS")
    assert 'id="arrived"' not in text(desk.get(f"/live?problem=REFUND&mark={mark}"))
    make_complaint(day["account"], 301, now=now, problem_type="REFUND")
    answer = text(desk.get(f"/live?problem=REFUND&mark={mark}"))
    assert "1 笔新投诉, 点此刷新" in answer
    assert 'href="/?problem=REFUND"' in answer


def test_a_row_names_who_looks_at_it_now(desk, day, now):
    page = desk.get("/").content.decode()
    rows = re.findall(r'name="row" value="([^"]+)"', page)
    CaseView.objects.create(complaint=day["case"], user=day["other_user"], seen_at=now)
    CaseView.objects.create(complaint=day["overdue"], user=day["other_user"], seen_at=now - timedelta(minutes=5))
    CaseView.objects.create(complaint=day["overdue"], user=day["user"], seen_at=now)
    live = desk.get("/live", {"row": rows, "mark": 0})
    assert shown(live) == [day["case"].pk]
    assert "正在看: 小李" in text(live)
    assert text(desk.get("/")).count("正在看: ") == 1


def test_a_row_says_that_a_refund_is_on_its_way(desk, day):
    refund_of(day["overdue"])
    page = desk.get("/?mark=refund")
    assert shown(page) == [day["overdue"].pk]
    assert "退款途中" in text(page)
    Refund.objects.update(state="success", due_at=None)
    assert shown(desk.get("/?mark=refund")) == []


def test_what_waits_for_a_second_person_is_marked_counted_and_found_until_it_is_decided(desk, day, now):
    agent = make_user("agent-1", role="agent")
    waiting = Complaint.objects.get(state="PROCESSED")  # also once the case is closed
    for case in (waiting, day["overdue"]):
        order = case.orders.get()
        RefundRequest.objects.create(complaint=case, order=order, amount=100, requested_by=agent, requested_at=now)
    page = desk.get("/")
    assert page.context["counts"].only["second"] == 1
    assert '<span class="count numbers">2</span></a></span>' in page.content.decode()
    assert shown(desk.get("/?only=second")) == [day["overdue"].pk]
    assert shown(desk.get("/?view=all&mark=second")) == [day["overdue"].pk, waiting.pk]
    assert text(page).count('mark-warning">等待另一人决定') == 1
    assert '<span class="count numbers">2</span></a></span>' in text(desk.get("/deliveries"))
    browser = Client()
    browser.force_login(agent)
    assert "to-decide" not in text(browser.get("/"))
    manager = make_user("far", role="manager", all_merchants=False)
    browser.force_login(manager)
    assert 'id="to-decide"></span>' in text(browser.get("/"))
    RefundRequest.objects.update(state="declined", decided_at=now)
    assert shown(desk.get("/?view=all&mark=second")) == []
    assert 'id="to-decide" hx-swap-oob="true"></span>' in text(desk.get("/live"))


def test_a_row_counts_down_to_reply_and_to_completion(desk, day):
    row = text(desk.get("/")).partition(f'id="case-{day["case"].pk}"')[2].partition("</li>")[0]
    assert re.search(r'class="owed">回复</span> <span class="left" data-left>剩 40分', row)
    assert re.search(r"办结 <span data-later>剩 2天", row)
    assert "第 2 轮" in row


def test_a_view_is_saved_shown_and_removed(desk, day):
    answer = desk.post("/views/save", {"name": "大额退款", "query": "only=soon&problem=REFUND&least=100&after=1_2&x=y"})
    assert answer.headers["Location"] == "/?only=soon&problem=REFUND&least=100"
    saved = SavedView.objects.get()
    assert saved.query == "only=soon&problem=REFUND&least=100"
    assert 'href="/?only=soon&problem=REFUND&least=100">大额退款</a>' in text(desk.get("/"))
    assert f"/views/{saved.pk}/remove" in text(desk.get(answer.headers["Location"]))
    desk.post("/views/save", {"name": "大额退款", "query": "only=mine"})
    assert SavedView.objects.get().query == "only=mine"
    assert desk.post(f"/views/{saved.pk}/remove").status_code == 302
    assert not SavedView.objects.exists()


def test_saved_views_of_others_are_neither_seen_nor_removed(desk, day):
    other = Client()
    other.force_login(make_user("zhao", "小赵", role="viewer"))
    other.post("/views/save", {"name": "小赵的视图", "query": "only=overdue"})
    desk.post("/views/save", {"name": "小赵的视图", "query": "only=mine"})
    assert SavedView.objects.count() == 2
    theirs = SavedView.objects.get(user__username="zhao")
    SavedView.objects.exclude(pk=theirs.pk).delete()
    assert "小赵的视图" not in text(desk.get("/"))
    assert desk.post(f"/views/{theirs.pk}/remove").status_code == 404
    assert SavedView.objects.filter(pk=theirs.pk).exists()


def test_a_view_needs_a_name_and_there_are_not_too_many(desk, day, now):
    desk.post("/views/save", {"name": " \0 ", "query": "only=mine"})
    assert not SavedView.objects.exists()
    assert "请给视图起个名字" in text(desk.get("/"))
    for number in range(30):
        SavedView.objects.create(user=day["user"], name=str(number), query="", created_at=now)
    desk.post("/views/save", {"name": "one more", "query": "only=mine"})
    assert SavedView.objects.count() == 30


def test_hostile_names_are_text(desk, day):
    desk.post("/views/save", {"name": "<script>alert(1)</script>", "query": 'q="><script>x</script>'})
    page = desk.get("/").content.decode() + desk.get('/?q="><script>x</script>').content.decode()
    assert "<script>alert" not in page
    assert "<script>x" not in page


def test_who_may_not_assign_is_not_told_who_works_here(day):
    client = Client()
    client.force_login(make_user("agent", "小钱", role="agent"))
    page = text(client.get("/"))
    assert '<option value="li"' not in page
    assert '<option value="agent"' in page


def test_a_viewer_has_nothing_to_press_that_is_not_theirs(day):
    client = Client()
    client.force_login(make_user("viewer", role="viewer"))
    page = text(client.get("/"))
    for theirs in ('action="/bulk"', 'action="/export"', 'class="form-check-input pick"', "claim-"):
        assert theirs not in page
