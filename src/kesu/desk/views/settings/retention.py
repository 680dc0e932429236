"""How long what is kept. These bounds belong to the installation's environment, so that no click can erase."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from kesu.accounts.roles import Permission
from kesu.desk import words
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.retention.lifetimes import lifetimes

KEPT: words.Words = {
    "notices": _("Notices as they came from the platform"),
    "messages": _("Pushes and their tries"),
    "pictures": _("Pictures of closed complaints"),
    "personal": _("Phone numbers, openids and raw answers of closed complaints"),
    "complaints": _("Closed complaints themselves"),
}


@require_GET
@needs(Permission.SETTINGS)
def retention(request: HttpRequest) -> HttpResponse:
    rows = [
        {"what": words.say(KEPT, one.name), "days": one.days, "setting": f"KESU_KEEP_{one.name.upper()}_DAYS"}
        for one in lifetimes()
    ]
    return private(render(request, "desk/settings/retention.html", {"rows": rows}))
