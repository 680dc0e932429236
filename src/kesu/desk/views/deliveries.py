"""The delivery log, and the links that pushes carry."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.alerts import links
from kesu.alerts.models import Message
from kesu.desk import pushes, queries
from kesu.desk.gate import needs
from kesu.desk.security import private


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


@require_GET
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """A push's link leads to its case; one that is old or damaged says so."""
    complaint_pk = links.resolve(token, now=clock.now())
    if complaint_pk is None:
        return render(request, "desk/bad_link.html", status=404)
    return redirect("desk:case", pk=complaint_pk)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
