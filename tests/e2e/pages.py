"""Every page that a browser can ask for by its address, by the route under which the desk knows it.

``test_every_page`` walks all of them, and fails for a route that is neither here nor in ``NO_PAGES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Look:
    """One look at a page. ``address`` is filled with the numbers of ``lived_in.Office``; ``who``: one of its people,
    or nobody. ``press`` brings the page where it is looked at; what it answers to that may be an error's status."""

    address: str
    who: str = "owner"
    status: int = 200
    press: Callable[[Any], None] | None = None
    once: bool = False
    """Whether one of the two widths is enough, because others of its kind are seen in the other."""


def _try_a_password(page: Any) -> None:
    page.fill("#id_username", "nobody")
    page.fill("#id_password", "wrong-password")
    with page.expect_navigation(wait_until="load"):
        page.press("#id_password", "Enter")


def _answer_many(page: Any) -> None:
    for box in page.locator("#cases input[type=checkbox]").all()[:2]:
        box.check()
    with page.expect_navigation(wait_until="load"):
        page.locator("button[name=do][value=reply]").click()


def _send_again(page: Any) -> None:
    with page.expect_navigation(wait_until="load"):
        page.locator(".push-again button").first.click()


def _assign_many(page: Any) -> None:
    for box in page.locator("#cases input[type=checkbox]").all()[:2]:
        box.check()
    page.locator("select[name=to]").select_option(index=1)
    with page.expect_navigation(wait_until="load"):
        page.locator("button[name=do][value=assign]").click()


def _send_nothing(page: Any) -> None:
    """Past the browser's own checks, to what the desk says of each field."""
    with page.expect_navigation(wait_until="load"):
        page.evaluate("document.querySelector('main form[method=post]').submit()")


def _show_keys(page: Any) -> None:
    page.keyboard.press("?")


def _open_menu(page: Any) -> None:
    page.locator("details.menu summary").click()


def _unfold(page: Any) -> None:
    page.evaluate("document.querySelectorAll('main details').forEach(fold => { fold.open = true; })")


def _admin() -> dict[str, list[Look]]:
    """A list, a form, a history and what is asked before removing, of every model that has them."""
    found: dict[str, list[Look]] = {}
    for model in ("ladder", "ladderrule", "rota", "personhours", "personaddress", "channel"):
        place, one = f"/admin/alerts/{model}/", f"/admin/alerts/{model}/<path:object_id>/"
        row = f"{place}{{admin_{model}}}/"
        found[place] = [Look(place, once=True)]
        found[f"{one}change/"] = [Look(f"{row}change/", once=True)]
        found[f"{one}history/"] = [Look(f"{row}history/", once=True)]
        found[f"{place}add/"] = [Look(f"{place}add/", status=403 if model == "channel" else 200, once=True)]
        found[f"{one}delete/"] = [Look(f"{row}delete/", status=403 if model == "channel" else 200, once=True)]
    return found


def _same(*addresses: str, who: str = "owner") -> dict[str, list[Look]]:
    return {address: [Look(address, who)] for address in addresses}


