"""Payers' pictures, from our own store. Their bytes are a stranger's: nothing in them may run."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from kesu.complaints import queries
from kesu.complaints.media import PICTURE_TYPES
from kesu.complaints.models import Media
from kesu.desk.security import PICTURE_POLICY


@require_GET
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        media = queries.picture(request.user, pk)
    except Media.DoesNotExist as error:
        raise Http404("no such picture") from error
    if media.blob is None or media.blob.content_type not in PICTURE_TYPES:
        raise Http404("not a picture")
    response = HttpResponse(bytes(media.blob.content), content_type=media.blob.content_type)
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response
