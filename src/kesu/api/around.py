"""What stands around a case: all complaints of its payer as one conversation, and what was done about it by whom."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from kesu import clock
from kesu.accounts.roles import Permission
from kesu.api import shapes, told
from kesu.api.authentication import actor_of, may_act
from kesu.api.fields import Before
from kesu.api.looking import Id, found
from kesu.audit import queries as audit
from kesu.commands.reading import note_view
from kesu.commands.verbs import subject
from kesu.complaints import queries

router = Router(tags=["complaints"])


class EntryOfPayerOut(shapes.EntryOut):
    complaint_id: str


class ConversationOut(Schema):
    """``complaints``: this one first, then the others, the newest first, at most ten. ``entries``: the oldest first,
    each with the complaint that it belongs to."""

    complaints: list[shapes.ComplaintOut]
    entries: list[EntryOfPayerOut]


class StepOut(Schema):
    """``by`` is the name that colleagues know. ``address`` is empty, and ``details`` name neither token nor account
    of the operating system, for whoever may not read the audit."""

    sequence: int
    at: Any
    username: str
    by: str
    via: str
    address: str
    action: str
    details: dict[str, Any]


class TrailPage(Schema):
    items: list[StepOut]
    next: str | None


@router.get("/complaints/{complaint_id}/conversation", response=ConversationOut)
def conversation(request: HttpRequest, complaint_id: Id) -> dict[str, Any]:
    """The histories of all complaints of this payer that you may see, as one. As on the page, only the complaint that
    is asked for counts as read."""
    actor = actor_of(request)
    row = queries.case(actor.user, found(actor.user, complaint_id).pk)
    others = queries.others_of_payer(actor.user, row)[: queries.OTHERS_LIMIT]
    pks = [other.pk for other in others]
    known = {other.pk: other for other in queries.conversations(actor.user, pks)}
    if may_act(request, Permission.REPLY):
        note_view(actor.user, row, now=clock.now())
    every = [row, *(known[pk] for pk in pks if pk in known)]
    entries = [
        {
            "complaint_id": complaint.complaint_id,
            "log_id": entry.log_id,
            "operate_type": entry.operate_type,
            "operate_time": entry.operate_time,
            "operator": entry.operator,
            "details": entry.details,
        }
        for complaint, entry in queries.as_one(every)
    ]
    return {"complaints": [told.complaint(complaint) for complaint in every], "entries": entries}


@router.get("/complaints/{complaint_id}/audit", response=TrailPage)
def trail(request: HttpRequest, complaint_id: Id, before: Before = 0) -> dict[str, Any]:
    """Who did what about this complaint, the newest first, 50 a page; ``next`` is the following page's ``before``."""
    row = found(actor_of(request).user, complaint_id)
    whole = may_act(request, Permission.AUDIT)
    page = audit.trail(subject(row), whole=whole, before=before)
    return {"items": page.steps, "next": str(page.next_before) if page.next_before else None}
