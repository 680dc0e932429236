"""From a pressed button of the case page to its answer: the case anew, or the same form with what stands in the way.

Without JavaScript an act ends in a redirect, and a refused one in the whole page (409 where the case had changed, 422
otherwise). With htmx the page's parts are sent, and those that somebody is writing in stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from kesu import clock
from kesu.accounts import roles
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.alerts.services import ClaimedError
from kesu.commands import checks, wording
from kesu.commands.errors import CommandError, Conflict, InvalidCommand, Refused
from kesu.commands.models import Command, RefundRequest
from kesu.commands.pictures import PictureRefused
from kesu.commands.reading import note_view
from kesu.commands.seen import Seen
from kesu.commands.verbs import MOST_PICTURES, Consent
from kesu.complaints import queries
from kesu.complaints.models import Complaint
from kesu.desk.casefile import CaseFile
from kesu.desk.gate import View, needs
from kesu.desk.offers import FIELDS as OFFERED
from kesu.desk.security import private
from kesu.desk.sheets import NOTHING, Given, rewritten

TEXT_FIELDS = (
    "text", "remark", "reason", "order", "fen", "days", "request", "refund", "to", "bank", *OFFERED,
)  # fmt: skip
LONGEST_FIELD = 4_000
Act = Callable[[Actor, Complaint, Consent, datetime], object]


def pressed(permission: Permission) -> Callable[[View], View]:
    """A button of the case page. Whoever had to sign in first comes here without the press: the case is shown, and
    nothing is done."""

    def decorate(view: View) -> View:
        gated = needs(permission)(view)

        @require_http_methods(["GET", "POST"])
        @wraps(view)
        def answered(request: HttpRequest, pk: int, **more: Any) -> Any:
            return redirect("desk:case", pk=pk) if request.method == "GET" else gated(request, pk, **more)

        return answered

    return decorate


def found(request: HttpRequest, pk: int) -> Complaint:
    """The case with all that its page shows. Raises Http404."""
    try:
        return queries.case(request.user, pk)
    except Complaint.DoesNotExist as error:
        raise Http404("no such complaint") from error


def given_in(request: HttpRequest, form: str, complaint: Complaint) -> Given:
    """What the request brings along for one form. A browser ends lines with two characters, WeChat Pay with one."""
    said = request.POST
    values = {name: said.get(name, "")[:LONGEST_FIELD].replace("\r\n", "\n") for name in TEXT_FIELDS if name in said}
    kept = (opened(token, complaint) for token in said.getlist("picture"))
    return Given(
        form=form,
        values=values,
        pictures=tuple(pk for pk in kept if pk is not None),
        acknowledged=frozenset(code[:60] for code in said.getlist("acknowledged")[:60]),
        override_reason=said.get("override_reason", "")[:300],
        key=said.get("key", "")[:64],
        seen=said.get("seen", "")[:40],
    )


def acted(
    request: HttpRequest, complaint: Complaint, given: Given, act: Act, told: str = "", then: str = ""
) -> HttpResponse:
    """Do it, and answer. ``told``: what to say when it was done, where the page does not show it by itself; ``then``:
    the query of the page to go on with."""
    consent = Consent(
        acknowledged=tuple(sorted(given.acknowledged)),
        override_reason=given.override_reason,
        seen=Seen.parse(given.seen),
        key=given.key,
    )
    try:
        result = act(Actor.of(request), complaint, consent, clock.now())
    except (CommandError, PictureRefused, ClaimedError) as error:
        return again(request, complaint.pk, troubled(given, error), status=_status(error))
    said = told or _told(result)
    if said:
        messages.success(request, said)
    if _by_htmx(request) and not then:
        return again(request, complaint.pk, NOTHING)
    page = reverse("desk:case", args=[complaint.pk]) + then
    return HttpResponseClientRedirect(page) if _by_htmx(request) else redirect(page)


def again(request: HttpRequest, pk: int, given: Given, *, status: int = 200, **more: Any) -> HttpResponse:
    """The case as it stands now, with what was typed. With htmx its parts, else the whole page."""
    context = page_of(request, pk, given=given) | more
    if not _by_htmx(request):
        return private(render(request, "desk/case.html", context, status=status))
    context |= {"live": True, "changed": True, "answered": True}
    return private(render(request, "desk/parts/case_live.html", context, status=status))


def page_of(request: HttpRequest, pk: int, *, given: Given = NOTHING, together: bool = False) -> dict[str, Any]:
    """What the page shows of a case. Whoever may answer the payer is noted as having seen it."""
    now = clock.now()
    complaint = found(request, pk)
    actor = Actor.of(request)
    if roles.may(actor.user, Permission.REPLY):
        # Before the guards look: what is on this page is read by it.
        shown = max((entry.pk for entry in complaint.timeline.all()), default=0)
        note_view(actor.user, complaint, entry=shown, now=now)
    context = CaseFile(actor.user, complaint, now, given=given, together=together).context()
    kept = [(token_of(complaint, number), number) for number in given.pictures]
    context["kept"], context["kept_reject"] = ([], kept) if given.form == "reject" else (kept, [])
    return context


def token_of(complaint: Complaint, picture_pk: int) -> str:
    """Names a picture for one case's reply: whoever guesses numbers gets nowhere."""
    return _signer().sign(f"{complaint.pk}-{picture_pk}")