PAGES: Mapping[str, list[Look]] = {
    "/": [
        Look("/"),
        Look("/?view=all"),
        Look("/?view=all", press=_answer_many),
        Look("/?view=all", press=_assign_many),
        Look("/?view=all&q=nobody-said-this"),
        Look("/", press=_show_keys),
        Look("/", press=_open_menu),
        Look("/", "manager"),
        Look("/", "viewer"),
    ],
    "/cases/<int:pk>/audit": [Look("/cases/{case}/audit"), Look("/cases/{case}/audit", "viewer")],
    "/cases/<int:pk>": [
        Look("/cases/{case}"),
        Look("/cases/{case}", press=_unfold),
        Look("/cases/{case}", press=_show_keys),
        Look("/cases/{case}", "viewer"),
        Look("/cases/{finished}", "manager"),
        Look("/cases/999999", status=404),
    ],
    "/deliveries": [
        Look("/deliveries", press=_unfold),
        Look("/deliveries?state=failed"),
        Look("/deliveries?channel=999999"),
        Look("/deliveries?state=failed", status=409, press=_send_again),
    ],
    "/open/<str:token>": [Look("/open/nonsense", status=404)],
    "/settings/": [Look("/settings/"), Look("/settings/", "agent", status=403)],
    **_same("/system", "/welcome", "/settings/merchants", "/settings/people", "/settings/channels"),
    "/settings/connect": [Look("/settings/connect"), Look("/settings/connect", press=_send_nothing)],
    "/settings/merchants/<int:pk>": [Look("/settings/merchants/{account}"), Look("/settings/merchants/{partner}")],
    "/settings/people/<int:pk>": [Look("/settings/people/{person}"), Look("/settings/people/{me}")],
    "/settings/channels/new/<str:kind>": [
        Look("/settings/channels/new/wecom_robot", press=_send_nothing),
        Look("/settings/channels/new/wecom_app"),
        Look("/settings/channels/new/email"),
        Look("/settings/channels/new/webhook"),
    ],
    "/settings/channels/<int:pk>": [Look("/settings/channels/{channel}"), Look("/settings/channels/{dead}")],
    **_same("/settings/wake", "/settings/wake/text", "/settings/quiet-hours", "/settings/rota", "/settings/retention"),
    "/settings/wake/ladders/<str:name>": [
        Look("/settings/wake/ladders/{ladder}"),
        Look("/settings/wake/ladders/default"),
    ],
    "/settings/rota/<int:pk>": [Look("/settings/rota/{rota}")],
    "/settings/templates": [Look("/settings/templates"), Look("/settings/templates", "manager")],
    "/settings/templates/new": [Look("/settings/templates/new"), Look("/settings/templates/new", press=_send_nothing)],
    "/settings/templates/<int:pk>": [Look("/settings/templates/{template}")],
    "/settings/audit": [
        Look("/settings/audit"),
        Look("/settings/audit?subject=nobody"),
        Look("/settings/audit", "auditor"),
    ],
    "/settings/webhooks": [Look("/settings/webhooks"), Look("/settings/webhooks", press=_send_nothing)],
    "/settings/webhooks/<int:pk>": [Look("/settings/webhooks/{webhook}")],
    "/sign-in": [Look("/sign-in?next=/system", ""), Look("/sign-in", "", press=_try_a_password)],
    "/sign-in/second-step": [
        Look("/sign-in/second-step", "half"),
        Look("/sign-in/second-step", "half", press=_send_nothing),
    ],
    "/join/<str:token>": [
        Look("/join/{invitation}", ""),
        Look("/join/{invitation}", "", press=_send_nothing),
        Look("/join/{invitation}", status=409),
        Look("/join/nonsense", "", status=410),
    ],
    "/me/": [Look("/me/"), Look("/me/", "secured")],
    "/me/password": [Look("/me/password"), Look("/me/password", press=_send_nothing)],
    "/me/confirm": [Look("/me/confirm"), Look("/me/confirm", "secured")],
    **_same("/me/authenticator/add", "/me/passkeys/add", who="confirmed"),
    **_same("/me/confirm/code", "/me/authenticator/remove", who="secured"),
    **_same("/me/recovery-codes", "/me/recovery-codes/new", who="secured"),
    "/me/passkeys/<int:pk>/rename": [Look("/me/passkeys/{passkey}/rename", "keyed")],
    "/me/passkeys/<int:pk>/remove": [Look("/me/passkeys/{passkey}/remove", "keyed")],
    "/admin/": [Look("/admin/", once=True)],
    "/admin/^(?P<app_label>alerts)/$": [Look("/admin/alerts/", once=True)],
    **_admin(),
}
TROUBLE = [Look(f"/trouble/{status}", status=status, once=True) for status in (403, 429, 500, 503)]
"""Addresses of ``trouble_urls``."""
NO_PAGES: Mapping[str, str] = {
    "/live": "parts of a page",
    "/cases/<int:pk>/live": "parts of a page",
    "/cases/<int:pk>/outgoing/<str:token>": "a picture",
    "/media/<int:pk>": "a picture",
    "/me/recovery-codes/download": "a file",
    "/sign-in/passkey": "a challenge for a script",
    "/me/confirm/passkey": "needs a passkey that signs: test_account looks at it",
    "/sign-in/start-over": "leads to signing in",
    "/sign-in/wecom": "leads to WeCom",
    "/sign-in/wecom/back": "leads to signing in, or on",
    "/sign-out": "leads to signing in",
    "/language": "takes a choice",
    "/theme": "takes a choice",
    "/me/language": "takes a choice",
    "/callbacks/wecom/<int:channel_pk>": "called by WeCom",
    "/admin/login/": "leads to signing in",
    "/admin/logout/": "leads to signing in",
    "/admin/password_change/": "leads to one's own page",
    "/admin/password_change/done/": "nothing leads there",
    "/admin/autocomplete/": "rows for a script",
    "/admin/jsi18n/": "words for a script",
    "/admin/r/<path:content_type_id>/<path:object_id>/": "leads to another page",
    "/admin/(?P<url>.*)$": "what does not exist",
}
