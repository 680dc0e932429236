"""The desk's pages with a million complaints, 50,000 of them open, against django-helpdesk with 10,000 tickets.

What a page costs the server: Django's test client inside the process, both on one PostgreSQL, in turn. Of the peer's
list that is the page and the rows that its script fetches. Kesu's page shows 50 rows, the peer's the 25 of its
settings. All 10,000 tickets are open and so in the peer's list, as 50,000 complaints are in Kesu's; the environment's
``PEER_OPEN_EVERY`` makes it fewer. Each search is compared with the peer's for the same thing.

    python -m tests.bench.desk DATA COMPLAINTS ROUNDS   ->   {"ours": {page: [seconds]}, "peer": ..., "queries": ...}
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import environment

COMPLAINTS, OPEN_SHARE = 1_000_000, 20
TICKETS = 10_000
PEER_OPEN_EVERY = int(os.environ.get("PEER_OPEN_EVERY", "1"))
PEER = "django-helpdesk==2.6.1"
MOST_QUERIES = 12
INBOX = "inbox"
SEARCH = "search"
CASE = "case"
REST = "rest"
Pages = dict[str, Callable[[], None]]
Seconds = dict[str, list[float]]


def measure(directory: Path, *, quick: bool) -> list[dict[str, Any]]:
    """The rows of the table."""
    complaints, rounds = (100_000, 3) if quick else (COMPLAINTS, 9)
    data = directory / "data"
    command = [sys.executable, "-m", "tests.bench.desk", str(data), str(complaints), str(rounds)]
    done = subprocess.run(command, env=environment(data), stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    ours, peer = found["ours"], found["peer"]
    of = f"{complaints:,} complaints against {TICKETS:,} tickets of {PEER.replace('==', ' ')}"
    return [
        _row(f"inbox page, the slowest view, {of}", _named(ours, INBOX), _all(ours, INBOX, peer["list"]), 0.25),
        _queries(found["queries"]),
        _row(f"search, the slowest against its own, {of}", _named(ours, SEARCH), _named(peer, SEARCH), 0.5),
        _row(
            "case page with 200 rows of history, against a ticket with 200",
            _named(ours, CASE),
            _all(ours, CASE, peer["ticket"]),
            0.5,
        ),
        _row(f"REST page of 50, {of}", _named(ours, REST), _all(ours, REST, peer["rest"]), 0.02),
    ]


def _named(pages: Seconds, kind: str) -> Seconds:
    return {name: seconds for name, seconds in pages.items() if name.split(" ")[0] == kind}


def _all(pages: Seconds, kind: str, peer: list[float]) -> Seconds:
    """Each of our pages of a kind has the same one of the peer to be compared with."""
    return dict.fromkeys(_named(pages, kind), peer)


def _row(what: str, pages: Seconds, peers: Seconds, target: float) -> dict[str, Any]:
    """Pages of ours against the peer's of the same name, round by round; the worst one counts."""
    ratios = {name: [mine / theirs for mine, theirs in zip(pages[name], peers[name], strict=True)] for name in pages}
    ratio = {name: statistics.median(found) for name, found in ratios.items()}
    worst = max(ratio, key=ratio.__getitem__)
    each = ", ".join(
        f"{name}: {ratio[name]:.3f}x ({min(found):.3f} to {max(found):.3f}), "
        f"{statistics.median(pages[name]) * 1000:.0f} ms against {statistics.median(peers[name]) * 1000:.0f} ms"
        for name, found in ratios.items()
    )
    return {
        "what": what,
        "measured": f"{ratio[worst]:.3f}x; {each}",
        "target": f"<= {target}x",
        "reached": ratio[worst] <= target,
    }


def _queries(asked: dict[str, int]) -> dict[str, Any]:
    most = max(asked.values())
    return {
        "what": "queries of an inbox page, any view",
        "measured": f"{min(asked.values())} to {most}",
        "target": f"<= {MOST_QUERIES}",
        "reached": most <= MOST_QUERIES,
    }


def run(data: Path, complaints: int, rounds: int) -> dict[str, Any]:
    """In a process of its own, with a desk."""
    texts = seed(complaints)
    with _peer(data, texts) as peer_round:
        pages = our_pages()
        asked = {name: _asked(page) for name, page in pages.items()}  # warms up
        ours: dict[str, list[float]] = {name: [] for name in pages}
        peer: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, seconds in peer_round().items():
                peer.setdefault(name, []).append(seconds)
            pages[INBOX + " open"]()  # each side asks once untimed: the other's turn has left the caches cold
            for name, page in pages.items():
                started = time.perf_counter()
                page()
                ours[name].append(time.perf_counter() - started)
    return {"ours": ours, "peer": peer, "queries": {name: n for name, n in asked.items() if name.startswith(INBOX)}}


