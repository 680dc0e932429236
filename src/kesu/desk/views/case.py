"""One case: the facts, both deadlines, the conversation, and everything that can be done about it. And claiming it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from kesu import clock
from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.alerts.services import ClaimedError
from kesu.commands import verbs
from kesu.commands.errors import Refused
from kesu.commands.models import Command
from kesu.commands.seen import Seen
from kesu.complaints import queries
from kesu.complaints.models import Complaint
from kesu.desk.answering import again, found, page_of
from kesu.desk.rows import rows
from kesu.desk.said import WRITING, text_of
from kesu.desk.security import private
from kesu.desk.sheets import NOTHING, Given
from kesu.rules.guards import GuardProfile
from kesu.sync import payments
from kesu.sync.requests import Priority, request_refresh, wake_loop

FRESH: timedelta = GuardProfile().fresh_for


@require_GET
def case(request: HttpRequest, pk: int) -> HttpResponse:
    """``?together=1``: with the payer's other complaints as one conversation; ``?again=`` a command that failed: its
    words stand in the reply box."""
    given = _again(request, pk)
    context = page_of(request, pk, given=given, together=request.GET.get("together") == "1")
    read_again_when_old(context["case"], now=context["now"])
    payments.ask_for(context["case"], now=context["now"])
    return private(render(request, "desk/case.html", context))


@require_GET
def live(request: HttpRequest, pk: int) -> HttpResponse:
    """The time, and the whole case anew when ``?stamp=`` is no longer what would be shown. ``?seen=``: up to where
    the open page shows it; what is newer is announced."""
    context = page_of(request, pk, together=request.GET.get("together") == "1")
    before = Seen.parse(request.GET.get("seen", "")[:40])
    context["changed"] = request.GET.get("stamp", "") != context["stamp"]
    context["news"] = _newer(context["case"], before) if before else 0
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
    complaint = found(request, pk)
    verb = verbs.release if request.POST.get("do") == "release" else verbs.claim
    try:
        verb(Actor.of(request), complaint, now=now)
    except (ClaimedError, Refused):
        owner = found(request, pk).claimed_by
        messages.info(request, gettext("%(name)s was faster and handles this case.") % {"name": owner})
    if getattr(request, "htmx", None):
        if request.POST.get("part") != "row":
            return again(request, pk, NOTHING)
        [row] = rows(request.user, queries.rows_by_id(request.user, [pk], brief=True), now)
        context = {"row": row.shown, "list_address": reverse("desk:inbox")}
        return private(render(request, "desk/parts/row.html", context))
    return redirect(_way_back(request, reverse("desk:case", args=[pk])))


def read_again_when_old(complaint: Complaint, *, now: datetime) -> bool:
    """Ask for a fresh read when the mirror is older than what guards take for fresh; whether it was asked for."""
    if now - complaint.history_read_at <= FRESH:
        return False
    key = (complaint.account_id, complaint.complaint_id)
    request_refresh({key: "opened"}, priority=Priority.HEARD, now=now)
    wake_loop("refresh")
    return True


def _again(request: HttpRequest, pk: int) -> Given:
    number = request.GET.get("again", "")
    if not (number.isascii() and number.isdigit() and len(number) <= 18) or not roles.may(
        request.user, Permission.REPLY
    ):
        return NOTHING
    seen = queries.visible_to(request.user).filter(pk=pk)
    command = Command.objects.filter(pk=int(number), complaint__in=seen, kind__in=WRITING).first()
    return Given("reply", {"text": text_of(command)}) if command else NOTHING


def _newer(complaint: Complaint, before: Seen) -> int:
    """How many entries the page does not show yet, our own acts aside."""
    return sum(
        entry.pk > before.entry and not entry.operate_type.startswith("MERCHANT_") for entry in complaint.timeline.all()
    )


def _way_back(request: HttpRequest, otherwise: str) -> str:
    """``next`` when it leads into this desk."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else otherwise
