"""The rota: a month of who is on call, what was agreed besides the turns, and who takes turns."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import rota_verbs, rotas
from kesu.alerts.ladders import naming
from kesu.alerts.models import Rota
from kesu.alerts.people import on_call
from kesu.clock import BEIJING
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings.rota_month import weeks

_NAME = re.compile(r"[\w.@+-]{1,40}")
_MONTH = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")
WEEKDAYS = [
    (1, gettext_lazy("Monday")),
    (2, gettext_lazy("Tuesday")),
    (3, gettext_lazy("Wednesday")),
    (4, gettext_lazy("Thursday")),
    (5, gettext_lazy("Friday")),
    (6, gettext_lazy("Saturday")),
    (7, gettext_lazy("Sunday")),
]
SHORT_WEEKDAYS = [
    pgettext_lazy("weekday", "Mon"),
    pgettext_lazy("weekday", "Tue"),
    pgettext_lazy("weekday", "Wed"),
    pgettext_lazy("weekday", "Thu"),
    pgettext_lazy("weekday", "Fri"),
    pgettext_lazy("weekday", "Sat"),
    pgettext_lazy("weekday", "Sun"),
]
REFUSED: dict[str, Any] = {
    "no_members": gettext_lazy("Nobody takes turns yet: add people first."),
    "same_turn": gettext_lazy("Both days are in the same turn."),
    "same_person": gettext_lazy("The same person is on call in both turns."),
    "backwards": gettext_lazy("It must end after it begins."),
    "no_override": gettext_lazy("It was taken back already."),
}


def _people() -> Any:
    return User.objects.filter(is_active=True).order_by("username")


class NewForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Rota name"), max_length=40, help_text=gettext_lazy("Such as: night"))
    members = forms.ModelMultipleChoiceField(
        User.objects.none(), label=gettext_lazy("Who takes turns"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["members"].queryset = _people()  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not _NAME.fullmatch(name):
            raise forms.ValidationError(_("Up to 40 letters, digits and .@+-_, no blanks."))
        if Rota.objects.filter(name=name).exists():
            raise forms.ValidationError(_("Another rota has this name."))
        return name


def _moment(label: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class OverrideForm(forms.Form):
    person = forms.ModelChoiceField(
        User.objects.none(), label=gettext_lazy("Person"), empty_label=gettext_lazy("Choose")
    )
    starts_at = _moment(gettext_lazy("From"))
    ends_at = _moment(gettext_lazy("Until"))

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["person"].queryset = _people()  # type: ignore[attr-defined]


class SwapForm(forms.Form):
    one = forms.DateField(label=gettext_lazy("A day in one turn"), widget=forms.DateInput(attrs={"type": "date"}))
    other = forms.DateField(label=gettext_lazy("A day in the other"), widget=forms.DateInput(attrs={"type": "date"}))


class HandoverForm(forms.Form):
    weekday = forms.TypedChoiceField(label=gettext_lazy("Turns begin on"), choices=WEEKDAYS, coerce=int)
    hour = forms.IntegerField(label=gettext_lazy("at (hour, Beijing)"), min_value=0, max_value=23)


@require_GET
@needs(Permission.SETTINGS)
def rota_list(request: HttpRequest) -> HttpResponse:
    return _list(request)


@require_POST
@needs(Permission.SETTINGS)
def new_rota(request: HttpRequest) -> HttpResponse:
    form = NewForm(request.POST)
    if not form.is_valid():
        return _list(request, form, 422)
    name, members = form.cleaned_data["name"], list(form.cleaned_data["members"])
    try:
        row = rota_verbs.create(Actor.of(request), name, members, 1, 9, now=clock.now())
    except rotas.RotaError:
        form.add_error("name", _("Another rota has this name."))
        return _list(request, form, 422)
    messages.success(request, _("The rota is set. A ladder's step can call it now."))
    return redirect("desk:settings_rota", pk=row.pk)


@require_GET
@needs(Permission.SETTINGS)
def rota(request: HttpRequest, pk: int) -> HttpResponse:
    """``?month=2026-11``."""
    return _page(request, get_object_or_404(Rota, pk=pk))


@require_POST
@needs(Permission.SETTINGS)
def change_rota(request: HttpRequest, pk: int) -> HttpResponse:
    """``do``: override, withdraw (``number``), swap, handover, join or leave (``person``), remove."""
    row, do = get_object_or_404(Rota, pk=pk), request.POST.get("do", "")
    acts: dict[str, Callable[[HttpRequest, Rota], HttpResponse | None]] = {
        "override": _override,
        "withdraw": _withdraw,
        "swap": _swap,
        "handover": _handover,
        "join": _join,
        "leave": _leave,
        "remove": _remove,
    }
    if do not in acts:
        return redirect("desk:settings_rota", pk=pk)
    try:
        answer = acts[do](request, row)
    except rotas.RotaError as error:
        if error.code == "named":
            ladders = ", ".join(naming(f"rota:{row.name}"))
            messages.error(request, _("Ladders name it: %s. Set them without it first.") % ladders)
        else:
            messages.error(request, REFUSED[error.code])
        return redirect("desk:settings_rota", pk=pk)
    if answer is None:
        messages.success(request, _("Saved."))
        return redirect("desk:settings_rotas") if do == "remove" else redirect("desk:settings_rota", pk=pk)
    return answer


def _override(request: HttpRequest, row: Rota) -> HttpResponse | None:
    form = OverrideForm(request.POST, prefix="override")
    if not form.is_valid():
        return _page(request, row, override_form=form, status=422)
    given = form.cleaned_data
    starts_at, ends_at = (given[name].replace(tzinfo=BEIJING).astimezone(UTC) for name in ("starts_at", "ends_at"))
    rota_verbs.override(Actor.of(request), row, given["person"], starts_at, ends_at, now=clock.now())
    return None


def _withdraw(request: HttpRequest, row: Rota) -> HttpResponse | None:
    number = request.POST.get("number", "")
    known = int(number) if re.fullmatch(r"\d{1,18}", number, re.ASCII) else 0
    rota_verbs.withdraw(Actor.of(request), row, known, now=clock.now())
    return None


def _swap(request: HttpRequest, row: Rota) -> HttpResponse | None:
    form = SwapForm(request.POST, prefix="swap")
    if not form.is_valid():
        return _page(request, row, swap_form=form, status=422)
    given = form.cleaned_data
    rota_verbs.swap(Actor.of(request), row, given["one"], given["other"], now=clock.now())
    return None


def _handover(request: HttpRequest, row: Rota) -> HttpResponse | None:
    form = HandoverForm(request.POST, prefix="handover")
    if not form.is_valid():
        return _page(request, row, handover_form=form, status=422)
    given = form.cleaned_data
    rota_verbs.hand_over(Actor.of(request), row, given["weekday"], given["hour"], now=clock.now())
    return None


def _join(request: HttpRequest, row: Rota) -> HttpResponse | None:
    user = get_object_or_404(_people(), username=request.POST.get("person", ""))
    rota_verbs.join(Actor.of(request), row, user, now=clock.now())
    return None


def _leave(request: HttpRequest, row: Rota) -> HttpResponse | None:
    user = get_object_or_404(User, username=request.POST.get("person", ""))
    rota_verbs.leave(Actor.of(request), row, user, now=clock.now())
    return None


def _remove(request: HttpRequest, row: Rota) -> HttpResponse | None:
    rota_verbs.remove(Actor.of(request), row, now=clock.now())
    return None


def _list(request: HttpRequest, form: NewForm | None = None, status: int = 200) -> HttpResponse:
    now = clock.now()
    rows = [{"rota": row, "person": on_call(row.name, now=now)} for row in Rota.objects.order_by("name")]
    context = {"rows": rows, "form": form or NewForm(), "now": now}
    return private(render(request, "desk/settings/rotas.html", context, status=status))


def _page(request: HttpRequest, row: Rota, *, status: int = 200, **more: Any) -> HttpResponse:
    now = clock.now()
    today = now.astimezone(BEIJING).date()
    asked = _MONTH.fullmatch(request.GET.get("month", ""))
    first = date(int(asked[1]), int(asked[2]), 1) if asked else today.replace(day=1)
    local = row.anchor.astimezone(BEIJING)
    names = {user.username: str(user) for user in User.objects.all()}
    members = list(row.members.order_by("position").select_related("user"))
    context = {
        "rota": row,
        "month": first,
        "weeks": weeks(row, first, today, names),
        "weekdays": SHORT_WEEKDAYS,
        "before": (first - timedelta(days=1)).strftime("%Y-%m"),
        "after": (first + timedelta(days=32)).strftime("%Y-%m"),
        "person": on_call(row.name, now=now),
        "members": [member.user for member in members],
        "others": _people().exclude(pk__in=[member.user_id for member in members]),
        "overrides": row.overrides.filter(ends_at__gt=now).select_related("user").order_by("starts_at"),
        "override_form": OverrideForm(prefix="override"),
        "swap_form": SwapForm(prefix="swap"),
        "handover_form": HandoverForm(prefix="handover", initial={"weekday": local.isoweekday(), "hour": local.hour}),
        "named_by": naming(f"rota:{row.name}"),
        "now": now,
        **more,
    }
    return private(render(request, "desk/settings/rota.html", context, status=status))
