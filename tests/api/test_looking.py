"""Searching, other complaints of a payer, pictures, agreements, reading again: as on the pages, by the API."""

from __future__ import annotations

import pytest
from django.test import Client

from kesu import clock
from kesu.accounts import tokens
from kesu.accounts.models import User
from kesu.audit.models import AuditEntry
from kesu.complaints import search
from kesu.sync.models import Refresh
from tests.desk_seeds import PICTURE, make_complaint, picture_of, say


@pytest.fixture
def case(day):
    search.index(day["case"])
    return day["case"]


@pytest.mark.parametrize("name", ["q", "merchant", "problem", "state", "assignee", "mark", "least", "since"])
def test_each_filter_narrows_the_list_as_on_the_page(call, case, name):
    case.state, case.amount = "PENDING", 990_000
    case.save()
    wanted = {
        "q": case.complaint_id[:12],
        "merchant": case.account.mchid,
        "problem": case.problem_type,
        "state": case.state,
        "assignee": case.claimed_by.username if case.claimed_by else "-",
        "mark": "again",
        "least": "980000",
        "since": "2020-01-01",
    }
    answer = call("get", f"/complaints?view=all&{name}={wanted[name]}")
    assert answer.status_code == 200
    numbers = [row["complaint_id"] for row in answer.told["items"]]
    assert (case.complaint_id in numbers) or name == "mark"
    nothing = {
        "q": "zz没有这样的话zz",
        "merchant": "nobody",
        "assignee": "nobody",
        "since": "2999-01-01",
        "least": "999999999999",
    }
    if name in nothing:
        assert call("get", f"/complaints?view=all&{name}={nothing[name]}").told["items"] == []


@pytest.mark.parametrize("query", ["problem=x", "mark=x", "least=-1", "since=yesterday", "state=DONE", "q=" + "a" * 65])
def test_a_filter_that_makes_no_sense_is_refused(call, case, query):
    assert call("get", f"/complaints?{query}").status_code == 422


def test_two_chinese_characters_are_enough_to_search(call, case):
    said = case.detail[:2]
    assert case.complaint_id in [
        row["complaint_id"] for row in call("get", f"/complaints?view=all&q={said}").told["items"]
    ]
    assert call("get", f"/complaints?view=all&q={said[:1]}").told["items"] == []


def test_the_payers_other_complaints_are_told(call, case, now):
    other = make_complaint(case.account, 4711, now=now, payer_phone_fingerprint="f" * 64)
    case.payer_phone_fingerprint = "f" * 64
    case.save()
    found = call("get", f"/complaints/{case.complaint_id}/of-payer").told
    assert other.complaint_id in [row["complaint_id"] for row in found]
    assert case.complaint_id not in [row["complaint_id"] for row in found]


def test_a_picture_is_named_by_its_case_and_can_be_had(call, case, now):
    kept = picture_of(case, now=now)
    told = call("get", f"/complaints/{case.complaint_id}").told["pictures"]
    assert {"id": kept.pk, "log_id": kept.log_id, "state": "stored"} in told
    answer = _raw(call, f"/pictures/{kept.pk}")
    assert (answer.content, answer["Content-Type"]) == (PICTURE, "image/png")
    assert answer["Content-Disposition"] == "attachment"
    assert call("get", "/pictures/999999").status_code == 404


def _raw(call, path):
    """The answer of a picture is no JSON."""
    secret = tokens.create(User.objects.get(username="api-owner"), "t", ["read"], expires_at=None, now=clock.now())[1]
    return Client(headers={"Authorization": f"Bearer {secret}"}).get(f"/api/v1{path}")


def test_a_payers_message_is_marked_as_agreement_and_back(call, case, now):
    log_id = say(case, "USER_RESPONSE", now, "好的, 我接受")
    path = f"/complaints/{case.complaint_id}/agreements/{log_id}"
    assert call("put", path).told["marked_by"] == "api-owner"
    assert call("put", path).status_code == 200
    assert call("get", f"/complaints/{case.complaint_id}").told["agreed"] == [log_id]
    assert call("delete", path).status_code == 204
    assert call("get", f"/complaints/{case.complaint_id}").told["agreed"] == []
    assert AuditEntry.objects.filter(action="agreement_marked").count() == 2


def test_what_is_no_message_of_the_payer_is_no_agreement(call, case):
    answer = call("put", f"/complaints/{case.complaint_id}/agreements/nothing")
    assert (answer.status_code, answer.told["code"]) == (409, "no_payer_message")


def test_a_case_is_read_again_when_asked(call, case):
    assert call("post", f"/complaints/{case.complaint_id}/read-again").status_code == 202
    assert Refresh.objects.filter(complaint_id=case.complaint_id, reason__contains="asked").exists()


@pytest.mark.parametrize("amount", ["1e400", "-1e400", "NaN", "1e15", "true", '"5"', "1.5"])
def test_no_odd_amount_is_our_fault(call, case, amount):
    body = b'{"amount": ' + amount.encode() + b"}"
    answer = call("post", f"/complaints/{case.complaint_id}/refund", data=body, content_type="application/json")
    assert answer.status_code in (400, 422)
