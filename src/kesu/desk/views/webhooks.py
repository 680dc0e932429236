"""Signed webhooks: which programs are told of complaints, what became of each delivery."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.merchants.models import Account
from kesu.rules.hooks import SUBSCRIBABLE, HookEvent
from kesu.webhooks import queries, services
from kesu.webhooks.models import Delivery, Endpoint
from kesu.webhooks.services import EndpointError, Wanted

EVENT_WORDS = {
    HookEvent.CREATED: gettext_lazy("A complaint came in"),
    HookEvent.UPDATED: gettext_lazy("Something of it changed"),
    HookEvent.CONTINUED: gettext_lazy("The payer complained again"),
    HookEvent.COMPLETED: gettext_lazy("It was completed"),
    HookEvent.DUE_SOON: gettext_lazy("A deadline comes near"),
    HookEvent.TEST: gettext_lazy("A test"),
}
STATE_WORDS = {
    Delivery.State.PENDING: gettext_lazy("being delivered"),
    Delivery.State.DELIVERED: gettext_lazy("delivered"),
    Delivery.State.FAILED: gettext_lazy("failed"),
}


class EndpointForm(forms.Form):
    """What a person says of an endpoint. An address that stands is not shown; left empty it stays."""

    name = forms.CharField(label=gettext_lazy("Name of the webhook"), max_length=60)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=1000,
        help_text=gettext_lazy("https://…, on the public internet"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(str(event), EVENT_WORDS[event]) for event in SUBSCRIBABLE],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    account = forms.ModelChoiceField(
        Account.objects.none(),
        label=gettext_lazy("Merchant number"),
        required=False,
        empty_label=gettext_lazy("All"),
    )
    sub_mchid = forms.RegexField(
        r"^[0-9A-Za-z]*$",
        label=gettext_lazy("Only this sub-merchant"),
        max_length=64,
        required=False,
    )

    def __init__(self, *arguments: Any, endpoint: Endpoint | None = None, **more: Any) -> None:
        if endpoint is not None:
            names = ("name", "events", "account", "sub_mchid")
            more["initial"] = {name: getattr(endpoint, name) for name in names}
        super().__init__(*arguments, **more)
        account: Any = self.fields["account"]
        account.queryset = Account.objects.defer("token").order_by("mchid")
        if endpoint is not None:
            self.fields["url"].required = False
            self.fields["url"].help_text = _("Left empty, the address stays as it is.")
        else:
            self.fields["events"].initial = [str(event) for event in SUBSCRIBABLE]

    def wanted(self) -> Wanted:
        given = self.cleaned_data
        return Wanted(given["name"], given["url"] or None, given["events"], given["account"], given["sub_mchid"])

    def refuse(self, error: EndpointError) -> None:
        self.add_error(error.field or None, str(error))


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def webhooks(request: HttpRequest) -> HttpResponse:
    """The endpoints, and a form for one more; whoever adds one sees its secret, once."""
    form = EndpointForm(request.POST or None)
    context: dict[str, Any] = {"form": form, "secret": ""}
    if request.method == "POST" and form.is_valid():
        try:
            added, context["secret"] = services.add_endpoint(Actor.of(request), form.wanted(), now=clock.now())
            context |= {"named": added, "form": EndpointForm()}
        except EndpointError as error:
            form.refuse(error)
    context |= {"rows": queries.endpoints(), "now": clock.now()}
    return private(render(request, "desk/webhooks/list.html", context))


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One endpoint: how it is, its settings, its log. ``?state=`` of deliveries, ``?before=`` a delivery's number."""
    endpoint = _endpoint(pk)
    form = EndpointForm(request.POST or None, endpoint=endpoint)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_endpoint(Actor.of(request), endpoint, form.wanted(), now=clock.now())
        except EndpointError as error:
            form.refuse(error)
        else:
            messages.success(request, _("The changes are kept."))
            return redirect("desk:settings_webhook", pk=pk)
    return _show(request, endpoint, form)


@require_POST
@needs(Permission.SETTINGS)
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """``do``: test, rotate, on, off or remove."""
    endpoint, actor, now, do = _endpoint(pk), Actor.of(request), clock.now(), request.POST.get("do", "")
    if do == "rotate":
        secret = services.rotate_secret(actor, endpoint, now=now)
        return _show(request, endpoint, EndpointForm(endpoint=endpoint), secret=secret)
    if do == "remove":
        services.remove_endpoint(actor, endpoint, now=now)
        messages.success(request, _("%s is removed.") % endpoint)
        return redirect("desk:settings_webhooks")
    if do in ("on", "off"):
        services.switch_endpoint(actor, endpoint, enabled=do == "on", now=now)
    elif do == "test":
        try:
            services.send_test(actor, endpoint, now=now)
            messages.success(request, _("A test is on its way. The log below shows what was answered."))
        except EndpointError as error:
            messages.error(request, str(error))
    return redirect("desk:settings_webhook", pk=pk)


@require_POST
@needs(Permission.SETTINGS)
def redeliver(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery once more."""
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint"), pk=pk)
    try:
        services.redeliver(Actor.of(request), delivery, now=clock.now())
        messages.success(request, _("It is delivered once more, with the same id."))
    except EndpointError as error:
        messages.error(request, str(error))
    return redirect("desk:settings_webhook", pk=delivery.endpoint_id)


def _endpoint(pk: int) -> Endpoint:
    return get_object_or_404(Endpoint.objects.select_related("account").defer("account__token"), pk=pk)


def _show(request: HttpRequest, endpoint: Endpoint, form: EndpointForm, *, secret: str = "") -> HttpResponse:
    state, before = request.GET.get("state", ""), request.GET.get("before", "")
    state = state if state in Delivery.State.values else ""
    number = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else 0
    rows = queries.log(endpoint, state=state, before=number, limit=queries.PAGE + 1)
    page = rows[: queries.PAGE]
    context = {
        "health": queries.health(endpoint),
        "endpoint": endpoint,
        "form": form,
        "secret": secret,
        "named": endpoint,
        "state": state,
        "states": [("", None), *((str(word), label) for word, label in STATE_WORDS.items())],
        "log": [
            {"row": row, "event": EVENT_WORDS.get(HookEvent(row.event.type)), "state": _state(row)} for row in page
        ],
        "next": f"?state={state}&before={page[-1].pk}" if len(rows) > queries.PAGE else "",
        "now": clock.now(),
    }
    return private(render(request, "desk/webhooks/endpoint.html", context))


def _state(row: Delivery) -> Any:
    return STATE_WORDS[Delivery.State(row.state)]
