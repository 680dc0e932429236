"""Every page of the desk, as it is used and as it is on the first day: on a phone, a desk and a wide screen, in both
languages, light and dark. Each is seen on a phone and on a desk, in the other language and theme there.

Nothing keeps anybody from using it (axe; contrasts too), nothing sticks out or moves by itself, nothing is refused by
the policy of contents, what is pressed can be met by a thumb, and the focus can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.desk.gates import GATES
from tests.desk.test_gate import routes
from tests.desk_seeds import make_user
from tests.e2e import judging
from tests.e2e.conftest import photograph
from tests.e2e.lived_in import Office, office, session
from tests.e2e.pages import NO_PAGES, PAGES, TROUBLE, Look

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PHONE, DESK, WIDE = 390, 1440, 1920
# What a page has on the phone, by its place in the walk; on the desk it has the other of both.
STYLES = [("zh-hans", "light"), ("en", "dark"), ("zh-hans", "dark"), ("en", "light")]
LOOKS = [look for looks in PAGES.values() for look in looks]


def other(style: tuple[str, str]) -> tuple[str, str]:
    language, theme = style
    return ("en" if language == "zh-hans" else "zh-hans", "dark" if theme == "light" else "light")


def test_every_address_is_looked_at_or_is_no_page():
    def shows(route: str) -> bool:
        gates = GATES.get(route, [])
        return not gates or any(gate.method == "GET" for gate in (gates if isinstance(gates, list) else [gates]))

    of_the_admin = re.compile(r"/admin/\w+/\w+/<path:object_id>/")  # leads to the page of changing
    asked = {route for route in routes() if shows(route) and not of_the_admin.fullmatch(route)}
    assert {route for route in asked if not route.startswith("/api/")} == {*PAGES, *NO_PAGES}


@pytest.mark.parametrize("style", range(len(STYLES)), ids=lambda number: "-".join(STYLES[number]))
def test_every_page_in_use(window, transactional_db, settings, now, style):
    settings.ROOT_URLCONF = "tests.e2e.trouble_urls"
    lived_in = office(now)
    looks = (LOOKS + TROUBLE)[style :: len(STYLES)]
    on_phones = [look for place, look in enumerate(looks) if not look.once or place % 2]
    on_desks = [look for place, look in enumerate(looks) if not look.once or not place % 2]
    wrong = walk(window, on_phones, lived_in, STYLES[style], PHONE)
    wrong += walk(window, on_desks, lived_in, other(STYLES[style]), DESK)
    assert not wrong, "\n".join(wrong)


def test_every_page_on_the_first_day(window, transactional_db):
    first_day = Office({}, {"owner": session(make_user())})
    looks = [look for look in LOOKS if look.who == "owner" and not look.once and not look.press]
    looks = [look for look in looks if "{" not in look.address]
    wrong = walk(window, looks[::2], first_day, STYLES[2], PHONE)
    wrong += walk(window, looks[1::2], first_day, STYLES[3], DESK)
    assert not wrong, "\n".join(wrong)


def walk(
    window: Callable[..., Any], looks: list[Look], lived_in: Office, style: tuple[str, str], width: int
) -> list[str]:
    """What is wrong, each with the page."""
    language, theme = style
    page = window(width=width, language=language, theme=theme)
    return [
        f"{look.address} of {look.who or 'a stranger'} at {width} in {language}, {theme}: {wrong}"
        for look in looks
        for wrong in look_at(page, look, lived_in, width)
    ]


def look_at(page: Any, look: Look, lived_in: Office, width: int) -> Iterator[str]:
    page.complaints.clear()
    page.sign_in(lived_in.sessions.get(look.who))
    answer = page.goto(look.address.format(**lived_in.numbers), wait_until="load")
    if answer.status != look.status and not look.press:
        yield f"answered with {answer.status}"
    yield from [f"moved: {shift}" for shift in judging.shifted(page)]
    if look.press:
        look.press(page)
    if (shown := page.get_attribute("html", "lang")) != page.language:
        yield f"speaks {shown}"
    name = f"{look.address}-{look.who}{'-pressed' if look.press else ''}-{'used' if lived_in.numbers else 'new'}"
    photograph(page, re.sub(r"\W+", "-", name).strip("-"))
    yield from judging.overflow(page)
    if width == PHONE and not look.address.startswith("/admin/"):
        yield from judging.small_targets(page)
    elif width == DESK:
        page.set_viewport_size({"width": WIDE, "height": 1000})
        yield from [f"at {WIDE}: {wrong}" for wrong in judging.overflow(page)]
        page.set_viewport_size({"width": width, "height": 900})
        yield from [f"the focus cannot be seen at {unseen}" for unseen in judging.unseen_focus(page)]
    if look.address.startswith("/admin/"):
        yield from judging.serious(page)
        return  # Django's own templates: what else they look like and say is Django's
    expected = "the server responded with a status of" if look.status != 200 or look.press else "\0"
    yield from [said for said in page.complaints if expected not in said]
    yield from judging.serious(page)  # last: the policy of contents refuses styles of its own, which is told too
