"""Many rows at once: each through its own verb, each with its own answer."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.test import Client

from kesu.audit.models import AuditEntry
from kesu.commands import bulk
from kesu.commands.models import Command
from kesu.complaints.models import Complaint
from kesu.merchants import grants
from tests.desk_seeds import make_complaint, make_merchant, make_user, say

TEXT = "您好, 非常抱歉给您带来不便, 我们已经核实, 今天内为您处理。"


@pytest.fixture
def cases(day, now):
    return [make_complaint(day["account"], 400 + number, now=now) for number in range(3)]


def numbers(cases) -> list[int]:
    return [case.pk for case in cases]


def text(answer) -> str:
    return html.unescape(answer.content.decode())


def outcomes(answer) -> list[str]:
    return re.findall(r'<li class="result result-(\w+)"', answer.content.decode())


def accepts(answer) -> list[str]:
    return [html.unescape(value) for value in re.findall(r'name="accept" value="([^"]+)"', answer.content.decode())]


def send(client, cases, message=TEXT, **more):
    """Send, and accept whatever only has to be accepted."""
    answer = client.post("/bulk", {"do": "reply", "case": numbers(cases), "text": message, **more})
    if accepts(answer):
        again = {"do": "reply", "text": message, "case": numbers(cases), "accept": accepts(answer), **more}
        return client.post("/bulk", again)
    return answer


def test_rows_are_given_to_somebody_one_by_one(desk, day, cases):
    Complaint.objects.filter(pk=cases[0].pk).update(claimed_by=day["user"])
    answer = desk.post("/bulk", {"do": "assign", "to": "li", "case": numbers(cases)})
    assert outcomes(answer) == ["done"] * 3
    assert "已指派给小李" in text(answer)
    assert set(Complaint.objects.filter(pk__in=numbers(cases)).values_list("claimed_by__username", flat=True)) == {"li"}
    assert AuditEntry.objects.filter(action="assigned").count() == 3


def test_cases_of_colleagues_are_taken_over_only_with_a_yes_for_all_of_them(desk, day, cases):
    Complaint.objects.filter(pk__in=numbers(cases[:2])).update(claimed_by=day["other_user"])
    give = {"do": "assign", "to": "wang"}
    answer = desk.post("/bulk", {**give, "case": numbers(cases)})
    assert outcomes(answer) == ["refused", "refused", "done"]
    assert text(answer).count("小李 正在处理这笔投诉") == 2
    assert 'name="take_over"' in text(answer)
    again = {**give, "case": numbers(cases[:2]), "accept": accepts(answer)}
    assert outcomes(desk.post("/bulk", again)) == ["refused"] * 2
    assert outcomes(desk.post("/bulk", {**again, "take_over": "1"})) == ["done"] * 2
    assert set(Complaint.objects.filter(pk__in=numbers(cases)).values_list("claimed_by", flat=True)) == {day["user"].pk}


def test_one_refusal_stops_no_other_row(desk, day, cases, now):
    far = make_complaint(make_merchant(now, "1900000309", "别家"), 450, now=now)
    agent = make_user("agent", "小钱", role="agent", all_merchants=False)
    grants.grant(agent, day["account"])
    answer = desk.post("/bulk", {"do": "assign", "to": "agent", "case": [cases[0].pk, far.pk, cases[1].pk]})
    assert outcomes(answer) == ["done", "refused", "done"]
    assert "看不到" in text(answer) or "不能回复" in text(answer)


def test_nobody_and_nothing_chosen_is_said(desk, cases):
    for wrong in ({"do": "assign", "to": "nobody", "case": numbers(cases)}, {"do": "assign", "to": "li"}):
        answer = desk.post("/bulk", {**wrong, "next": "/?only=mine"})
        assert answer.headers["Location"] == "/?only=mine"
    assert not Complaint.objects.filter(pk__in=numbers(cases)).exclude(claimed_by=None).exists()


def test_one_text_is_written_to_each_payer_as_a_command_of_its_own(desk, cases):
    compose = desk.post("/bulk", {"do": "reply", "case": numbers(cases)})
    assert "回复 3 位付款人" in text(compose)
    assert not Command.objects.exists()
    answer = send(desk, cases)
    assert outcomes(answer) == ["done"] * 3
    assert {json.loads(command.payload)["text"] for command in Command.objects.all()} == {TEXT}
    assert Command.objects.count() == AuditEntry.objects.filter(action="replied").count() == 3


def test_a_look_before_sends_nothing(desk, cases):
    answer = desk.post("/bulk", {"do": "preview", "case": numbers(cases), "text": "加我微信 abc12345 私下解决"})
    assert answer.status_code == 200
    assert "result-said" in text(answer)
    assert not Command.objects.exists()


def test_a_text_over_a_red_line_is_refused_for_each_row(desk, cases):
    answer = desk.post("/bulk", {"do": "reply", "case": numbers(cases), "text": "你就是职业索赔, 加我微信 abc12345"})
    assert outcomes(answer) == ["refused"] * 3
    assert not Command.objects.exists()


def test_a_case_that_changed_meanwhile_is_answered_by_itself(desk, day, cases, now):
    compose = text(desk.post("/bulk", {"do": "reply", "case": numbers(cases)}))
    seen = re.findall(r'name="seen" value="([^"]+)"', compose)
    say(cases[1], "USER_RESPONSE", now, "算了, 我不等了")
    answer = send(desk, cases, seen=seen)
    assert outcomes(answer) == ["done", "changed", "done"]
    assert "算了, 我不等了" in text(answer)


def test_a_finished_case_is_not_answered_as_if_it_were_open(desk, cases):
    Complaint.objects.filter(pk=cases[0].pk).update(open=False, state="PROCESSED", next_due_at=None, replied=True)
    answer = desk.post("/bulk", {"do": "reply", "case": numbers(cases[:1]), "text": TEXT})
    assert outcomes(answer) == ["refused"] or Command.objects.count() == 1


def test_pressing_twice_writes_once(desk, cases):
    for _ in range(2):
        send(desk, cases, key="one-press")
    assert Command.objects.count() == 3


def test_fifty_rows_at_most_and_only_those_that_can_be_seen(desk, day, now):
    many = [make_complaint(day["account"], 500 + number, now=now) for number in range(bulk.MOST + 5)]
    answer = desk.post("/bulk", {"do": "assign", "to": "li", "case": numbers(many)})
    assert len(outcomes(answer)) == bulk.MOST
    assert "最多 50 笔" in text(answer)


def test_what_is_not_ones_own_is_left_alone(day, cases, now):
    other = make_complaint(make_merchant(now, "1900000309", "别家"), 450, now=now, detail="别家的话")
    manager = make_user("boss", role="manager", all_merchants=False)
    grants.grant(manager, day["account"])
    client = Client()
    client.force_login(manager)
    for do in ("assign", "reply", "preview", "csv"):
        answer = client.post("/bulk", {"do": do, "to": "li", "text": TEXT, "case": [other.pk, cases[0].pk]})
        said = b"".join(answer) if answer.streaming else answer.content
        assert "别家" not in said.decode()
    other.refresh_from_db()
    assert other.claimed_by is None
    assert not Command.objects.filter(complaint=other).exists()


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("owner", {"assign", "reply", "csv"}),
        ("manager", {"assign", "reply", "csv"}),
        ("agent", {"reply"}),
        ("viewer", set()),
        ("auditor", {"csv"}),
    ],
)
def test_each_role_does_what_is_its_own(day, cases, role, allowed):
    client = Client()
    client.force_login(make_user(role, role=role))
    for do in ("assign", "reply", "csv"):
        answer = client.post("/bulk", {"do": do, "to": "li", "case": numbers(cases)})
        assert (answer.status_code != 403) == (do in allowed), do


@pytest.mark.parametrize("value", ["x", "-1", "9" * 40, "１", "", "1 or 1=1"])
def test_rows_that_make_no_sense_are_no_rows(desk, value):
    assert desk.post("/bulk", {"do": "assign", "to": "li", "case": value}).status_code == 302


def test_the_way_back_leads_nowhere_else(desk):
    assert desk.post("/bulk", {"do": "assign", "next": "https://evil.example/"}).headers["Location"] == "/"
