"""What is done about a case from its page, besides writing to the payer. Every one is a press of a button (POST)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_post_parameters

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.commands import agreements, refunding, resending, settling, verbs
from kesu.commands.errors import CommandError, InvalidCommand
from kesu.commands.models import Command, Note, RefundRequest
from kesu.commands.pictures import PictureRefused
from kesu.commands.resending import Card
from kesu.commands.verbs import Consent
from kesu.complaints import phones
from kesu.complaints.models import Complaint
from kesu.desk.amounts import fen_of
from kesu.desk.answering import acted, again, found, given_in, pressed, suggested, troubled
from kesu.desk.attaching import left_out, taken_in
from kesu.desk.sheets import NOTHING, Given
from kesu.desk.views.case import read_again_when_old
from kesu.sync.requests import Priority, request_refresh, wake_loop

SAME_PRESS = timedelta(minutes=1)


@pressed(Permission.COMPLETE)
def complete(request: HttpRequest, pk: int) -> HttpResponse:
    complaint = found(request, pk)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command:
        return verbs.complete(actor, case, consent=consent, now=now)

    return acted(request, complaint, given_in(request, "complete", complaint), act)


@pressed(Permission.DECIDE_REFUND)
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    """``fen``: what is refunded with it; ``do=only``: only the approval, with ``days`` until the refund."""
    complaint = found(request, pk)
    given = given_in(request, "approve", complaint)
    only = request.POST.get("do") == "only"

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command | RefundRequest:
        return refunding.approve_refund(
            actor,
            case,
            launch_refund_day=_days(given) if only else 0,
            remark=given.values.get("remark", ""),
            with_refund=not only,
            amount=None if only else _fen(given),
            consent=consent,
            now=now,
        )

    return acted(request, complaint, given, act)


@pressed(Permission.DECIDE_REFUND)
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """``do``: send, pictures, or ``drop`` and ``rewrite`` with what is meant; only the first says anything."""
    complaint = found(request, pk)
    given = given_in(request, "reject", complaint)
    try:
        given = taken_in(request, complaint, given)
    except (CommandError, PictureRefused) as error:
        return again(request, pk, troubled(given, error), status=422)
    if "rewrite" in request.POST:
        return again(request, pk, suggested(complaint, given, Command.Kind.REJECT_REFUND, request.POST["rewrite"]))
    if "drop" in request.POST:
        return again(request, pk, left_out(request, complaint, given))
    if request.POST.get("do") == "pictures":
        return again(request, pk, given)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command:
        return verbs.reject_refund(actor, case, given.text, given.pictures, consent=consent, now=now)

    return acted(request, complaint, given, act)


@pressed(Permission.REFUND)
def refund(request: HttpRequest, pk: int) -> HttpResponse:
    """``fen`` of ``order``, as the pressed button says. ``do=look`` moves nothing: the form is shown again for the
    ``amount`` (yuan) that was typed, with what there is to know about it and a button that names it."""
    complaint = found(request, pk)
    given = given_in(request, "refund", complaint)
    if request.POST.get("do") == "look":
        wanted = fen_of(request.POST.get("amount", ""))
        if not wanted:
            return again(request, pk, troubled(_without_amount(given), InvalidCommand("amount")), status=422)
        return again(request, pk, replace(given, values={**given.values, "fen": str(wanted)}))

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command | RefundRequest:
        chosen = given.values.get("order", "")
        order = case.orders.filter(pk=_whole(chosen)).first() if chosen else None
        reason = given.values.get("reason", "")
        return refunding.refund(actor, case, _fen(given), order=order, reason=reason, consent=consent, now=now)

    return acted(request, complaint, given, act)


@sensitive_post_parameters("card_account", "card_name")
@pressed(Permission.REFUND)
def resend(request: HttpRequest, pk: int, refund_pk: int) -> HttpResponse:
    """A stuck refund, ``to`` a card of the payer or the merchant. The card's number and owner are in no answer: whoever
    has to press again types them again."""
    complaint = found(request, pk)
    stuck = complaint.refunds.filter(pk=refund_pk).first()
    if stuck is None:
        raise Http404("no such refund")
    given = given_in(request, "resend", complaint)
    given = replace(given, values={**given.values, "refund": str(stuck.pk)})
    said = request.POST
    card = Card(said.get("bank", ""), said.get("card_account", "")[:60], said.get("card_name", "")[:120])

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command | RefundRequest:
        to = card if said.get("to") == "card" else None
        return resending.resend_refund(actor, case, stuck.out_refund_no, card=to, consent=consent, now=now)

    return acted(request, complaint, given, act)


@pressed(Permission.SECOND_PAIR_OF_EYES)
def decide(request: HttpRequest, pk: int, request_pk: int) -> HttpResponse:
    """``do=grant|decline`` on a colleague's refund."""
    complaint = found(request, pk)
    wanted = RefundRequest.objects.select_related("complaint").filter(pk=request_pk, complaint=complaint).first()
    if wanted is None:
        raise Http404("no such request")
    given = given_in(request, "decide", complaint)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command | None:
        grant = request.POST.get("do") == "grant"
        note = given.values.get("reason", "")
        return refunding.decide(actor, wanted, grant=grant, note=note, consent=consent, now=now).command

    return acted(request, complaint, given, act, gettext("The decision is noted."))


