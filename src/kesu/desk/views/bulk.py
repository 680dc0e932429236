"""Many rows at once: give them to somebody, write one text to all their payers (``commands.bulk``), take them as a
file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission, require
from kesu.commands import bulk, checks
from kesu.commands.models import Command
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.complaints import exports, queries
from kesu.complaints.models import Complaint
from kesu.desk.cases import Row
from kesu.desk.gate import needs
from kesu.desk.security import private
from kesu.desk.views import export
from kesu.rules.guards import Level


@dataclass(frozen=True)
class Result:
    """What became of one row. ``accept``: the warnings that only have to be accepted, as codes; empty where that is
    not enough, or not needed. ``seen`` is up to where the person knows the case."""

    row: Row
    outcome: str
    sentences: tuple[str, ...] = ()
    accept: str = ""
    seen: str = ""


@require_POST
@needs(Permission.VIEW)
def many(request: HttpRequest) -> HttpResponseBase:
    """``case`` repeats the numbers of the rows, ``do`` says what: assign (``to``: a username), reply (``text``, asked
    for when it is missing), csv or xlsx."""
    do = request.POST.get("do", "")
    permissions = {"assign": Permission.ASSIGN, "reply": Permission.REPLY, "preview": Permission.REPLY}
    require(request.user, permissions.get(do, Permission.EXPORT))
    now = clock.now()
    chosen = _chosen(request)
    if not chosen:
        messages.warning(request, _("Choose rows first."))
        return redirect(_back(request))
    if len(chosen) < len(set(request.POST.getlist("case"))):
        messages.info(
            request, _("Only what can be seen is taken, and at most %(most)s rows at once.") % {"most": bulk.MOST}
        )
    if do in (exports.CSV, exports.XLSX):
        return export.answer(exports.of_rows(Actor.of(request), chosen, do, now=now))
    if do == "assign":
        return _assign(request, chosen, now)
    if do == "reply" and request.POST.get("text", "").strip():
        return _reply(request, chosen, now)
    return _compose(request, chosen, now)


def _chosen(request: HttpRequest) -> list[Complaint]:
    """In the order of the list; only what this person sees."""
    asked = [int(text) for text in request.POST.getlist("case") if text.isascii() and text.isdigit() and len(text) < 19]
    order = list(dict.fromkeys(asked))[: bulk.MOST]
    found = {complaint.pk: complaint for complaint in queries.rows_by_id(request.user, order)}
    return [found[pk] for pk in order if pk in found]


def _assign(request: HttpRequest, chosen: Sequence[Complaint], now: datetime) -> HttpResponse:
    """``accept`` counts with ``take_over`` only: the yes to taking cases from colleagues."""
    actor = Actor.of(request)
    accepted = _by_case(request, "accept") if request.POST.get("take_over") else {}
    assignee = User.objects.filter(username=request.POST.get("to", "").replace("\0", ""), is_active=True).first()
    if assignee is None:
        messages.warning(request, _("Choose whom to give them to."))
        return redirect(_back(request))

    consents = {complaint.pk: Consent(_codes(accepted, complaint)) for complaint in chosen}
    outcomes = bulk.assign(actor, chosen, assignee, consents=consents, now=now)
    told = {"title": _("Assign"), "to": assignee.username, "assigning": True}
    return _results(request, _rows(request, outcomes, now), told)


def _compose(request: HttpRequest, chosen: Sequence[Complaint], now: datetime) -> HttpResponse:
    """One text for all, and what each case has against it before anything is sent."""
    text = request.POST.get("text", "").strip()
    looked = []
    for complaint in chosen:
        found = checks.look(complaint, Command.Kind.REPLY, {"text": text}, now=now) if text else ()
        sentences = tuple(concern.message for concern in found if concern.level != Level.INFO)
        looked.append(Result(_row(request, complaint, now), "", sentences, seen=str(Seen.of(complaint))))
    context = {"looked": looked, "text": text, "key": _key(request), "back": _back(request), "checked": bool(text)}
    return private(render(request, "desk/bulk_reply.html", context))


def _reply(request: HttpRequest, chosen: Sequence[Complaint], now: datetime) -> HttpResponse:
    actor, text, key = Actor.of(request), request.POST["text"], _key(request)
    accepted = _by_case(request, "accept")
    seen = _by_case(request, "seen")

    consents = {
        complaint.pk: Consent(_codes(accepted, complaint), seen=Seen.parse(seen.get(complaint.pk, "")), key=key)
        for complaint in chosen
    }
    outcomes = bulk.reply(actor, chosen, text, consents=consents, now=now)
    told = {"title": _("Reply"), "text": text, "key": key}
    return _results(request, _rows(request, outcomes, now, seen), told)


def _rows(
    request: HttpRequest, outcomes: Sequence[bulk.Outcome], now: datetime, seen: dict[int, str] | None = None
) -> list[Result]:
    return [
        Result(
            _row(request, one.complaint, now),
            one.outcome,
            one.sentences,
            ",".join(one.accept),
            (seen or {}).get(one.complaint.pk, ""),
        )
        for one in outcomes
    ]


def _results(request: HttpRequest, results: list[Result], told: dict[str, Any]) -> HttpResponse:
    number = {
        name: sum(result.outcome == name for result in results) for name in (bulk.DONE, bulk.REFUSED, bulk.CHANGED)
    }
    again = [result for result in results if result.accept]
    context = {"results": results, "number": number, "again": again, "back": _back(request), **told}
    return private(render(request, "desk/bulk_results.html", context))


def _row(request: HttpRequest, complaint: Complaint, now: datetime) -> Row:
    return Row(complaint, request.user.pk, now)


def _by_case(request: HttpRequest, name: str) -> dict[int, str]:
    """Values like ``12:...`` by the number of their case."""
    pairs = (value.partition(":") for value in request.POST.getlist(name))
    return {int(pk): rest for pk, _colon, rest in pairs if pk.isascii() and pk.isdigit()}


def _codes(accepted: dict[int, str], complaint: Complaint) -> tuple[str, ...]:
    """The warnings of this row that were accepted."""
    return tuple(filter(None, accepted.get(complaint.pk, "").split(",")))


def _key(request: HttpRequest) -> str:
    """One press is one reply to each, however often it arrives."""
    given = request.POST.get("key", "")
    return given if given.isascii() and given.replace("-", "").isalnum() and len(given) <= 40 else str(uuid4())


def _back(request: HttpRequest) -> str:
    """The list one came from."""
    wanted = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else reverse("desk:inbox")
