"""Complaints as a file: a whole list, or the rows that were chosen. Every one is written down in the audit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.audit.actions import Action
from kesu.audit.services import record
from kesu.clock import BEIJING
from kesu.complaints import queries
from kesu.complaints.models import Complaint
from kesu.desk.exporting import EXCEL_LIMIT, as_csv, as_xlsx
from kesu.desk.gate import needs
from kesu.desk.narrowing import Narrowing

CSV, XLSX = "csv", "xlsx"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_POST
@needs(Permission.EXPORT)
def export(request: HttpRequest) -> HttpResponseBase:
    """``query``: the list as its address has it; ``format``: csv or xlsx."""
    now = clock.now()
    asked = Narrowing.of(QueryDict(request.POST.get("query", "")[:4000]))
    as_workbook = request.POST.get("format") == XLSX
    found = queries.cases(request.user, asked.view, asked.only, filters=asked.filters, now=now)
    count = found.count()
    if as_workbook and count > EXCEL_LIMIT:
        text = _("Excel takes at most %(limit)s rows, and this list has %(count)s. Narrow it, or take CSV.")
        messages.warning(request, text % {"limit": f"{EXCEL_LIMIT:,}", "count": f"{count:,}"})
        return redirect(reverse("desk:inbox") + asked.address())
    batches = queries.batches(request.user, asked.view, asked.only, filters=asked.filters, now=now)
    return answer(request, batches, XLSX if as_workbook else CSV, count, _filter_for_audit(asked), now)


def answer(
    request: HttpRequest, batches: Iterable[Sequence[Complaint]], kind: str, count: int, what: str, now: datetime
) -> HttpResponseBase:
    """The file. Written down first: it may be cut off on its way, and was still begun."""
    details = {"format": kind, "count": count, "filter": what}
    record(Actor.of(request), Action.EXPORTED, "complaints", details, now=now)
    name = f"complaints-{now.astimezone(BEIJING):%Y%m%d-%H%M}.{kind}"
    response: HttpResponseBase
    if kind == XLSX:
        response = FileResponse(as_xlsx(batches, now), as_attachment=True, filename=name, content_type=XLSX_TYPE)
    else:
        pieces: Iterator[bytes] = as_csv(batches, now, get_language() or "zh-hans")
        response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _filter_for_audit(asked: Narrowing) -> str:
    """Without what was searched for: it may be a payer's number or words."""
    if not asked.filters.text:
        return asked.query
    return replace(asked, filters=replace(asked.filters, text="...")).query
