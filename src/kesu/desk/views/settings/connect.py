"""Connecting a merchant number: each key is checked as it is entered; a real call proves them before any is kept."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings import connect_form
from kesu.desk.views.settings.connect_form import ConnectForm
from kesu.merchants.calls import Failure
from kesu.merchants.entering import checked
from kesu.merchants.models import Account
from kesu.sync import account_verbs
from kesu.sync.account_verbs import Connected


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_post_parameters()
@sensitive_variables()
@needs(Permission.SETTINGS)
def connect(request: HttpRequest) -> HttpResponse:
    """``anyway``: keep the keys although the platform did not answer just now. A refusal is never passed over.

    Asked by htmx only what came of it is answered, so that what was entered stays in the browser.
    """
    form = ConnectForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, None)
    anyway = request.POST.get("anyway") == "1"
    found = account_verbs.connect(Actor.of(request), form.cleaned_data, anyway=anyway, now=clock.now)
    if found.account is None:
        return _page(request, form, found.failure)
    return _connected(request, found.account, found)


@require_POST
@sensitive_post_parameters()
@sensitive_variables()
@needs(Permission.SETTINGS)
def check(request: HttpRequest) -> HttpResponse:
    """What can be said of one step (``?step=``) as it was entered. Nothing is kept."""
    step = request.GET.get("step", "")
    form = ConnectForm(request.POST, request.FILES)
    form.is_valid()  # reads the files
    given = {**{name: request.POST.get(name, "").strip() for name in form.fields}, **form.cleaned_data}
    for name in ("certificate", "private_key", "public_key"):
        given[name] = form.cleaned_data.get(name) or given[name] or _kept(form, name)
    entered = [given[name] for name in STEP_FIELDS.get(step, ())]
    said = checked(step, given, now=clock.now()) if any(entered) else []
    return private(render(request, "desk/settings/connect_checked.html", {"said": said}))


STEP_FIELDS = {
    "number": ("mchid",),
    "pair": ("certificate", "private_key"),
    "apiv3": ("apiv3_key",),
    "platform": ("public_key_id", "public_key"),
}


def _kept(form: ConnectForm, name: str) -> str:
    """A file's text, which leaves the clean data when its check fails."""
    file = form.files.get(f"{name}_file")
    if file is None:
        return ""
    file.seek(0)
    return str(file.read(connect_form.LARGEST_FILE).decode("ascii", "replace")).strip()


def _connected(request: HttpRequest, account: Account, found: Connected) -> HttpResponse:
    if found.failure is None:
        told = _("Connected: the platform answered a real call. Complaints today: %s") % found.complaints
        messages.success(request, told)
    else:
        messages.warning(request, _("The keys were kept, but not proved: %s") % found.failure.what)
    address = reverse("desk:settings_merchant", args=[account.pk])
    htmx: Any = getattr(request, "htmx", None)
    return HttpResponseClientRedirect(address) if htmx else redirect(address)


def _page(request: HttpRequest, form: ConnectForm, failure: Failure | None) -> HttpResponse:
    context = {"form": form, "failure": failure, "steps": STEP_FIELDS}
    htmx: Any = getattr(request, "htmx", None)
    if htmx and request.method == "POST":
        # 200: htmx puts nothing else into the page.
        return private(render(request, "desk/settings/connect_result.html", context))
    status = 422 if form.errors or failure else 200
    return private(render(request, "desk/settings/connect.html", context, status=status))
