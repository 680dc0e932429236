"""Front and pages are processes apart: what happens to one is not felt at the other."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request

import pytest

from tests.crash.desk import Desk
from tests.crash.load import Pump, complain
from tests.processes import until

pytestmark = [pytest.mark.crash, pytest.mark.timeout(180)]

NOTICES = 40


def sign_in_page(desk: Desk) -> int:
    with urllib.request.urlopen(f"{desk.url}/sign-in", timeout=60) as answer:
        return int(answer.status)


def readiness(desk: Desk) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"{desk.url}/readyz", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_notices_are_received_while_the_pages_hang_and_the_desk_says_that_it_is_not_ready(desk: Desk):
    pages = desk.child("pages")
    assert pages is not None
    os.kill(pages, signal.SIGSTOP)
    try:
        pump = Pump(desk, complain(desk, 2), NOTICES)
        pump.start()
        pump.await_more(NOTICES)
        pump.finish()
        assert (len(pump.acknowledged), pump.failures) == (NOTICES, {})
        status, text = readiness(desk)
        assert (status, "the pages" in text) == (503, True)
    finally:
        os.kill(pages, signal.SIGCONT)
    until(lambda: readiness(desk)[0] == 200, 30, "the pages to answer again")


@pytest.mark.parametrize("name", ["front", "pages"])
def test_whoever_asks_after_a_process_was_killed_waits_for_the_next_one(desk: Desk, name: str):
    assert sign_in_page(desk) == 200
    killed = desk.child(name)
    desk.kill(killed)
    until(lambda: desk.child(name) != killed, 30, "the kill to be noticed")
    assert sign_in_page(desk) == 200
    assert desk.child(name) not in (None, killed)
