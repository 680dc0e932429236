"""The audit: who did what, through what, from where; and the proof that nothing of it was changed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.audit import queries, services
from kesu.audit.actions import Action
from kesu.desk import words
from kesu.desk.gate import needs
from kesu.desk.security import private

PAGE = 50

ACTIONS: words.Words = {
    Action.SIGN_IN: _("Signed in"),
    Action.SIGN_IN_FAILED: _("Sign-in failed"),
    Action.SIGN_OUT: _("Signed out"),
    Action.PHONE_REVEALED: _("Phone number revealed"),
    Action.REPLIED: _("Replied"),
    Action.COMPLETED: _("Completed a complaint"),
    Action.REFUND_APPROVED: _("Approved a refund"),
    Action.REFUND_REJECTED: _("Rejected a refund"),
    Action.REFUNDED: _("Refunded"),
    Action.REFUND_RESENT: _("Sent a stuck refund elsewhere"),
    Action.REFUND_REQUESTED: _("Asked for a refund above the limit"),
    Action.REFUND_REQUEST_DECIDED: _("Decided on a colleague's refund"),
    Action.OVERRIDDEN: _("Went on against a guard"),
    Action.COMMAND_SETTLED: _("Settled an unknown outcome by hand"),
    Action.NOTED: _("Wrote a note"),
    Action.CLAIMED: _("Claimed a case"),
    Action.RELEASED: _("Gave a case back"),
    Action.ASSIGNED: _("Assigned a case"),
    "agreement_marked": _("Marked a payer's message as agreement"),
    Action.PUSH_RESENT: _("Sent a failed push again"),
    Action.EXPORTED: _("Exported"),
    Action.ERASED: _("Erased personal data"),
    Action.SETTING_CHANGED: _("Changed a setting"),
    Action.PERSON_CHANGED: _("Changed a person"),
    Action.TOKEN_CREATED: _("Created an API token"),
    Action.TOKEN_REVOKED: _("Revoked an API token"),
}

VIAS: words.Words = {
    "page": _("on the page"),
    "api": "API",
    "cli": _("command line"),
    "system": _("by itself"),
    "card": _("by a card"),
}

PROBLEMS: words.Words = {
    "missing": _("This entry is missing."),
    "changed": _("This entry was changed."),
    "unchained": _("This entry does not follow the one before it."),
    "not_as_noted": _("This entry is not the one that was noted down."),
    "cut_off": _("Entries were removed from the end, from this one on."),
    "beyond_the_end": _("This entry was put in by hand."),
    "head_missing": _("The mark of the end is missing, after this entry."),
    "head_changed": _("The mark of the end was changed, at this entry."),
    "nothing_left": _("Everything was removed: people have signed in here, and nothing tells of it."),
}


@require_GET
@needs(Permission.AUDIT)
def audit(request: HttpRequest) -> HttpResponse:
    """``?person=``, ``?action=``, ``?subject=``; ``?before=`` the number of the last entry of a page."""
    return _page(request, request.GET)


@require_POST
@needs(Permission.AUDIT)
def verify(request: HttpRequest) -> HttpResponse:
    """Walk the whole chain now. ``noted``: an end that was written down elsewhere."""
    try:
        verdict: Any = services.verify(noted=request.POST.get("noted", "").strip())
    except ValueError:
        return _page(request, {}, wrong_end=True, status=422)
    return _page(request, {}, verdict=verdict, problem=words.say(PROBLEMS, verdict.problem) if verdict.problem else "")


def _page(request: HttpRequest, given: Any, *, status: int = 200, **more: Any) -> HttpResponse:
    filters = {
        "username": given.get("person", "").strip()[:150],
        "action": given.get("action", "") if given.get("action", "") in ACTIONS else "",
        "subject": given.get("subject", "").strip()[:200],
    }
    before = given.get("before", "")
    before = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else 0
    found = queries.entries(**filters, before=before, limit=PAGE + 1)
    shown, kept = found[:PAGE], {"person": filters["username"], **{k: filters[k] for k in ("action", "subject")}}
    query = {name: value for name, value in kept.items() if value}
    context = {
        "rows": [{"entry": entry, "details": _said(entry.details)} for entry in shown],
        "filters": kept,
        "filtered": bool(query),
        "actions": ACTIONS.items(),
        "next": "?" + urlencode({**query, "before": shown[-1].sequence}) if len(found) > PAGE else "",
        "first": "?" + urlencode(query) if before else "",
        "now": clock.now(),
        **more,
    }
    return private(render(request, "desk/settings/audit.html", context, status=status))


def _said(details: Any) -> str:
    """One line of names and values, as they were written."""
    if not isinstance(details, dict):
        return ""
    return " · ".join(
        f"{name} {json.dumps(value, ensure_ascii=False)}"
        for name, value in details.items()
        if value not in ("", None, [], {})
    )
