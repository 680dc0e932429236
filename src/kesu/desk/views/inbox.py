"""The inbox: what must be done next, and how long is left."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, may
from kesu.commands.second_person import to_decide
from kesu.complaints import exporting, queries, saved_views, search
from kesu.complaints.cursors import CursorError
from kesu.complaints.filters import NOBODY
from kesu.complaints.narrowing import Narrowing
from kesu.complaints.queries import Page, View
from kesu.desk import narrowing, words
from kesu.desk.narrowing import MARK_LABELS, ONLY_LABELS
from kesu.desk.queries import last_poll, merchant_names
from kesu.desk.rows import rows
from kesu.desk.security import private

_SHOWN_ROW = re.compile(r"(\d{1,18}):([0-9a-f]{8})")


@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    """``?view=open|all``, ``?only=`` one of the narrower views, filters as ``narrowing`` names them, ``?after=`` a
    cursor."""
    now = clock.now()
    asked = Narrowing.of(request.GET)
    counted = _counted(request, asked, now)  # before the rows are read: what begins in between is announced, not lost
    page = _page(request, asked, now)
    context = {
        **counted,
        **_tools(request, asked),
        "rows": [row.shown for row in rows(request.user, page.rows, now)],
        "next": asked.address(page.next_cursor) if page.next_cursor else "",
        "first": asked.address() if request.GET.get("after") else "",
        "mark": counted["counts"].newest_round,
        "arrived": 0,
        "now": now,
        "last_poll": None if page.rows else last_poll(),
        "too_short": bool(asked.filters.text) and search.too_short(asked.filters.text),
    }
    return private(render(request, "desk/inbox.html", context))


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """What an open inbox asks every few seconds: the time, how many cases are new, and the shown rows that changed.

    ``?row=`` repeats the number and stamp of each shown row, ``?mark=`` says up to where the page had read.
    """
    now = clock.now()
    asked = Narrowing.of(request.GET)
    shown = _shown(request)
    mark = _whole(request.GET.get("mark", ""))
    found = rows(request.user, queries.rows_by_id(request.user, shown, brief=True), now)
    since = queries.rounds_since(request.user, mark, shown, asked.view, asked.only, filters=asked.filters, now=now)
    context = {
        **_counted(request, asked, now),
        "changed": [row.shown for row in found if row.stamp != shown[row.complaint.pk]],
        "arrived": since,
        "mark": mark,
        "now": now,
        "live": True,
    }
    return private(render(request, "desk/parts/inbox_live.html", context))


def _page(request: HttpRequest, asked: Narrowing, now: datetime) -> Page:
    after = request.GET.get("after", "")
    try:
        return queries.page(request.user, asked.view, asked.only, after, filters=asked.filters, brief=True, now=now)
    except CursorError as error:
        raise Http404("no such page") from error


def _counted(request: HttpRequest, asked: Narrowing, now: datetime) -> dict[str, Any]:
    """Tabs and narrower views with their numbers. Each opens a whole list: filters stay behind."""
    counts = queries.counts(request.user, beside=to_decide(request.user), now=now)
    return {
        "to_decide": counts.beside,
        "view": asked.view,
        "only": asked.only,
        "filtered": bool(asked.filters),
        "counts": counts,
        "count_limit": queries.COUNT_LIMIT,
        "narrower": [
            {
                "name": name,
                "label": label,
                "count": counts.only[name],
                # Pressed again, it opens the whole list.
                "address": Narrowing(View.OPEN, "" if name == asked.only else name).address(),
            }
            for name, label in ONLY_LABELS.items()
        ],
        "here": asked.address(),
        "list_address": reverse("desk:inbox"),
    }


def _tools(request: HttpRequest, asked: Narrowing) -> dict[str, Any]:
    """The search, the filters as they stand, saved views, and what can be done with many rows at once."""
    people = _people(request)
    return {
        "asked": asked,
        "filters": asked.filters,
        "chips": narrowing.chips(asked, dict(people)),
        "hidden": [pair for pair in asked.pairs if pair[0] not in ("view", "only", "q")],
        "problems": words.PROBLEM_TYPES.items(),
        "states": words.STATES.items(),
        "marks": MARK_LABELS.items(),
        "people": people,
        "nobody": NOBODY,
        "merchants": merchant_names(request.user),
        "saved": [(view, view.query == asked.query) for view in saved_views.of(request.user)],
        "excel_limit": exporting.EXCEL_LIMIT,
        "selectable": any(
            may(request.user, right) for right in (Permission.ASSIGN, Permission.REPLY, Permission.EXPORT)
        ),
    }


def _people(request: HttpRequest) -> list[tuple[str, str]]:
    """Whom cases are given to, by username. Those who give none find their own."""
    if not isinstance(request.user, User):
        return []
    if not may(request.user, Permission.ASSIGN):
        return [(request.user.username, _("Mine"))]
    found = User.objects.filter(is_active=True).order_by("display_name", "username")
    return [(user.username, str(user)) for user in found.only("username", "display_name")[:200]]


def _shown(request: HttpRequest) -> dict[int, str]:
    """The rows that the page shows, by number; at most a page of them."""
    matches = (_SHOWN_ROW.fullmatch(text) for text in request.GET.getlist("row")[: queries.PAGE_SIZE])
    return {int(match[1]): match[2] for match in matches if match}


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0
