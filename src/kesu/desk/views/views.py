"""A person's own saved views: a name for what the inbox's address says."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.actor import Actor
from kesu.accounts.roles import Permission
from kesu.complaints import saved_views
from kesu.complaints.models import SavedView
from kesu.complaints.narrowing import Narrowing
from kesu.complaints.saved_views import LONGEST_QUERY, SavedViewError
from kesu.desk.gate import needs


@require_POST
@needs(Permission.VIEW)
def save(request: HttpRequest) -> HttpResponse:
    """``name`` and ``query``, the inbox's parameters. A name that stands already gets the new query."""
    asked = Narrowing.of(QueryDict(request.POST.get("query", "")[: 4 * LONGEST_QUERY]))
    try:
        saved_views.save(Actor.of(request), request.POST.get("name", ""), asked, now=clock.now())
    except SavedViewError as error:
        messages.warning(request, str(error))
    return redirect(reverse("desk:inbox") + asked.address())


@require_POST
@needs(Permission.VIEW)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody else's is none of ours: 404."""
    try:
        saved_views.remove(Actor.of(request), pk)
    except SavedView.DoesNotExist as error:
        raise Http404("no such view") from error
    return redirect("desk:inbox")
