"""Signing in, joining and one's own account in a real browser; passkeys with a virtual authenticator."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from kesu import clock
from kesu.accounts import invitations
from kesu.accounts.models import User
from tests.accounts.conftest import totp
from tests.desk_seeds import PASSWORD, make_user
from tests.e2e.judging import overflow, serious

pytestmark = pytest.mark.e2e

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def wang(transactional_db: None) -> User:
    return make_user()


def sign_in(page: Any, *, leads_to: str) -> None:
    page.get_by_label("User name").fill("wang")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    arrive(page, leads_to)


def arrive(page: Any, path: str) -> None:
    """Wait until a page is there with all that belongs to it, so that leaving it interrupts nothing."""
    page.wait_for_url(lambda url: urlsplit(url).path == path)
    page.wait_for_load_state("networkidle")


def confirm(page: Any) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def set_up(page: Any) -> str:
    """Set the authenticator app up on the page; its secret."""
    page.goto("/me/")
    page.get_by_role("link", name="Set up").click()
    confirm(page)
    secret: str = page.locator("code.breakable").inner_text()
    page.get_by_label("Code").fill(totp(secret))
    page.get_by_role("button", name="Set up").click()
    arrive(page, "/me/recovery-codes")
    return secret


def test_a_second_step_from_setting_up_to_signing_in(open_page: Any, wang: User) -> None:
    page = open_page("/sign-in", language="en")
    sign_in(page, leads_to="/")
    secret = set_up(page)
    assert page.locator(".codes li").count() == 10
    again = open_page("/sign-in?next=/system", language="en")
    sign_in(again, leads_to="/sign-in/second-step")
    again.get_by_label("Code").fill(totp(secret, periods=1))
    again.get_by_role("button", name="Sign in", exact=True).click()
    arrive(again, "/system")
    assert page.complaints == again.complaints == []


def test_a_passkey_from_adding_to_signing_in_by_it_alone(open_page: Any, wang: User) -> None:
    page = open_page("/sign-in", language="en")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    sign_in(page, leads_to="/")
    page.goto("/me/")
    page.get_by_role("link", name="Add a passkey").click()
    confirm(page)
    page.get_by_label("What you call it").fill("My phone")
    page.get_by_role("button", name="Add the passkey").click()
    arrive(page, "/me/recovery-codes")
    page.goto("/me/")
    assert page.get_by_text("My phone").is_visible()
    page.goto("/me/confirm/passkey")
    assert page.get_by_role("heading", name="Please confirm that it is you").is_visible()
    assert overflow(page) == serious(page) == []
    page.complaints.clear()  # the policy of contents refuses the styles of axe itself
    page.context.clear_cookies(name="sessionid")
    page.goto("/sign-in?next=/system")
    page.get_by_role("button", name="Sign in with a passkey").click()
    arrive(page, "/system")

    page.context.clear_cookies(name="sessionid")
    page.goto("/sign-in")
    sign_in(page, leads_to="/sign-in/second-step")
    page.get_by_role("button", name="Use a passkey").click()
    arrive(page, "/")
    assert page.complaints == []


def test_a_passkey_that_is_not_there_is_said_politely(open_page: Any, wang: User) -> None:
    page = open_page("/sign-in", language="en")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | {"isUserVerified": False}})
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_text("The passkey was not used").wait_for()


def test_an_invited_person_joins_on_a_phone(open_page: Any, transactional_db: None) -> None:
    _, token = invitations.invite(None, "owner", all_merchants=True, now=clock.now())
    page = open_page(f"/join/{token}", width=390, language="en")
    page.get_by_label("User name").fill("li")
    page.get_by_label("Password", exact=True).fill("quite-another-word-2")
    page.get_by_label("Password again").fill("quite-another-word-2")
    page.get_by_role("button", name="Join").tap()
    arrive(page, "/")
    assert User.objects.get().username == "li"
