"""Complaints as a file. What it holds, and that it is written down, is for ``complaints.exports``."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.complaints import exports
from kesu.complaints.exports import CSV, XLSX, Export, TooManyRowsError
from kesu.complaints.narrowing import Narrowing
from kesu.desk.gate import needs


@require_POST
@needs(Permission.EXPORT)
def export(request: HttpRequest) -> HttpResponseBase:
    """``query``: the list as its address has it; ``format``: csv or xlsx."""
    asked = Narrowing.of(QueryDict(request.POST.get("query", "")[:4000]))
    kind = XLSX if request.POST.get("format") == XLSX else CSV
    try:
        return answer(exports.of_list(Actor.of(request), asked, kind, now=clock.now()))
    except TooManyRowsError as error:
        messages.warning(request, str(error))
        return redirect(reverse("desk:inbox") + asked.address())


def answer(file: Export) -> HttpResponseBase:
    kind = FileResponse if file.name.endswith(XLSX) else StreamingHttpResponse
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return kind(file.pieces, content_type=file.content_type, headers=headers)
