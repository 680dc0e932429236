"""Lists as a whole: taken along as a file, kept as a view of one's own, worked on many at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from django.http import FileResponse, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field, StringConstraints

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.accounts.tokens import Scope
from kesu.api import shapes, told
from kesu.api.authentication import actor_of, own
from kesu.api.fields import Number, Username
from kesu.api.looking import FiltersIn, Only, View
from kesu.api.problems import Problem
from kesu.commands import bulk
from kesu.commands.seen import Seen
from kesu.commands.verbs import Consent
from kesu.complaints import exports, queries, saved_views
from kesu.complaints.exports import TYPES, TooManyRowsError
from kesu.complaints.models import Complaint, SavedView
from kesu.complaints.narrowing import Narrowing
from kesu.complaints.saved_views import SavedViewError

router = Router(tags=["lists"])

ComplaintNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
Amount = Annotated[int, Field(ge=0, le=10**12), shapes.Whole]
Row = TypeVar("Row", bound="RowIn")


class SavedViewIn(FiltersIn):
    """A name that stands already gets the new list."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[^\x00]*\S[^\x00]*$")]
    view: View = "open"
    only: Only = ""
    least: Amount | None = None
    most: Amount | None = None


class SavedViewOut(Schema):
    """``query`` is what follows the question mark of the inbox's address; its amounts are yuan, those here fen."""

    id: int
    name: str
    query: str
    view: str
    only: str
    q: str
    merchant: str
    problem: str
    state: str
    assignee: str
    mark: list[str]
    least: int | None
    most: int | None
    since: date | None
    until: date | None
    created_at: datetime


class RowIn(shapes.Confirming):
    complaint_id: ComplaintNumber


class ReadRowIn(RowIn):
    """``seen``: the mark of the case as it was read."""

    seen: shapes.Mark | None = None


class AssignManyIn(shapes.Input):
    username: Username
    rows: Annotated[list[RowIn], Field(min_length=1, max_length=bulk.MOST)]


class ReplyManyIn(shapes.Input):
    """``key``: each payer is written to once, however often it is sent."""

    text: shapes.Text
    key: shapes.Key | None = None
    rows: Annotated[list[ReadRowIn], Field(min_length=1, max_length=bulk.MOST)]


class OutcomeOut(Schema):
    """``outcome``: done, refused, changed (look again), or missing: not there or not for you to see. ``accept``: the
    codes that, as ``acknowledged`` of this row, would let it through."""

    complaint_id: str
    outcome: Literal["done", "refused", "changed", "missing"]
    message: str
    accept: list[str]
    command: shapes.CommandOut | None


@router.get(
    "/export",
    openapi_extra={
        "responses": {
            200: {
                "description": "The file",
                "content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in TYPES.values()},
            }
        }
    },
)
def export(
    request: HttpRequest,
    filters: Query[FiltersIn],
    format: Literal["csv", "xlsx"] = "csv",
    view: View = "open",
    only: Only = "",
) -> HttpResponseBase:
    """A whole list as a file, with the inbox's filters; a workbook has at most 100,000 rows (409 ``too_many_rows``).
    Written down in the audit, without what was searched for."""
    actor = actor_of(request, Permission.EXPORT)
    asked = Narrowing(view, only if view == "open" else "", filters.meant())
    try:
        file = exports.of_list(actor, asked, format, now=clock.now())
    except TooManyRowsError as error:
        raise Problem(409, "too_many_rows", str(error)) from None
    answer = FileResponse if format == "xlsx" else StreamingHttpResponse
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return answer(file.pieces, content_type=file.content_type, headers=headers)


@router.get("/views", response=list[SavedViewOut])
def list_views(request: HttpRequest) -> list[dict[str, Any]]:
    """Your own saved views, by name."""
    return [_view(row) for row in saved_views.of(actor_of(request).user)]


