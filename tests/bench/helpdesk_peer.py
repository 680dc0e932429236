"""django-helpdesk as its documentation installs it, in an environment of its own: what its pages cost its server.

    python helpdesk_peer.py SOCKET_DIRECTORY DATABASE TICKETS OPEN_EVERY

The first line it reads is JSON: the texts that tickets and follow-ups quote in turn, and the words to be searched, by
kind. It says "ready" when its tickets stand; then answers each line with one line of JSON, the seconds of each page. A
page is all that the browser asks the server for to show it: of the list, the page and the rows that its script fetches.

Not handicapped: its default settings and page sizes (25 tickets, where Kesu shows 50), a connection that stays open,
cached templates, no debugging, statistics up to date. Its list shows open tickets; one in OPEN_EVERY is.
"""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import timedelta
from functools import partial
from typing import Any

import django
from django.conf import settings
from django.urls import include, path

FOLLOW_UPS = 2
LONG_TICKET_FOLLOW_UPS = 200
ROWS = re.compile(r'"url": "([^"]*datatables_ticket_list[^"]*)"')


def configure(socket_directory: str, database: str) -> None:
    """Its documented settings, without the optional teams."""
    settings.configure(
        SECRET_KEY="the peer of a bench",
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["testserver"],
        SITE_ID=1,
        USE_TZ=True,
        STATIC_URL="static/",
        LOGIN_URL="/login/",
        HELPDESK_TEAMS_MODE_ENABLED=False,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database,
                "USER": "kesu",
                "HOST": socket_directory,
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "django.contrib.humanize",
            "rest_framework",
            "helpdesk",
        ],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()


def urlpatterns_of_helpdesk() -> list[Any]:
    from django.contrib import admin

    return [path("admin/", admin.site.urls), path("", include("helpdesk.urls", namespace="helpdesk"))]


def seed(tickets: int, open_every: int, texts: list[str]) -> int:
    """So many tickets of one queue, one in ``open_every`` open; the number of the one with many follow-ups."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.utils import timezone
    from helpdesk.models import FollowUp, Queue, Ticket

    staff = get_user_model().objects.create_superuser("wang", "wang@example.com", "a-long-password-1")
    queue = Queue.objects.create(title="投诉", slug="complaints")
    now = timezone.now()
    rows = []
    for number in range(tickets):
        is_open = number % open_every == 0
        rows.append(
            Ticket(
                queue=queue,
                title=f"20020182026{number:017d}",
                description=texts[number % len(texts)],
                status=Ticket.OPEN_STATUS if is_open else Ticket.CLOSED_STATUS,
                assigned_to=staff if number % 3 else None,
                submitter_email=f"payer{number}@example.com",
                priority=number % 5 + 1,
                created=now - timedelta(minutes=number),
                modified=now,
                due_date=now - timedelta(minutes=number) + timedelta(days=1),
                secret_key=f"{number:036d}",
            )
        )
    made = Ticket.objects.bulk_create(rows, batch_size=1000)
    long = made[0]
    said = [(ticket, number) for ticket in made for number in range(FOLLOW_UPS)]
    said += [(long, number) for number in range(FOLLOW_UPS, LONG_TICKET_FOLLOW_UPS)]
    FollowUp.objects.bulk_create(
        [
            FollowUp(
                ticket=ticket,
                date=ticket.created + timedelta(minutes=number),
                title="Comment",
                comment=texts[(ticket.pk + number) % len(texts)],
                public=True,
                user=staff if number % 2 else None,
            )
            for ticket, number in said
        ],
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute("vacuum analyze")
    return int(long.pk)


class Desk:
    """Its pages, asked for by a signed-in member of staff."""

    def __init__(self, long_ticket: int, words: dict[str, str]) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client

        self.client = Client()
        self.client.force_login(get_user_model().objects.get())
        self.long_ticket = long_ticket
        self.words = words

    def round(self) -> dict[str, float]:
        pages = {"list": self.list, "ticket": self.ticket, "rest": self.rest}
        pages |= {f"search {kind}": partial(self.search, word) for kind, word in self.words.items()}
        self.list()  # untimed, as the other side does: its turn has left the caches cold
        return {name: _seconds(page) for name, page in pages.items()}

    def list(self) -> None:
        self._rows("/tickets/", {})

    def search(self, word: str) -> None:
        self._rows("/tickets/", {"q": word})

    def ticket(self) -> None:
        page = self._get(f"/tickets/{self.long_ticket}/")
        if page.count("Comment") < LONG_TICKET_FOLLOW_UPS:
            raise SystemExit("the ticket's follow-ups are not on its page")

    def rest(self) -> None:
        if len(json.loads(self._get("/api/tickets/?page_size=50"))["results"]) != 50:
            raise SystemExit("not a page of 50")

    def _rows(self, address: str, query: dict[str, str]) -> None:
        found = ROWS.search(self._get(address, query))
        if found is None:
            raise SystemExit("the list does not say where its rows are")
        if not json.loads(self._get(found[1], {"draw": "1", "start": "0", "length": "25"}))["data"]:
            raise SystemExit("the list is empty")

    def _get(self, address: str, query: dict[str, str] | None = None) -> str:
        answer = self.client.get(address, query or {})
        if answer.status_code != 200:
            raise SystemExit(f"{address}: {answer.status_code}")
        return str(answer.content.decode())


def _seconds(page: Any) -> float:
    started = time.perf_counter()
    page()
    return time.perf_counter() - started


def main() -> None:
    socket_directory, database, tickets, open_every = sys.argv[1:]
    configure(socket_directory, database)
    from django.core.management import call_command

    global urlpatterns
    urlpatterns = urlpatterns_of_helpdesk()
    call_command("migrate", verbosity=0)
    given = json.loads(sys.stdin.readline())
    desk = Desk(seed(int(tickets), int(open_every), given["texts"]), given["words"])
    desk.round()  # warms up
    print("ready", flush=True)
    for _ in sys.stdin:
        print(json.dumps(desk.round()), flush=True)


urlpatterns: list[Any] = []

if __name__ == "__main__":
    main()
