"""What a person sees when a page could not be made."""

from __future__ import annotations

import sys

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation

from kesu.desk.language import chosen_language
from kesu.desk.security import private
from kesu.intake import storage
from kesu.threads.trouble import DISK_FULL, database_in_trouble, sqlstate

log = structlog.get_logger(__name__)

AGAIN_SECONDS = 10


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a defect of ours; 503, and what it means, while the database cannot be used. Costs no query."""
    error = _database_error(sys.exc_info()[1])
    with translation.override(chosen_language(request)):  # what failed may lie outside of the middleware for it
        return private(_trouble(request, error) if error else render(request, "500.html", status=500))


def _trouble(request: HttpRequest, error: BaseException) -> HttpResponse:
    disk_full = sqlstate(error) == DISK_FULL or storage.storage().problem() == storage.DISK_FULL
    again = request.get_full_path() if request.method == "GET" else reverse("desk:inbox")
    response = render(request, "503.html", {"disk_full": disk_full, "again": again}, status=503)
    response.headers["Retry-After"] = str(AGAIN_SECONDS)
    log.error("page_without_database", path=request.path, error=type(error).__name__, sqlstate=sqlstate(error))
    response._has_been_logged = True  # type: ignore[attr-defined]  # else Django writes a trace for every page
    return response


def _database_error(error: BaseException | None) -> BaseException | None:
    """The error of a database in trouble among an error and its causes (a template's error has one)."""
    while error is not None:
        if database_in_trouble(error):
            return error
        error = error.__cause__ or error.__context__
    return None
