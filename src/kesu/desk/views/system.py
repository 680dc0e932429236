"""The state of the machinery: what arrives, what is stuck, who can be reached."""

from __future__ import annotations

from dataclasses import fields

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.worker import queries


@require_GET
@needs(Permission.SYSTEM)
def system(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    state = queries.state(request.user, now=now)
    context = {"now": now} | {field.name: getattr(state, field.name) for field in fields(state)}
    return private(render(request, "desk/system.html", context))