def seed(complaints: int) -> list[str]:
    """A desk of eight people and some merchants. The payers' words."""
    from kesu import clock
    from tests.bench import million
    from tests.desk_seeds import make_user
    from tests.factories import make_account

    now = clock.now()
    people = [make_user(f"wang{number}") for number in range(8)]
    accounts = [make_account(f"19{number:08d}", now=now) for number in range(million.MERCHANTS)]
    return million.fill(accounts, [user.pk for user in people], complaints, opened=complaints // OPEN_SHARE, now=now)


def our_pages() -> Pages:
    """Each page by name, to be asked for."""
    from django.test import Client

    from kesu import clock
    from kesu.accounts import tokens
    from kesu.accounts.models import User
    from kesu.complaints.models import Complaint
    from kesu.complaints.queries import ONLY
    from tests.bench import million

    user = User.objects.get(username="wang1")
    browser = Client()
    browser.force_login(user)
    secret = tokens.create(user, "bench", ["read"], expires_at=None, now=clock.now())[1]
    script = Client(headers={"Authorization": f"Bearer {secret}"})
    case = Complaint.objects.filter(open=True).order_by("next_due_at", "id")[0]
    last = million.lengthen(case).encode()
    order = case.orders.get()
    views = {"open": {}, "all": {"view": "all"}} | {only: {"only": only} for only in ONLY}
    searches = {
        "number": case.complaint_id,
        "order": order.transaction_id,
        "own order": order.out_trade_no,
        "phone": case.payer_phone_tail,
        "rare words": million.RARE,
        "common words": million.COMMON,
    }

    def inbox(query: dict[str, str]) -> Callable[[], None]:
        return lambda: _expect(browser, "/", query, b'name="row"')

    pages: Pages = {f"{INBOX} {name}": inbox(query) for name, query in views.items()}
    pages |= {f"{SEARCH} {name}": inbox({"view": "all", "q": text}) for name, text in searches.items()}
    pages[CASE] = lambda: _expect(browser, f"/cases/{case.pk}", {}, last)
    pages[REST] = lambda: _expect(script, "/api/v1/complaints", {"view": "open"}, b"complaint_id")
    return pages


def _expect(client: Any, address: str, query: dict[str, str], content: bytes) -> None:
    answer = client.get(address, query)
    if answer.status_code != 200 or content not in answer.content:
        raise SystemExit(f"{address} {query}: {answer.status_code}, not what was looked for")


def _asked(page: Callable[[], None]) -> int:
    """How many queries a page takes."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        page()
    return len(asked)


@contextmanager
def _peer(data: Path, texts: list[str]) -> Iterator[Callable[[], dict[str, float]]]:
    """The peer in an environment of its own, which pip makes; a call measures one round."""
    import django
    from django.db import connection

    from tests.bench import helpdesk_peer, million

    with connection.cursor() as cursor:
        cursor.execute("create database helpdesk")
    place = data.parent / "helpdesk"
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = [PEER, f"Django=={django.get_version()}", "psycopg[binary]"]
    python = str(place / "bin" / "python")
    subprocess.run([python, *install, *wanted], check=True, stdout=sys.stderr)
    number = f"20020182026{17:017d}"  # the title of its eighteenth ticket
    words = dict.fromkeys(("number", "order", "own order", "phone"), number)
    words |= {"rare words": million.RARE, "common words": million.COMMON}
    command = [python, "-P", str(Path(helpdesk_peer.__file__)), connection.settings_dict["HOST"], "helpdesk"]
    with subprocess.Popen(
        [*command, str(TICKETS), str(PEER_OPEN_EVERY)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        print(json.dumps({"texts": texts, "words": words}), file=peer.stdin, flush=True)
        if peer.stdin is None or peer.stdout is None or peer.stdout.readline() != "ready\n":
            raise SystemExit("the peer did not start")

        def round() -> dict[str, float]:
            print(file=peer.stdin, flush=True)
            measured: dict[str, float] = json.loads(peer.stdout.readline())  # type: ignore[union-attr]
            return measured

        yield round
        peer.stdin.close()


if __name__ == "__main__":
    data, *numbers = sys.argv[1:]
    from kesu.cli.environment import desk

    with desk(Path(data)):
        print(json.dumps(run(Path(data), *map(int, numbers))))
