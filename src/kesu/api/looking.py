"""What else staff look at and mark: a payer's other complaints, pictures, a message that is an agreement."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Path, Router, Schema
from pydantic import BeforeValidator, Field, StringConstraints

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.api import shapes, told
from kesu.api.authentication import actor_of
from kesu.commands import agreements, quick_replies
from kesu.complaints import queries
from kesu.complaints.filters import MARKS, Filters
from kesu.complaints.media import PICTURE_TYPES
from kesu.complaints.models import Complaint, Media
from kesu.complaints.search import typed
from kesu.sync.requests import Priority, request_refresh, wake_loop

router = Router(tags=["complaints"])
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
LogId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Words = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00]*$")]
Username = Annotated[str, StringConstraints(max_length=150, pattern=r"^[^\x00]*$")]
Amount = Annotated[int, Field(ge=0, le=10**12)]


def _written(value: Any) -> Any:
    """A day as JSON Schema means it: 2026-11-28, and no number of seconds."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a day such as 2026-11-28")
    return value


Day = Annotated[date, BeforeValidator(_written)]


View = Literal["open", "all"]
Only = Literal["", "mine", "unclaimed", "soon", "repeat", "platform", "overdue", "second"]
MarkName = Literal["", "again", "high_risk", "immediate", "platform", "unread", "refund", "second"]


class FiltersIn(Schema):
    """What narrows a list; all that is given must hold. ``q`` is the search of the inbox: numbers of complaints and
    orders, the last four digits of a phone, words of two characters and up. ``merchant``: number or name. ``assignee``:
    a username, ``-`` for nobody. ``mark`` may be repeated. Amounts are fen; days are Beijing's, both ends included."""

    q: Words = ""
    merchant: Words = ""
    problem: Literal["", "REFUND", "SERVICE_NOT_WORK", "OTHERS"] = ""
    state: Literal["", "PENDING", "PROCESSING", "PROCESSED"] = ""
    assignee: Username = ""
    mark: Annotated[list[MarkName], Field(max_length=8)] = []
    least: Amount | None = None
    most: Amount | None = None
    since: Day | None = None
    until: Day | None = None

    def meant(self) -> Filters:
        return Filters(
            text=typed(self.q),
            merchant=self.merchant.strip(),
            problem=self.problem,
            state=self.state,
            assignee=self.assignee,
            marks=tuple(mark for mark in MARKS if mark in self.mark),
            least=self.least,
            most=self.most,
            since=self.since,
            until=self.until,
        )


class AgreementOut(Schema):
    log_id: str
    marked_by: str
    marked_at: Any


class AskedOut(Schema):
    asked: bool


def found(user: User, complaint_id: str) -> Complaint:
    """Raises Complaint.DoesNotExist for what is not there or not for this person to see."""
    rows = queries.visible_to(user).select_related("account", "claimed_by").filter(complaint_id=complaint_id)
    row = rows.order_by("pk").first()
    if row is None:
        raise Complaint.DoesNotExist
    return row


@router.get("/complaints/{complaint_id}/of-payer", response=list[shapes.ComplaintOut])
def of_payer(request: HttpRequest, complaint_id: Id) -> list[dict[str, Any]]:
    """Other complaints of the same payer that you may see, the newest first, at most ten."""
    actor = actor_of(request)
    others = queries.others_of_payer(actor.user, found(actor.user, complaint_id))
    return [told.complaint(row) for row in others[: queries.OTHERS_LIMIT]]


@router.get("/complaints/{complaint_id}/quick-replies", response=list[shapes.FilledOut])
def filled_quick_replies(request: HttpRequest, complaint_id: Id) -> list[dict[str, Any]]:
    """The quick replies for this complaint, filled in for it and for you, those for its kind of problem first."""
    actor = actor_of(request)
    row = found(actor.user, complaint_id)
    return [
        {"id": one.pk, "name": one.name, "text": quick_replies.filled(one, row, actor.user, now=clock.now())}
        for one in quick_replies.offered_for(row)
    ]


@router.post("/complaints/{complaint_id}/read-again", response={202: AskedOut})
def read_again(request: HttpRequest, complaint_id: Id) -> tuple[int, dict[str, bool]]:
    """Have the case read at the platform now."""
    row = found(actor_of(request).user, complaint_id)
    key = (row.account_id, row.complaint_id)
    request_refresh({key: "asked"}, priority=Priority.HEARD, now=clock.now())
    wake_loop("refresh")
    return 202, {"asked": True}


@router.put("/complaints/{complaint_id}/agreements/{log_id}", response=AgreementOut)
def mark_agreement(request: HttpRequest, complaint_id: Id, log_id: LogId) -> dict[str, Any]:
    """The payer agrees in this message (an entry of the timeline): the case counts as settled while it is the last."""
    actor = actor_of(request, Permission.COMPLETE)
    marked = agreements.mark(actor, found(actor.user, complaint_id), log_id, now=clock.now())
    by = marked.marked_by.username if marked.marked_by else ""
    return {"log_id": marked.log_id, "marked_by": by, "marked_at": marked.marked_at}


@router.delete("/complaints/{complaint_id}/agreements/{log_id}", response={204: None})
def unmark_agreement(request: HttpRequest, complaint_id: Id, log_id: LogId) -> tuple[int, None]:
    """It was no agreement after all."""
    actor = actor_of(request, Permission.COMPLETE)
    agreements.unmark(actor, found(actor.user, complaint_id), log_id, now=clock.now())
    return 204, None


@router.get(
    "/pictures/{picture_id}",
    openapi_extra={
        "responses": {
            200: {
                "description": "The picture",
                "content": {kind: {"schema": {"type": "string"}} for kind in sorted(PICTURE_TYPES)},
            }
        }
    },
)
def picture(request: HttpRequest, picture_id: Annotated[int, Path(ge=1, le=2**62)]) -> HttpResponse:
    """A payer's picture, by the ``id`` in a complaint's ``pictures``."""
    media = queries.picture(actor_of(request).user, picture_id)
    if media.blob is None or media.blob.content_type not in PICTURE_TYPES:
        raise Media.DoesNotExist
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment", "Cache-Control": "no-store"}
    return HttpResponse(bytes(media.blob.content), content_type=media.blob.content_type, headers=headers)