@pressed(Permission.REPLY)
def withdraw(request: HttpRequest, pk: int, command_pk: int) -> HttpResponse:
    """Take back what was not sent yet. Its words stand in the reply box again."""
    complaint = found(request, pk)
    command = Command.objects.select_related("complaint").filter(pk=command_pk, complaint=complaint).first()
    if command is None:
        raise Http404("no such command")

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command:
        return verbs.withdraw(actor, command, now=now)

    then = f"?again={command.pk}" if command.kind == Command.Kind.REPLY else ""
    return acted(request, complaint, given_in(request, "withdraw", complaint), act, then=then)


@pressed(Permission.OVERRIDE)
def settle(request: HttpRequest, pk: int, command_pk: int) -> HttpResponse:
    """``do=carried_out|not_carried_out``: what became of a command whose outcome is unknown, with a ``reason``."""
    complaint = found(request, pk)
    command = Command.objects.select_related("complaint").filter(pk=command_pk, complaint=complaint).first()
    outcome = request.POST.get("do")
    if command is None or outcome not in ("carried_out", "not_carried_out"):
        raise Http404("no such command or outcome")
    given = given_in(request, "settle", complaint)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Command:
        reason = given.values.get("reason", "")
        return settling.settle_by_hand(actor, command, carried_out=outcome == "carried_out", reason=reason, now=now)

    return acted(request, complaint, given, act)


@pressed(Permission.NOTE)
def note(request: HttpRequest, pk: int) -> HttpResponse:
    complaint = found(request, pk)
    given = given_in(request, "note", complaint)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Note:
        # Pressed twice it is one note: nobody writes the same twice within a minute.
        last = case.notes.filter(author=actor.user, created_at__gt=now - SAME_PRESS).order_by("-pk").first()
        if last is not None and last.text == given.text.strip():
            return last
        return verbs.note(actor, case, given.text, consent=consent, now=now)

    return acted(request, complaint, given, act, gettext("The note is kept. The payer does not see it."))


@pressed(Permission.ASSIGN)
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    complaint = found(request, pk)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> Complaint:
        chosen = User.objects.filter(pk=_whole(request.POST.get("to", ""))).first()
        if chosen is None:
            raise InvalidCommand("assignee_cannot")
        return verbs.assign(actor, case, chosen, consent=consent, now=now)

    return acted(request, complaint, given_in(request, "assign", complaint), act)


@pressed(Permission.COMPLETE)
def agreement(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a payer's message as agreement, or with ``do=unmark`` take the mark away."""
    complaint = found(request, pk)

    def act(actor: Actor, case: Complaint, consent: Consent, now: datetime) -> None:
        verb = agreements.unmark if request.POST.get("do") == "unmark" else agreements.mark
        verb(actor, case, request.POST.get("log_id", "")[:64], now=now)

    return acted(request, complaint, given_in(request, "agreement", complaint), act)


@pressed(Permission.REVEAL_PHONE)
def phone(request: HttpRequest, pk: int) -> HttpResponse:
    """The number in the clear, on this one answer only; that it was asked for is written down."""
    complaint = found(request, pk)
    number = phones.reveal(Actor.of(request), complaint, now=clock.now())
    return again(request, pk, NOTHING, phone=number, phone_missing=not number)


@pressed(Permission.VIEW)
def reread(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the case at the platform now."""
    complaint = found(request, pk)
    now = clock.now()
    if not read_again_when_old(complaint, now=now):
        request_refresh({(complaint.account_id, complaint.complaint_id): "asked"}, priority=Priority.HEARD, now=now)
        wake_loop("refresh")
    messages.info(request, gettext("The case is being read again; the page shows it as soon as it is there."))
    return again(request, pk, NOTHING) if getattr(request, "htmx", None) else redirect("desk:case", pk=pk)


def _fen(given: Given) -> int | None:
    """The amount that the pressed button named; None for all that is left."""
    return _whole(given.values.get("fen", "")) or None


def _days(given: Given) -> int:
    return min(_whole(given.values.get("days", "")), 365)


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _without_amount(given: Given) -> Given:
    return replace(given, values={name: value for name, value in given.values.items() if name != "fen"})
