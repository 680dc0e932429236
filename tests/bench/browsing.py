"""How long a genuine notice waits to be accepted while eight people work the desk in their browsers, against while
nobody does: the same `kesu serve`, in turn.

Each clicks once a second, on a narrower list or on a case of it, and whatever page is open asks for news as pages do,
only more often: after every click.

    python -m tests.bench.browsing DATA PEOPLE   signs so many in   ->   their session cookies, JSON
    python -m tests.bench.browsing PORT          browses with the cookies it reads until its input ends
        ->   how many pages, JSON
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode

from tests.bench import storm
from tests.processes import environment

PEOPLE = 8
SECONDS_A_CLICK = 1.0
LISTS = ("/", "/?only=unclaimed", "/?only=soon", "/?view=all")
_CASE = re.compile(r'href="(/cases/\d+)"')
_SHOWN = re.compile(r'name="row" value="([^"]+)"')
_LIVE = re.compile(r'id="live"[^>]* hx-get="([^"]+)"')


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The row of the table."""
    seconds, rounds = (6, 2) if quick else (12, 4)
    with ExitStack() as stack:
        bench = storm._start(directory, seconds, stack)
        cookies = _sign_in(directory / "data")
        pages = [0]
        idle, busy = [], []
        with _browsing(bench.port, cookies, pages):
            bench.p99(storm=False)  # warms up
        for number in range(rounds):
            for at_work in (False, True) if number % 2 else (True, False):
                with _browsing(bench.port, cookies, pages) if at_work else ExitStack():
                    (busy if at_work else idle).append(bench.p99(storm=False))
    ratios = [theirs / ours for ours, theirs in zip(idle, busy, strict=True)]
    ratio = statistics.median(ratios)
    return [
        {
            "what": f"p99 of an accepted notice at {storm.PER_SECOND}/s while {PEOPLE} browsers work the desk, "
            "against an idle desk",
            "measured": f"{ratio:.1f}x (rounds {min(ratios):.1f} to {max(ratios):.1f}): "
            f"{statistics.median(busy):.0f} ms against {statistics.median(idle):.0f} ms; {pages[0]} pages",
            "target": "<= 3x",
            "reached": ratio <= 3,
        }
    ]


def _sign_in(data: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.bench.browsing", str(data), str(PEOPLE)]
    done = subprocess.run(command, env=environment(data), stdout=subprocess.PIPE, text=True, check=True)
    cookies: list[str] = json.loads(done.stdout)
    return cookies


@contextmanager
def _browsing(port: int, cookies: list[str], pages: list[int]) -> Iterator[None]:
    """People at work in a process of their own until the block ends; adds to ``pages`` what they saw."""
    command = [sys.executable, "-m", "tests.bench.browsing", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as browsers:
        try:
            print(json.dumps(cookies), file=browsers.stdin, flush=True)
            yield
        finally:
            told, _ = browsers.communicate()
    if browsers.returncode:
        raise SystemExit("the browsers met an error")
    pages[0] += json.loads(told)


class Browser:
    """One person's: a list, a case of it, another list, and each page's own question for news."""

    def __init__(self, port: int, cookie: str, number: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = {"Cookie": f"sessionid={cookie}", "Accept": "text/html"}
        self._number = number
        self.pages = 0

    def work(self, over: Event) -> None:
        cases: list[str] = []
        for click in count(self._number):
            if over.wait(SECONDS_A_CLICK):
                return
            if cases:
                page = self._get(cases[click % len(cases)])
                cases = []
            else:
                page = self._get(LISTS[click // 2 % len(LISTS)])
                cases = _CASE.findall(page)
            self._ask_for_news(page)

    def _ask_for_news(self, page: str) -> None:
        found = _LIVE.search(page)
        if found is None:
            raise SystemExit("a page that does not ask for news")
        address = found[1].replace("&amp;", "&")
        if shown := _SHOWN.findall(page):
            rows = urlencode([*(("row", row) for row in shown), ("mark", "0")])
            address += ("&" if "?" in address else "?") + rows
        self._get(address, {"HX-Request": "true"})

    def _get(self, address: str, more: dict[str, str] | None = None) -> str:
        self._connection.request("GET", address, headers=self._headers | (more or {}))
        answer = self._connection.getresponse()
        body = answer.read().decode()
        if answer.status != 200:
            raise SystemExit(f"{address}: {answer.status}")
        self.pages += 1
        return body


def browse(port: int, cookies: list[str]) -> int:
    """Until the input ends: how many pages were seen. Raises SystemExit when somebody met an error."""
    browsers = [Browser(port, cookie, number) for number, cookie in enumerate(cookies)]
    over = Event()
    with ThreadPoolExecutor(len(browsers)) as pool:
        working = []
        for browser in browsers:
            working.append(pool.submit(browser.work, over))
            time.sleep(SECONDS_A_CLICK / len(browsers))
        sys.stdin.read()
        over.set()
    for work in working:
        work.result()
    if not all(browser.pages for browser in browsers):
        raise SystemExit("somebody saw nothing")
    return sum(browser.pages for browser in browsers)


def _sessions(people: int) -> list[str]:
    """In a process of its own, with a desk."""
    from django.test import Client

    from tests.desk_seeds import make_user

    cookies = []
    for number in range(people):
        client = Client()
        client.force_login(make_user(f"li{number}"))
        cookies.append(client.cookies["sessionid"].value)
    return cookies


if __name__ == "__main__":
    if len(sys.argv) == 2:
        print(json.dumps(browse(int(sys.argv[1]), json.loads(sys.stdin.readline()))))
    else:
        from kesu.cli.environment import desk

        with desk(Path(sys.argv[1])):
            print(json.dumps(_sessions(int(sys.argv[2]))))
