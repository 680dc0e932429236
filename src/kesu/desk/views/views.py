"""A person's own saved views: a name for what the inbox's address says."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from kesu import clock
from kesu.accounts.models import User
from kesu.accounts.roles import Permission
from kesu.complaints.search import typed
from kesu.desk.gate import needs
from kesu.desk.models import SavedView
from kesu.desk.narrowing import Narrowing

MOST_VIEWS = 30
LONGEST_NAME = 40
LONGEST_QUERY = 1000


@require_POST
@needs(Permission.VIEW)
def save(request: HttpRequest) -> HttpResponse:
    """``name`` and ``query``, the inbox's parameters. A name that stands already gets the new query."""
    asked = Narrowing.of(QueryDict(request.POST.get("query", "")[: 4 * LONGEST_QUERY]))
    name = typed(request.POST.get("name", ""))[:LONGEST_NAME]
    user = request.user
    if not isinstance(user, User):
        raise Http404("nobody")
    mine = SavedView.objects.filter(user=user)
    if not name:
        messages.warning(request, _("Give the view a name."))
    elif len(asked.query) > LONGEST_QUERY:
        messages.warning(request, _("This view has too many filters to be saved."))
    elif mine.exclude(name=name).count() >= MOST_VIEWS:
        messages.warning(request, _("You have %(most)s views. Remove one first.") % {"most": MOST_VIEWS})
    else:
        values = {"query": asked.query, "created_at": clock.now()}
        SavedView.objects.update_or_create(user=user, name=name, defaults=values)
    return redirect(reverse("desk:inbox") + asked.address())


@require_POST
@needs(Permission.VIEW)
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody else's is none of ours: 404."""
    gone, _rows = SavedView.objects.filter(user=request.user.pk, pk=pk).delete()
    if not gone:
        raise Http404("no such view")
    return redirect("desk:inbox")
