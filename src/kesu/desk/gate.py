"""Which permission a page asks for. What of it a person sees is decided where it is read: ``visible_to``."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from kesu.accounts.roles import Permission, require

View = Callable[..., HttpResponseBase]


def needs(permission: Permission) -> Callable[[View], View]:
    """Only for those whose role has ``permission``; everybody else is told whose has (403)."""

    def gated(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            require(request.user, permission)
            return view(request, *arguments, **named)

        return checked

    return gated
