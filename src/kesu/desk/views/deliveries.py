"""The delivery log, and the links that pushes carry."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.alerts import links, resending
from kesu.alerts.models import Message
from kesu.alerts.resending import ResendError
from kesu.desk import pushes, queries
from kesu.desk.gate import needs
from kesu.desk.security import private

CASE = "case"


@require_GET
@needs(Permission.DELIVERIES)
def deliveries(request: HttpRequest) -> HttpResponse:
    """``?state=`` one of the message states, ``?before=`` a message number."""
    state = request.GET.get("state", "")
    state = state if state in Message.State.values else ""
    before = request.GET.get("before", "")
    page = queries.deliveries(request.user, state=state, before=int(before) if _is_number(before) else 0)
    context = {
        "page": page,
        "state": state,
        "states": [("", None), *pushes.STATES.items()],
        "next": "?" + urlencode({"state": state, "before": page.next_before}) if page.next_before else "",
        "first": f"?state={state}" if before else "",
        "now": clock.now(),
    }
    return private(render(request, "desk/deliveries.html", context))


@require_POST
@needs(Permission.RESEND)
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """``yes``: 1 where it may have arrived already; without it that is asked on a page of its own. ``back``: case, or
    the state that the delivery log is narrowed to."""
    back, yes = request.POST.get("back", ""), request.POST.get("yes") == "1"
    try:
        message = resending.resend(Actor.of(request), pk, now=clock.now(), yes=yes)
        messages.success(request, _("It is sent again. The log shows what becomes of it."))
    except Message.DoesNotExist:
        raise Http404 from None
    except ResendError as error:
        message = queries.delivery(request.user, pk)
        if error.needs_yes:
            context = {
                "message": message,
                "why": str(error),
                "back": back,
                "address": f"{_back(message, back)}#{'side-pushes' if back == CASE else f'message-{pk}'}",
                "now": clock.now(),
            }
            return private(render(request, "desk/resend_push.html", context, status=409))
        messages.error(request, str(error))
    return redirect(_back(message, back))


def _back(message: Message, back: str) -> str:
    """Where somebody came from, at its top: what became of it is said there."""
    if back == CASE and message.complaint is not None:
        return reverse("desk:case", args=[message.complaint.pk])
    narrowed = "?" + urlencode({"state": back}) if back in Message.State.values else ""
    return reverse("desk:deliveries") + narrowed


@require_GET
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """A push's link leads to its case; one that is old or damaged says so."""
    complaint_pk = links.resolve(token, now=clock.now())
    if complaint_pk is None:
        return render(request, "desk/bad_link.html", status=404)
    return redirect("desk:case", pk=complaint_pk)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
