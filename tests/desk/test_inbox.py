"""The list of cases: its order, its pages, its views, and how it is kept up to date."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from kesu.complaints import queries
from kesu.complaints.cursors import Cursor, CursorError
from kesu.complaints.models import Complaint
from kesu.merchants import grants
from tests.desk_seeds import make_complaint, make_merchant, make_user

MINUTE = timedelta(minutes=1)


def shown(answer) -> list[int]:
    return [int(pk) for pk in re.findall(r'<li class="case[^"]*" id="case-(\d+)"', answer.content.decode())]


def follow(desk, url: str, limit: int = 20) -> list[int]:
    """The rows of all pages, by their "next" links."""
    found: list[int] = []
    for _ in range(limit):
        answer = desk.get(url)
        found += shown(answer)
        more = re.search(r'rel="next" href="([^"]+)"', answer.content.decode())
        if not more:
            return found
        url = more[1].replace("&amp;", "&")
    raise AssertionError("the pages never end")


def test_the_least_time_left_comes_first(desk):
    expected = Complaint.objects.filter(open=True).order_by("next_due_at", "pk").values_list("pk", flat=True)
    assert shown(desk.get("/")) == list(expected)


def test_the_other_list_has_finished_cases_too_newest_first(desk):
    expected = Complaint.objects.order_by("-complaint_time", "-pk").values_list("pk", flat=True)
    assert shown(desk.get("/?view=all")) == list(expected)


@pytest.mark.parametrize("url", ["/", "/?view=all"])
def test_pages_show_every_case_once_even_with_equal_times(desk, day, now, url):
    for number in range(100, 230):
        make_complaint(day["account"], number, now=now, round_started_at=now - MINUTE * (number // 60))
    rows = follow(desk, url)
    assert len(rows) == len(set(rows)) == Complaint.objects.filter(**({} if "all" in url else {"open": True})).count()


def test_a_page_stays_put_when_cases_above_it_come_and_go(desk, day, now):
    for number in range(100, 160):
        make_complaint(day["account"], number, now=now, age=MINUTE * (200 - number))
    first = desk.get("/")
    link = re.search(r'rel="next" href="([^"]+)"', first.content.decode())[1].replace("&amp;", "&")
    second = shown(desk.get(link))
    make_complaint(day["account"], 500, now=now, age=timedelta(hours=23))
    Complaint.objects.filter(pk=shown(first)[0]).delete()
    assert shown(desk.get(link)) == second


@pytest.mark.parametrize("cursor", ["x", "1", "1_", "-99999999999999999_1", "1_2_3", "%00", "-_1"])
def test_a_made_up_cursor_is_no_page(desk, cursor):
    assert desk.get(f"/?after={cursor}").status_code == 404


def test_a_cursor_keeps_microseconds(now):
    moment = now.replace(microsecond=123_457)
    assert Cursor.parse(str(Cursor(moment, 7))) == Cursor(moment, 7)
    with pytest.raises(CursorError):
        Cursor.parse("nonsense")


@pytest.mark.parametrize(
    ("only", "condition"),
    [
        ("mine", lambda case, user, now: case.claimed_by == user),
        ("unclaimed", lambda case, user, now: case.claimed_by is None),
        ("soon", lambda case, user, now: now < case.next_due_at < now + timedelta(hours=6)),
        ("repeat", lambda case, user, now: case.user_complaint_times > 1),
        ("platform", lambda case, user, now: case.in_platform_service),
        ("overdue", lambda case, user, now: case.next_due_at <= now),
    ],
)
def test_a_narrower_view_shows_what_its_count_says(desk, day, now, only, condition):
    expected = {case.pk for case in Complaint.objects.filter(open=True) if condition(case, day["user"], now)}
    assert set(shown(desk.get(f"/?only={only}"))) == expected
    assert queries.counts(day["user"], now=now).only[only] == len(expected)


def test_the_counts_are_of_what_a_person_sees(day, now):
    others = make_merchant(now, "1900000309", "别家")
    make_complaint(others, 300, now=now)
    nobody, agent = (make_user(name, role="agent", all_merchants=False) for name in ("nobody", "agent"))
    grants.grant(agent, others)
    few = queries.counts(agent, now=now)
    assert (few.open, few.all, few.only["unclaimed"], few.only["mine"]) == (1, 1, 1, 0)
    for blind in (nobody, AnonymousUser()):
        none = queries.counts(blind, now=now)
        assert (none.open, none.all, set(none.only.values())) == (0, 0, {0})


@pytest.mark.django_db
def test_an_empty_desk_counts_nothing(now):
    none = queries.counts(make_user(), now=now)
    assert (none.open, none.all, set(none.only.values()), none.newest_round) == (0, 0, {0}, 0)


def test_the_count_of_all_is_bounded(desk, day, now, monkeypatch):
    monkeypatch.setattr(queries, "COUNT_LIMIT", 5)
    assert "5+" in desk.get("/").content.decode()


def test_a_row_says_what_is_owed_and_how_long_is_left(desk, day):
    page = desk.get("/").content.decode()
    assert re.search(r'data-tone="overdue"[^>]*>\s*<span class="owed">回复</span> <span[^>]*>已超时 2小时</span>', page)
    assert "剩 40分" in page
    assert "¥199.00" in page
    for mark in ("再次×1", "高风险", "未读消息", "平台协助", "即时服务", "极速退款"):
        assert mark in page
    assert "山里果园" in page
    assert "1900000212" in page


def test_a_state_that_kesu_does_not_know_still_owes_something(desk, day):
    case = Complaint.objects.get(state="A_NEW_STATE")
    assert case.pk in shown(desk.get("/"))
    assert "A_NEW_STATE" in desk.get(f"/cases/{case.pk}").content.decode()


def test_payers_words_are_text_and_nothing_else(desk, day, now):
    hostile = '<script>alert(1)</script><img src=x onerror=alert(1)>" \' onfocus="alert(1)'
    make_complaint(day["account"], 66, now=now, detail=hostile, complainted_mchid="<i>1</i>")
    page = desk.get("/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<i>1</i>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_the_first_run_says_what_to_do(empty_desk, now):
    page = empty_desk.get("/").content.decode()
    assert page.count("data-done") == 0
    for address in ("/settings/connect", "/settings/channels", "/settings/people", "/welcome/dismiss"):
        assert f'"{address}"' in page


def test_a_desk_with_nothing_to_do_says_when_it_last_looked(desk):
    Complaint.objects.all().delete()
    page = desk.get("/").content.decode()
    assert "没有待处理的投诉" in page
    assert "1分前" in page


class Live:
    """An open inbox that asks again, as the browser does."""

    def __init__(self, desk, url: str = "/") -> None:
        self.desk = desk
        self.query = url.partition("?")[2]
        self.page = desk.get(url).content.decode()
        self.rows = re.findall(r'name="row" value="([^"]+)"', self.page)
        self.mark = re.search(r'name="mark" value="(\d+)"', self.page)[1]

    def ask(self):
        answer = self.desk.get(f"/live?{self.query}", {"row": self.rows, "mark": self.mark} | self._view())
        assert answer.status_code == 200
        return answer

    def _view(self) -> dict[str, str]:
        return dict(part.split("=") for part in self.query.split("&") if part)


def test_an_inbox_where_nothing_happened_gets_no_rows(desk):
    answer = Live(desk).ask()
    assert shown(answer) == []
    assert 'id="arrived"' not in answer.content.decode()


def test_new_cases_are_announced_not_inserted(desk, day, now):
    live = Live(desk)
    make_complaint(day["account"], 300, now=now)
    make_complaint(day["account"], 301, now=now)
    answer = live.ask()
    assert "2 笔新投诉, 点此刷新" in answer.content.decode()
    assert shown(answer) == []
    assert '待处理 <span class="count numbers">10' in answer.content.decode()


def test_a_case_that_comes_back_is_announced(desk, day, now):
    live = Live(desk)
    finished = Complaint.objects.get(state="PROCESSED")
    Complaint.objects.filter(pk=finished.pk).update(
        state="PENDING", open=True, round_number=2, user_complaint_times=2, next_due_at=now + timedelta(hours=24)
    )
    finished.rounds.create(
        number=2, started_at=now, reply_due_at=now + timedelta(hours=24), complete_due_at=now + timedelta(hours=72)
    )
    assert 'id="arrived"' in live.ask().content.decode()


def test_a_row_that_changed_is_sent_alone(desk, day):
    live = Live(desk)
    Complaint.objects.filter(pk=day["overdue"].pk).update(state="PROCESSED", open=False, replied=True, next_due_at=None)
    answer = live.ask()
    assert shown(answer) == [day["overdue"].pk]
    assert 'hx-swap-oob="true"' in answer.content.decode()
    assert "处理完成" in answer.content.decode()


def test_a_live_answer_carries_the_servers_clock(desk, now):
    found = re.search(r'data-now="(\d+)" data-speed="1\.000000"', Live(desk).ask().content.decode())
    assert abs(int(found[1]) / 1000 - now.timestamp()) < 60


@pytest.mark.parametrize("query", ["row=1", "row=x:y", "row=1:zzzzzzzz", "mark=-1", "mark=x", "mark=" + "9" * 30])
def test_a_live_question_that_makes_no_sense_is_harmless(desk, query):
    assert desk.get(f"/live?{query}").status_code == 200
