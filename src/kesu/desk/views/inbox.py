"""The inbox: what must be done next, and how long is left."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.complaints import queries
from kesu.complaints.cursors import CursorError
from kesu.complaints.models import Complaint
from kesu.complaints.queries import Only, View
from kesu.desk.cases import Row
from kesu.desk.queries import connected, last_poll
from kesu.desk.security import private

ONLY_LABELS: dict[str, str | Promise] = {
    Only.OVERDUE: _("Overdue"),
    Only.SOON: _("Under 6 hours"),
    Only.UNCLAIMED: _("Unclaimed"),
    Only.MINE: _("Mine"),
    Only.REPEAT: _("Repeat"),
    Only.PLATFORM: _("Platform service"),
}

_SHOWN_ROW = re.compile(r"(\d{1,18}):([0-9a-f]{8})")


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """``?view=open|all``, ``?only=`` one of the narrower views, ``?after=`` a cursor."""
    now = clock.now()
    mark = queries.newest_round()  # before the rows are read: what begins in between is announced, not lost
    view, only = _view(request)
    try:
        page = queries.page(request.user, view, only, request.GET.get("after", ""), now=now)
    except CursorError as error:
        raise Http404("no such page") from error
    context = {
        **_counted(request, view, only, now),
        "rows": _rows(request, page.rows, now),
        "next": _address(view, only, page.next_cursor) if page.next_cursor else "",
        "first": _address(view, only) if request.GET.get("after") else "",
        "mark": mark,
        "arrived": 0,
        "now": now,
        "connected": None if page.rows else connected(),
        "last_poll": None if page.rows else last_poll(),
    }
    return private(render(request, "desk/inbox.html", context))


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """What an open inbox asks every few seconds: the time, how many cases are new, and the shown rows that changed.

    ``?row=`` repeats the number and stamp of each shown row, ``?mark=`` says up to where the page had read.
    """
    now = clock.now()
    view, only = _view(request)
    shown = _shown(request)
    mark = _whole(request.GET.get("mark", ""))
    found = _rows(request, queries.rows_by_id(request.user, shown), now)
    context = {
        **_counted(request, view, only, now),
        "changed": [row for row in found if row.stamp != shown[row.complaint.pk]],
        "arrived": queries.rounds_since(request.user, mark, shown),
        "mark": mark,
        "now": now,
        "live": True,
    }
    return private(render(request, "desk/parts/inbox_live.html", context))


def _view(request: HttpRequest) -> tuple[str, str]:
    view = View.ALL if request.GET.get("view") == View.ALL else View.OPEN
    only = request.GET.get("only", "")
    return view, only if view == View.OPEN and only in queries.ONLY else ""


def _address(view: str, only: str = "", cursor: str = "") -> str:
    """The query of an inbox address, "?" included so that it can stand alone in a link."""
    parts = {"view": view if view != View.OPEN else "", "only": only, "after": cursor}
    return "?" + urlencode({name: value for name, value in parts.items() if value})


def _counted(request: HttpRequest, view: str, only: str, now: datetime) -> dict[str, Any]:
    """Tabs and narrower views with their numbers."""
    counts = queries.counts(request.user, now=now)
    return {
        "view": view,
        "only": only,
        "counts": counts,
        "count_limit": queries.COUNT_LIMIT,
        "narrower": [
            {
                "name": name,
                "label": label,
                "count": counts.only[name],
                # Pressed again, it opens the whole list.
                "address": _address(View.OPEN, "" if name == only else name),
            }
            for name, label in ONLY_LABELS.items()
        ],
        "here": _address(view, only),
    }


def _rows(request: HttpRequest, complaints: list[Complaint], now: datetime) -> list[Row]:
    return [Row(complaint, request.user.pk, now) for complaint in complaints]


def _shown(request: HttpRequest) -> dict[int, str]:
    """The rows that the page shows, by number; at most a page of them."""
    matches = (_SHOWN_ROW.fullmatch(text) for text in request.GET.getlist("row")[: queries.PAGE_SIZE])
    return {int(match[1]): match[2] for match in matches if match}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
