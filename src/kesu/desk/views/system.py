"""The state of the machinery: what arrives, what is stuck, who can be reached."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.desk import queries
from kesu.desk.gate import needs
from kesu.desk.security import private

PATIENCE = timedelta(minutes=1)
"""Work and heartbeats older than this are late. Real time: a demo's clock runs faster than its worker."""


@require_GET
@needs(Permission.SYSTEM)
def system(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    patience = PATIENCE * max(clock.speed(), 1)
    context = {
        "now": now,
        "accounts": queries.accounts(request.user),
        "last_notice": queries.last_notice(request.user),
        "parked_notices": queries.parked_notices(request.user),
        "parked_refreshes": queries.parked_refreshes(request.user),
        "rejections": queries.rejections(request.user),
        "channels": queries.channels(request.user, now=now),
        "late": queries.late(before=now - patience),
        "workers": queries.workers(since=now - patience),
    }
    return private(render(request, "desk/system.html", context))
