"""No other site makes a signed-in browser do anything here."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.security.walking import everything_stored, filled, pages, routes

FOR_PROGRAMS = ("/api/v1/", "/callbacks/")
LOOKING_WRITES = {
    "commands_caseview",  # colleagues see who has a case open
    "complaints_order.payment_due_at",  # the first opening of a case has its order's payment looked up
    "sync_refresh",  # opening a case has an old mirror read again
    "django_session",  # a sign-in between its steps, a message that was shown
    "usersessions_usersession",  # when a session was last used
    "accounts_cache",
}


@pytest.fixture
def browser(day):
    """Signed in, and held to what a browser must prove."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(day["user"])
    client.get("/")
    return client


def test_only_addresses_for_programs_ask_for_no_proof_of_the_form():
    exempt = [route for route, pattern in routes().items() if getattr(pattern.callback, "csrf_exempt", False)]
    assert exempt
    assert [route for route in exempt if not route.startswith(FOR_PROGRAMS)] == []


@pytest.mark.parametrize("proof", [{}, {"csrfmiddlewaretoken": "x" * 64}])
def test_no_address_takes_a_post_without_its_own_proof(browser, rows, proof):
    before = everything_stored()
    for route in [route for route in routes() if not route.startswith(FOR_PROGRAMS)]:
        address = filled(route, rows.numbers)
        assert browser.post(address, proof).status_code == 403, address
    assert everything_stored() == before


def test_a_form_of_another_site_is_refused_even_with_a_proof(browser, rows):
    token = browser.cookies["csrftoken"].value
    before = everything_stored()
    for address in ("/theme", f"/cases/{rows.case.pk}/claim", "/sign-out", "/export"):
        told = browser.post(address, {"csrfmiddlewaretoken": token}, headers={"Origin": "https://evil.example"})
        assert told.status_code == 403, address
    assert everything_stored() == before


def test_with_the_proof_the_same_press_works(browser, rows):
    token = browser.cookies["csrftoken"].value
    address = f"/cases/{rows.case.pk}/note"
    assert browser.post(address, {"csrfmiddlewaretoken": token, "text": "x"}).status_code == 302
    assert rows.case.notes.filter(pk__gt=rows.note.pk).count() == 1


def test_looking_changes_nothing(desk, rows):
    """A picture on another site can make a browser ask for any address, but not press a button."""
    desk.get("/")
    before = everything_stored(beside=tuple(LOOKING_WRITES))
    for route in pages():
        desk.get(filled(route, rows.numbers))
        assert desk.get("/me/").status_code == 200, route
    assert everything_stored(beside=tuple(LOOKING_WRITES)) == before


def test_the_api_takes_a_token_and_never_a_session(desk, rows):
    before = everything_stored()
    for route in [route for route in routes() if route.startswith("/api/v1/")]:
        address = filled(route, rows.numbers)
        if address in ("/api/v1/", "/api/v1/openapi.json"):
            continue
        answers = [desk.generic(method, address).status_code for method in ("GET", "POST", "PUT", "DELETE")]
        assert set(answers) <= {401, 405}, address
        assert 401 in answers, address
    assert everything_stored() == before


def test_an_answer_of_the_api_sets_no_cookie(desk, rows):
    assert not Client().get("/api/v1/complaints").cookies
    assert not desk.get("/api/v1/complaints").cookies
