"""All that was done about one case, page after page, for whoever sees the case."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts import roles
from kesu.accounts.roles import Permission
from kesu.complaints.queries import visible_to
from kesu.desk import trails
from kesu.desk.gate import needs
from kesu.desk.security import private


@require_GET
@needs(Permission.VIEW)
def trail(request: HttpRequest, pk: int) -> HttpResponse:
    """``?before=`` the number of the last entry of a page."""
    complaint = visible_to(request.user).only("complaint_id").filter(pk=pk).first()
    if complaint is None:
        raise Http404("no such complaint")
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 18 else 0
    context = {
        "case": complaint,
        "trail": trails.of_case(complaint, roles.permissions(request.user), before=before),
        "before": before,
        "now": clock.now(),
    }
    return private(render(request, "desk/case_trail.html", context))
