"""The first run's checklist. It ends with a real complaint seen and a real push received."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.first_run import DISMISSED_COOKIE, first_run

YEAR_SECONDS = 365 * 24 * 3600


@require_GET
@needs(Permission.SETTINGS)
def welcome(request: HttpRequest) -> HttpResponse:
    context = {"run": first_run(), "now": clock.now()}
    return private(render(request, "desk/settings/welcome.html", context))


@require_POST
@needs(Permission.SETTINGS)
def dismiss(request: HttpRequest) -> HttpResponse:
    """Not shown by itself in this browser any more; the settings still lead to it."""
    response = redirect("desk:inbox")
    response.set_cookie(
        DISMISSED_COOKIE,
        "done",
        max_age=YEAR_SECONDS,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
    )
    return response
