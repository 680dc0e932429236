"""Numbers are guessed easily: what somebody's grants do not cover is not there for them, on pages and in the API."""

from __future__ import annotations

import pytest
from django.test import Client

from kesu.accounts import tokens
from kesu.commands.models import Command
from kesu.complaints.models import SavedView
from kesu.merchants import grants
from tests.desk_seeds import make_complaint, make_merchant, make_user
from tests.security.walking import everything_stored, filled, routes

THEIRS = (
    "/cases/",
    "/media/",
    "/views/<",
    "/api/v1/complaints/",
    "/api/v1/commands/",
    "/api/v1/refund-requests/",
    "/api/v1/views/<",
)
FOR_OWNERS = ("/settings/", "/api/v1/webhook", "/api/v1/merchants/<", "/api/v1/allowances", "/api/v1/privacy")


@pytest.fixture
def stranger(rows, now):
    """Somebody who may do everything that a manager may, with another merchant's complaints only."""
    other = make_merchant(now, "1900000309", "别家书店")
    user = make_user("stranger", role="manager", all_merchants=False)
    grants.set_scope(user, ["1900000309"])
    user.own_case = make_complaint(other, 77, now=now)
    return user


@pytest.fixture
def browser(stranger):
    client = Client()
    client.force_login(stranger)
    return client


def test_every_number_of_somebody_elses_case_is_not_found(browser, rows):
    before = everything_stored(beside=("django_session",))
    for route in [route for route in routes() if route.startswith(THEIRS) and not route.startswith("/api/")]:
        address = filled(route, rows.numbers)
        values = {"text": "x", "do": "grant", "key": "k", "to": "1", "log_id": "x", "fen": "1"}
        for answer in (browser.get(address), browser.post(address, values)):
            led = answer.headers.get(
                "Location", ""
            )  # whoever came without a press is led to the case, which is not there
            assert answer.status_code in (404, 405) or led == f"/cases/{rows.case.pk}", (address, answer.status_code)
    assert everything_stored(beside=("django_session",)) == before


def test_the_api_knows_none_of_them_either(stranger, rows, now):
    _, secret = tokens.create(stranger, "t", list(tokens.Scope), expires_at=None, now=now)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    beside = ("accounts_apitoken",)
    before = everything_stored(beside=beside)
    values = {"text": "x", "amount": 1, "reason": "x", "grant": True, "username": "stranger"}
    for route in [
        route for route in routes() if route.startswith("/api/v1/") and route.startswith((*THEIRS, *FOR_OWNERS))
    ]:
        address = filled(route, rows.numbers)
        answers = [client.get(address), client.post(address, values, content_type="application/json")]
        assert {answer.status_code for answer in answers} <= {403, 404, 405, 422}, address
    assert everything_stored(beside=beside) == before


def test_a_number_of_another_case_does_not_open_by_ones_own(browser, stranger, rows):
    """A case that may be seen is no way to what belongs to one that may not."""
    mine = f"/cases/{stranger.own_case.pk}"
    token = rows.numbers["/cases"]["token"]
    assert browser.get(f"{mine}/outgoing/{token}").status_code == 404
    assert browser.post(f"{mine}/requests/{rows.request.pk}", {"do": "grant"}).status_code == 404
    assert browser.post(f"{mine}/commands/{rows.command.pk}/withdraw").status_code == 404
    shown = browser.get(f"{mine}?again={rows.command.pk}").content.decode()
    assert "我们已经为您核实" not in shown
    browser.post(
        f"{mine}/reply", {"do": "send", "text": "您好, 已核实", "picture": token, "pictures": token, "key": "k"}
    )
    assert not Command.objects.filter(complaint=stranger.own_case, payload__contains=rows.outgoing.pk).exists()


def test_settings_of_others_are_for_owners(browser, rows):
    before = everything_stored(beside=("django_session",))
    templates = "/settings/templates"  # which a manager may change
    for route in [route for route in routes() if route.startswith("/settings/") and not route.startswith(templates)]:
        address = filled(route, rows.numbers)
        assert {browser.get(address).status_code, browser.post(address).status_code} <= {403, 404, 405}, address
    assert everything_stored(beside=("django_session",)) == before


def test_views_and_sessions_are_ones_own_even_for_owners(rows, now):
    owner = make_user("second-owner")
    client = Client()
    client.force_login(owner)
    assert client.post(f"/views/{rows.view.pk}/remove").status_code == 404
    assert SavedView.objects.filter(pk=rows.view.pk).exists()
    theirs = rows.note.author.usersession_set.first()
    if theirs is not None:
        assert client.post(f"/me/sessions/{theirs.pk}/end").status_code in (302, 404)
        assert rows.note.author.usersession_set.filter(pk=theirs.pk).exists()
