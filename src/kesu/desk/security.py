"""What every page is protected by: a strict content policy, and sign-in by default."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Tabler draws its check marks and arrows from data: addresses inside its style sheet.
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""No inline script, no inline style, nothing from elsewhere: a text that slipped through could still do nothing."""

PICTURE_POLICY = "default-src 'none'; sandbox"
"""For bytes that somebody else made."""


class ContentSecurityPolicy:
    """Puts the policy on every response that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response


class SignInRequired(LoginRequiredMiddleware):
    """Every view asks for a signed-in person unless it says otherwise (``login_not_required``).

    A part of a page that refreshes itself must not receive the sign-in page in its place: the whole page goes there.
    """

    def handle_no_permission(  # type: ignore[override]
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        htmx: Any = getattr(request, "htmx", None)
        if not htmx:
            return super().handle_no_permission(request, view_func)
        back: str = htmx.current_url_abs_path or reverse("desk:inbox")
        return HttpResponseClientRedirect(redirect_to_login(back).url)


def private(response: HttpResponse) -> HttpResponse:
    """Mark a page with payers' words as not to be kept by caches or by the browser's history."""
    response.headers["Cache-Control"] = "no-store"
    return response


def kept_nowhere(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """``private`` for a view that is not ours to change: secrets of an account are on its page."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    return wrapped
