"""The reply box: sending, templates, pictures, and what red lines say while one is writing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.commands import facts, quick_replies, verbs
from kesu.commands.errors import CommandError
from kesu.commands.models import Command, OutgoingPicture
from kesu.commands.pictures import PictureRefused
from kesu.commands.verbs import Consent
from kesu.complaints.models import Complaint
from kesu.desk.answering import (
    acted,
    again,
    found,
    given_in,
    opened,
    pressed,
    suggested,
    troubled,
    with_text,
)
from kesu.desk.attaching import left_out, taken_in
from kesu.desk.casefile import reply_sheet
from kesu.desk.gate import needs
from kesu.desk.money import Money
from kesu.desk.offers import jumps_of, message_of
from kesu.desk.security import PICTURE_POLICY, private
from kesu.desk.sheets import Given


@pressed(Permission.REPLY)
def reply(request: HttpRequest, pk: int) -> HttpResponse:
    """``do``: send, immediate (即时服务), template, pictures, or ``drop`` and ``rewrite`` with what is meant. Only the
    first two say anything to the payer; the others answer with the box as it is then."""
    complaint = found(request, pk)
    given = given_in(request, "reply", complaint)
    try:
        given = taken_in(request, complaint, given)
    except (CommandError, PictureRefused) as error:
        return again(request, pk, troubled(given, error), status=422)
    do = request.POST.get("do", "send")
    if "rewrite" in request.POST or "drop" in request.POST or do in ("template", "pictures"):
        return again(request, pk, _changed(request, complaint, given, do))

    def send(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command:
        if do == "immediate":
            return verbs.reply_immediately(actor, case, message_of(given), given.pictures, consent=consent, now=now)
        return verbs.reply(actor, case, given.text, given.pictures, **jumps_of(given), consent=consent, now=now)

    return acted(request, complaint, given, send)


@pressed(Permission.VIEW)
def lint(request: HttpRequest, pk: int) -> HttpResponse:
    """What guards and red lines say of a text, before it is sent. Nothing is kept. ``form``: reply or reject."""
    now = clock.now()
    complaint = found(request, pk)
    actor = Actor.of(request)
    case = facts.of(complaint, now=now)
    if request.POST.get("form") == "reject":
        given = given_in(request, "reject", complaint)
        sheet = Money(actor.user, complaint, case, given, now).reject
    else:
        given = given_in(request, "reply", complaint)
        sheet = reply_sheet(actor.user, complaint, case, given, now=now)
    return private(render(request, "desk/parts/findings.html", {"sheet": sheet, "case": complaint, "linted": True}))


@require_GET
@needs(Permission.REPLY)
def outgoing(request: HttpRequest, pk: int, token: str) -> HttpResponse:
    """A picture that is about to be sent. Its bytes were written anew by us."""
    complaint = found(request, pk)
    number = opened(token, complaint)
    picture = OutgoingPicture.objects.filter(pk=number or 0, account=complaint.account_id).first()
    if picture is None:
        raise Http404("no such picture")
    response = HttpResponse(bytes(picture.content), content_type=picture.content_type)
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return private(response)


def _changed(request: HttpRequest, complaint: Complaint, given: Given, do: str) -> Given:
    """The box after a button that only changes it."""
    said: Mapping[str, str] = request.POST
    if "rewrite" in said:
        return suggested(complaint, given, Command.Kind.REPLY, said["rewrite"])
    if "drop" in said:
        return left_out(request, complaint, given)
    if do == "template":
        chosen = said.get("template", "")
        offered = quick_replies.offered_for(complaint)
        template = offered.filter(pk=int(chosen)).first() if chosen.isascii() and chosen.isdigit() else None
        if template is not None:
            filled = quick_replies.filled(template, complaint, Actor.of(request).user, now=clock.now())
            return with_text(given, f"{given.text.rstrip()}\n{filled}" if given.text.strip() else filled)
    return given
