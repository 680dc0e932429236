"""One case: the facts, both deadlines, the conversation, who was told. And claiming it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.alerts.services import ClaimedError
from kesu.commands import verbs
from kesu.complaints import queries
from kesu.complaints.models import Complaint
from kesu.desk.cases import Countdown, Row
from kesu.desk.queries import deliveries_of
from kesu.desk.security import private
from kesu.desk.timeline import passages


@require_GET
def case(request: HttpRequest, pk: int) -> HttpResponse:
    now = clock.now()
    context = _context(request, _found(request, pk), now)
    return private(render(request, "desk/case.html", context))


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The time, and the whole case anew when ``?stamp=`` is no longer what would be shown."""
    now = clock.now()
    context = _context(request, _found(request, pk), now)
    context["changed"] = request.GET.get("stamp", "") != context["stamp"]
    context["live"] = True
    return private(render(request, "desk/parts/case_live.html", context))


@require_http_methods(["GET", "POST"])
def claim(request: HttpRequest, pk: int) -> HttpResponse:
    """``do=claim|release``. Answers with the row when a list asked for it, else goes back to ``next``.

    Whoever had to sign in first comes here without the press: the case is shown, and nothing is done.
    """
    if request.method == "GET":
        return redirect("desk:case", pk=pk)
    now = clock.now()
    complaint = _found(request, pk)
    verb = verbs.release if request.POST.get("do") == "release" else verbs.claim
    try:
        verb(Actor.of(request), complaint, now=now)
    except ClaimedError as claimed:
        messages.info(request, gettext("%(name)s was faster and handles this case.") % {"name": claimed.owner})
    if getattr(request, "htmx", None) and request.POST.get("part") == "row":
        row = Row(queries.rows_by_id(request.user, [pk])[0], request.user.pk, now)
        return private(render(request, "desk/parts/row.html", {"row": row}))
    return redirect(_way_back(request, reverse("desk:case", args=[pk])))


def _found(request: HttpRequest, pk: int) -> Complaint:
    try:
        return queries.case(request.user, pk)
    except Complaint.DoesNotExist as error:
        raise Http404("no such complaint") from error


def _context(request: HttpRequest, complaint: Complaint, now: datetime) -> dict[str, Any]:
    row = Row(complaint, request.user.pk, now)
    others = queries.others_of_payer(request.user, complaint)
    context = {
        "case": complaint,
        "row": row,
        "now": now,
        "clocks": _clocks(complaint, row.started_at, now),
        "current_round": next((item for item in complaint.rounds.all() if item.number == complaint.round_number), None),
        "passages": passages(complaint),
        "pushes": deliveries_of(request.user, complaint.pk),
        "others": [Row(other, request.user.pk, now) for other in others[: queries.OTHERS_LIMIT]],
        "more_others": len(others) > queries.OTHERS_LIMIT,
    }
    context["stamp"] = _stamp(context)
    return context


def _clocks(complaint: Complaint, started_at: datetime, now: datetime) -> list[Countdown]:
    """The deadlines that still run, the nearer one first."""
    if not complaint.open:
        return []
    reply = Countdown(gettext("Reply"), started_at, complaint.reply_due_at, now)
    complete = Countdown(gettext("Complete"), started_at, complaint.complete_due_at, now)
    return [complete] if complaint.replied else [reply, complete]


def _stamp(context: dict[str, Any]) -> str:
    """A hash of everything the page shows besides the passing of time."""
    complaint = context["case"]
    shown = (
        context["row"].stamp,
        complaint.reply_due_at,
        complaint.complete_due_at,
        complaint.payer_phone_tail,
        complaint.apply_refund_amount,
        [entry.pk for entry in complaint.timeline.all()],
        [(media.pk, media.state) for media in complaint.media.all()],
        [(item.number, item.replied_at, item.completed_at) for item in complaint.rounds.all()],
        [(push.pk, push.state, push.attempts) for push in context["pushes"]],
        [(other.complaint.pk, other.stamp) for other in context["others"]],
    )
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _way_back(request: HttpRequest, otherwise: str) -> str:
    """``next`` when it leads into this desk."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else otherwise
