"""Who is woken: the preview for a complaint raised now, the ladders in sentences, what reaches nobody."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import ladder_verbs
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel, PersonHours
from kesu.alerts.preview import Preview, preview
from kesu.alerts.reach import unreachable
from kesu.clock import BEIJING
from kesu.desk import pushes, words
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings import ladder_words
from kesu.merchants.models import Account
from kesu.rules import quiet
from kesu.rules.ladder_steps import LadderError
from kesu.rules.ladders import LADDERS, LadderFormatError

LONGEST_TEXT = 200_000


class AskForm(forms.Form):
    """For which complaint the preview is."""

    merchant = forms.ModelChoiceField(
        Account.objects.order_by("mchid"),
        label=gettext_lazy("Merchant"),
        required=False,
        to_field_name="mchid",
        empty_label=gettext_lazy("the first one"),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=[("", gettext_lazy("An ordinary one")), *ladder_words.CASE_KINDS.items()],
    )
    at = forms.DateTimeField(
        label=gettext_lazy("Raised at"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


@require_GET
@needs(Permission.SETTINGS)
def wake(request: HttpRequest) -> HttpResponse:
    """``?merchant=``, ``?kind=``, ``?at=`` in Beijing: what the preview is for; now when left out."""
    now, form = clock.now(), AskForm(request.GET or None)
    given: dict[str, Any] = form.cleaned_data if form.is_bound and form.is_valid() else {}
    at = given["at"].replace(tzinfo=BEIJING).astimezone(UTC) if given.get("at") else now
    account = given.get("merchant") or Account.objects.order_by("pk").first()
    found = preview(account, kinds=[given["kind"]] if given.get("kind") else [], at=at) if account else None
    known = book()
    context = {
        "form": form,
        "preview": found,
        "wakes": shown(found) if found else [],
        "problems": [(ladder_words.reach(problem), problem.fatal) for problem in unreachable(now=now)],
        "ladders": [_ladder(name, known) for name in sorted(known.ladders)],
        "rules": [
            {
                "ladder": rule.ladder,
                "mchids": sorted(rule.mchids),
                "kinds": [words.say(ladder_words.CASE_KINDS, kind) for kind in sorted(rule.kinds)],
            }
            for rule in known.rules
        ],
        "at": at,
        "now": now,
    }
    return private(render(request, "desk/settings/wake.html", context))


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def ladder_text(request: HttpRequest) -> HttpResponse:
    """All of it as the text that ``kesu ladders set`` takes too."""
    problems: list[str] = []
    text = request.POST.get("text", "")[:LONGEST_TEXT] if request.method == "POST" else _written()
    if request.method == "POST":
        problems, number = _set(request, text)
        if not problems:
            messages.success(request, _("Set. %s running reminders climb them now.") % number)
            return redirect("desk:settings_wake")
    context = {"text": text, "problems": problems}
    return private(render(request, "desk/settings/ladder_text.html", context, status=422 if problems else 200))


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def quiet_hours(request: HttpRequest) -> HttpResponse:
    """When channels and people are not to be disturbed by what is not urgent."""
    rows = _quiet_rows()
    if request.method == "POST":
        for row in rows:
            row["hours"] = request.POST.get(row["field"], row["hours"]).strip()
            try:
                quiet.parse(row["hours"])
            except ValueError:
                row["error"] = _("Quiet hours are written 22:00-08:00.")
        if not any(row.get("error") for row in rows):
            _store_quiet(request, rows)
            messages.success(request, _("Saved."))
            return redirect("desk:settings_quiet")
    now = clock.now()
    account = Account.objects.order_by("pk").first()
    found = preview(account, at=now) if account else None
    context = {"rows": rows, "wakes": shown(found) if found else [], "preview": found, "at": now, "now": now}
    status = 422 if any(row.get("error") for row in rows) else 200
    return private(render(request, "desk/settings/quiet.html", context, status=status))


def shown(found: Preview) -> list[dict[str, Any]]:
    """The preview's messages with people by their names, where they are known."""
    names = {user.wecom_userid: str(user) for user in User.objects.exclude(wecom_userid="")}
    return [
        {
            "wake": wake,
            "held": wake.delivered_at != wake.at,
            "clock": words.say(ladder_words.CLOCKS, wake.clock),
            "what": pushes.kind(wake.kind),
            "people": [names.get(called, called) for called in wake.called],
        }
        for wake in found.wakes
    ]


def _ladder(name: str, known: Any) -> dict[str, Any]:
    ladder = known.ladders[name]
    return {
        "name": name,
        "built_in": name in LADDERS,
        "changed": name in LADDERS and ladder != LADDERS[name],
        "in_use": any(used.name == name for used in known.in_use()),
        "steps": [
            {
                "clock": words.say(ladder_words.CLOCKS, step.clock.value),
                "when": ladder_words.when(step),
                "whom": ladder_words.whom(step),
                "urgent": step.urgency == "urgent",
            }
            for step in ladder.steps
        ],
    }


def _written() -> str:
    lines = json.dumps(ladder_verbs.written(), ensure_ascii=False, indent=1)
    return lines.replace("\n    ", " ").replace("\n   }", " }")


def _set(request: HttpRequest, text: str) -> tuple[list[str], int]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return [_("This is not JSON: %s") % error], 0
    if not isinstance(found, dict):
        return [_("It must be an object with ladders, rules, or both.")], 0
    try:
        number = ladder_verbs.set_ladders(Actor.of(request), found, now=clock.now())
    except LadderError as error:
        return [ladder_words.problem(problem) for problem in error.problems], 0
    except LadderFormatError as error:
        return list(error.problems), 0
    return [], number


def _quiet_rows() -> list[dict[str, Any]]:
    hours = dict(PersonHours.objects.values_list("user_id", "quiet_hours"))
    channels = [
        {"field": f"channel-{row.pk}", "who": str(row), "row": row, "hours": row.quiet_hours, "before": row.quiet_hours}
        for row in Channel.objects.filter(enabled=True).order_by("name")
    ]
    people = [
        {
            "field": f"person-{user.pk}",
            "who": str(user),
            "row": user,
            "hours": hours.get(user.pk, ""),
            "before": hours.get(user.pk, ""),
        }
        for user in User.objects.filter(is_active=True).order_by("username")
    ]
    return [*channels, *people]


@transaction.atomic
def _store_quiet(request: HttpRequest, rows: list[dict[str, Any]]) -> None:
    now = clock.now()
    for row in rows:
        if row["hours"] == row["before"]:
            continue
        ladder_verbs.set_quiet_hours(Actor.of(request), row["row"], row["hours"], now=now)
