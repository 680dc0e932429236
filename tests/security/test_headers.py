"""What every answer tells the browser: no frames, no guessing, no referrer, no foreign scripts, HTTPS, nothing kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.test import Client

from kesu.desk.security import CONTENT_POLICY
from tests.security.walking import filled, pages

SHOWS_NOBODYS_DATA = ("/sign-out", "/language", "/theme", "/open/")
SETTINGS = (
    "import json, sys; from kesu.config import settings as s;"
    "json.dump([s.SECURE_HSTS_SECONDS, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE], sys.stdout)"
)


def test_every_page_has_every_header(desk, rows):
    for route in pages():
        address = filled(route, rows.numbers)
        answer = desk.get(address)
        told = answer.headers
        picture = route.startswith("/media/") or "/outgoing/" in route
        policy = "default-src 'none'; sandbox" if picture else CONTENT_POLICY
        assert told["Content-Security-Policy"] == policy, address
        assert told["X-Content-Type-Options"] == "nosniff", address
        assert told["X-Frame-Options"] == "DENY", address
        assert told["Referrer-Policy"] == "same-origin", address
        assert told["Cross-Origin-Opener-Policy"] == "same-origin", address


def test_no_page_of_a_signed_in_person_is_kept_by_anybody(desk, rows):
    """Addresses of payers' pictures are kept by the person's own browser for an hour, and by nobody between."""
    opened = 0
    for route in pages():
        address = filled(route, rows.numbers)
        answer = desk.get(address)
        if answer.status_code != 200 or route.startswith(SHOWS_NOBODYS_DATA):
            continue
        opened += 1
        kept = answer.headers.get("Cache-Control", "")
        assert "no-store" in kept or (route.startswith("/media/") and "private" in kept), address
    assert opened > 25


def test_the_api_and_what_is_not_there_are_not_kept_either(desk, rows):
    for address in ("/api/v1/complaints", f"/cases/{rows.case.pk}/phone"):
        answer = desk.post(address)
        assert answer.status_code != 200 or "no-store" in answer.headers["Cache-Control"], address


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(db, day):
    client = Client()
    client.get("/sign-in")
    client.post("/sign-in", {"username": "wang", "password": "a-long-password-1"})
    client.post("/theme", {"theme": "dark"})
    session, theme = client.cookies["sessionid"], client.cookies["kesu_theme"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")
    assert (theme["httponly"], theme["samesite"]) == (True, "Lax")
    assert all(cookie["samesite"] == "Lax" and not cookie["domain"] for cookie in client.cookies.values())


@pytest.mark.parametrize(
    ("public_url", "days", "told"),
    [
        ("https://desk.example.com", None, [30 * 86_400, True, True]),
        ("https://desk.example.com", "365", [365 * 86_400, True, True]),
        ("https://desk.example.com", "0", [0, True, True]),
        ("http://desk.example.com", None, [0, False, False]),
        ("", None, [0, False, False]),
    ],
)
def test_over_https_browsers_are_told_to_stay_there(tmp_path, public_url, days, told):
    environment = os.environ | {"KESU_DATA": str(tmp_path), "KESU_PUBLIC_URL": public_url}
    environment |= {"KESU_HSTS_DAYS": days} if days is not None else {}
    found = subprocess.run([sys.executable, "-c", SETTINGS], env=environment, check=True, capture_output=True)
    assert json.loads(found.stdout) == told


def test_the_header_is_sent_over_https_only(db, settings):
    settings.SECURE_HSTS_SECONDS = 86_400
    assert Client().get("/sign-in", secure=True).headers["Strict-Transport-Security"] == "max-age=86400"
    assert "Strict-Transport-Security" not in Client().get("/sign-in").headers