@router.post("/views", response=SavedViewOut)
def save_view(request: HttpRequest, body: SavedViewIn) -> dict[str, Any]:
    """Save a view of your own, or give a new list to one; at most thirty. Needs the scope ``act``, whatever your
    role."""
    actor = own(request, Scope.ACT)
    asked = Narrowing(body.view, body.only if body.view == "open" else "", body.meant())
    try:
        return _view(saved_views.save(actor, body.name, asked, now=clock.now()))
    except SavedViewError as error:
        raise Problem(409, error.reason, str(error)) from None


@router.delete("/views/{view_id}", response={204: None})
def remove_view(request: HttpRequest, view_id: Number) -> tuple[int, None]:
    """Needs the scope ``act``, whatever your role."""
    saved_views.remove(own(request, Scope.ACT), view_id)
    return 204, None


@router.post("/bulk/assign", response=list[OutcomeOut])
def assign_many(request: HttpRequest, body: AssignManyIn) -> list[dict[str, Any]]:
    """Give cases to somebody, at most 50. Each is answered by itself; one that is refused stops no other."""
    actor = actor_of(request, Permission.ASSIGN)
    assignee = User.objects.filter(username=body.username, is_active=True).first()
    if assignee is None:
        raise Problem(404, "not_found", "There is nobody of this name who may sign in.")
    chosen = _chosen(actor.user, body.rows)
    consents = {chosen[row.complaint_id].pk: Consent(tuple(row.acknowledged)) for row in _there(body.rows, chosen)}
    outcomes = bulk.assign(actor, list(chosen.values()), assignee, consents=consents, now=clock.now())
    return _told(body.rows, outcomes)


@router.post("/bulk/reply", response=list[OutcomeOut])
def reply_many(request: HttpRequest, body: ReplyManyIn) -> list[dict[str, Any]]:
    """Write one text to several payers, at most 50, each as a command of its own. Each is answered by itself."""
    actor = actor_of(request, Permission.REPLY)
    chosen = _chosen(actor.user, body.rows)
    consents = {
        chosen[row.complaint_id].pk: Consent(
            tuple(row.acknowledged), seen=Seen.parse(row.seen) if row.seen else None, key=body.key or ""
        )
        for row in _there(body.rows, chosen)
    }
    outcomes = bulk.reply(actor, list(chosen.values()), body.text, consents=consents, now=clock.now())
    return _told(body.rows, outcomes)


def _chosen(user: User, rows: Sequence[RowIn]) -> dict[str, Complaint]:
    """What this person sees of them, by number, in the order that was asked for."""
    numbers = list(dict.fromkeys(row.complaint_id for row in rows))
    seen = queries.visible_to(user).select_related("account", "claimed_by").filter(complaint_id__in=numbers)
    found = {complaint.complaint_id: complaint for complaint in seen.order_by("-pk")}
    return {number: found[number] for number in numbers if number in found}


def _there(rows: Sequence[Row], chosen: dict[str, Complaint]) -> list[Row]:
    return [row for row in rows if row.complaint_id in chosen]


def _told(rows: Sequence[RowIn], outcomes: Sequence[bulk.Outcome]) -> list[dict[str, Any]]:
    became = {
        one.complaint.complaint_id: {
            "complaint_id": one.complaint.complaint_id,
            "outcome": one.outcome,
            "message": "\n".join(one.sentences),
            "accept": list(one.accept),
            "command": told.command(one.command) if one.command else None,
        }
        for one in outcomes
    }
    missing = "There is no such complaint, or it is not for you to see."
    return [
        became.get(number)
        or {"complaint_id": number, "outcome": "missing", "message": missing, "accept": [], "command": None}
        for number in dict.fromkeys(row.complaint_id for row in rows)
    ]


def _view(row: SavedView) -> dict[str, Any]:
    asked = Narrowing.of(QueryDict(row.query))
    filters = asked.filters
    names = ("merchant", "problem", "state", "assignee", "least", "most", "since", "until")
    return {
        **{name: getattr(filters, name) for name in names},
        "id": row.pk,
        "name": row.name,
        "query": row.query,
        "view": asked.view,
        "only": asked.only,
        "q": filters.text,
        "mark": list(filters.marks),
        "created_at": row.created_at,
    }
