"""The desk's addresses, and some that fail as a real one seldom does."""

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from kesu.config.urls import handler500
from kesu.config.urls import urlpatterns as of_the_desk

__all__ = ["handler500", "urlpatterns"]


def fail(request: HttpRequest, status: int) -> HttpResponse:
    if status == 403:
        raise PermissionDenied
    if status == 500:
        raise RuntimeError("on purpose")
    if status == 503:
        raise OperationalError("the connection is closed")
    return render(request, "429.html", status=status)


urlpatterns = [path("trouble/<int:status>", fail), *of_the_desk]
