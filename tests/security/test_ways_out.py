"""Nobody is led to another site by an address of the desk (open redirects)."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.security.walking import filled, pages

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "http://testserver@evil.example/",
    " https://evil.example",
    "/\t/evil.example",
]

ASKS_THE_PLATFORM = tuple(f"/settings/merchants/<int:pk>/{act}" for act in ("ask", "callback", "look", "keys"))
"""There is none here; none of them reads where to go."""


@pytest.mark.parametrize("there", ELSEWHERE[:2])
def test_no_address_leads_elsewhere_whatever_it_is_asked(desk, rows, there):
    asked = {name: there for name in ("next", "back", "url", "redirect_to", "return", "query", "do", "stamp")}
    headers = {"Referer": "https://evil.example/", "HX-Request": "true", "HX-Current-URL": "https://evil.example/"}
    leading = [route for route in pages() if route not in ("/sign-out", *ASKS_THE_PLATFORM)]
    for route in leading:
        address = filled(route, rows.numbers)
        for answer in (desk.get(address, asked), desk.post(address, asked), desk.post(address, asked, headers=headers)):
            for name in ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url"):
                led = answer.headers.get(name, "")
                assert not led or (led.startswith("/") and led[1:2] not in ("/", "\\", "\t")), (address, name, led)
        desk.force_login(rows.note.author)  # some of them end the session


@pytest.mark.parametrize("there", ELSEWHERE)
def test_signing_in_and_out_lead_to_the_desk(day, there):
    client = Client()
    values = {"username": "wang", "password": "a-long-password-1", "next": there}
    assert client.post(f"/sign-in?next={there.strip()}", values).headers["Location"] == "/"
    assert client.post("/sign-out", {"next": there}).headers["Location"] == "/sign-in"


def test_a_foreign_host_name_is_not_answered(day):
    assert Client().get("/sign-in", headers={"Host": "evil.example"}).status_code == 400
