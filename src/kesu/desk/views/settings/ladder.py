"""One ladder as a form: a row a step, in any order; they are sorted by time when saved."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.alerts import ladder_verbs
from kesu.alerts.ladders import book
from kesu.alerts.models import Channel, Rota
from kesu.desk import words
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views.settings import ladder_words
from kesu.rules.ladder_steps import Ladder, LadderError, LadderProblem
from kesu.rules.ladders import LADDERS, LadderFormatError, dump, parse

EMPTY_ROWS = 3
MOST_ROWS = 60
_NAME = re.compile(r"[\w.@+-]{1,40}")

TRIGGERS: words.Words = {
    "after": gettext_lazy("after the complaint"),
    "before": gettext_lazy("before the deadline"),
    "overdue_every": gettext_lazy("when overdue, every"),
    "after_claim": gettext_lazy("after a claim"),
}
AUDIENCES: words.Words = {
    "on_duty": gettext_lazy("Whoever is on duty"),
    "second": gettext_lazy("The second person"),
    "": gettext_lazy("Only those ticked"),
}
UNITS: words.Words = {"m": gettext_lazy("minutes"), "h": gettext_lazy("hours")}
URGENCIES: words.Words = {"normal": gettext_lazy("Waits in quiet hours"), "urgent": gettext_lazy("Urgent")}


@require_http_methods(["GET", "POST"])
@needs(Permission.SETTINGS)
def ladder(request: HttpRequest, name: str) -> HttpResponse:
    """Of a name that does not exist yet the form begins as the default ladder."""
    known = book()
    if not _NAME.fullmatch(name):
        raise Http404
    existing = known.ladders.get(name)
    problems: list[str] = []
    rows = _rows(existing or known.named(name))
    if request.method == "POST":
        rows = _given(request)
        problems = _save(request, name, rows)
        if not problems:
            return redirect("desk:settings_wake")
    context = {
        "name": name,
        "rows": [*rows, *({"number": len(rows) + extra} for extra in range(EMPTY_ROWS))],
        "problems": problems,
        "new": existing is None,
        "removable": existing is not None and LADDERS.get(name) != existing,
        "built_in": name in LADDERS,
        "clocks": ladder_words.CLOCKS.items(),
        "triggers": TRIGGERS.items(),
        "audiences": AUDIENCES.items(),
        "units": UNITS.items(),
        "urgencies": URGENCIES.items(),
        "targets": _targets(),
    }
    return private(render(request, "desk/settings/ladder.html", context, status=422 if problems else 200))


@require_POST
@needs(Permission.SETTINGS)
def new_ladder(request: HttpRequest) -> HttpResponse:
    """Leads to the form of a ladder of this name."""
    name = request.POST.get("name", "").strip()
    if not _NAME.fullmatch(name):
        messages.error(request, _("A ladder's name is up to 40 letters, digits and .@+-_"))
        return redirect("desk:settings_wake")
    return redirect("desk:settings_ladder", name=name)


@require_POST
@needs(Permission.SETTINGS)
def drop_ladder(request: HttpRequest, name: str) -> HttpResponse:
    try:
        ladder_verbs.remove_ladder(Actor.of(request), name, now=clock.now())
    except LadderFormatError:
        messages.error(request, _("Ladder %s stays: a rule names it, or it is built in and unchanged.") % name)
    else:
        messages.success(request, _("Ladder %s is removed.") % name)
    return redirect("desk:settings_wake")


def _targets() -> list[tuple[str, str]]:
    """All that a step may name, as the text format writes it."""
    return [
        *(
            (f"rota:{name}", _("on call in %s") % name)
            for name in Rota.objects.order_by("name").values_list("name", flat=True)
        ),
        *((f"person:{user.username}", str(user)) for user in User.objects.filter(is_active=True).order_by("username")),
        *(
            (f"robot:{row.name}", _("through %s") % row.name)
            for row in Channel.objects.filter(enabled=True).order_by("name")
        ),
    ]


def _rows(found: Ladder) -> list[dict[str, Any]]:
    """A ladder's steps as the form's rows."""
    rows = []
    for number, step in enumerate(dump(found)):
        trigger = next(word for word in TRIGGERS if word in step)
        to = list(step["to"])
        audience = next((word for word in to if word in ("on_duty", "second")), "")
        rows.append(
            {
                "number": number,
                "clock": step["clock"],
                "trigger": trigger,
                "amount": step[trigger][:-1],
                "unit": step[trigger][-1],
                "audience": audience,
                "to": [word for word in to if word != audience],
                "only_unclaimed": step.get("only_unclaimed", False),
                "silent": not step.get("mention", True),
                "urgency": step["urgency"],
            }
        )
    return rows


def _given(request: HttpRequest) -> list[dict[str, Any]]:
    """The rows that were filled in: one without an amount is no step."""
    rows: list[dict[str, Any]] = []
    for number in range(MOST_ROWS):
        given = {name: request.POST.get(f"{name}-{number}", "").strip() for name in _TEXTS}
        if not given["amount"]:
            continue
        ticks = {name: request.POST.get(f"{name}-{number}") == "1" for name in ("only_unclaimed", "silent")}
        rows.append({"number": len(rows), **given, **ticks, "to": request.POST.getlist(f"to-{number}")})
    return rows


_TEXTS = ("clock", "trigger", "amount", "unit", "audience", "urgency")


def _step(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the text format has it."""
    step = {
        "clock": row["clock"],
        row["trigger"]: f"{row['amount']}{row['unit']}",
        "to": [*filter(None, [row["audience"]]), *row["to"]],
        "urgency": row["urgency"] or "normal",
    }
    if row["only_unclaimed"]:
        step["only_unclaimed"] = True
    if row["silent"]:
        step["mention"] = False
    return step


def _in_order(row: dict[str, Any]) -> tuple[int, int, float]:
    minutes = timedelta(**{"hours" if row["unit"] == "h" else "minutes": int(row["amount"])}).total_seconds()
    place = list(_ORDER).index(row["trigger"])
    return list(ladder_words.CLOCKS).index(row["clock"]), place, -minutes if row["trigger"] == "before" else minutes


_ORDER = ("after", "after_claim", "before", "overdue_every")


def _save(request: HttpRequest, name: str, rows: list[dict[str, Any]]) -> list[str]:
    """Sentences about what is wrong; none when it was saved."""
    for number, row in enumerate(rows, start=1):
        amount: str = row["amount"]
        if not (amount.isascii() and amount.isdigit() and len(amount) <= 4):
            return [
                _("Step %(number)s: %(amount)s is no number of minutes or hours.")
                % {"number": number, "amount": amount}
            ]
        if row["clock"] not in ladder_words.CLOCKS or row["trigger"] not in TRIGGERS or row["unit"] not in UNITS:
            return [_("Step %s is not complete.") % number]
        if not row["audience"] and not any(not word.startswith("robot:") for word in row["to"]):
            return [_("Step %s calls nobody: tick somebody, or choose who is on duty.") % number]
    steps = [_step(row) for row in sorted(rows, key=_in_order)]
    try:
        parse(name, steps)
        number = ladder_verbs.set_ladders(Actor.of(request), {"ladders": {name: steps}}, now=clock.now())
    except LadderError as error:
        return [_problem(problem) for problem in error.problems]
    except LadderFormatError as error:
        return list(error.problems)
    messages.success(request, _("Set. %s running reminders climb them now.") % number)
    return []


def _problem(found: LadderProblem) -> str:
    return ladder_words.problem(found)