def opened(token: str, complaint: Complaint) -> int | None:
    """The picture's number; None for a token of another case or of nobody."""
    try:
        case_pk, _, picture_pk = _signer().unsign(token).partition("-")
    except signing.BadSignature:
        return None
    return int(picture_pk) if case_pk == str(complaint.pk) else None


def with_pictures(given: Given, pks: list[int]) -> Given:
    """The same with more pictures; each once. Raises InvalidCommand for more than a reply takes."""
    pictures = tuple(dict.fromkeys([*given.pictures, *pks]))
    if len(pictures) > MOST_PICTURES:
        raise InvalidCommand("too_many_pictures")
    return replace(given, pictures=pictures)


def with_text(given: Given, text: str) -> Given:
    return replace(given, values={**given.values, "text": text})


def suggested(complaint: Complaint, given: Given, kind: Command.Kind, start: str) -> Given:
    """With the better wording in place of what is wrong from the character ``start`` on."""
    if not (start.isascii() and start.isdigit()):
        return given
    concerns = checks.look(complaint, kind, {"text": given.text}, now=clock.now())
    return with_text(given, rewritten(given.text, concerns, int(start)))


def _signer() -> signing.Signer:
    return signing.Signer(salt="desk.outgoing")


def _by_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", None))


def _status(error: Exception) -> int:
    return 409 if isinstance(error, Conflict | ClaimedError) else 422


def troubled(given: Given, error: CommandError | PictureRefused | ClaimedError) -> Given:
    """What was typed, with why it was not taken."""
    if isinstance(error, Refused):
        return replace(given, standing=frozenset(concern.code for concern in error.standing))
    if isinstance(error, Conflict):
        head, *news = wording.difference(error).split("\n")
        return replace(given, trouble=head, news=tuple(news))
    if isinstance(error, ClaimedError):
        return replace(given, trouble=gettext("%(name)s was faster and handles this case.") % {"name": error.owner})
    told = wording.invalid(error) if isinstance(error, InvalidCommand) else wording.picture_refused(error)  # type: ignore[arg-type]
    return replace(given, trouble=told)


def _told(result: object) -> str:
    """A command shows by itself how it goes on; a refund above the limit does not."""
    if isinstance(result, RefundRequest) and result.state == RefundRequest.State.WAITING:
        return gettext("The amount is above your limit. Somebody else now has to decide on it.")
    if isinstance(result, Command):
        return wording.outcome(result)
    return ""
